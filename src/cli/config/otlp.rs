//! `[[otlp]]`: a collector of OpenTelemetry that slots are sent to.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::carbon_choice::read_patterns;
use super::host_name::{HostName, read_host};
use super::position::Placed;
use super::section::Section;
use crate::otlp::{HistogramForm, OtlpEndpoint, SECONDS_BOUNDS, check_header};

/// What may stand in the section.
pub(super) const KEYS: [&str; 12] = [
    "endpoint",
    "headers",
    "compression",
    "timeout",
    "service",
    "host",
    "attributes",
    "routes",
    "histogram",
    "bounds",
    "delay",
    "spool",
];

/// How long a request may take, unless it is said otherwise: as OpenTelemetry's own exporters have it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of the past is kept for a collector that is away, unless it is said otherwise.
const SPOOL: Duration = Duration::from_secs(24 * 3600);

/// The most bounds of a histogram.
const MOST_BOUNDS: usize = 200;

/// One `[[otlp]]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpSection {
    /// Where the collector takes metrics.
    pub endpoint: Placed<OtlpEndpoint>,
    /// Sent with every request; names and values are such as HTTP takes.
    pub headers: Vec<(String, String)>,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// How long all of a request may take.
    pub timeout: Duration,
    /// `service.name`.
    pub service: String,
    /// How this host is called there; if absent, as everywhere.
    pub host: Option<Placed<HostName>>,
    /// More attributes of the resource.
    pub attributes: Vec<(String, String)>,
    /// Patterns of routes.
    pub routes: Vec<String>,
    /// How histograms are written.
    pub histogram: HistogramForm,
    /// How long after its end a slot is sent at the earliest; if absent, as long as nginx may keep its lines back.
    pub delay: Option<Duration>,
    /// How much of the past is kept for a collector that is away.
    pub spool: Duration,
}

/// The section, unless it has no endpoint. What is wrong in it is collected.
pub(super) fn read_otlp(section: &mut Section<'_>) -> Option<OtlpSection> {
    let endpoint = read_endpoint(section);
    let headers = read_headers(section);
    let forms = [("none", false), ("gzip", true)];
    let gzip = section.choice("compression", &forms).is_some_and(Placed::into_value);
    let positive = Duration::from_millis(1);
    let timeout = section.duration("timeout", "10s", positive).map_or(TIMEOUT, Placed::into_value);
    let service = section.text("service", "nginx").map_or_else(|| "nginx".to_owned(), Placed::into_value);
    let host = read_host(section);
    if let Some(host) = host.as_ref().filter(|host| host.value == HostName::FullReversed) {
        section.mistake_at(host, "`host`: a host is not reversed here", "`host = \"fqdn\"`, or a name");
    }
    let attributes = read_attributes(section);
    let routes = read_patterns(section);
    let histogram = read_histogram(section);
    let delay = section.duration("delay", "10s", Duration::ZERO).map(Placed::into_value);
    let spool = section.duration("spool", "24h", Duration::ZERO).map_or(SPOOL, Placed::into_value);
    let endpoint = endpoint?;
    Some(OtlpSection { endpoint, headers, gzip, timeout, service, host, attributes, routes, histogram, delay, spool })
}

fn read_endpoint(section: &mut Section<'_>) -> Option<Placed<OtlpEndpoint>> {
    let url = section.required_text("endpoint", "http://127.0.0.1:4318/v1/metrics")?;
    match OtlpEndpoint::parse(&url.value) {
        Ok(endpoint) => Some(url.map(|_| endpoint)),
        Err(error) => {
            section.mistake_at(&url, format!("`endpoint`: {}", error.what()), error.help().unwrap_or_default());
            None
        }
    }
}

fn read_headers(section: &mut Section<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, value) in section.text_table("headers", "Authorization = \"Bearer ..\"") {
        if let Err(what) = check_header(&name.value, &value.value) {
            let what = format!("`headers`: `{}` {what}", name.value);
            section.mistake_at(&name, what, "for example `headers = { X-Scope-OrgID = \"ops\" }`");
        }
        headers.push((name.value, value.value));
    }
    headers
}

fn read_attributes(section: &mut Section<'_>) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    for (name, value) in section.text_table("attributes", "\"deployment.environment.name\" = \"prod\"") {
        if let Some(key) = ["service.name", "host.name"].into_iter().find(|key| *key == name.value) {
            let instead = if key == "host.name" { "host" } else { "service" };
            section.mistake_at(
                &name,
                format!("`attributes`: `{key}` has a key of its own"),
                format!("`{instead} = ..`"),
            );
        }
        attributes.push((name.value, value.value));
    }
    attributes
}

/// `histogram`, with `bounds` where it is explicit.
fn read_histogram(section: &mut Section<'_>) -> HistogramForm {
    let forms = [("exponential", false), ("explicit", true)];
    let is_explicit = section.choice("histogram", &forms).is_some_and(Placed::into_value);
    let has_bounds = section.has("bounds");
    let bounds = section.list("bounds", read_bound);
    let place = section.place();
    if has_bounds && !is_explicit {
        section.mistake_at(
            &place,
            "`bounds` are of explicit histograms",
            "`histogram = \"explicit\"`, or leave `bounds` out",
        );
    } else if bounds.len() > MOST_BOUNDS || bounds.windows(2).any(|pair| pair.first() >= pair.last()) {
        let what = format!("`bounds` must ascend, and be {MOST_BOUNDS} at most");
        section.mistake_at(&place, what, "seconds, for example `bounds = [0.01, 0.1, 1, 10]`");
    }
    match (is_explicit, has_bounds) {
        (false, _) => HistogramForm::Exponential,
        (true, false) => HistogramForm::Explicit(SECONDS_BOUNDS.to_vec()),
        (true, true) => HistogramForm::Explicit(bounds),
    }
}

/// One of them: seconds, in whole milliseconds, as nginx logs them.
fn read_bound<'a>(section: &mut Section<'a>, found: &'a Spanned<DeValue<'a>>) -> Option<u64> {
    let millis = match found.get_ref() {
        DeValue::Integer(number) => millis_of(number.as_str()),
        DeValue::Float(number) => millis_of(number.as_str()),
        _ => None,
    };
    if millis.is_none() {
        let place = section.placed(found.span());
        let what = "`bounds`: no number of seconds over 0, with three decimals at most";
        section.mistake_at(&place, what, "for example `bounds = [0.01, 0.1, 1, 10]`");
    }
    millis
}

/// Seconds with up to three decimals as milliseconds; not 0.
fn millis_of(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let decimals: u64 = format!("{decimals:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(decimals).filter(|millis| *millis > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_whole_milliseconds() {
        for (text, millis) in [("1", Some(1000)), ("0.005", Some(5)), ("2.50", Some(2500)), ("0.1000", Some(100))] {
            assert_eq!(millis_of(text), millis, "{text}");
        }
        for text in ["0", "0.0", "-1", "0.0005", "1e3", "inf", "nan", ".", "", "99999999999999999999"] {
            assert_eq!(millis_of(text), None, "{text}");
        }
    }
}
