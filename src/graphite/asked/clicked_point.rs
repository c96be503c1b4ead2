//! How long the point of a graph is that was clicked: as long as carbon keeps points of that time, and as many of these as the graph draws as
//! one. What of that is known is said, and what is assumed as well.

use std::time::Duration;

use super::{AskContext, AskedPoint, Pasted};
use crate::time::{SpelledDuration, Timestamp, Window};

/// A graph this many points wide draws each; of more it draws several as one (Grafana's `maxDataPoints` is the panel's width). That of
/// graphs that say nothing.
const DRAWN_POINTS: u64 = 500;

/// How long a clicked point is, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointLength {
    /// All of it.
    pub length: Duration,
    /// One point as carbon keeps it.
    pub step: Duration,
    /// That, and whether several of them are drawn as one, is known, and how.
    pub known_by: PointKnowledge,
    /// Whether the graph says how many points it draws.
    pub is_width_known: bool,
}

/// How it is known how long carbon's points of a time are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointKnowledge {
    /// It is not: taken for a slot.
    #[default]
    Nothing,
    /// What carbon keeps is known.
    Archives,
    /// The link says how long its point is.
    Link,
}

impl PointLength {
    /// What should be known of it, if anything: one note each.
    pub fn notes(&self) -> Vec<String> {
        let (length, step) = (SpelledDuration(self.length), SpelledDuration(self.step));
        let together = self.length.as_millis() / self.step.as_millis().max(1);
        let mut notes = Vec::new();
        if self.known_by == PointKnowledge::Nothing {
            notes.push(format!(
                "nothing here says how long carbon's points of that time are (`archives` in [[carbon]], or storage-schemas.conf of a carbon on \
                 this host, would): each is taken for a slot of {step}"
            ));
        }
        if together > 1 {
            let assumed = if self.is_width_known {
                ""
            } else {
                " (that its picture has room for 500 is assumed: the link does not say it)"
            };
            notes.push(format!(
                "a graph this wide draws some {together} points as one: the clicked one is taken for {length}{assumed}"
            ));
        }
        notes
    }

    /// The same as a parameter of the page's address.
    pub fn to_parameter(self) -> String {
        let known = match self.known_by {
            PointKnowledge::Nothing => "assumed",
            PointKnowledge::Archives => "kept",
            PointKnowledge::Link => "said",
        };
        let width = if self.is_width_known { "known" } else { "assumed" };
        format!("{},{},{known},{width}", self.length.as_millis(), self.step.as_millis())
    }

    /// The inverse of [`PointLength::to_parameter`]; nothing if it is none.
    pub fn of_parameter(text: &str) -> Option<PointLength> {
        let parts: Vec<&str> = text.split(',').collect();
        let [length, step, known, width] = parts.as_slice() else { return None };
        let known_by = match *known {
            "assumed" => PointKnowledge::Nothing,
            "kept" => PointKnowledge::Archives,
            "said" => PointKnowledge::Link,
            _ => return None,
        };
        let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
        Some(PointLength { length: millis(length)?, step: millis(step)?, known_by, is_width_known: *width == "known" })
    }
}

impl Pasted {
    /// The point at this time was clicked: what it stands for, of points of the length that is known by now.
    pub fn click(&mut self, clicked: Timestamp, interval: Duration) {
        let step = self.step.unwrap_or(interval);
        let (mut together, mut most) = (1u32, None);
        if self.step_known_by != PointKnowledge::Link
            && let (Some(from), Some(until)) = (self.from, self.until)
        {
            let length = u64::try_from(until.millis().saturating_sub(from.millis())).unwrap_or(0);
            let points = length / u64::try_from(step.as_millis()).unwrap_or(1).max(1);
            most = self.drawn_points;
            together = u32::try_from(points.div_ceil(most.unwrap_or(DRAWN_POINTS).max(1))).unwrap_or(u32::MAX).max(1);
        }
        let length = step.saturating_mul(together);
        // What is drawn as one is counted from the epoch; by an assumed length the click itself is a better beginning.
        let from = clicked.slot(if most.is_some() { length } else { step });
        let is_width_known = most.is_some() || self.step_known_by == PointKnowledge::Link;
        let how = PointLength { length, step, known_by: self.step_known_by, is_width_known };
        // Without a graph there are no points of carbon that it could be of.
        if self.kind.is_some() || self.series.is_some() {
            self.notes.extend(how.notes());
        }
        self.point = Some(AskedPoint { span: Window { from, until: from.plus(length) }, how });
    }
}

/// How long the points of this series are, in the window that is asked for: as whisper takes the finest archive that reaches back to its
/// beginning.
pub(super) fn take_step(context: &AskContext<'_>, asked: &mut Pasted, destination: usize, path: &str) {
    let Some(begins) = asked.from.or(asked.clicked) else { return };
    let archives = (context.archives)(destination, path);
    let reaching = archives.iter().find(|archive| context.now.minus(archive.span) <= begins).or(archives.last());
    let Some(reaching) = reaching.filter(|_| asked.step_known_by == PointKnowledge::Nothing) else { return };
    asked.step_known_by = PointKnowledge::Archives;
    asked.step = Some(reaching.step).filter(|step| *step > context.interval);
}
