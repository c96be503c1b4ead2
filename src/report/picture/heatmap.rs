//! A heatmap of latency: time from left to right, latency upwards by logarithm, how many requests by colour.
//!
//! The colour is by the root of the count, in sixteen steps, since a slow few beside a fast many are what one looks for; no request
//! is no colour. All cells of one step are one path, so a picture of a thousand columns has some dozen elements.

use chrono::TimeZone;
use serde::Serialize;

use super::heat_grid::{HeatColumn, HeatGrid};
use super::latency_scale::tick_words;
use super::markup::{Px, markup_safe};
use super::picture_table::{PictureTable, push};
use super::plot_frame::PlotFrame;
use super::time_ticks::{TimeTick, clock_words};
use crate::report::number;
use crate::time::Window;

/// How many steps of colour there are.
pub(super) const LEVELS: u64 = 16;

/// The height of a row beyond the scale, and of what parts it from the scale.
const BEYOND: f64 = 12.0;
const GAP: f64 = 3.0;

/// Names of ticks closer to each other than this are left out, but for those of whole decades.
const TICK_HEIGHT: f64 = 13.0;

/// A heatmap.
#[derive(Debug, Clone)]
pub struct Heatmap<'g> {
    /// What it shows.
    pub grid: &'g HeatGrid,
    /// From how many milliseconds on a request is slow, where that is the same for all that is shown.
    pub threshold_ms: Option<u64>,
    /// What stands below it.
    pub ticks: Vec<TimeTick>,
    /// What it is a picture of.
    pub title: String,
}

/// A row of a heatmap, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RowPlace {
    /// From how many milliseconds on.
    pub from_ms: u64,
    /// Up to before how many; nothing without an end.
    pub until_ms: Option<u64>,
    /// Its upper edge.
    pub top: f64,
    /// Its lower edge.
    pub bottom: f64,
}

