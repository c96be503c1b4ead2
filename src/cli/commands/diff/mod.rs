//! `spikeline diff`: two windows, two sets of files, or one of each, compared row by row.

mod condition;
mod judgement;
mod sides;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use condition::FailCondition;
use judgement::judge;
use sides::{CountedSide, SideSpec};

use crate::cli::answer::Answer;
use crate::cli::answer::html_answer::{AnswerEnd, AnsweredWindow, html_head, side_words};
use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::args::{DiffArguments, DiffOrder};
use crate::cli::counted::{Rows, fields_of, names_of};
use crate::cli::input::context::Context;
use crate::error::Result;
use crate::explain::{Change, RouteSums, SideSums};
use crate::histogram::{Cell, Time};
use crate::report::html::{DiffPage, HtmlHead};
use crate::report::latency::GroupValue;
use crate::report::{ChangeWords, ComparedSide, DiffDocument, DiffRow, Presence, count};
use crate::route::RouteId;
use crate::time::{NamedZone, Window};

pub(super) fn diff(context: &Context, arguments: &DiffArguments) -> Result<Answer> {
    let mut conditions = Vec::new();
    for text in &arguments.fail_if {
        conditions.push(FailCondition::parse(text)?);
    }
    let by = fields_of(&arguments.by)?;
    let before = SideSpec::parse(&arguments.before)?.count(context, arguments, &by)?;
    let after = SideSpec::parse(&arguments.after)?.count(context, arguments, &by)?;
    let mut missing = before.counted.missing.clone();
    missing.extend(after.counted.missing.iter().cloned());
    let compared = PairedRows::new(names_of(&arguments.by), &before, &after);
    let mut document = DiffDocument {
        before: arguments.before.clone(),
        after: arguments.after.clone(),
        before_ms: before.length_ms,
        after_ms: after.length_ms,
        change: compared.change,
        failed: Vec::new(),
        missing,
        rows: compared.rows,
        all: compared.all,
    };
    judge(&mut document, &conditions, arguments.min_count);
    sort_rows(&mut document.rows, arguments.sort);
    let found = !document.rows.is_empty();
    if let Some(limit) = arguments.limit
        && document.rows.len() > limit
    {
        let all = count(document.rows.len() as u64);
        // What broke a condition is never left out.
        let mut left = limit;
        document.rows.retain(|row| {
            let kept = left > 0 || !row.failed.is_empty();
            left = left.saturating_sub(1);
            kept
        });
        say(&format!("{} of {all} rows (--limit)", count(document.rows.len() as u64)));
    }
    let mut out = stdout();
    match arguments.format.of_rows() {
        Some(form) => written(document.write(form, style(), &mut out))?,
        None => {
            let zone = NamedZone::Local;
            let window = spanned(before.counted.window, after.counted.window);
            let seen = before.counted.span.zip(after.counted.span).map(|(before, after)| spanned(before, after));
            let words =
                |typed: &str, side: &CountedSide| side_words(typed, side.counted.window, side.counted.span, zone);
            let (before_words, after_words) = (words(&arguments.before, &before), words(&arguments.after, &after));
            let answered = AnsweredWindow { window, seen, zone };
            let last_word = after.last_word.or(before.last_word);
            let end = AnswerEnd { last_word, missing: &document.missing };
            let head = html_head("diff", "Before and after", &answered, end, context.now);
            let head = HtmlHead { window: format!("{before_words}, and then {after_words}"), ..head };
            let (before, after) =
                (before.counted.pictures.unwrap_or_default(), after.counted.pictures.unwrap_or_default());
            let (before, after) = (&before.pictured, &after.pictured);
            let page = DiffPage { head, diff: &document, before_words, after_words, before, after, zone };
            written(page.write(&mut out))?;
        }
    }
    written(out.flush())?;
    for failed in &document.failed {
        say(&format!("failed: {failed}"));
    }
    if !document.failed.is_empty() {
        return Ok(Answer::Nothing);
    }
    Ok(Answer::from_found(found, &document.missing))
}

/// From the beginning of the first to the end of the last.
fn spanned(one: Window, other: Window) -> Window {
    Window { from: one.from.min(other.from), until: one.until.max(other.until) }
}

