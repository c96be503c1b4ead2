//! From a target's tree to series.

use super::series::GraphSeries;
use super::source::{FetchSpan, StoredSeries};
use super::stored_values::too_late;
use crate::error::{Error, Result};
use crate::graphite::catalog::KnownSeries;
use crate::graphite::tag_query::TagExpression;
use crate::graphite::target::{Target, TargetCall};
use crate::route::NodeGlob;
use crate::time::{NamedZone, Timestamp};

/// What evaluates the call of a function.
pub type CallEvaluator = fn(&Evaluation<'_, '_>, &TargetCall) -> Result<Vec<GraphSeries>>;

/// What a target is evaluated in.
pub struct Evaluation<'e, 'a> {
    /// What evaluates functions.
    pub call: CallEvaluator,
    /// Where series come from.
    pub store: &'e StoredSeries<'a>,
    /// Of which time.
    pub span: FetchSpan,
    /// The present.
    pub now: Timestamp,
    /// The zone of days.
    pub zone: NamedZone,
    /// Whether the time for the answer is up.
    pub is_late: &'e dyn Fn() -> bool,
}

impl<'a> Evaluation<'_, 'a> {
    /// The same of another time.
    pub fn of_span(&self, span: FetchSpan) -> Evaluation<'_, 'a> {
        Evaluation { call: self.call, store: self.store, span, now: self.now, zone: self.zone, is_late: self.is_late }
    }

    /// Goes on, while there is time.
    ///
    /// # Errors
    /// The time for the answer is up.
    pub fn check_time(&self) -> Result<()> {
        match (self.is_late)() {
            true => Err(too_late()),
            false => Ok(()),
        }
    }

    /// The series of a target.
    ///
    /// # Errors
    /// A function that is not supported, arguments that it does not take, or the store cannot be read.
    pub fn evaluate(&self, target: &Target) -> Result<Vec<GraphSeries>> {
        self.check_time()?;
        match target {
            Target::Path(path) => self.fetch(&self.found(&path.text)?, &path.text),
            Target::Call(call) if call.function == "seriesByTag" => self.series_by_tag(call),
            Target::Call(call) => (self.call)(self, call),
            Target::Template(_) => self.evaluate(&target.filled(&[])),
            _ => Err(Error::usage("a target is a metric or a function of some, not a number or a text")),
        }
    }

    fn found(&self, path: &str) -> Result<Vec<KnownSeries<'a>>> {
        let catalog = &self.store.catalog;
        if !NodeGlob::is_glob(path) || path.contains(';') {
            return Ok(catalog.named(path).into_iter().collect());
        }
        let glob =
            NodeGlob::parse(path).ok_or_else(|| Error::usage(format!("{path}: its braces come to too many names")))?;
        Ok(catalog.matching(&glob))
    }

    fn series_by_tag(&self, call: &TargetCall) -> Result<Vec<GraphSeries>> {
        let mut texts = Vec::new();
        for argument in &call.arguments {
            match argument {
                Target::Text(text) => texts.push(text.as_str()),
                _ => return Err(Error::usage("seriesByTag takes texts such as 'route=webapp.git'")),
            }
        }
        let tags = TagExpression::parse_all(texts).map_err(|what| Error::usage(format!("seriesByTag: {what}")))?;
        self.fetch(&self.store.catalog.tagged_with(&tags), &call.text)
    }

    /// Series that say what they were asked for by: functions that combine them are called by that.
    fn fetch(&self, found: &[KnownSeries<'a>], asked_by: &str) -> Result<Vec<GraphSeries>> {
        // Of the future whisper has no series, not even empty ones.
        if self.span.from > self.now.secs() {
            return Ok(Vec::new());
        }
        // Nor does a series go on behind the present.
        let span = FetchSpan { until: self.span.until.min(self.now.secs()), ..self.span };
        let mut series = self.store.fetch(found, span, self.is_late)?;
        series.iter_mut().for_each(|it| asked_by.clone_into(&mut it.path));
        Ok(series)
    }
}
