//! What stands behind the selector: line filters, parsers, filters of fields.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::value;

use super::ast::{
    ComparedValue, FieldComparison, FieldFilter, LabelMatcher, LineFilter, LogSelection, MatchOperator, QueryStage,
};
use super::lexis::{
    LogqlResult, blank, duration, keyword, must_be, name, number, refuse, regex, shown, sign, size, string,
};
use super::selector::{match_operator, selector};

/// Stages that Loki knows and that are not answered here.
const REFUSED: [&str; 8] =
    ["unwrap", "unpack", "pattern", "regexp", "line_format", "label_format", "decolorize", "label_replace"];

/// A log query may nest so deep.
const DEEPEST: usize = 32;

/// A selector and its stages.
pub(super) fn log_selection(text: &str) -> LogqlResult<'_, LogSelection> {
    let (rest, matchers) = selector(text)?;
    pipeline(rest).map(|(rest, stages)| (rest, LogSelection { matchers, stages }))
}

/// What stands behind a selector, which may be nothing.
pub(super) fn pipeline(text: &str) -> LogqlResult<'_, Vec<QueryStage>> {
    let (mut rest, mut stages) = (text, Vec::new());
    loop {
        let next = blank(rest);
        if next.starts_with("|>") || next.starts_with("!>") {
            return refuse(next, "pattern filters (`|>`, `!>`) are not supported here; use |= or |~");
        }
        let is_filter = ["|=", "|~", "!=", "!~"].iter().any(|sign| next.starts_with(sign));
        let (behind, stage) = match is_filter {
            true => line_filter(next).map(|(behind, filter)| (behind, Some(QueryStage::Line(filter))))?,
            false if next.starts_with('|') => pipe_stage(next.get(1..).unwrap_or_default())?,
            false => return Ok((rest, stages)),
        };
        stages.extend(stage);
        rest = behind;
    }
}

/// `|= "a" or "b"`.
fn line_filter(text: &str) -> LogqlResult<'_, LineFilter> {
    let (mut rest, operator) = alt((
        value(MatchOperator::Equal, sign("|=")),
        value(MatchOperator::Matches, sign("|~")),
        value(MatchOperator::NotEqual, sign("!=")),
        value(MatchOperator::NotMatches, sign("!~")),
    ))
    .parse(text)?;
    let mut filter = LineFilter { operator, texts: Vec::new(), regexes: Vec::new() };
    loop {
        let place = blank(rest);
        if keyword("ip")(rest).is_ok() {
            return refuse(place, "`ip()` is not supported here; use |~ or remote_addr=~");
        }
        let (behind, text) = committed(string(rest))?;
        if operator.is_regex() {
            filter.regexes.push(regex(place, &text, false)?);
        }
        filter.texts.push(text);
        match keyword("or")(behind) {
            Ok((behind, _)) => rest = behind,
            Err(_) => return Ok((behind, filter)),
        }
    }
}

/// What stands behind a `|`; nothing for parsers, since fields are known anyway.
fn pipe_stage(text: &str) -> LogqlResult<'_, Option<QueryStage>> {
    let place = blank(text);
    let Ok((rest, word)) = name(text) else {
        return field_filter(text, 0).map(|(rest, filter)| (rest, Some(QueryStage::Fields(filter))));
    };
    // A field may be called like a stage.
    let is_compared = comparison(rest).is_ok() || match_operator(rest).is_ok();
    match word {
        _ if is_compared => field_filter(text, 0).map(|(rest, filter)| (rest, Some(QueryStage::Fields(filter)))),
        "json" | "logfmt" => {
            let behind = blank(rest);
            if behind.starts_with("--") || name(behind).is_ok() || behind.starts_with('"') {
                return refuse(
                    behind,
                    format!("parameters of `{word}` are not supported here: fields have nginx's names"),
                );
            }
            Ok((rest, None))
        }
        "drop" | "keep" => {
            let (rest, labels) = label_list(rest)?;
            Ok((rest, Some(if word == "drop" { QueryStage::Drop(labels) } else { QueryStage::Keep(labels) })))
        }
        _ if REFUSED.contains(&word) => refuse(place, format!("`{word}` is not supported here")),
        _ => refuse(place, format!("`{word}` is no stage that is known, and no field that is compared")),
    }
}

/// `a, b`.
fn label_list(text: &str) -> LogqlResult<'_, Vec<String>> {
    let mut labels = Vec::new();
    let mut rest = text;
    loop {
        let (behind, label) = committed(name(rest))?;
        if match_operator(behind).is_ok() {
            return refuse(blank(behind), "`drop` and `keep` by value are not supported here");
        }
        labels.push(label.to_owned());
        match sign(",")(behind) {
            Ok((behind, _)) => rest = behind,
            Err(_) => return Ok((behind, labels)),
        }
    }
}

