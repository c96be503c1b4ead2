//! The fields of a line that `slow` looks at, as the lines of one format have them.

use crate::grammar::Format;
use crate::record::{GroupingFields, Needs, Record, RecordValues, RequestField};

/// What makes a class, who asked, and whether an upstream was.
#[derive(Debug)]
pub(super) struct SlowFields {
    pub(super) grouping: GroupingFields,
    /// The variable of the client's address.
    client: Option<usize>,
    /// The variable of the upstreams' addresses.
    upstream_addr: Option<usize>,
    /// The lines say how long upstreams took.
    times_upstreams: bool,
}

impl SlowFields {
    /// Those of a format.
    pub(super) fn of_format(by: &[RequestField], format: &Format) -> SlowFields {
        SlowFields {
            grouping: GroupingFields::of_format(by, format),
            client: format.index_of("remote_addr"),
            upstream_addr: format.index_of("upstream_addr"),
            times_upstreams: tells_upstream_times(format),
        }
    }

    /// What has to be read of a line for them.
    pub(super) fn needs(&self) -> Needs {
        let mut needs = self.grouping.needs();
        needs.variables.extend(self.client);
        needs.variables.extend(self.upstream_addr);
        needs
    }

    /// The address of the client, as it is logged.
    pub(super) fn client<'v>(&self, values: &RecordValues<'v>) -> Option<&'v [u8]> {
        values.value(self.client?).filter(|address| is_told(address))
    }

    /// Whether the request timed out with nobody waiting for it.
    pub(super) fn is_unwaited(&self, record: &Record<'_>, values: &RecordValues<'_>) -> bool {
        if !matches!(record.status, Some(408 | 499)) {
            return false;
        }
        let asked = match self.upstream_addr {
            Some(addresses) => Some(values.value(addresses).is_some_and(is_told)),
            None => self.times_upstreams.then(|| record.upstream_ms.iter().any(Option::is_some)),
        };
        is_unwaited_status(record.status, asked)
    }
}

/// Whether lines of the format tell how long upstreams took.
pub(super) fn tells_upstream_times(format: &Format) -> bool {
    format.roles().upstream.first().is_some_and(Option::is_some)
}

/// Whether that status says that nobody waited; `asked` whether an upstream was asked, if that is known. A 408 is the client's own
/// unless an upstream sent it.
pub(super) fn is_unwaited_status(status: Option<u16>, asked: Option<bool>) -> bool {
    match status {
        Some(408) => asked != Some(true),
        Some(499) => asked == Some(false),
        _ => false,
    }
}

/// Whether a value stands there.
fn is_told(value: &[u8]) -> bool {
    !matches!(value, b"" | b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_where_no_upstream_was_asked() {
        for (status, asked, unwaited) in [
            (408, None, true),
            (408, Some(false), true),
            (408, Some(true), false),
            (499, None, false),
            (499, Some(false), true),
            (499, Some(true), false),
            (504, Some(false), false),
        ] {
            assert_eq!(is_unwaited_status(Some(status), asked), unwaited, "{status} {asked:?}");
        }
        assert!(!is_unwaited_status(None, Some(false)));
    }
}
