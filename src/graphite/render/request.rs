//! The parameters of a render, as graphite-web reads them (`graphite/render/views.py`).

use super::source::FetchSpan;
use crate::error::{Error, Result};
use crate::graphite::asked::AskMistake;
use crate::graphite::target::{Target, TemplateVariable, is_fillable, parse_target};
use crate::time::{NamedZone, Timestamp};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderRequest {
    /// The targets, with the variables of their templates filled in.
    pub targets: Vec<Target>,
    /// Of which time.
    pub span: FetchSpan,
    /// The present.
    pub now: Timestamp,
    /// The zone of its times.
    pub zone: NamedZone,
    /// So many points of each series are enough.
    pub most_points: Option<i64>,
    /// Points without a value are left out.
    pub without_nulls: bool,
    /// In which form.
    pub format: RenderFormat,
    /// The function that the JSON is wrapped in.
    pub jsonp: Option<String>,
}

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderFormat {
    /// A list of series with their points.
    Json,
    /// A line a point.
    Csv,
    /// A line a series.
    Raw,
}

/// So many targets are answered at once.
const TARGETS_MAX: usize = 1_000;

/// A render without `from` is of a day.
const DAY_SECS: i64 = 86_400;

impl RenderRequest {
    /// From the parameters of a query and of a form.
    ///
    /// # Errors
    /// A target or a time that is not understood, or a form that is not supported.
    pub fn read(parameters: &[(String, String)], now: Timestamp, zone: NamedZone) -> Result<RenderRequest> {
        let all = |key: &str| {
            parameters.iter().filter(move |(held, _)| held == key).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        let last = |key: &str| all(key).last().copied();
        let zone = last("tz").and_then(NamedZone::parse).unwrap_or(zone);
        let time = |text: &str, name: &str, now: Timestamp| {
            let read = zone.read_graphite_time(text, now);
            read.map(|read| read.time).map_err(|error| Error::usage(format!("{name}={text}: {error}")))
        };
        let now = last("now").map_or(Ok(now), |text| time(text, "now", now))?;
        let until = last("until").map_or(Ok(now), |text| time(text, "until", now))?.secs();
        let from = last("from")
            .map_or(Ok(Timestamp::from_secs(now.secs() - DAY_SECS)), |text| time(text, "from", now))?
            .secs();
        if from == until {
            return Err(Error::usage("from and until are the same: that is no time"));
        }
        let span = FetchSpan { from: from.min(until), until: from.max(until) };
        let format = match last("format") {
            Some("json") => RenderFormat::Json,
            Some("csv") => RenderFormat::Csv,
            Some("raw") => RenderFormat::Raw,
            None if last("rawData").is_some() => RenderFormat::Raw,
            None => return Err(Error::usage("pictures are not drawn here").remedy("format=json, csv or raw")),
            Some(other) => {
                return Err(
                    Error::usage(format!("the format `{other}` is not supported")).remedy("format=json, csv or raw")
                );
            }
        };
        let texts = match all("target") {
            texts if texts.is_empty() => all("target[]"),
            texts => texts,
        };
        let templates = templates(parameters);
        let mut targets = Vec::new();
        if texts.len() > TARGETS_MAX {
            return Err(Error::usage(format!("{} targets are too many for one answer", texts.len()))
                .remedy(format!("ask for {TARGETS_MAX} at a time, or for a glob")));
        }
        for text in texts.into_iter().filter(|text| !text.trim().is_empty()) {
            if !is_fillable(text, &templates) {
                return Err(Error::usage("the target's variables stand for too much text"));
            }
            let target = parse_target(text).map_err(|mistake| AskMistake::of_target(text, mistake))?;
            targets.push(target.filled(&templates));
        }
        Ok(RenderRequest {
            targets,
            span,
            now,
            zone,
            most_points: last("maxDataPoints").and_then(|text| text.parse().ok()).filter(|most| *most > 0),
            without_nulls: last("noNullPoints").is_some(),
            format,
            jsonp: last("jsonp").filter(|name| is_function_name(name)).map(str::to_owned),
        })
    }
}

fn templates(parameters: &[(String, String)]) -> Vec<TemplateVariable> {
    let mut templates = Vec::new();
    for (key, value) in parameters {
        if let Some(name) = key.strip_prefix("template[").and_then(|rest| rest.strip_suffix(']')) {
            templates.push(TemplateVariable { name: name.to_owned(), value: value.clone() });
        }
    }
    templates
}

/// Whether that can be the name of a function in JavaScript and nothing else.
fn is_function_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 100
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte))
}
