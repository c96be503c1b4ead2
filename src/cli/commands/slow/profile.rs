//! Classes that were counted, as they are reported.

use std::collections::HashMap;

use super::class_counts::{ClassCounts, Classes, UNWAITED_KEY};
use super::kept_lines::HeldLine;
use crate::cli::answer::output::say;
use crate::cli::counted::{GROUPS_MAX, OTHER};
use crate::record::{RequestField, values_of_key};
use crate::report::count;
use crate::report::slow::{SampleLine, SlowClass, SlowReport, TimeSteps, TypicalLine, TypicalNear};
use crate::route::RouteId;
use crate::source::GenerationId;
use crate::time::Window;

/// What is shown of a line that there was no room to hold.
const UNHELD: &[u8] = b"(raw line not held: too many long ones; ask for fewer --samples or classes)";

/// What numbers mean.
pub(super) struct ProfileNames<'n> {
    /// The fields that make a class.
    pub(super) by: &'n [RequestField],
    /// The names of routes.
    pub(super) route: &'n dyn Fn(RouteId) -> String,
    /// The names of the logs.
    pub(super) files: &'n HashMap<GenerationId, String>,
}

/// The classes that have a slow request, and what there is beside them.
pub(super) fn profile(classes: Classes, window: Window, names: &ProfileNames<'_>) -> SlowReport {
    let mut report = SlowReport { steps: steps_of(&classes, window), ..SlowReport::default() };
    let mut all_ms = 0_u64;
    for (key, mut class) in classes.by_key {
        class.is_part |= classes.are_part;
        let (total_ms, unwaited) = (class.population.latency.sum_ms(), key == UNWAITED_KEY);
        if !unwaited {
            all_ms = all_ms.saturating_add(total_ms);
        }
        if class.slow > 0 {
            report.classes.push(names.class(&key, class, report.steps));
        } else if !unwaited {
            report.quick.0 += 1;
            report.quick.1 = report.quick.1.saturating_add(total_ms);
        }
    }
    report.all_ms = (!classes.are_part).then_some(all_ms);
    report
}

/// The steps of the window; where it has no end, of what ended in it.
fn steps_of(classes: &Classes, window: Window) -> TimeSteps {
    let Some((first, last)) = classes.ends else { return TimeSteps::default() };
    TimeSteps::covering(Window {
        from: if window.from == Window::ALL.from { first } else { window.from },
        until: if window.until == Window::ALL.until { last.plus_millis(1) } else { window.until },
    })
}

impl ProfileNames<'_> {
    fn class(&self, key: &[u8], mut class: ClassCounts, steps: TimeSteps) -> SlowClass {
        let (clients, targets) = class.tops();
        let slowest = std::mem::take(&mut class.slowest).0;
        let by_size = std::mem::take(&mut class.by_size);
        let population = (!class.is_part).then_some(class.population);
        let typical_ms = population.as_ref().and_then(|population| population.quantile(950));
        let typical = typical_ms.and_then(|typical_ms| by_size.nearest(typical_ms));
        let is_whole = population.is_some();
        SlowClass {
            values: self.values(key, population.as_ref().map_or(class.slow, |population| population.count)),
            unwaited: key == UNWAITED_KEY,
            slow: class.slow,
            slow_ms: class.slow_ms,
            over_time_ms: match is_whole {
                true => class.course.in_steps(steps.length, steps.first, steps.count),
                false => Vec::new(),
            },
            clients: if is_whole { clients } else { Default::default() },
            targets: if is_whole { targets } else { Default::default() },
            samples: slowest.into_iter().map(|held| self.sample(held)).collect(),
            typical: typical.map(|held| TypicalLine { sample: self.sample(held), near: TypicalNear::P95 }),
            population,
        }
    }

    /// The values of the fields of a class; says how many requests have none of their own.
    fn values(&self, key: &[u8], requests: u64) -> Vec<String> {
        if key == UNWAITED_KEY {
            return Vec::new();
        }
        let mut values = Vec::new();
        for (field, value) in self.by.iter().zip(values_of_key(key)) {
            values.push(match (field, <[u8; 4]>::try_from(value)) {
                (RequestField::Route, Ok(id)) => (self.route)(RouteId(u32::from_le_bytes(id))),
                _ => String::from_utf8_lossy(value).into_owned(),
            });
        }
        if key.is_empty() {
            let requests = count(requests);
            say(&format!("{requests} requests are in `{OTHER}`: there are more than {GROUPS_MAX} different values"));
        }
        values.resize(self.by.len(), OTHER.to_owned());
        values
    }

    fn sample(&self, held: HeldLine) -> SampleLine {
        let file = self.files.get(&held.locator.generation).map_or("?", String::as_str);
        let locator = format!("{file}@{}", held.locator.offset);
        SampleLine { locator, line: held.line.unwrap_or_else(|| UNHELD.to_vec()), took_ms: held.took_ms }
    }
}
