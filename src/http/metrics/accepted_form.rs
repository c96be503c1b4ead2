//! In which form metrics are asked for: the one that `Accept` wants most, of those that there are.

/// A form of `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcceptedForm {
    /// Prometheus' text.
    Text,
    /// With exemplars.
    OpenMetrics,
    /// With native histograms: the only form that has them.
    Protobuf,
}

impl AcceptedForm {
    /// What `accept` wants most; text where it says nothing that is known. Of two wanted alike the first.
    pub(super) fn of(accept: &str) -> AcceptedForm {
        let mut best = (AcceptedForm::Text, 0.0);
        for range in accept.split(',') {
            let mut parameters = range.split(';').map(str::trim);
            let form = match parameters.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/vnd.google.protobuf" => AcceptedForm::Protobuf,
                "application/openmetrics-text" => AcceptedForm::OpenMetrics,
                "text/plain" => AcceptedForm::Text,
                _ => continue,
            };
            let quoted = |value: &str| value.trim_matches('"').to_ascii_lowercase();
            let mut weight = 1.0;
            let mut is_known = true;
            for parameter in parameters {
                let Some((name, value)) = parameter.split_once('=') else { continue };
                match name.trim().to_ascii_lowercase().as_str() {
                    "q" => weight = value.trim().parse::<f64>().unwrap_or(0.0),
                    "encoding" => is_known &= quoted(value.trim()) == "delimited",
                    "proto" => is_known &= quoted(value.trim()) == "io.prometheus.client.metricfamily",
                    _ => {}
                }
            }
            if is_known && weight > best.1 {
                best = (form, weight);
            }
        }
        best.0
    }

    /// The `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            AcceptedForm::Text => "text/plain; version=0.0.4; charset=utf-8",
            AcceptedForm::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            AcceptedForm::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AcceptedForm::{self, OpenMetrics, Protobuf, Text};

    #[test]
    fn what_scrapers_ask_for() {
        let proto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let open = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75";
        let text = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, form) in [
            (String::new(), Text),
            ("*/*".to_owned(), Text),
            ("text/html, application/json".to_owned(), Text),
            (format!("{open},{text}"), OpenMetrics),
            (format!("{proto},{open};q=0.8,{text}"), Protobuf),
            (format!("{proto};q=0.3,{open},{text}"), OpenMetrics),
            ("application/vnd.google.protobuf;encoding=text".to_owned(), Text),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.2".to_owned(), Text),
        ] {
            assert_eq!(AcceptedForm::of(&accept), form, "{accept}");
        }
    }
}
