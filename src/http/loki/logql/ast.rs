//! What a query says.

use std::time::Duration;

use regex::bytes::Regex;

/// A query.
#[derive(Debug)]
pub(in crate::http::loki) enum LogqlQuery {
    /// Lines.
    Lines(LogSelection),
    /// How many of them, over time.
    Counts(MetricQuery),
    /// A number, such as `vector(1)+vector(1)`, by which Grafana asks whether anyone is there.
    Constant(f64),
}

/// Which lines.
#[derive(Debug)]
pub(in crate::http::loki) struct LogSelection {
    /// Between the braces. All must fit.
    pub(in crate::http::loki) matchers: Vec<LabelMatcher>,
    /// What stands behind, in its order.
    pub(in crate::http::loki) stages: Vec<QueryStage>,
}

/// `route="a"`.
#[derive(Debug)]
pub(in crate::http::loki) struct LabelMatcher {
    pub(in crate::http::loki) label: String,
    pub(in crate::http::loki) operator: MatchOperator,
    pub(in crate::http::loki) value: String,
    /// Of the whole value, for the operators of regexes.
    pub(in crate::http::loki) regex: Option<Regex>,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::loki) enum MatchOperator {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

/// A stage of the pipeline.
#[derive(Debug)]
pub(in crate::http::loki) enum QueryStage {
    /// What the line must say.
    Line(LineFilter),
    /// What its fields must be.
    Fields(FieldFilter),
    /// Labels that are left out.
    Drop(Vec<String>),
    /// The only labels that are left.
    Keep(Vec<String>),
}

/// `|= "a" or "b"`: one of the texts.
#[derive(Debug)]
pub(in crate::http::loki) struct LineFilter {
    pub(in crate::http::loki) operator: MatchOperator,
    pub(in crate::http::loki) texts: Vec<String>,
    /// In the same order, for the operators of regexes.
    pub(in crate::http::loki) regexes: Vec<Regex>,
}

/// `status>=500 and method="GET"`.
#[derive(Debug)]
pub(in crate::http::loki) enum FieldFilter {
    And(Box<FieldFilter>, Box<FieldFilter>),
    Or(Box<FieldFilter>, Box<FieldFilter>),
    /// A text.
    Text(LabelMatcher),
    /// A quantity.
    Quantity {
        field: String,
        comparison: FieldComparison,
        value: ComparedValue,
    },
}

/// How quantities are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::loki) enum FieldComparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::http::loki) enum ComparedValue {
    Number(f64),
    /// In seconds.
    Duration(f64),
    Bytes(f64),
}

/// `sum by (level) (count_over_time(SELECTION [1m]))`.
#[derive(Debug)]
pub(in crate::http::loki) struct MetricQuery {
    /// What becomes of the series; nothing if they stay as they are.
    pub(in crate::http::loki) aggregation: Option<Aggregation>,
    pub(in crate::http::loki) function: MetricFunction,
    pub(in crate::http::loki) selection: LogSelection,
    /// Over how long before each point.
    pub(in crate::http::loki) range: Duration,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::loki) enum MetricFunction {
    CountOverTime,
    Rate,
    BytesOverTime,
    BytesRate,
}

/// Series with the same labels become one.
#[derive(Debug)]
pub(in crate::http::loki) struct Aggregation {
    pub(in crate::http::loki) reduction: Reduction,
    /// Labels that are kept, or (`without`) left out.
    pub(in crate::http::loki) labels: Vec<String>,
    pub(in crate::http::loki) without: bool,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::loki) enum Reduction {
    Sum,
    Min,
    Max,
    Average,
    Count,
}

impl MatchOperator {
    /// Whether what fits is wanted, not what does not.
    pub(in crate::http::loki) fn is_positive(self) -> bool {
        matches!(self, MatchOperator::Equal | MatchOperator::Matches)
    }

    /// Whether it takes a regex.
    pub(in crate::http::loki) fn is_regex(self) -> bool {
        matches!(self, MatchOperator::Matches | MatchOperator::NotMatches)
    }
}

impl LabelMatcher {
    /// Whether a value fits; that of a label that is not there is empty.
    pub(in crate::http::loki) fn fits(&self, value: &[u8]) -> bool {
        let is_same = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value.as_bytes() == value,
        };
        is_same == self.operator.is_positive()
    }
}

impl LineFilter {
    /// Whether a line fits.
    pub(in crate::http::loki) fn fits(&self, line: &[u8]) -> bool {
        let is_found = match self.operator.is_regex() {
            true => self.regexes.iter().any(|regex| regex.is_match(line)),
            false => self.texts.iter().any(|text| memchr::memmem::find(line, text.as_bytes()).is_some()),
        };
        is_found == self.operator.is_positive()
    }
}

impl FieldComparison {
    /// Whether `value` compares so with `with`.
    pub(in crate::http::loki) fn holds(self, value: f64, with: f64) -> bool {
        let is_same = (value - with).abs() < 1e-9;
        match self {
            FieldComparison::Equal => is_same,
            FieldComparison::NotEqual => !is_same,
            FieldComparison::Greater => value > with && !is_same,
            FieldComparison::GreaterOrEqual => value > with || is_same,
            FieldComparison::Less => value < with && !is_same,
            FieldComparison::LessOrEqual => value < with || is_same,
        }
    }
}
