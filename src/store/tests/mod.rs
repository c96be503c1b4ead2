//! The store on a medium in memory: what it answers, and what faults and crashes leave of it.

mod answers;
mod bits;
mod calls;
mod crash;
mod faults;
mod history;
mod memory;
mod mending;
mod power;
mod tending;
mod traffic;
