//! Whether the lines of a log that the configuration does not name fit one of the formats that it has.

use super::formats::learn_keys;
use super::head::HEAD_LINES;
use crate::daemon::Log;
use crate::grammar::{DetectionOutcome, Format, detect, texts, wrapper_of};

/// The share of a log's first lines that must fit: all but what may be torn.
const FITTING: f64 = 0.95;

/// The format of one of these logs that the log that begins with `head` fits, and that log's name.
///
/// # Errors
/// The lines fit several of them, which read different things.
pub(in crate::cli) fn configured_format<'l>(logs: &'l [Log], head: &[u8]) -> Result<Option<(Format, &'l str)>, String> {
    if logs.is_empty() {
        return Ok(None);
    }
    let wrapper = wrapper_of(head, HEAD_LINES);
    let alike = logs.iter().filter(|log| log.format.wrapper() == wrapper);
    let (mut named, mut formats) = (Vec::new(), Vec::new());
    for log in alike {
        named.push(log);
        formats.push(learn_keys(&log.format, head).without_wrapper());
    }
    let texts = texts(wrapper, head, HEAD_LINES);
    let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
    let detection = detect(&lines, &formats);
    // Its mirror, which no line may refute, is none that is configured.
    let found = match &detection.outcome {
        DetectionOutcome::Found { format, .. } => Some(*format),
        DetectionOutcome::Doubt(doubt) => Some(doubt.format),
        _ => None,
    };
    if let Some(format) = found
        && detection.shares.get(format).is_some_and(|&share| share >= FITTING)
    {
        return Ok(named.get(format).map(|log| (learn_keys(&log.format, head), log.pattern.as_str())));
    }
    match detection.outcome {
        DetectionOutcome::Tie { formats } => {
            let names: Vec<&str> =
                formats.iter().filter_map(|at| named.get(*at)).map(|log| log.pattern.as_str()).collect();
            Err(format!("its lines fit the formats of several configured logs alike: {}", names.join(", ")))
        }
        _ => Ok(None),
    }
}
