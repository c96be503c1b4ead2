//! What is answered, apart from how it is sent.

use serde::Serialize;

use crate::error::{Error, ErrorClass, Result};

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// 200 with this body.
    pub fn of(content_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: 200, content_type, body: body.into(), headers: Vec::new() }
    }

    /// 200 with JSON.
    ///
    /// # Errors
    /// If the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Reply> {
        let body = serde_json::to_vec(value).map_err(|error| Error::failed(format!("cannot write JSON: {error}")))?;
        Ok(Reply::of("application/json", body))
    }

    /// Plain text with any status.
    pub fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, ..Reply::of("text/plain; charset=utf-8", body.into()) }
    }

    /// HTML.
    pub fn html(body: impl Into<String>) -> Reply {
        Reply::of("text/html; charset=utf-8", body.into())
    }

    /// Go there: a path of this server.
    pub fn see_other(path: impl Into<String>) -> Reply {
        Reply::text(303, "").with("Location", path)
    }

    /// An error in words: 400 for what was asked wrongly, else 503: it may be better later.
    pub fn failed(error: &Error) -> Reply {
        let status = if error.class() == ErrorClass::Usage { 400 } else { 503 };
        Reply::text(status, format!("{error}\n"))
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// The same for browsers to keep: what it is never changes under its path.
    #[must_use]
    pub fn for_ever(self) -> Reply {
        self.with("Cache-Control", "max-age=31536000, immutable")
    }
}
