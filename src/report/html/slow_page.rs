//! `slow` as a document.

use std::io::{self, Write};

use super::{HtmlDocument, HtmlHead, HtmlPictures, HtmlTable};
use crate::report::picture::PicturedRequests;
use crate::report::slow::SlowReport;
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
        document.heading("Lines");
        for (row, class) in self.slow.described() {
            if class.samples.is_empty() {
                continue;
            }
            document.small_heading(&format!("#{} {}", row.rank, row.names().join(" ")));
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
