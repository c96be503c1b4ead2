//! The command line: from arguments and configuration to one command's run.

pub mod config;
