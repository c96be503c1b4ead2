//! Whether a collector of OpenTelemetry takes metrics where the configuration says: it is sent a request without any.

use std::time::{Duration, Instant};

use super::findings::Findings;
use crate::daemon::OtlpSettings;
use crate::error::Result;
use crate::otlp::{ExportOutcome, OtlpDestination, OtlpExporter};

/// How long a collector is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// One collector.
pub(super) fn check(collector: &OtlpSettings, findings: &mut Findings) -> Result<()> {
    let timeout = collector.destination.timeout.min(PATIENCE);
    let destination = OtlpDestination { timeout, ..collector.destination.clone() };
    let name = &collector.account;
    match OtlpExporter::new(destination, 0).send(&[], Instant::now()) {
        ExportOutcome::Taken { .. } => findings.fine(&format!("otlp {name}: takes metrics")),
        ExportOutcome::Refused(words) => findings.wrong_with_help(
            &format!("otlp {name}: refuses a request of OTLP: it answered {words}"),
            "does it take metrics of OTLP/HTTP as protobuf?",
        ),
        ExportOutcome::Failed { words, .. } => findings.wrong_with_help(
            &format!("otlp {name}: {words}"),
            "is a collector running there, and does its receiver `otlp` have `http` with this port?",
        ),
    }
}
