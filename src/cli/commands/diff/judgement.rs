//! The rows of `diff` held against the conditions of `--fail-if`.

use super::condition::FailCondition;
use crate::cli::answer::output::say;
use crate::report::{DiffDocument, DiffRow};

/// Hold every row against the conditions. A row with few requests on either side is held against none of its own: it is part of `all`. Each row of
/// which a number is not known is said, and missing, so that no gate is open for lack of a number.
pub(super) fn judge(document: &mut DiffDocument, conditions: &[FailCondition], min_count: u64) {
    let mut few = 0;
    for row in &mut document.rows {
        let name = row.group.values.join(" ");
        let is_few = is_few(row, min_count);
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
    if document.rows.is_empty() && !conditions.is_empty() {
        // A gate that nothing came to is not one that all passed.
        let nothing = "--fail-if: no request on either side is asked for, so that nothing was held against it";
        say(nothing);
        document.missing.push(nothing.to_owned());
        return;
    }
    for condition in conditions {
        let untold = untold(document, condition, min_count);
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

/// Whether a row has few requests on either side.
fn is_few(row: &DiffRow, min_count: u64) -> bool {
    row.before.count < min_count && row.after.count < min_count
}

/// So many rows are named of which a number is not known.
const MOST_UNTOLD: usize = 20;

/// Why a condition cannot be held against rows of enough requests, if so; what names no row is only said.
fn untold(document: &DiffDocument, condition: &FailCondition, min_count: u64) -> Option<String> {
    let named = |row: &&DiffRow| condition.is_of_row(&row.group.values.join(" "));
    let mut rows: Vec<&DiffRow> = document.rows.iter().filter(named).collect();
    if condition.names_rows() && rows.is_empty() {
        say(&format!("note: --fail-if {condition}: there is no such row on either side"));
        return None;
    }
    let all_few = rows.iter().all(|row| is_few(row, min_count));
    if condition.is_of_all() {
        rows.push(&document.all);
    }
    let mut unknown: Vec<&DiffRow> = rows.clone();
    unknown.retain(|row| !condition.is_known(&row.before, &row.after));
    let is_of_any = unknown.len() < rows.len() || !all_few;
    if is_of_any {
        // Few requests break nothing, known or not; all rows together are what they are.
        unknown.retain(|row| std::ptr::eq(*row, &document.all) || !is_few(row, min_count));
    }
    let what = if !unknown.is_empty() {
        let names = unknown_words(&unknown, rows.len());
        format!("what it is about is not known{names}: the logs do not say it, or a side has no end")
    } else if condition.is_of_change() && document.all.before.count == 0 && document.all.after.count > 0 {
        "there is no request before to compare with".to_owned()
    } else {
        return None;
    };
    let untold = format!("--fail-if {condition}: {what}");
    say(&untold);
    Some(untold)
}

/// ` of a, b`; nothing where it is none of the rows.
fn unknown_words(unknown: &[&DiffRow], of: usize) -> String {
    if unknown.len() == of {
        return String::new();
    }
    let names: Vec<String> = unknown.iter().take(MOST_UNTOLD).map(|row| row.group.values.join(" ")).collect();
    let more = unknown.len().saturating_sub(MOST_UNTOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" of {}{more}", names.join(", "))
}
