//! nginx's variables: what their values are made of, how they are escaped, which say what about a request, and which names
//! are nginx's own. Called by all floors below, knows none.

mod duration_unit;
mod escape;
mod meaning;
pub mod nginx_variables;
mod roles;
mod shape;
mod shape_bytes;
pub mod shape_fit;
mod variable;

pub use duration_unit::DurationUnit;
pub use escape::Escape;
pub use meaning::{FieldMeaning, MadeVariable, read_meaning};
pub use roles::{Roles, TimeNotation};
pub use shape::ValueShape;
pub use variable::{Variable, VariableKind};

pub(crate) use shape::UNREAD;
pub(crate) use shape_bytes::{ByteTable, byte_table, bytes_of_values, is_request_header, is_sent_text, shape_of_value};
pub(crate) use variable::is_name_byte;