/// Filters of fields: `or` of those joined by `and`, a comma or a blank.
fn field_filter(text: &str, depth: usize) -> LogqlResult<'_, FieldFilter> {
    if depth > DEEPEST {
        return refuse(blank(text), "this is nested too deep");
    }
    let (mut rest, mut filter) = all_of(text, depth)?;
    while let Ok((behind, _)) = keyword("or")(rest) {
        let (behind, other) = all_of(behind, depth)?;
        filter = FieldFilter::Or(Box::new(filter), Box::new(other));
        rest = behind;
    }
    Ok((rest, filter))
}

fn all_of(text: &str, depth: usize) -> LogqlResult<'_, FieldFilter> {
    let (mut rest, mut filter) = one_filter(text, depth)?;
    loop {
        let behind = match (keyword("and")(rest), sign(",")(rest)) {
            (Ok((behind, _)), _) | (_, Ok((behind, _))) => behind,
            // Side by side means both.
            _ if blank(rest).starts_with('(')
                || (name(rest).is_ok() && keyword("or")(rest).is_err() && is_compared(rest)) =>
            {
                rest
            }
            _ => return Ok((rest, filter)),
        };
        let (behind, other) = one_filter(behind, depth)?;
        filter = FieldFilter::And(Box::new(filter), Box::new(other));
        rest = behind;
    }
}

/// Whether a name and an operator stand here.
fn is_compared(text: &str) -> bool {
    matches!(name(text), Ok((rest, _)) if comparison(rest).is_ok() || match_operator(rest).is_ok())
}

/// One comparison, or some in parentheses.
fn one_filter(text: &str, depth: usize) -> LogqlResult<'_, FieldFilter> {
    if let Ok((rest, _)) = sign("(")(text) {
        let (rest, filter) = field_filter(rest, depth + 1)?;
        let (rest, _) = must_be(")")(rest)?;
        return Ok((rest, filter));
    }
    let (rest, field) = committed(name(text))?;
    let field = field.to_owned();
    if let Ok((behind, operator)) = match_operator(rest)
        && !blank(rest).starts_with("==")
        && blank(behind).starts_with(['"', '`'])
    {
        let place = blank(behind);
        let (behind, value) = string(behind)?;
        let regex = if operator.is_regex() { Some(regex(place, &value, true)?) } else { None };
        return Ok((behind, FieldFilter::Text(LabelMatcher { label: field, operator, value, regex })));
    }
    let Ok((behind, comparison)) = comparison(rest) else {
        return refuse(
            blank(rest),
            format!("syntax error: `{field}` is compared with nothing; expected = != =~ !~ > >= < <="),
        );
    };
    if keyword("ip")(behind).is_ok() {
        return refuse(blank(behind), "`ip()` is not supported here; use =~");
    }
    let (behind, value) = committed(field_value(behind))?;
    Ok((behind, FieldFilter::Quantity { field, comparison, value }))
}

fn comparison(text: &str) -> LogqlResult<'_, FieldComparison> {
    alt((
        value(FieldComparison::Equal, sign("==")),
        value(FieldComparison::NotEqual, sign("!=")),
        value(FieldComparison::GreaterOrEqual, sign(">=")),
        value(FieldComparison::LessOrEqual, sign("<=")),
        value(FieldComparison::Greater, sign(">")),
        value(FieldComparison::Less, sign("<")),
        value(FieldComparison::Equal, sign("=")),
    ))
    .parse(text)
}

fn field_value(text: &str) -> LogqlResult<'_, ComparedValue> {
    let text = blank(text);
    let (text, sign_of) = match text.strip_prefix('-') {
        Some(behind) => (behind, -1.0),
        None => (text, 1.0),
    };
    if let Ok((rest, seconds)) = duration(text) {
        return Ok((rest, ComparedValue::Duration(sign_of * seconds)));
    }
    if let Ok((rest, bytes)) = size(text) {
        return Ok((rest, ComparedValue::Bytes(sign_of * bytes)));
    }
    let (rest, plain) = number(text)?;
    if rest.starts_with(|letter: char| letter.is_alphanumeric()) {
        return refuse(text, format!("`{}` is no number, duration or size", shown(text)));
    }
    Ok((rest, ComparedValue::Number(sign_of * plain)))
}

/// No other reading is tried.
pub(super) fn committed<T>(parsed: LogqlResult<'_, T>) -> LogqlResult<'_, T> {
    match parsed {
        Err(nom::Err::Error(fault)) => Err(nom::Err::Failure(fault)),
        other => other,
    }
}
