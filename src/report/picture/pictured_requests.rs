//! Requests as an answer's pictures need them: by the time they ended, and by route.

use std::time::Duration;

use super::heat_grid::HeatGrid;
use super::time_course::TimeCourse;
use super::time_ticks::step_for;
use crate::histogram::{Cell, Latency, Time};
use crate::time::{Timestamp, Window};

/// What was counted for the pictures of an answer.
#[derive(Debug, Clone, Default)]
pub struct PicturedRequests {
    /// The window that was asked for, where it has bounds.
    pub window: Option<Window>,
    /// How long a step of `cells` is.
    pub step: Duration,
    /// Cells by the start of their step, any number for each.
    pub cells: Vec<(Timestamp, Cell)>,
    /// By the name of each route.
    pub routes: Vec<(String, Cell)>,
    /// From how many milliseconds on a request is slow, where that is the same for all.
    pub threshold_ms: Option<u64>,
}

impl PicturedRequests {
    /// Of a course; routes are added by the caller.
    pub fn of_course(window: Option<Window>, course: &TimeCourse) -> PicturedRequests {
        let cells = course.cells().map(|(start, cell)| (start, cell.clone())).collect();
        PicturedRequests { window, step: course.step(), cells, ..PicturedRequests::default() }
    }

    /// The window of the pictures: what was asked for, else from the first step to the last; nothing without requests.
    pub fn shown_window(&self) -> Option<Window> {
        let starts = || self.cells.iter().map(|(start, _)| *start);
        let seen = Window { from: starts().min()?, until: starts().max()?.plus(self.step) };
        let Some(asked) = self.window else { return Some(seen) };
        let from = if asked.from == Window::ALL.from { seen.from } else { asked.from };
        let until = if asked.until == Window::ALL.until { seen.until } else { asked.until };
        (from < until).then_some(Window { from, until })
    }

    /// What a heatmap of at most so many columns shows; nothing without requests.
    pub fn grid(&self, most: usize) -> Option<HeatGrid> {
        let window = self.shown_window()?;
        let step = step_for(window, self.step, most);
        let cells = self.cells.iter().map(|(start, cell)| (start.slot(step), cell.clone()));
        Some(HeatGrid::new(window, step, cells))
    }

    /// All requests that are pictured.
    pub fn requests(&self) -> u64 {
        self.cells.iter().map(|(_, cell)| cell.requests).sum()
    }

    /// How long the requests took of the route that took most of all, with its name, and how long those of all others did.
    pub fn costliest(&self) -> Option<(String, Latency, Latency)> {
        let (costliest, _) =
            self.routes.iter().max_by_key(|(name, cell)| (timed(cell).sum_ms(), std::cmp::Reverse(name)))?;
        let (mut chosen, mut rest) = (Latency::default(), Latency::default());
        for (name, cell) in &self.routes {
            if name == costliest { chosen.merge(timed(cell)) } else { rest.merge(timed(cell)) }
        }
        Some((costliest.clone(), chosen, rest))
    }
}

/// How long its requests took; where the log has no other time, the upstream's.
pub fn timed(cell: &Cell) -> &Latency {
    let (own, upstream) = (cell.time(Time::Request), cell.time(Time::UpstreamResponse));
    if own.is_empty() { upstream } else { own }
}
