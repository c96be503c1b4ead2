//! The store on a medium in memory: what it answers, and what faults and crashes leave of it.

mod answers;
mod crash;
mod faults;
mod memory;
mod mending;
mod tending;
mod traffic;
