//! What a collector's answer means: taken, taken in part, refused for good, or to be tried again.
//!
//! OTLP/HTTP lets 429, 502, 503 and 504 be tried again and all else be given up. Here only what says of the *data* that it is wrong is
//! given up (400, 413, 422): a slot that waits costs nothing, and what says that the sender, or the address, is wrong (401, 404) is mended
//! by a person, who will want what was sent meanwhile.

use std::time::Duration;

use chrono::{DateTime, Utc};
use prost::Message;

use super::messages::{ExportResponseProto, StatusProto};

/// No more of what it says is repeated.
const WORDS: usize = 200;

/// A wait that is asked for is kept to for so long at most.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What came back.
#[derive(Debug, Clone, Default)]
pub(super) struct HeardAnswer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExportVerdict {
    /// Taken, but for so many points; with what it says to that.
    Taken { rejected: u64, words: String },
    /// The data are wrong: they would be again.
    Refused(String),
    /// To be tried again, no sooner than it asks.
    Later { after: Option<Duration>, words: String },
}

impl HeardAnswer {
    /// `now`: by which a date of Retry-After is a wait.
    pub(super) fn judge(&self, now: DateTime<Utc>) -> ExportVerdict {
        match self.status {
            200..=299 if self.is_page() => {
                self.later(now, "a page, as no collector does: is the path right?".to_owned())
            }
            200..=299 => self.read_success(),
            // A proxy before it says 400 with a page, also of its own mistakes.
            413 | 422 => ExportVerdict::Refused(self.words()),
            400 if !self.is_page() => ExportVerdict::Refused(self.words()),
            401 | 403 => self.later(now, format!("{}: are the `headers` right?", self.words())),
            404 | 405 => self.later(now, format!("{}: is the path right, and does it take metrics?", self.words())),
            415 => self.later(now, format!("{}: does it take OTLP as protobuf?", self.words())),
            _ => self.later(now, self.words()),
        }
    }

    fn later(&self, now: DateTime<Utc>, words: String) -> ExportVerdict {
        let asked = self.retry_after.as_deref().and_then(|text| wait_of(text, now));
        ExportVerdict::Later { after: asked.map(|wait| wait.min(LONGEST_WAIT)), words: format!("it answered {words}") }
    }

    /// An empty body is a full success, and so is one in a form that is not read here.
    fn read_success(&self) -> ExportVerdict {
        let partial = match self.is_protobuf() {
            true => ExportResponseProto::decode(self.body.as_slice()).ok().and_then(|said| said.partial_success),
            false => None,
        };
        let (rejected, words) =
            partial.map_or((0, String::new()), |partial| (partial.rejected_points, partial.message));
        ExportVerdict::Taken { rejected: u64::try_from(rejected).unwrap_or_default(), words: harmless(&words) }
    }

    /// The status, and what is said to it.
    fn words(&self) -> String {
        let said = match self.is_protobuf() {
            true => StatusProto::decode(self.body.as_slice()).map(|status| status.message).unwrap_or_default(),
            false if self.is_page() => String::new(),
            false => String::from_utf8_lossy(&self.body).into_owned(),
        };
        match harmless(said.trim()) {
            empty if empty.is_empty() => self.status.to_string(),
            said => format!("{} ({said})", self.status),
        }
    }

    fn is_protobuf(&self) -> bool {
        self.content_type.starts_with("application/x-protobuf")
    }

    fn is_page(&self) -> bool {
        self.content_type.starts_with("text/html")
    }
}

/// A stranger's words, made safe to print and short.
fn harmless(text: &str) -> String {
    text.chars().take(WORDS).flat_map(char::escape_debug).filter(|c| !c.is_control()).collect()
}

/// The wait that Retry-After asks for: seconds, or until a date.
fn wait_of(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    until.signed_duration_since(now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::super::messages::PartialSuccessProto;
    use super::*;

    const PROTOBUF: &str = "application/x-protobuf";

    fn judged(status: u16, content_type: &str, body: &[u8]) -> ExportVerdict {
        let answer =
            HeardAnswer { status, content_type: content_type.to_owned(), body: body.to_vec(), retry_after: None };
        answer.judge(DateTime::UNIX_EPOCH)
    }

    fn taken(rejected: u64, words: &str) -> ExportVerdict {
        ExportVerdict::Taken { rejected, words: words.to_owned() }
    }

    #[test]
    fn success_may_be_partial() {
        let partial = |rejected_points, message: &str| {
            let partial_success = Some(PartialSuccessProto { rejected_points, message: message.to_owned() });
            ExportResponseProto { partial_success }.encode_to_vec()
        };
        assert_eq!(judged(200, PROTOBUF, b""), taken(0, ""));
        assert_eq!(judged(202, "application/json", b"{}"), taken(0, ""));
        assert_eq!(judged(200, PROTOBUF, &partial(3, "too old\u{1b}[2J")), taken(3, "too old\\u{1b}[2J"));
        assert_eq!(judged(200, PROTOBUF, &partial(-1, "")), taken(0, ""));
        assert_eq!(judged(200, PROTOBUF, b"\xff\xff"), taken(0, ""));
    }

    #[test]
    fn wrong_data_are_refused_and_all_else_waits() {
        let said = StatusProto { message: "invalid temporality".to_owned() }.encode_to_vec();
        assert_eq!(judged(400, PROTOBUF, &said), ExportVerdict::Refused("400 (invalid temporality)".to_owned()));
        assert_eq!(judged(413, "text/html", b"<html>"), ExportVerdict::Refused("413".to_owned()));
        assert_eq!(judged(400, "text/plain; charset=utf-8", b"bad\n"), ExportVerdict::Refused("400 (bad)".to_owned()));
        for status in [301, 401, 403, 404, 405, 408, 415, 429, 500, 501, 502, 503, 504] {
            assert!(matches!(judged(status, "text/plain", b""), ExportVerdict::Later { .. }), "{status}");
        }
        for status in [200, 400] {
            assert!(matches!(judged(status, "text/html", b"<html>"), ExportVerdict::Later { .. }), "a page, {status}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_bounded() {
        let wait = |text: &str| {
            let answer = HeardAnswer { status: 503, retry_after: Some(text.to_owned()), ..HeardAnswer::default() };
            match answer.judge(DateTime::from_timestamp(784_111_777, 0).unwrap()) {
                ExportVerdict::Later { after, .. } => after.map(|wait| wait.as_secs()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((wait("7"), wait(" 120 "), wait("999999")), (Some(7), Some(120), Some(3600)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!((wait("Sun, 06 Nov 1994 08:49:27 GMT"), wait("soon"), wait("-1")), (None, None, None));
    }
}
