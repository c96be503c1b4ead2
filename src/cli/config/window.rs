//! Errors of `--from`, `--until` and the like as usage errors.

use crate::error::Error;
use crate::time::{AtError, WindowError};

impl From<WindowError> for Error {
    fn from(error: WindowError) -> Error {
        with_remedy(Error::usage(error.what), error.remedy)
    }
}

impl From<AtError> for Error {
    fn from(error: AtError) -> Error {
        let what =
            format!("`{}` is not a point in time: expected {} at byte {}", error.text, error.expected, error.offset);
        with_remedy(Error::usage(what), error.hint)
    }
}

fn with_remedy(error: Error, remedy: Option<String>) -> Error {
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Timestamp, Window, WindowSpec, parse_at};

    #[test]
    fn a_wrong_time_is_a_usage_error_with_its_remedy() {
        let spec = WindowSpec { from: Some("-10m".to_owned()), ..WindowSpec::default() };
        let error = Error::from(spec.resolve(Timestamp(0), &chrono::Utc, Window::ALL).unwrap_err());
        assert_eq!(error.exit_code(), 2);
        let expected = "--from: `-10m`: expected a unit (s, min, h, d, w, mon or y) at byte 3\n  to mend it: did you mean \
                        `-10min`? (months are `mon`)";
        assert_eq!(error.to_string(), expected);
        let error = Error::from(parse_at("13pm", Timestamp(0), &chrono::Utc).unwrap_err());
        let expected = "`13pm` is not a point in time: expected an hour from 1 to 12 before am or pm at byte 0";
        assert_eq!(error.to_string(), expected);
    }
}
