//! To carbon: what points are called, how they are written on the wire, the connection, and what is still owed.
//!
//! Carbon acknowledges nothing and keeps the last value of a timestamp, so everything here rests on one idea: a
//! slot is always sent whole and may be sent again. [`Naming`] turns a cell into [`Points`], a [`Link`] writes them
//! to one [`Destination`] and says whether the operating system took them all, and [`Owed`] remembers which slots a
//! destination has not had yet (or may have lost). [`Naming::read_series`] goes back from a series to its route. No threads here: the daemon runs one per destination, and time
//! comes in as a parameter.

mod address;
mod archives;
mod backoff;
mod cell_metric;
mod chunks;
mod connection;
mod destination;
mod dns;
mod endpoints;
mod link;
mod naming;
mod owed_slots;
mod points;
mod protocol;
mod roll_up;
mod series_choice;
mod series_name;
mod whisper_header;

pub use address::CarbonAddress;
pub use archives::{Archive, parse_archives, spell_archives, step_of_slot};
#[cfg(feature = "otlp")]
pub(crate) use backoff::Backoff;
pub use cell_metric::{CellMetric, TimeStatistic};
pub use chunks::Chunks;
pub use destination::{CONNECT_TIMEOUT, Destination, SendMode, WRITE_TIMEOUT, check_address};
pub use dns::{CarbonHost, CarbonHosts, look_up_hosts};
pub use link::{Link, LinkCounters, LinkState, SendError, SendStep};
pub use naming::Naming;
pub use owed_slots::{DeliveryDoubt, Owed, OwedState, RESEND, RESEND_UNACKNOWLEDGED, UNREAD_BYTES};
pub use points::{Point, Points, is_timely};
pub use protocol::{CHUNK, DATAGRAM, Protocol};
pub use roll_up::{ROLL_UPS, RollUp, pattern_of_prefix, pattern_of_roll_up, roll_up_of, series_of_route};
pub use series_choice::{Percentile, SeriesChoice, TimeUnit};
pub use series_name::{ForeignName, SeriesName};
pub use whisper_header::{WHISPER_HEAD, WhisperHeader};
