//! To carbon: what points are called, how they are written on the wire, the connection, and what is still owed.
//!
//! Carbon acknowledges nothing and keeps the last value of a timestamp, so everything here rests on one idea: a
//! slot is always sent whole and may be sent again. [`Naming`] turns a cell into [`Points`], a [`Link`] writes them
//! to one [`Destination`] and says whether the operating system took them all, and [`Owed`] remembers which slots a
//! destination has not had yet (or may have lost). No threads here: the daemon runs one per destination, and time
//! comes in as a parameter.

mod backoff;
mod chunk;
mod connection;
mod destination;
mod link;
mod name;
mod owed;
mod pickle;
mod plaintext;
mod point;

pub use chunk::{CHUNK, Chunks, DATAGRAM};
pub use destination::{Destination, Protocol};
pub use link::{Counters, Link, LinkState, SendError, Step};
pub use name::Naming;
pub use owed::{Owed, Parts, RESEND};
pub use point::{Point, Points, timely};
