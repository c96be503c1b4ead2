//! Wrapped lines.
