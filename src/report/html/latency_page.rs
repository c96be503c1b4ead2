//! `report` as a document.

use std::io::{self, Write};

use super::html_table::TableBars;
use super::{HtmlDocument, HtmlHead, HtmlPictures, HtmlTable};
use crate::report::latency::LatencyRow;
use crate::report::picture::PicturedRequests;
use crate::report::rows::Report;
use crate::time::NamedZone;

/// What it is made of.
#[derive(Debug)]
pub struct LatencyPage<'p> {
    /// What stands at the top.
    pub head: HtmlHead,
    /// The rows.
    pub report: &'p Report<LatencyRow>,
    /// What the pictures are of.
    pub pictured: &'p PicturedRequests,
    /// The zone of the clocks.
    pub zone: NamedZone,
}

impl LatencyPage<'_> {
    /// Writes the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut document = HtmlDocument::new(&self.head);
        let (report, columns) = (self.report, self.report.blank.group.by.len());
        // Behind the fields stands the count, behind that the sum. Rows without a total are parts of nothing.
        let bars = report.totals.as_ref().map(|all| {
            let all_ms = all.sum_ms.unwrap_or(0).max(1) as f64;
            let parts = report.rows.iter().map(|row| row.sum_ms.unwrap_or(0) as f64 / all_ms).collect();
            TableBars { column: columns + 1, parts }
        });
        document.table(&HtmlTable { bars, ..HtmlTable::of_report(&self.head.title, report) });
        let of = format!("all requests, {}", self.head.window);
        let pictures = HtmlPictures { pictured: self.pictured, zone: self.zone, of };
        // Of several fields each attempt may be a row: only routes are requests.
        if report.blank.group.by.iter().eq(["route"])
            && let Some(all) = &report.totals
            && let Some(words) = pictures.differing(all.count)
        {
            document.words(&words);
        }
        document.begin_pictures();
        pictures.heatmap(&mut document, None);
        pictures.costliest(&mut document);
        pictures.icicle(&mut document);
        document.end_pictures();
        document.write(out)
    }
}
