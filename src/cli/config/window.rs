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
