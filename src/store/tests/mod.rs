//! The store on a medium in memory: what it answers, and what faults and crashes leave of it. The folders are those of the
//! floors whose promises they hold; `support` is the medium, the traffic and the long history that they share.

mod disk;
mod query;
mod support;
mod upkeep;
