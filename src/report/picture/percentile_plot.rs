//! Latencies by percentile: every decade of requests that are faster has as much room, 90 %, 99 %, 99.9 %, so that the tail is seen.
//!
//! A curve ends where its requests do: what 40 requests took says nothing of their 99.9th percentile.

use super::latency_scale::{LatencyScale, tick_words};
use super::markup::{Px, markup_safe};
use super::picture_table::{PictureTable, push};
use super::plot_frame::PlotFrame;
use crate::histogram::{Latency, Quantile};
use crate::report::number;

/// The percentiles of the table and of the axis, in millionths.
const PERCENTILES: [(u64, &str); 8] = [
    (500_000, "50 %"),
    (750_000, "75 %"),
    (900_000, "90 %"),
    (950_000, "95 %"),
    (990_000, "99 %"),
    (999_000, "99.9 %"),
    (999_900, "99.99 %"),
    (999_990, "99.999 %"),
];

/// Two latencies, of what was chosen and of all else.
#[derive(Debug, Clone)]
pub struct PercentilePlot<'l> {
    /// What was chosen.
    pub chosen: &'l Latency,
    /// The rest.
    pub rest: &'l Latency,
    /// What the plot is of.
    pub title: String,
    /// The name of what was chosen.
    pub chosen_name: String,
    /// The name of the rest.
    pub rest_name: String,
}

impl PercentilePlot<'_> {
    /// The picture.
    pub fn svg(&self, frame: &PlotFrame) -> String {
        let scale = self.scale();
        let decades = self.decades();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pic percentiles\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>",
            Px(frame.width),
            Px(frame.height),
            markup_safe(&self.title)
        );
        draw_axes(frame, &scale, decades, &mut svg);
        for (latency, class) in [(self.rest, "rest"), (self.chosen, "box")] {
            let path = curve(latency, frame, &scale, decades);
            if !path.is_empty() {
                push(&mut svg, format_args!("<path class=\"curve {class}\" d=\"{path}\"/>"));
            }
        }
        let (mut x, mut y) = (frame.left, 12.0);
        for (class, name, latency) in [("box", &self.chosen_name, self.chosen), ("rest", &self.rest_name, self.rest)] {
            let words = format!("{name}: {}", number::count(latency.count()));
            let length = 40.0 + 7.0 * words.chars().count() as f64;
            // In a narrow picture the second name stands under the first.
            if x > frame.left && x + length > frame.width {
                (x, y) = (frame.left, y + 13.0);
            }
            let (at, line, words) = (Px(x), Px(y), markup_safe(&words));
            push(&mut svg, format_args!("<path class=\"curve {class}\" d=\"M{at} {line}h18\"/>"));
            push(&mut svg, format_args!("<text x=\"{}\" y=\"{}\">{words}</text>", Px(x + 23.0), Px(y + 4.0)));
            x += length;
        }
        svg.push_str("</svg>");
        svg
    }

    /// The numbers. A percentile that needs more requests than there are is `-`.
    pub fn table(&self) -> PictureTable {
        let mut rows = Vec::new();
        for (millionths, name) in PERCENTILES {
            let known = [self.chosen, self.rest].map(|latency| percentile(latency, millionths));
            if known != [None, None] {
                let [chosen, rest] = known.map(number::millis_or_dash);
                rows.push(vec![name.to_owned(), chosen, rest]);
            }
        }
        let max = |latency: &Latency| number::millis_or_dash((!latency.is_empty()).then(|| latency.max_ms()));
        rows.push(vec!["longest".to_owned(), max(self.chosen), max(self.rest)]);
        rows.push(vec!["requests".to_owned(), number::count(self.chosen.count()), number::count(self.rest.count())]);
        let headings = vec!["percentile".to_owned(), self.chosen_name.clone(), self.rest_name.clone()];
        PictureTable { caption: self.title.clone(), headings, rows }
    }

    fn scale(&self) -> LatencyScale {
        let (mut least, mut most) = (u64::MAX, 0);
        for latency in [self.chosen, self.rest] {
            least = least.min(latency.buckets().first().map_or(u64::MAX, |(millis, _)| *millis));
            most = most.max(latency.max_ms());
        }
        LatencyScale::covering(if least == u64::MAX { 1 } else { least }, most)
    }

    /// Of how many decades of requests anything is known; two at least.
    fn decades(&self) -> f64 {
        let most = self.chosen.count().max(self.rest.count()).max(1);
        (most as f64).log10().clamp(2.0, 6.0)
    }
}

/// A percentile; beyond the 99th, if there are requests enough to have one.
fn percentile(latency: &Latency, millionths: u64) -> Option<u64> {
    let enough = millionths <= 990_000 || latency.count().saturating_mul(1_000_000 - millionths) >= 1_000_000;
    latency.quantile(Quantile { numerator: millionths, denominator: 1_000_000 }).filter(|_| enough)
}

fn draw_axes(frame: &PlotFrame, scale: &LatencyScale, decades: f64, svg: &mut String) {
    let (left, right, top, bottom) = (Px(frame.left), Px(frame.right), Px(frame.top), Px(frame.bottom));
    push(svg, format_args!("<path class=\"plot-edge\" d=\"M{left} {top}V{bottom}H{right}\"/>"));
    for tick in scale.ticks() {
        let y = frame.y(scale.place(tick));
        push(svg, format_args!("<path class=\"grid\" d=\"M{left} {}H{right}\"/>", Px(y)));
        let words = tick_words(tick);
        if words.starts_with('1') || scale.ticks().len() < 10 {
            push(
                svg,
                format_args!(
                    "<text class=\"axis y\" x=\"{}\" y=\"{}\">{words}</text>",
                    Px(frame.left - 6.0),
                    Px(y + 4.0)
                ),
            );
        }
    }
    let mut named_until = f64::MIN;
    for (millionths, name) in [(0, "0 %")].into_iter().chain(PERCENTILES) {
        let decade = (1_000_000.0 / (1_000_000 - millionths) as f64).log10();
        if decade > decades || matches!(name, "75 %" | "95 %") {
            continue;
        }
        let x = frame.x(decade / decades);
        push(svg, format_args!("<path class=\"grid\" d=\"M{} {top}V{bottom}\"/>", Px(x)));
        let middle = x.clamp(frame.left + 10.0, frame.right - 24.0);
        if middle < named_until {
            continue;
        }
        named_until = middle + 36.0;
        push(
            svg,
            format_args!("<text class=\"axis x\" x=\"{}\" y=\"{}\">{name}</text>", Px(middle), Px(frame.bottom + 18.0)),
        );
    }
}

/// A step for each bucket, from the share of requests that are faster to the share that are not slower.
fn curve(latency: &Latency, frame: &PlotFrame, scale: &LatencyScale, decades: f64) -> String {
    let all = latency.count();
    let x_of = |seen: u64| {
        let left = all.saturating_sub(seen).max(1) as f64;
        frame.x((all as f64 / left).log10() / decades)
    };
    let (mut path, mut seen) = (String::new(), 0);
    for (millis, count) in latency.buckets() {
        let y = frame.y(scale.place(millis));
        let from = x_of(seen);
        // The slowest request of all is a dot.
        let until = x_of(seen + count).max(from + 1.5);
        match path.is_empty() {
            true => push(&mut path, format_args!("M{} {}H{}", Px(from), Px(y), Px(until))),
            false => push(&mut path, format_args!("V{}H{}", Px(y), Px(until))),
        }
        seen += count;
    }
    path
}
