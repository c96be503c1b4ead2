//! Functions that make another value of each value.

use super::arguments::{CallArguments, short_number};
use crate::error::Result;
use crate::graphite::render::{Evaluation, GraphSeries};

/// One series for each of the first argument.
pub(super) fn of_values(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    series.iter().map(|it| one(it, arguments)).collect()
}

fn one(series: &GraphSeries, arguments: &CallArguments<'_>) -> Result<GraphSeries> {
    let function = arguments.call.function.as_str();
    let each =
        |value: &dyn Fn(f64) -> Option<f64>| series.values.iter().map(|it| it.and_then(value)).collect::<Vec<_>>();
    let plain = format!("{function}({})", series.name);
    let with = |number: f64| format!("{function}({},{})", series.name, short_number(number));
    let spaced = |number: f64| format!("{function}({}, {})", series.name, short_number(number));
    Ok(match function {
        "scale" => {
            let factor = arguments.number(1, "factor")?;
            series.remade(with(factor), each(&|it| Some(it * factor))).tagged("scale", short_number(factor))
        }
        "offset" => {
            let by = arguments.number(1, "factor")?;
            series.remade(with(by), each(&|it| Some(it + by))).tagged("offset", short_number(by))
        }
        "scaleToSeconds" => {
            let seconds = arguments.number(1, "seconds")?.trunc();
            let factor = seconds / series.step as f64;
            let values = each(&|it| Some(rounded(it * factor)));
            series.remade(with(seconds), values).tagged("scaleToSeconds", short_number(seconds))
        }
        "absolute" => series.remade(plain, each(&|it| Some(it.abs()))).tagged("absolute", 1),
        "invert" => series.remade(plain, each(&|it| (it != 0.0).then(|| 1.0 / it))).tagged("invert", 1),
        "squareRoot" => series.remade(plain, each(&|it| (it >= 0.0).then(|| it.sqrt()))).tagged("squareRoot", 1),
        "removeBelowValue" => {
            let least = arguments.number(1, "n")?;
            series.remade(spaced(least), each(&|it| (it >= least).then_some(it)))
        }
        "removeAboveValue" => {
            let most = arguments.number(1, "n")?;
            series.remade(spaced(most), each(&|it| (it <= most).then_some(it)))
        }
        "transformNull" => {
            let default = arguments.number_if_given(1, "default")?.unwrap_or(0.0);
            let values = series.values.iter().map(|it| it.or(Some(default))).collect();
            series.remade(with(default), values).tagged("transformNull", short_number(default))
        }
        "isNonNull" => {
            let values = series.values.iter().map(|it| Some(f64::from(u8::from(it.is_some())))).collect();
            series.remade(plain, values).tagged("isNonNull", 1)
        }
        "integral" => series.remade(plain, running_sum(&series.values)).tagged("integral", 1),
        "derivative" => series.remade(plain, differences(&series.values)).tagged("derivative", 1),
        "nonNegativeDerivative" => {
            let values = increases(&series.values, &CounterBounds::of(arguments)?);
            series.remade(plain, values).tagged("nonNegativeDerivative", 1)
        }
        "perSecond" => {
            let step = series.step as f64;
            let increases = increases(&series.values, &CounterBounds::of(arguments)?);
            let values = increases.into_iter().map(|it| it.map(|delta| rounded(delta / step))).collect();
            series.remade(plain, values).tagged("perSecond", 1)
        }
        "changed" => series.remade(plain, changes(&series.values)),
        // `keepLastValue`
        _ => {
            let limit = arguments.number_if_given(1, "limit")?.unwrap_or(f64::INFINITY);
            series.remade(plain, last_kept(&series.values, limit))
        }
    })
}

/// To six decimals, half to even as Python's `round` (on the binary value).
fn rounded(value: f64) -> f64 {
    format!("{value:.6}").parse().unwrap_or(value)
}

fn running_sum(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut sum = 0.0;
    let add = |value: f64| {
        sum += value;
        sum
    };
    let mut add = add;
    values.iter().map(|value| value.map(&mut add)).collect()
}

fn differences(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let before = std::iter::once(&None).chain(values);
    values.iter().zip(before).map(|(value, before)| value.zip(*before).map(|(value, before)| value - before)).collect()
}

/// 1 where a value is another than the last one that there was.
fn changes(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut last = None;
    let mut made = Vec::new();
    for value in values {
        let is_changed = matches!((last, value), (Some(last), Some(value)) if last != *value);
        made.push(Some(f64::from(u8::from(is_changed))));
        last = value.or(last);
    }
    made
}

/// What a counter may hold.
struct CounterBounds {
    most: Option<f64>,
    least: Option<f64>,
}

impl CounterBounds {
    fn of(arguments: &CallArguments<'_>) -> Result<CounterBounds> {
        Ok(CounterBounds {
            most: arguments.number_if_given(1, "maxValue")?,
            least: arguments.number_if_given(2, "minValue")?,
        })
    }
}

/// How much a counter grew from one value to the next, through its wrapping where its bounds are known.
fn increases(values: &[Option<f64>], bounds: &CounterBounds) -> Vec<Option<f64>> {
    let mut before = None;
    let mut made = Vec::new();
    for value in values {
        let outside = value.is_some_and(|value| {
            bounds.most.is_some_and(|most| value > most) || bounds.least.is_some_and(|least| value < least)
        });
        if outside {
            before = None;
            made.push(None);
            continue;
        }
        made.push(match (before, *value) {
            (Some(before), Some(value)) if value >= before => Some(value - before),
            (Some(before), Some(value)) => match (bounds.most, bounds.least) {
                (Some(most), least) => Some(most + 1.0 + value - before - least.unwrap_or(0.0)),
                (None, Some(least)) => Some(value - least),
                (None, None) => None,
            },
            _ => None,
        });
        before = *value;
    }
    made
}

/// Gaps of at most `limit` values filled with what was before.
fn last_kept(values: &[Option<f64>], limit: f64) -> Vec<Option<f64>> {
    let mut made = values.to_vec();
    let mut last: Option<f64> = None;
    let mut gap = 0_usize;
    let fill = |made: &mut Vec<Option<f64>>, end: usize, gap: usize, last: Option<f64>| {
        if gap > 0 && gap as f64 <= limit && last.is_some() {
            for value in made.iter_mut().take(end).skip(end - gap) {
                *value = last;
            }
        }
    };
    for (at, value) in values.iter().enumerate() {
        match value {
            None => gap += 1,
            Some(_) => {
                fill(&mut made, at, gap, last);
                (gap, last) = (0, *value);
            }
        }
    }
    fill(&mut made, values.len(), gap, last);
    made
}
