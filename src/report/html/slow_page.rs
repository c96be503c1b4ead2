//! `slow` as a document.

use std::io::{self, Write};

use super::{HtmlDocument, HtmlHead, HtmlPictures, HtmlTable};
use crate::report::number;
use crate::report::picture::PicturedRequests;
use crate::report::rows::Heading;
use crate::report::slow::{SlowReport, TopValues, share_of};
use crate::time::NamedZone;

/// What it is made of.
#[derive(Debug)]
pub struct SlowPage<'p> {
    /// What stands at the top.
    pub head: HtmlHead,
    /// The classes.
    pub slow: &'p SlowReport,
    /// What the pictures are of.
    pub pictured: &'p PicturedRequests,
    /// The zone of the clocks.
    pub zone: NamedZone,
}

impl SlowPage<'_> {
    /// Writes the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut document = HtmlDocument::new(&self.head);
        document.table(&HtmlTable::of_report("Classes of requests by the time they cost", &self.slow.tabulate()));
        document.heading("Whose they are, and lines");
        for (row, class) in self.slow.described() {
            if class.samples.is_empty() {
                continue;
            }
            document.small_heading(&format!("#{} {}", row.rank, row.names().join(" ")));
            let all_ms = row.total_ms.unwrap_or(0);
            document.markup(format_args!("<div class=\"pair\">\n"));
            for (name, tops) in [("client", &class.clients), ("target", &class.targets)] {
                if !tops.values.is_empty() {
                    document.table(&tops_table(name, tops, all_ms));
                }
            }
            document.markup(format_args!("</div>\n"));
            document.lines(&class.samples);
            if let Some(typical) = class.typical.as_ref().filter(|typical| !class.samples.contains(&typical.sample)) {
                document.small_heading(&format!("near its {}", typical.near.name()));
                document.lines(std::slice::from_ref(&typical.sample));
            }
        }
        let of = format!("all requests, slow or not, {}", self.head.window);
        let pictures = HtmlPictures { pictured: self.pictured, zone: self.zone, of };
        document.begin_pictures();
        pictures.heatmap(&mut document, None);
        pictures.costliest(&mut document);
        pictures.icicle(&mut document);
        document.end_pictures();
        document.write(out)
    }
}

/// The values that the time of a class went to, with the part of it that each has.
fn tops_table(name: &str, tops: &TopValues, all_ms: u64) -> HtmlTable {
    let mut rows = Vec::new();
    for top in &tops.values {
        let part = share_of(top.total_ms, all_ms).map_or_else(|| "-".to_owned(), number::percent);
        let value = String::from_utf8_lossy(&top.value).into_owned();
        rows.push(vec![value, number::count(top.count), number::millis(top.total_ms), part]);
    }
    let least = if tops.partial { ", at least: there are too many to count them all" } else { "" };
    let headings = vec![
        Heading::text(name),
        Heading::number("requests"),
        Heading::number("time"),
        Heading::number("of the class"),
    ];
    HtmlTable { rows, ..HtmlTable::new(&format!("The {name}s that its time went to{least}"), headings) }
}