impl Heatmap<'_> {
    /// The picture.
    pub fn svg(&self, frame: &PlotFrame) -> String {
        self.svg_with(frame, None)
    }

    /// The picture with a part of its window marked.
    pub fn svg_with(&self, frame: &PlotFrame, marked: Option<Window>) -> String {
        let rows = self.row_places(frame);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pic heatmap\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>",
            Px(frame.width),
            Px(frame.height),
            markup_safe(&self.title)
        );
        push(
            &mut svg,
            format_args!(
                "<rect class=\"plot\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                Px(frame.left),
                Px(frame.top),
                Px(frame.right - frame.left),
                Px(frame.bottom - frame.top)
            ),
        );
        self.draw_axes(frame, &rows, &mut svg);
        self.draw_cells(frame, &rows, &mut svg);
        if let Some(marked) = marked {
            let (left, right) = self.span_place(frame, marked);
            let (top, height) = (Px(frame.top), Px(frame.bottom - frame.top));
            let (x, width) = (Px(left), Px(right - left));
            push(
                &mut svg,
                format_args!("<rect class=\"marked\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"),
            );
        }
        self.draw_lines(frame, &rows, &mut svg);
        self.draw_legend(frame, &mut svg);
        svg.push_str("</svg>");
        svg
    }

    /// Where the rows lie; those beyond the scale only if requests are in them.
    pub fn row_places(&self, frame: &PlotFrame) -> Vec<RowPlace> {
        let (grid, scale) = (self.grid, &self.grid.scale);
        let last = scale.rows() - 1;
        let (below, above) = (grid.in_row(0) > 0, grid.in_row(last) > 0);
        let top = if above { frame.top + BEYOND + GAP } else { frame.top };
        let bottom = if below { frame.bottom - BEYOND - GAP } else { frame.bottom };
        let y = |millis: u64| bottom - (bottom - top) * scale.place(millis);
        let mut places = Vec::with_capacity(scale.rows());
        for row in 0..=last {
            let (from_ms, until_ms) = scale.range_of(row);
            let (upper, lower) = match until_ms {
                None if !above => continue,
                None => (frame.top, frame.top + BEYOND),
                Some(_) if row == 0 && !below => continue,
                Some(_) if row == 0 => (frame.bottom - BEYOND, frame.bottom),
                Some(until) => (y(until), y(from_ms)),
            };
            places.push(RowPlace { from_ms, until_ms, top: upper, bottom: lower });
        }
        places
    }

    /// Where a column lies.
    pub fn column_place(&self, frame: &PlotFrame, column: &HeatColumn) -> (f64, f64) {
        self.span_place(frame, Window { from: column.from, until: column.until })
    }

    fn span_place(&self, frame: &PlotFrame, span: Window) -> (f64, f64) {
        let window = self.grid.window;
        let length = window.until.0.saturating_sub(window.from.0).max(1) as f64;
        let share = |time: i64| time.saturating_sub(window.from.0) as f64 / length;
        (frame.x(share(span.from.0)), frame.x(share(span.until.0)))
    }

    fn draw_axes(&self, frame: &PlotFrame, rows: &[RowPlace], svg: &mut String) {
        let scale = &self.grid.scale;
        let ticks = scale.ticks();
        let edge = |millis: u64| {
            let below = rows.iter().find(|row| row.from_ms == millis && row.until_ms.is_some());
            below
                .map(|row| row.bottom)
                .or_else(|| rows.iter().find(|row| row.until_ms == Some(millis)).map(|row| row.top))
        };
        let places: Vec<(u64, f64)> = ticks.iter().filter_map(|tick| Some((*tick, edge(*tick)?))).collect();
        let nearest = places.windows(2).filter_map(|pair| Some((pair.first()?.1 - pair.last()?.1).abs()));
        let all_fit = nearest.fold(f64::MAX, f64::min) >= TICK_HEIGHT;
        for (millis, y) in places {
            let words = tick_words(millis);
            let y_px = Px(y);
            push(svg, format_args!("<path class=\"grid\" d=\"M{} {y_px}H{}\"/>", Px(frame.left), Px(frame.right)));
            // The name of a row beyond the scale stands where that of the edge would.
            let is_free = places_beyond(rows).all(|beyond| (beyond - y).abs() >= TICK_HEIGHT);
            if is_free && (all_fit || words.starts_with('1')) {
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
        for row in rows {
            let is_below = row.from_ms == 0 && row.until_ms == Some(scale.lowest());
            let (class, words) = match row.until_ms {
                None => ("beyond above", format!("> {}", tick_words(row.from_ms))),
                Some(until) if is_below => ("beyond below", format!("< {}", tick_words(until))),
                Some(_) => continue,
            };
            let (x, y, width, height) =
                (Px(frame.left), Px(row.top), Px(frame.right - frame.left), Px(row.bottom - row.top));
            push(
                svg,
                format_args!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"),
            );
            let (x, y) = (Px(frame.left - 6.0), Px((row.top + row.bottom) / 2.0 + 4.0));
            push(
                svg,
                format_args!("<text class=\"axis y {class}\" x=\"{x}\" y=\"{y}\">{}</text>", markup_safe(&words)),
            );
        }
        let window = self.grid.window;
        let length = window.until.0.saturating_sub(window.from.0).max(1) as f64;
        for tick in &self.ticks {
            let x = frame.x(tick.at.0.saturating_sub(window.from.0) as f64 / length);
            push(svg, format_args!("<path class=\"tick\" d=\"M{} {}v5\"/>", Px(x), Px(frame.bottom)));
            // What would stand out of the picture stands at its edge.
            let middle = x.clamp(frame.left - 8.0, frame.right - 18.0);
            let label = markup_safe(&tick.label);
            push(
                svg,
                format_args!(
                    "<text class=\"axis x\" x=\"{}\" y=\"{}\">{label}</text>",
                    Px(middle),
                    Px(frame.bottom + 18.0)
                ),
            );
        }
    }

    /// One path for each step of colour; neighbours of one step are one rectangle.
    fn draw_cells(&self, frame: &PlotFrame, rows: &[RowPlace], svg: &mut String) {
        let most = self.grid.most();
        let mut paths = vec![String::new(); usize::try_from(LEVELS).unwrap_or(0) + 1];
        for row in rows {
            let index = self.grid.scale.row_of(row.from_ms);
            let mut run: Option<CellRun> = None;
            for column in &self.grid.columns {
                let level = level_of(column.counts.get(index).copied().unwrap_or(0), most);
                let (left, right) = self.column_place(frame, column);
                match &mut run {
                    Some(held) if held.level == level && held.right >= left - 0.01 => held.right = right,
                    _ => {
                        finish_run(run.take(), row, &mut paths);
                        run = Some(CellRun { level, left, right });
                    }
                }
            }
            finish_run(run, row, &mut paths);
        }
        svg.push_str("<g class=\"cells\">");
        for (level, path) in paths.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty()) {
            push(svg, format_args!("<path class=\"h{level}\" d=\"{path}\"/>"));
        }
        svg.push_str("</g>");
    }

    /// The threshold, and the percentiles of each column as steps.
    fn draw_lines(&self, frame: &PlotFrame, rows: &[RowPlace], svg: &mut String) {
        let y_of = |millis: u64| self.y_of(rows, millis);
        if let Some(threshold) = self.threshold_ms
            && threshold >= self.grid.scale.lowest()
            && threshold <= self.grid.scale.highest()
            && let Some(y) = y_of(threshold).or_else(|| upper_edge(rows, threshold))
        {
            let (left, right, y) = (Px(frame.left), Px(frame.right), Px(y));
            push(svg, format_args!("<path class=\"threshold\" d=\"M{left} {y}H{right}\"/>"));
        }
        for (class, quantile) in [("p50", PercentileLine::Median), ("p99", PercentileLine::NinetyNine)] {
            let mut path = String::new();
            let mut end = f64::MIN;
            for column in &self.grid.columns {
                let Some(y) = quantile.of(column).and_then(y_of) else { continue };
                let (left, right) = self.column_place(frame, column);
                match left - end < 0.01 {
                    true => push(&mut path, format_args!("V{}H{}", Px(y), Px(right))),
                    false => push(&mut path, format_args!("M{} {}H{}", Px(left), Px(y), Px(right))),
                }
                end = right;
            }
            if !path.is_empty() {
                push(svg, format_args!("<path class=\"halo\" d=\"{path}\"/><path class=\"{class}\" d=\"{path}\"/>"));
            }
        }
    }

    /// Where a latency lies.
    fn y_of(&self, rows: &[RowPlace], millis: u64) -> Option<f64> {
        let row = rows.iter().find(|row| row.from_ms <= millis && row.until_ms.is_none_or(|until| millis < until))?;
        let (place, scale) = (self.grid.scale.place(millis), &self.grid.scale);
        let inside = row.until_ms.is_some() && row.from_ms >= scale.lowest();
        let between = |until: u64| {
            let (from, until) = (scale.place(row.from_ms), scale.place(until));
            row.bottom - (row.bottom - row.top) * ((place - from) / (until - from))
        };
        Some(if inside { between(row.until_ms?) } else { (row.top + row.bottom) / 2.0 })
    }

    /// What the lines and the colours mean, with numbers.
    fn draw_legend(&self, frame: &PlotFrame, svg: &mut String) {
        let most = self.grid.most();
        if most == 0 {
            return;
        }
        let y = 12.0;
        let (size, words) = (8.0, number::count(most));
        let right = frame.right - 7.0 * words.len() as f64;
        let left = right - 6.0 - size * LEVELS as f64;
        push(
            svg,
            format_args!(
                "<g class=\"legend\"><text class=\"end\" x=\"{}\" y=\"{}\">requests 1</text>",
                Px(left - 5.0),
                Px(y + 4.0)
            ),
        );
        for level in 1..=LEVELS {
            let (at, x) = (counts_of(level, most), Px(left + size * (level - 1) as f64));
            push(
                svg,
                format_args!(
                    "<rect class=\"h{level}\" x=\"{x}\" y=\"{}\" width=\"{size}\" height=\"10\"><title>{at}</title></rect>",
                    Px(y - 5.0)
                ),
            );
        }
        push(svg, format_args!("<text x=\"{}\" y=\"{}\">{words}</text>", Px(right), Px(y + 4.0)));
        // In a narrow picture the lines have a row of their own.
        let (mut x, y, right) = match frame.is_narrow() {
            true => (frame.left, y + 18.0, frame.right),
            false => (frame.left, y, left - 80.0),
        };
        let threshold = self.threshold_ms.map(|millis| format!("slow from {}", tick_words(millis)));
        for (class, words) in
            [("p50", Some("p50".to_owned())), ("p99", Some("p99".to_owned())), ("threshold", threshold)]
        {
            let Some(words) = words else { continue };
            let length = 26.0 + 7.0 * words.len() as f64;
            if x + length > right {
                break;
            }
            push(svg, format_args!("<path class=\"{class}\" d=\"M{} {}h18\"/>", Px(x), Px(y)));
            push(
                svg,
                format_args!("<text x=\"{}\" y=\"{}\">{}</text>", Px(x + 23.0), Px(y + 4.0), markup_safe(&words)),
            );
            x += length + 8.0;
        }
        svg.push_str("</g>");
    }

    /// The numbers: a row for each column of the picture; counts between the ticks.
    pub fn table<Z: TimeZone>(&self, zone: &Z) -> PictureTable {
        let scale = &self.grid.scale;
        let mut edges = vec![0];
        edges.extend(scale.ticks());
        edges.push(u64::MAX);
        let bands: Vec<(u64, u64)> =
            edges.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        let in_band = |column: &HeatColumn, from: u64, until: u64| -> u64 {
            let (first, last) =
                (scale.row_of(from), if until == u64::MAX { scale.rows() } else { scale.row_of(until) });
            column.counts.get(first..last).unwrap_or_default().iter().sum()
        };
        let mut used = Vec::new();
        for (from, until) in bands {
            if self.grid.columns.iter().any(|column| in_band(column, from, until) > 0) {
                used.push((from, until));
            }
        }
        let mut headings: Vec<String> =
            ["time", "requests", "slow", "p50", "p95", "p99", "max"].map(str::to_owned).to_vec();
        headings.extend(used.iter().map(|(from, until)| match (*from, *until) {
            (0, until) => format!("under {}", tick_words(until)),
            (from, u64::MAX) => format!("from {}", tick_words(from)),
            (from, until) => format!("{} to {}", tick_words(from), tick_words(until)),
        }));
        let mut rows = Vec::new();
        for column in &self.grid.columns {
            let mut row =
                vec![clock_words(column.from, zone), number::count(column.requests), number::count(column.slow)];
            row.extend([column.p50_ms, column.p95_ms, column.p99_ms, column.max_ms].map(number::millis_or_dash));
            row.extend(used.iter().map(|(from, until)| number::count(in_band(column, *from, *until))));
            rows.push(row);
        }
        PictureTable { caption: self.title.clone(), headings, rows }
    }
}

