//! The command line itself: help, version, and what is no command.

use crate::log::{NOON, Request, text};
use crate::program::Folder;

const COMMANDS: [&str; 6] = ["run", "report", "slow", "lines", "records", "check"];

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let folder = Folder::new();
    let out = folder.run(&["--help"]).fine();
    for command in COMMANDS {
        assert!(out.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in {out}");
        let help = folder.run(&[command, "--help"]).fine();
        assert!(help.contains("Usage: spikeline") && help.contains("--config"), "{help}");
    }
    assert!(out.contains("Exit codes: 0 ") && out.contains("SPIKELINE_CONFIG"), "{out}");
    let version = folder.run(&["--version"]).fine();
    assert_eq!(version, format!("spikeline {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_contract_s_options_are_known() {
    let folder = Folder::new();
    let options = [
        "--from",
        "--until",
        "--since",
        "--at",
        "--window",
        "--route",
        "--status",
        "--min-time",
        "--format",
        "--log-format",
        "--escape",
        "--threads",
        "--config",
        "--store",
    ];
    for command in ["report", "slow", "lines", "records"] {
        let help = folder.run(&[command, "--help"]).fine();
        for option in options {
            assert!(help.contains(&format!("{option} ")), "{command} has no {option}");
        }
    }
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    let folder = Folder::new();
    folder.write("a.log", text(&[Request::new(NOON, 1, "/")], Request::combined_plus));
    folder.run(&[]).said(2, &["Usage"]);
    folder.run(&["reprot"]).said(2, &["reprot", "report"]);
    folder.run(&["report", "a.log", "--formt", "csv"]).said(2, &["--formt", "--format"]);
    folder.run(&["report", "a.log", "--format", "xml"]).said(2, &["xml", "csv"]);
    folder.run(&["report", "a.log", "--threads", "0"]).said(2, &["--threads"]);
    folder.run(&["report", "a.log", "--since", "-1h", "--from", "-2h"]).said(2, &["--since", "--from"]);
    folder.run(&["report", "a.log", "--from", "whenever"]).said(2, &["--from", "whenever"]);
    folder.run(&["report", "a.log", "--from", "-1h", "--until", "-2h"]).said(2, &["--from", "--until"]);
}
