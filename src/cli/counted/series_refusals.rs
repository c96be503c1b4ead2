//! What is refused of whoever asks for members of series: over files and over the store alike.

use crate::error::{Error, Result};
use crate::pipeline::{Filter, asks_for_members};
use crate::record::RequestField;
use crate::store::View;

/// Attempts are counted by fields or as members of a series, not as both.
///
/// # Errors
/// Both are asked for.
pub(in crate::cli) fn refuse_attempts_twice(view: &View, filter: &Filter, by: &[RequestField]) -> Result<()> {
    refuse_attempts_of_series(asks_for_members(view, filter), by)
}

/// The same of whoever asks for members of series.
pub(in crate::cli) fn refuse_attempts_of_series(asks_for_members: bool, by: &[RequestField]) -> Result<()> {
    let is_attempt = |field: &RequestField| matches!(field, RequestField::Attempts(_));
    if asks_for_members && by.iter().any(is_attempt) {
        let what = "--by counts each attempt by itself, and so do the series that --route asks for";
        return Err(Error::usage(what).remedy("ask for one of the two"));
    }
    Ok(())
}

/// Members of series are not what a command counts.
///
/// # Errors
/// The filter asks for some.
pub(in crate::cli) fn refuse_members(view: &View, filter: &Filter, command: &str) -> Result<()> {
    refuse_series(asks_for_members(view, filter), command)
}

/// The same of whoever asks for members of series.
pub(in crate::cli) fn refuse_series(asks_for_members: bool, command: &str) -> Result<()> {
    if !asks_for_members {
        return Ok(());
    }
    let what = format!("--route asks for members of a [[series]], and `{command}` is of routes");
    Err(Error::usage(what).remedy("`spikeline report`, `slow` and `lines` take them"))
}
