//! OTLP, for a collector of OpenTelemetry: a slot as one request of metrics, and its way there by HTTP. With the cargo feature `otlp` alone.
//!
//! [`SlotExport`] turns cells into the messages of `metrics.proto` (delta temporality, histograms re-bucketed by `buckets`) and is pure, as
//! is `answer`, which says what a collector's answer means. [`OtlpExporter`] carries a request there and says what became of it. A slot is
//! one request, so an answer is of the whole slot: unlike carbon, a collector acknowledges.

mod answer;
mod buckets;
mod endpoint;
mod exporter;
mod messages;
mod slot_export;

pub use buckets::{SECONDS_BOUNDS, in_explicit_buckets};
pub use endpoint::OtlpEndpoint;
pub use exporter::{ExportOutcome, OtlpDestination, OtlpExporter, check_header};
pub use slot_export::{EncodedExport, ExportForm, ExportedSeries, HistogramForm, SlotExport};
