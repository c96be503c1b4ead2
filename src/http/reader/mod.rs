//! The store as endpoints ask it: a view that those who ask at the same time share, its routes, the raw lines behind it.

mod found;
mod index_lines;
mod line_showing;
mod log_lines;
mod route_counts;
mod shared_store;

pub use found::{LineField, LineFound, LineOrdering, LinesFound, LinesWanted};
use route_counts::RouteCounts;
pub(super) use shared_store::SharedStore;

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::redaction::Redaction;
use super::settings::Site;
use crate::error::Result;
use crate::pipeline::{
    CountedBy, Filter, Interpreting, WindowLacks, all_kept, counted_by, other_rules_until, other_rules_words,
    wanted_routes, window_lacks,
};
use crate::route::{RouteId, Routes};
use crate::store::{BlockSummary, View};
use crate::time::{Timestamp, Window};

/// Of a window of this length it is told until when other rules were in force.
const RULES_TOLD_OF: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// One question's way to the store.
pub struct Reader<'s> {
    store: &'s SharedStore,
    view: OnceCell<Arc<View>>,
    now: Timestamp,
    deadline: Instant,
    redaction: Redaction,
}

impl<'s> Reader<'s> {
    /// Nothing is opened yet.
    pub(super) fn new(store: &'s SharedStore, now: Timestamp, deadline: Instant, redaction: Redaction) -> Reader<'s> {
        Reader { store, view: OnceCell::new(), now, deadline, redaction }
    }

    /// What is not shown to whoever asks. [`Reader::lines`] hides it; who counts values of lines by other ways must ask here.
    pub fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// The store as of a second ago at most; the same for the whole question.
    ///
    /// # Errors
    /// There is none (yet), or it cannot be read.
    pub fn view(&self) -> Result<&View> {
        match self.view.get() {
            Some(view) => Ok(view),
            None => {
                let view = self.store.view()?;
                Ok(self.view.get_or_init(|| view))
            }
        }
    }

    /// What is known beyond what the store holds.
    pub fn site(&self) -> &'s Site {
        self.store.site()
    }

    /// The routes' counters, which go on from question to question.
    pub(super) fn route_counts(&self) -> &'s RouteCounts {
        &self.store.route_counts
    }

    /// Whether the time for this question is up; what was found by then is the answer, and says so.
    pub fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// The routes whose names fit these patterns (`*` is any text, `!` in front leaves out); all without any.
    ///
    /// # Errors
    /// As [`Reader::view`].
    pub fn routes_named(&self, patterns: &[String]) -> Result<Vec<RouteId>> {
        let filter = Filter { routes: patterns.to_vec(), ..Filter::all() };
        Ok(wanted_routes(self.view()?, &filter))
    }

    /// What the store lacks of a window. With any of `missing` an answer is partial, and must say so.
    ///
    /// # Errors
    /// If a segment cannot be read.
    pub fn lacks(&self, window: Window) -> Result<WindowLacks> {
        let view = self.view()?;
        let mut lacks = window_lacks(view, window, view.expired_before(window), self.now)?;
        lacks.missing.extend(self.site().missing.iter().cloned());
        Ok(lacks)
    }

    /// The same of what was counted in slots: of that, what was counted by other rules than those of now is missing, too. Of a long time
    /// it is only noted that there are others: to tell when they were in force takes longer than the answer.
    ///
    /// # Errors
    /// As [`Reader::lacks`].
    pub fn lacks_of_counts(&self, filter: &Filter) -> Result<WindowLacks> {
        let (view, window) = (self.view()?, filter.window);
        let mut lacks = self.lacks(window)?;
        if self.site().goes_by_store {
            return Ok(lacks);
        }
        let with = self.interpreting()?;
        let rules = with.asked_rules(filter);
        if window.until.0.saturating_sub(window.from.0) <= RULES_TOLD_OF.as_millis() as i64 {
            lacks.missing.extend(other_rules_until(view, window, rules, &with)?.map(other_rules_words));
        } else if view.readings().iter().any(|reading| rules.is_other(reading)) {
            lacks.notes.push("the rules changed: what is older has the routes and thresholds of then".to_owned());
        }
        Ok(lacks)
    }

    /// The lines that are wanted, with what is missing of them.
    ///
    /// Without a condition on requests those are meant that the index keeps: the slow ones, errors, the slowest. With one, or with
    /// `all`, all are meant that it lets through, kept or not; these are read from the logs.
    ///
    /// # Errors
    /// If the store cannot be read. Logs that cannot be read are missing.
    pub fn lines(&self, wanted: &LinesWanted<'_>) -> Result<LinesFound> {
        let mut found = self.choose_lines(wanted)?;
        let WindowLacks { missing, notes } = self.lacks(wanted.filter.window)?;
        found.lacks.missing.extend(missing);
        found.lacks.notes.extend(notes);
        Ok(found)
    }

    fn choose_lines(&self, wanted: &LinesWanted<'_>) -> Result<LinesFound> {
        let (view, filter) = (self.view()?, &wanted.filter);
        if wanted.all {
            return self.lines_of_logs(wanted);
        }
        let by_now = self.counted_by(filter)?;
        if !filter.asks_for_requests() {
            let mut found = self.lines_of_index(wanted)?;
            if by_now == CountedBy::Others {
                found.lacks.missing.push(
                    "some of the window was counted by other rules: shown is what was kept by those of then; with all=1 all lines are read"
                        .to_owned(),
                );
            }
            return Ok(found);
        }
        if by_now != CountedBy::Others && all_kept(view, filter)? {
            return self.lines_of_index(wanted);
        }
        self.lines_of_logs(wanted)
    }

    /// The rules of now, with the store's numbers for routes.
    ///
    /// # Errors
    /// As [`Reader::view`].
    pub fn interpreting(&self) -> Result<Interpreting> {
        let (known, site) = (self.view()?.kept_names(), self.site());
        let routes = Arc::new(Routes::restore(site.routes_max, known));
        Ok(Interpreting {
            router: Arc::clone(&site.router),
            routes,
            threshold_ms: site.threshold_ms,
            conditions: Arc::default(),
        })
    }

    /// By which rules a window was counted. Where nothing says which are meant, it was by those.
    fn counted_by(&self, filter: &Filter) -> Result<CountedBy> {
        if self.site().goes_by_store {
            return Ok(CountedBy::Now);
        }
        counted_by(self.view()?, filter.window, filter.by, self.interpreting()?.asked_rules(filter))
    }

    /// The blocks of log that may hold what `filter` asks for.
    fn blocks(&self, filter: &Filter) -> Result<Vec<BlockSummary>> {
        let view = self.view()?;
        // What other rules named, those of now may name otherwise.
        let rules = self.interpreting()?.asked_rules(filter);
        let by_now = counted_by(view, filter.window, filter.by, rules)? != CountedBy::Others;
        let routes = (by_now && !filter.routes.is_empty()).then(|| wanted_routes(view, filter));
        view.blocks(filter.window, filter.by, routes.as_deref())
    }
}