/// The upper edge of the row that ends there.
fn upper_edge(rows: &[RowPlace], millis: u64) -> Option<f64> {
    rows.iter().find(|row| row.until_ms == Some(millis)).map(|row| row.top)
}

/// Where the names of rows beyond the scale stand.
fn places_beyond(rows: &[RowPlace]) -> impl Iterator<Item = f64> {
    rows.iter().filter(|row| row.until_ms.is_none() || row.from_ms == 0).map(|row| (row.top + row.bottom) / 2.0)
}

/// Neighbouring cells of one colour.
struct CellRun {
    level: u64,
    left: f64,
    right: f64,
}

fn finish_run(run: Option<CellRun>, row: &RowPlace, paths: &mut [String]) {
    let Some(CellRun { level, left, right }) = run else { return };
    if level == 0 {
        return;
    }
    if let Some(path) = usize::try_from(level).ok().and_then(|level| paths.get_mut(level)) {
        push(path, format_args!("M{} {}H{}V{}H{}z", Px(left), Px(row.top), Px(right), Px(row.bottom), Px(left)));
    }
}

/// Which of a column's percentiles a line shows.
#[derive(Clone, Copy)]
enum PercentileLine {
    Median,
    NinetyNine,
}

impl PercentileLine {
    fn of(self, column: &HeatColumn) -> Option<u64> {
        match self {
            PercentileLine::Median => column.p50_ms,
            PercentileLine::NinetyNine => column.p99_ms,
        }
    }
}