/// Both sides, row beside row.
struct PairedRows {
    rows: Vec<DiffRow>,
    all: DiffRow,
    change: ChangeWords,
}

impl PairedRows {
    fn new(by: Vec<String>, before: &CountedSide, after: &CountedSide) -> PairedRows {
        let pairs = pair_rows(&before.counted.rows, &after.counted.rows);
        let mut sums = Vec::new();
        for (at, pair) in (0..).zip(pairs.values()) {
            let sums_of = |cell: &Cell| {
                let latency = cell.time(Time::Request);
                SideSums::unphased(latency.count(), latency.sum_ms(), cell.slow)
            };
            let both = RouteSums { window: sums_of(&pair.after), baseline: sums_of(&pair.before) };
            sums.push((RouteId(at), both));
        }
        // Sides whose length is not known are compared as they are.
        let lengths = before.length_ms.zip(after.length_ms);
        let (before_ms, after_ms) = lengths.unwrap_or((1, 1));
        let change = Change::new(&sums, after_ms, before_ms);
        let mut of_row = BTreeMap::new();
        for route in &change.routes {
            of_row.insert(route.route, (route.change_ms, route.slower_ms));
        }
        let by: Arc<[String]> = Arc::from(by);
        let (mut rows, mut all) = (Vec::new(), CellPair::default());
        for (at, (values, pair)) in (0..).zip(pairs) {
            let (change_ms, slower_ms) = of_row.get(&RouteId(at)).copied().unwrap_or_default();
            all.before.merge(&pair.before);
            all.after.merge(&pair.after);
            let group = GroupValue { by: Arc::clone(&by), values };
            rows.push(DiffRow { change_ms, slower_ms, ..pair.row(group, before.length_ms, after.length_ms) });
        }
        let group = GroupValue { by, values: vec!["all".to_owned()] };
        let all = DiffRow {
            change_ms: change.parts.total,
            slower_ms: change.parts.slower,
            ..all.row(group, before.length_ms, after.length_ms)
        };
        let parts = change.parts;
        let change = ChangeWords { volume: parts.volume, mix: parts.mix, slower: parts.slower, total: parts.total };
        PairedRows { rows, all, change }
    }
}

/// What was counted of one row.
#[derive(Default)]
struct CellPair {
    before: Cell,
    after: Cell,
}

impl CellPair {
    fn row(&self, group: GroupValue, before_ms: Option<u64>, after_ms: Option<u64>) -> DiffRow {
        let presence = match (self.before.requests, self.after.requests) {
            (0, 0) => Presence::Neither,
            (0, _) => Presence::New,
            (_, 0) => Presence::Gone,
            _ => Presence::Both,
        };
        DiffRow {
            group,
            presence,
            before: ComparedSide::new(&self.before, before_ms),
            after: ComparedSide::new(&self.after, after_ms),
            ..DiffRow::default()
        }
    }
}

/// The rows of both sides by their values.
fn pair_rows(before: &Rows, after: &Rows) -> BTreeMap<Vec<String>, CellPair> {
    let mut pairs: BTreeMap<Vec<String>, CellPair> = BTreeMap::new();
    for (values, cell) in before {
        pairs.entry(values.clone()).or_default().before.merge(cell);
    }
    for (values, cell) in after {
        pairs.entry(values.clone()).or_default().after.merge(cell);
    }
    pairs
}

fn sort_rows(rows: &mut [DiffRow], sort: DiffOrder) {
    rows.sort_by(|one, other| {
        let rank = |row: &DiffRow| match sort {
            DiffOrder::Slower => row.slower_ms,
            DiffOrder::Time => row.change_ms,
            DiffOrder::Count => i64::try_from(row.after.count.max(row.before.count)).unwrap_or(i64::MAX),
            DiffOrder::P99 => {
                let millis = |time: Option<u64>| i64::try_from(time.unwrap_or(0)).unwrap_or(i64::MAX);
                millis(row.after.p99_ms).saturating_sub(millis(row.before.p99_ms))
            }
            DiffOrder::Name => 0,
        };
        rank(other).cmp(&rank(one)).then_with(|| one.group.values.cmp(&other.group.values))
    });
}
