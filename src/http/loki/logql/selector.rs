//! `{route="a", status=~"5.."}`.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::value;

use super::ast::{LabelMatcher, MatchOperator};
use super::lexis::{LogqlResult, blank, must_be, name, refuse, regex, shown, sign, string};

/// The matchers between braces.
pub(super) fn selector(text: &str) -> LogqlResult<'_, Vec<LabelMatcher>> {
    let begin = blank(text);
    let (mut rest, _) = sign("{")(text)?;
    let mut matchers = Vec::new();
    let mut is_more = !blank(rest).starts_with('}');
    while is_more {
        let (behind, matcher) = label_matcher(rest)?;
        matchers.push(matcher);
        (rest, is_more) = match sign(",")(behind) {
            Ok((behind, _)) => (behind, true),
            Err(_) => (behind, false),
        };
    }
    let (rest, _) = must_be("}")(rest)?;
    if !matchers.iter().any(|matcher| !matcher.fits(b"")) {
        return refuse(
            begin,
            "queries require at least one regexp or equality matcher that does not have an empty-compatible value, such as route=~\".+\"",
        );
    }
    Ok((rest, matchers))
}

/// One of them.
fn label_matcher(text: &str) -> LogqlResult<'_, LabelMatcher> {
    let Ok((rest, label)) = name(text) else {
        let text = blank(text);
        return refuse(text, format!("syntax error: unexpected `{}`, expected a label's name", shown(text)));
    };
    let Ok((rest, operator)) = match_operator(rest) else {
        return refuse(blank(rest), "syntax error: expected one of = != =~ !~");
    };
    let place = blank(rest);
    let (rest, value) = match string(rest) {
        Ok(parsed) => parsed,
        Err(nom::Err::Error(fault)) => return Err(nom::Err::Failure(fault)),
        Err(other) => return Err(other),
    };
    let regex = if operator.is_regex() { Some(regex(place, &value, true)?) } else { None };
    Ok((rest, LabelMatcher { label: label.to_owned(), operator, value, regex }))
}

/// How a label is compared.
pub(super) fn match_operator(text: &str) -> LogqlResult<'_, MatchOperator> {
    alt((
        value(MatchOperator::Matches, sign("=~")),
        value(MatchOperator::NotMatches, sign("!~")),
        value(MatchOperator::NotEqual, sign("!=")),
        value(MatchOperator::Equal, sign("=")),
    ))
    .parse(text)
}
