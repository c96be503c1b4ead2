//! The rows of `diff` held against the conditions of `--fail-if`.

use super::condition::FailCondition;
use crate::cli::answer::output::say;
use crate::report::{DiffDocument, DiffRow};

/// Hold every row against the conditions. A row with few requests on either side is held against none of its own: it is part of `all`. Of what
/// cannot be told at all it is said, so that no gate is open for lack of a number.
pub(super) fn judge(document: &mut DiffDocument, conditions: &[FailCondition], min_count: u64) {
    let mut few = 0;
    for row in &mut document.rows {
        let name = row.group.values.join(" ");
        let is_few = row.before.count < min_count && row.after.count < min_count;
        for condition in conditions {
            if !condition.is_of_row(&name) || !condition.is_broken(&row.before, &row.after) {
                continue;
            }
            if is_few {
                few += 1;
                continue;
            }
            row.failed.push(condition.to_string());
            document.failed.push(format!("{condition}: {name}"));
        }
    }
    for condition in conditions {
        if condition.is_of_all() && condition.is_broken(&document.all.before, &document.all.after) {
            document.all.failed.push(condition.to_string());
            document.failed.push(format!("{condition}: all"));
        }
    }
    if few > 0 {
        say(&format!("{few} would have failed in rows of fewer than {min_count} requests (--min-count)"));
    }
    for condition in conditions {
        let untold = untold(document, condition);
        document.missing.extend(untold);
    }
    if !are_about_as_long(document.before_ms, document.after_ms)
        && conditions.iter().any(FailCondition::grows_with_length)
    {
        say("note: the sides are not as long, and counts and sums are compared as they are; `rate` is of a second");
    }
}

/// Whether two lengths differ by a twentieth at most; those of files are from a first request to a last.
fn are_about_as_long(one: Option<u64>, other: Option<u64>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.abs_diff(other) <= one.max(other) / 20)
}

/// Why a condition can be held against nothing, if it cannot; what names no row is only said.
fn untold(document: &DiffDocument, condition: &FailCondition) -> Option<String> {
    let named = |row: &&DiffRow| condition.is_of_row(&row.group.values.join(" "));
    let rows: Vec<&DiffRow> = match condition.names_rows() {
        true => document.rows.iter().filter(named).collect(),
        false => vec![&document.all],
    };
    if rows.is_empty() {
        say(&format!("note: --fail-if {condition}: there is no such row on either side"));
        return None;
    }
    let what = if rows.iter().all(|row| !condition.is_known(&row.before, &row.after)) {
        "what it is about is not known: the logs do not say it, or a side has no end"
    } else if condition.is_of_change() && document.all.before.count == 0 && document.all.after.count > 0 {
        "there is no request before to compare with"
    } else {
        return None;
    };
    let untold = format!("--fail-if {condition}: {what}");
    say(&untold);
    Some(untold)
}