/// The step of colour of a count: 0 of none, [`LEVELS`] of the most; between them by the root.
pub(super) fn level_of(count: u64, most: u64) -> u64 {
    if count == 0 {
        return 0;
    }
    let (count, most) = (u128::from(count), u128::from(most.max(1)));
    let levels = u128::from(LEVELS);
    // The smallest level with level^2 / levels^2 >= count / most, in whole numbers.
    let level = (1..levels).find(|level| level * level * most >= count * levels * levels).unwrap_or(levels);
    u64::try_from(level).unwrap_or(LEVELS)
}

/// The counts that a step of colour stands for, in words; `-` of one that no count has.
fn counts_of(level: u64, most: u64) -> String {
    let first = |level: u64| (u128::from(level) * u128::from(level) * u128::from(most)) / u128::from(LEVELS * LEVELS);
    let (from, until) = (first(level - 1) + 1, if level == LEVELS { u128::from(most) } else { first(level) });
    match (from, until) {
        (from, until) if from > until => "-".to_owned(),
        (from, until) if from == until => from.to_string(),
        (from, until) => format!("{from} to {until}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_request_has_a_colour(most in 1u64..1_000_000_000, share in 0.0..1.0f64) {
            let count = ((most as f64 * share) as u64).clamp(1, most);
            let level = level_of(count, most);
            prop_assert!((1..=LEVELS).contains(&level));
            prop_assert_eq!((level_of(0, most), level_of(most, most)), (0, LEVELS));
            let words = counts_of(level, most);
            let (from, until) = words.split_once(" to ").unwrap_or((&words, &words));
            prop_assert!((from.parse::<u64>().unwrap()..=until.parse().unwrap()).contains(&count), "{} of {} is {}", count, most, words);
        }
    }

    #[test]
    fn colour_is_by_the_root() {
        assert_eq!([1, 25, 64, 100].map(|count| level_of(count, 100)), [2, 8, 13, 16]);
        assert_eq!([1, 2, 3].map(|count| level_of(count, 3)), [10, 14, 16]);
    }
}
