//! `diff` as a document.

use std::io::{self, Write};

use super::{HtmlDocument, HtmlHead, HtmlPictures, HtmlTable};
use crate::histogram::Latency;
use crate::report::diff::{DiffDocument, DiffRow, signed_millis};
use crate::report::latency::GroupValue;
use crate::report::picture::{PicturedRequests, timed};
use crate::report::rows::{Heading, Report};
use crate::time::NamedZone;

/// What it is made of.
#[derive(Debug)]
pub struct DiffPage<'p> {
    /// What stands at the top.
    pub head: HtmlHead,
    /// Both sides, row beside row.
    pub diff: &'p DiffDocument,
    /// What the side before is ..
    pub before_words: String,
    /// .. and the side after.
    pub after_words: String,
    /// What the pictures of the side before are of ..
    pub before: &'p PicturedRequests,
    /// .. and of the side after.
    pub after: &'p PicturedRequests,
    /// The zone of the clocks.
    pub zone: NamedZone,
}

impl DiffPage<'_> {
    /// Writes the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (mut document, diff) = (HtmlDocument::new(&self.head), self.diff);
        if !diff.failed.is_empty() {
            document.heading("Conditions that were broken");
            document.list(&diff.failed);
        }
        let change = diff.change;
        let parts = [
            ("more requests", change.volume),
            ("another mix of rows", change.mix),
            ("the same rows slower", change.slower),
            ("together", change.total),
        ];
        let rows = parts.iter().map(|(name, part)| vec![(*name).to_owned(), signed_millis(*part)]).collect();
        let headings = vec![Heading::text("what"), Heading::number("time")];
        let caption = "How the time that all requests took has changed";
        document.table(&HtmlTable { rows, has_totals: true, ..HtmlTable::new(caption, headings) });
        let report = Report {
            rows: diff.rows.clone(),
            blank: DiffRow { group: GroupValue { values: Vec::new(), ..diff.all.group.clone() }, ..DiffRow::default() },
            totals: Some(diff.all.clone()),
            window: None,
            missing: Vec::new(),
        };
        let (numbered, mut wrong) = (diff.rows.iter().enumerate(), Vec::new());
        wrong.extend(numbered.filter(|(_, row)| !row.failed.is_empty()).map(|(at, _)| at));
        document.table(&HtmlTable { wrong, ..HtmlTable::of_report("Row by row, before and then", &report) });
        document.begin_pictures();
        for (side, of, pictured) in
            [("after", &self.after_words, self.after), ("before", &self.before_words, self.before)]
        {
            let pictures = HtmlPictures { pictured, zone: self.zone, of: format!("{side}, {of}") };
            pictures.heatmap(&mut document, None);
            pictures.icicle(&mut document);
        }
        let (after, before) = (latency_of(self.after), latency_of(self.before));
        let pictures = HtmlPictures { pictured: self.after, zone: self.zone, of: "after beside before".to_owned() };
        pictures.percentiles(&mut document, ("after", &after), ("before", &before));
        document.end_pictures();
        document.write(out)
    }
}

/// How long all of the requests took.
fn latency_of(pictured: &PicturedRequests) -> Latency {
    let mut latency = Latency::default();
    for (_, cell) in &pictured.routes {
        latency.merge(timed(cell));
    }
    latency
}
