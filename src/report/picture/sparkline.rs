//! One row's course over time in the height of a line.

use super::markup::Px;
use super::picture_table::push;

/// The size of its own coordinates; a page shows it in whatever size it likes.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 18.0;

/// A value for each step of time, in any unit: from 0 to the largest, as an area; steps without one are left out. What it
/// shows is for whoever puts it beside its numbers to say, so readers of screens are told nothing of it.
pub fn sparkline(values: &[Option<u64>]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pic spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    let most = values.iter().flatten().max().copied().unwrap_or(0).max(1) as f64;
    let step = WIDTH / values.len().max(1) as f64;
    let (mut area, mut line) = (String::new(), String::new());
    let mut before: Option<f64> = None;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            before = None;
            continue;
        };
        let x = at as f64 * step;
        // Half a pixel above the ground: what is small is not nothing.
        let y = HEIGHT - 0.5 - (HEIGHT - 1.5) * *value as f64 / most;
        let (left, right, y) = (Px(x), Px(x + step), Px(y));
        push(&mut area, format_args!("M{left} {}V{y}H{right}V{}z", Px(HEIGHT), Px(HEIGHT)));
        match before {
            Some(last) if last == y.0 => push(&mut line, format_args!("H{right}")),
            Some(_) => push(&mut line, format_args!("V{y}H{right}")),
            None => push(&mut line, format_args!("M{left} {y}H{right}")),
        }
        before = Some(y.0);
    }
    push(
        &mut svg,
        format_args!("<path class=\"spark-area\" d=\"{area}\"/><path class=\"spark-line\" d=\"{line}\"/></svg>"),
    );
    svg
}
