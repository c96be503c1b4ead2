//! What a function is called with, as the type that it takes.

use crate::error::{Error, Result};
use crate::graphite::render::{Evaluation, GraphSeries};
use crate::graphite::target::{Target, TargetCall};

/// A call's arguments.
pub(super) struct CallArguments<'c> {
    pub(super) call: &'c TargetCall,
}

/// A node of a name, or a tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeOrTag {
    Node(i64),
    Tag(String),
}

impl<'c> CallArguments<'c> {
    /// By place, or by name.
    fn get(&self, place: usize, name: &str) -> Option<&'c Target> {
        let named = self.call.named.iter().find(|argument| argument.name == name).map(|argument| &argument.value);
        self.call.arguments.get(place).or(named).filter(|argument| **argument != Target::Nothing)
    }

    pub(super) fn has(&self, place: usize, name: &str) -> bool {
        self.get(place, name).is_some()
    }

    fn lacks(&self, name: &str, kind: &str) -> Error {
        Error::usage(format!("{}: `{name}` must be {kind}", self.call.function))
    }

    pub(super) fn number(&self, place: usize, name: &str) -> Result<f64> {
        self.number_if_given(place, name)?.ok_or_else(|| self.lacks(name, "a number"))
    }

    pub(super) fn number_if_given(&self, place: usize, name: &str) -> Result<Option<f64>> {
        match self.get(place, name) {
            None => Ok(None),
            Some(Target::Number(number)) => Ok(Some(*number)),
            Some(Target::Infinity) => Ok(Some(f64::INFINITY)),
            Some(Target::Text(text)) => text.trim().parse().map(Some).map_err(|_| self.lacks(name, "a number")),
            Some(_) => Err(self.lacks(name, "a number")),
        }
    }

    pub(super) fn text(&self, place: usize, name: &str) -> Result<&'c str> {
        self.text_if_given(place, name)?.ok_or_else(|| self.lacks(name, "a text in quotes"))
    }

    pub(super) fn text_if_given(&self, place: usize, name: &str) -> Result<Option<&'c str>> {
        match self.get(place, name) {
            None => Ok(None),
            Some(Target::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.lacks(name, "a text in quotes")),
        }
    }

    pub(super) fn is_true(&self, place: usize, name: &str) -> Result<bool> {
        match self.get(place, name) {
            None => Ok(false),
            Some(Target::Boolean(is)) => Ok(*is),
            Some(Target::Text(text)) => Ok(text.eq_ignore_ascii_case("true")),
            Some(Target::Number(number)) => Ok(*number != 0.0),
            Some(_) => Err(self.lacks(name, "true or false")),
        }
    }

    /// The first argument as it stands, for functions that evaluate it of another time.
    pub(super) fn target(&self, place: usize) -> Result<&'c Target> {
        self.call.arguments.get(place).ok_or_else(|| self.lacks("seriesList", "a metric"))
    }

    pub(super) fn series(&self, evaluation: &Evaluation<'_, '_>, place: usize) -> Result<Vec<GraphSeries>> {
        evaluation.evaluate(self.target(place)?)
    }

    /// Series, if there are any at this place.
    pub(super) fn series_if_given(
        &self,
        evaluation: &Evaluation<'_, '_>,
        place: usize,
        name: &str,
    ) -> Result<Option<Vec<GraphSeries>>> {
        match self.get(place, name) {
            Some(target @ (Target::Path(_) | Target::Call(_) | Target::Template(_))) => {
                Ok(Some(evaluation.evaluate(target)?))
            }
            _ => Ok(None),
        }
    }

    /// Those of all arguments.
    pub(super) fn all_series(&self, evaluation: &Evaluation<'_, '_>) -> Result<Vec<GraphSeries>> {
        let mut all = Vec::new();
        for argument in &self.call.arguments {
            all.extend(evaluation.evaluate(argument)?);
        }
        Ok(all)
    }

    /// Nodes or tags, from this place on.
    pub(super) fn nodes(&self, from: usize) -> Result<Vec<NodeOrTag>> {
        let mut nodes = Vec::new();
        for argument in self.call.arguments.iter().skip(from) {
            nodes.push(match argument {
                Target::Number(number) => NodeOrTag::Node(*number as i64),
                Target::Text(text) => NodeOrTag::Tag(text.clone()),
                _ => return Err(self.lacks("nodes", "numbers of nodes or names of tags")),
            });
        }
        Ok(nodes)
    }
}

/// A length of time as Graphite's functions take it: `-1h`, `5min`; in seconds, with its sign.
pub(super) fn signed_seconds(text: &str) -> Result<i64> {
    let wrong = || Error::usage(format!("`{text}` is no time such as `5min` or `-1h`"));
    let body = text.trim().trim_matches(['\'', '"']);
    let signed = if body.starts_with(['+', '-']) { body.to_owned() } else { format!("+{body}") };
    let zero = crate::time::Timestamp(0);
    let read = crate::time::NamedZone::UTC.read_time(&signed, zero).map_err(|_| wrong())?;
    Ok(read.time.secs())
}

/// A number as C's `%g` writes it: six digits, no zeros behind.
pub(super) fn short_number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "nan".to_owned()
        } else if value > 0.0 {
            "inf".to_owned()
        } else {
            "-inf".to_owned()
        };
    }
    let scientific = format!("{value:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return trimmed(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        let cases = [
            (2.0, "2"),
            (0.5, "0.5"),
            (1e6, "1e+06"),
            (123_456.0, "123456"),
            (1.0 / 3.0, "0.333333"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5, "-1.5"),
            (1_234_567.0, "1.23457e+06"),
            (0.0, "0"),
            (100.0, "100"),
            (999_999.9, "1e+06"),
        ];
        for (value, text) in cases {
            assert_eq!(short_number(value), text);
        }
    }

    #[test]
    fn lengths_of_time_have_a_sign() {
        assert_eq!(signed_seconds("5min").unwrap(), 300);
        assert_eq!(signed_seconds("-1h").unwrap(), -3600);
        assert_eq!(signed_seconds("1d2h").unwrap(), 93_600);
        assert!(signed_seconds("5m").is_err() && signed_seconds("").is_err());
    }
}
