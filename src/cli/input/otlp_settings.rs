//! The collectors of OpenTelemetry that slots are sent to.

use std::time::Duration;

use crate::cli::config::{Config, HostName, OtlpSection, Surroundings};
use crate::daemon::OtlpSettings;
use crate::error::Result;
use crate::otlp::{ExportForm, OtlpDestination};

/// Those of the configuration. `flush`: as long as nginx may keep its lines back, so long a slot waits whose section says no `delay`.
pub(in crate::cli) fn collectors(config: &Config, flush: Duration) -> Result<Vec<OtlpSettings>> {
    let mut collectors: Vec<OtlpSettings> = Vec::new();
    for section in &config.collectors {
        let settings = settings_of(config, section, flush)?;
        let is_same = |other: &OtlpSettings| other.destination == settings.destination && other.form == settings.form;
        if collectors.iter().any(is_same) {
            let what = format!("`{}` is sent to twice, and the same", section.endpoint.value);
            return Err(section.endpoint.mistake(what).remedy("leave one out"));
        }
        let is_there = |other: &&OtlpSettings| other.destination.endpoint == settings.destination.endpoint;
        let account = match collectors.iter().filter(is_there).count() {
            0 => settings.account.clone(),
            beside => format!("{} ({})", settings.account, beside + 1),
        };
        collectors.push(OtlpSettings { account, ..settings });
    }
    Ok(collectors)
}

fn settings_of(config: &Config, section: &OtlpSection, flush: Duration) -> Result<OtlpSettings> {
    let mut resource =
        vec![("service.name".to_owned(), section.service.clone()), ("host.name".to_owned(), host_of(config, section)?)];
    resource.extend(section.attributes.iter().cloned());
    Ok(OtlpSettings {
        account: section.endpoint.value.to_string(),
        destination: OtlpDestination {
            endpoint: section.endpoint.value.clone(),
            headers: section.headers.clone(),
            gzip: section.gzip,
            timeout: section.timeout,
        },
        form: ExportForm { resource, histogram: section.histogram.clone(), routes: section.routes.clone() },
        spool: section.spool,
        delay: section.delay.unwrap_or(flush),
    })
}

/// How this host is called there.
fn host_of(config: &Config, section: &OtlpSection) -> Result<String> {
    let surroundings = Surroundings::of_process();
    let Some(host) = &section.host else { return Ok(config.host_in(&surroundings)) };
    match &host.value {
        HostName::Short => Ok(surroundings.host()),
        HostName::Literal(name) => Ok(name.clone()),
        HostName::Full | HostName::FullReversed => surroundings.full_name.clone().ok_or_else(|| {
            host.mistake("neither this machine's name nor /etc/hosts says its domain")
                .remedy("write the name out, for example `host = \"web1.example.org\"`, or set it with hostnamectl")
        }),
    }
}
