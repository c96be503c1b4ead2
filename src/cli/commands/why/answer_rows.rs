//! An explanation, in the words and rows of its report.

use std::collections::HashMap;
use std::sync::Arc;

use crate::explain::{
    Cause, ExplainedSpans, Explanation, FeatureId, FirstComer, KeptRequest, PHASES, Requests, RouteChange, SideSums,
    Verdict, WhereCondition,
};
use crate::report::EpochSeconds;
use crate::report::why::{
    BothSides, CauseRow, FieldValue, FirstRow, FoldedRow, GrownRow, PhaseRow, RouteChangeRow, SideCount, WhyReport,
    WhySample,
};
use crate::route::Routes;

/// What numbers mean.
pub(super) struct AnswerNames<'n> {
    pub(super) requests: &'n Requests,
    pub(super) routes: &'n Arc<Routes>,
    /// The files, by the number of their log.
    pub(super) files: &'n HashMap<u32, String>,
    /// Whether the logs tell upstream times.
    pub(super) tells_phases: bool,
}

impl AnswerNames<'_> {
    /// The report of an explanation.
    pub(super) fn report(
        &self,
        explained: &Explanation<'_>,
        spans: &ExplainedSpans,
        missing: Vec<String>,
    ) -> WhyReport {
        let all = &explained.change.all;
        WhyReport {
            schema: WhyReport::SCHEMA,
            window: spans.window,
            baseline: spans.baseline.clone(),
            verdict: explained.verdict.name(),
            change_ms: explained.change.parts,
            requests: BothSides { window: side_count(&all.window), baseline: side_count(&all.baseline) },
            routes: explained.change.routes.iter().map(|route| self.route_row(route)).collect(),
            phases_ms: self.tells_phases.then_some(explained.change.phases_ms),
            phase: explained.phase.filter(|_| self.tells_phases).map(|phase| phase.name()),
            causes: explained.causes.iter().map(|cause| self.cause_row(cause)).collect(),
            no_news: explained.no_news.iter().map(|cause| self.cause_row(cause)).collect(),
            grown: explained
                .grown
                .iter()
                .map(|grown| GrownRow {
                    whose: self.whose(&[grown.feature]),
                    change_ms: grown.change_ms,
                    count: grown.count,
                    usual_count: grown.usual_count,
                })
                .collect(),
            first: explained.first.iter().map(|first| self.first_row(first)).collect(),
            samples: explained.samples.iter().filter_map(|request| self.sample(request)).collect(),
            baseline_part: spans.part,
            baseline_counted: spans.is_counted_whole,
            sampled: self.sampled(),
            tried: explained.tried,
            command: String::new(),
            link: None,
            complete: missing.is_empty(),
            missing,
            as_much: if explained.verdict == Verdict::Nothing { explained.as_much.clone() } else { Vec::new() },
            phases: self.tells_phases.then(|| phase_rows(explained)),
        }
    }

    fn whose(&self, features: &[FeatureId]) -> Vec<FieldValue> {
        let known = &self.requests.features;
        let mut whose = Vec::new();
        for id in features {
            if let (Some(feature), Some(field)) = (known.get(*id), known.field_of(*id)) {
                let value = String::from_utf8_lossy(&feature.text).into_owned();
                let condition = WhereCondition::typed(field, feature);
                whose.push(FieldValue { field: field.name.clone(), value, condition });
            }
        }
        whose
    }

    fn route_row(&self, change: &RouteChange) -> RouteChangeRow {
        RouteChangeRow {
            route: self.routes.name(change.route).unwrap_or_default().to_string(),
            change_ms: change.change_ms,
            slower_ms: change.slower_ms,
            window: side_count(&change.sums.window),
            baseline: side_count(&change.sums.baseline),
        }
    }

    fn cause_row(&self, cause: &Cause<'_>) -> CauseRow {
        let mut folded = Vec::new();
        for value in &cause.folded {
            folded.push(FoldedRow { whose: self.whose(&[value.feature]), share: value.share });
        }
        CauseRow {
            whose: self.whose(&cause.whose),
            excess_ms: cause.excess_ms,
            share: cause.share,
            low_ms: cause.low_ms,
            high_ms: cause.high_ms,
            p: cause.p,
            phase: cause.phase.filter(|_| self.tells_phases).map(|phase| phase.name()),
            window: cause.window,
            besides: cause.besides,
            baseline: cause.baseline,
            folded,
            as_much: cause.as_much.clone(),
            command: String::new(),
        }
    }

    fn first_row(&self, first: &FirstComer<'_>) -> FirstRow {
        let request = first.request;
        FirstRow {
            file: self.files.get(&request.origin.log).cloned().unwrap_or_default(),
            offset: request.origin.offset,
            start: EpochSeconds(request.start()),
            end: EpochSeconds(request.end),
            target: String::from_utf8_lossy(&request.target).into_owned(),
            remote_addr: self.client_of(request),
            waited: first.waited,
            held: first.held,
        }
    }

    fn client_of(&self, request: &KeptRequest) -> Option<String> {
        let known = &self.requests.features;
        let mut of_request = self.requests.features_of(request).iter();
        let id = of_request.find(|id| known.field_of(**id).is_some_and(|field| field.family == "client"))?;
        Some(String::from_utf8_lossy(&known.get(*id)?.text).into_owned())
    }

    fn sample(&self, request: &KeptRequest) -> Option<WhySample> {
        let line = String::from_utf8_lossy(request.line.as_deref()?).into_owned();
        Some(WhySample {
            file: self.files.get(&request.origin.log).cloned().unwrap_or_default(),
            offset: request.origin.offset,
            line,
        })
    }

    /// Which part of all requests is kept.
    fn sampled(&self) -> f64 {
        let mut all = 0;
        for sums in self.requests.sums().values() {
            all += sums.window.count + sums.baseline.count;
        }
        let part = self.requests.kept().len() as f64 / (all as f64).max(1.0);
        (part.min(1.0) * 10_000.0).round() / 10_000.0
    }
}

fn side_count(sums: &SideSums) -> SideCount {
    SideCount { count: sums.count, total_ms: sums.total_ms, slow: sums.slow }
}

/// What each phase took, and what is usual of as many requests of these routes.
fn phase_rows(explained: &Explanation<'_>) -> [PhaseRow; PHASES] {
    let mut rows = [PhaseRow::default(); PHASES];
    let change = &explained.change;
    for ((row, now), more) in rows.iter_mut().zip(change.all.window.phases_ms).zip(change.phases_ms) {
        let usual = i128::from(now) - i128::from(more);
        *row = PhaseRow { window_ms: now, usual_ms: u64::try_from(usual.max(0)).unwrap_or(u64::MAX) };
    }
    rows
}
