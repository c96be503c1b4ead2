//! The answers are right, and depend on the lines alone.

mod answers;
