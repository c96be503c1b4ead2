//! `why` as a document, in the order of the text.

use std::io::{self, Write};

use super::html_pictures::differing_words;
use super::{HtmlDocument, HtmlHead, HtmlPictures, HtmlTable, safe_text};
use crate::histogram::Latency;
use crate::report::number::{self, percent};
use crate::report::picture::PicturedRequests;
use crate::report::rows::Heading;
use crate::report::slow::SampleLine;
use crate::report::why::{
    CauseRow, GLUE, WhyReport, cause_details, cause_title, first_words, grown_words, no_news_words, phase_words,
    rows_of, signed, usual_side, verdict_details, verdict_words,
};
use crate::route::readable_name;
use crate::time::NamedZone;

/// So many routes have a row.
const MOST_ROUTES: usize = 30;

/// What it is made of.
#[derive(Debug)]
pub struct WhyPage<'p> {
    /// What stands at the top.
    pub head: HtmlHead,
    /// The answer.
    pub why: &'p WhyReport,
    /// The window and what was before it; its routes are those of the window.
    pub pictured: &'p PicturedRequests,
    /// How long the requests of the window took ..
    pub inside: &'p Latency,
    /// .. and those of the baseline.
    pub outside: &'p Latency,
    /// The zone of the clocks.
    pub zone: NamedZone,
}

impl WhyPage<'_> {
    /// Writes the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut document = HtmlDocument::new(&self.head);
        let why = self.why;
        document.markup(format_args!("<p class=\"verdict\">{}</p>\n", verdict_words(why)));
        for words in verdict_details(why, self.zone, "") {
            document.words(&words);
        }
        document.markup(format_args!("<div class=\"pair\">\n"));
        document.table(&self.change());
        if why.verdict != "nothing" {
            self.phases(&mut document);
        }
        document.markup(format_args!("</div>\n"));
        self.causes(&mut document);
        if why.verdict != "nothing" {
            document.table(&self.routes());
        }
        self.first(&mut document);
        self.samples(&mut document);
        self.pictures(&mut document);
        document.write(out)
    }

    fn change(&self) -> HtmlTable {
        let parts = self.why.change_ms;
        let rows = [
            ("more requests", parts.volume),
            ("other routes", parts.mix),
            ("the same routes slower", parts.slower),
            ("together", parts.total),
        ];
        let rows = rows.iter().map(|(name, part)| vec![(*name).to_owned(), signed(*part)]).collect();
        let headings = vec![Heading::text("what"), Heading::number("time")];
        HtmlTable { rows, has_totals: true, ..HtmlTable::new("What changed", headings) }
    }

    fn phases(&self, document: &mut HtmlDocument) {
        let (Some(phases), Some(change)) = (&self.why.phases, &self.why.phases_ms) else {
            return document.words("The log tells no upstream times, so it is not known in which phase the time went.");
        };
        let mut rows = Vec::new();
        for (phase, row, more) in rows_of(phases, change) {
            let (now, usual) = (number::millis(row.window_ms), number::millis(row.usual_ms));
            rows.push(vec![phase_words(phase).to_owned(), now, usual, signed(more)]);
        }
        let headings = ["now", "usual", "change"].map(Heading::number);
        let headings = std::iter::once(Heading::text("phase")).chain(headings).collect();
        document.table(&HtmlTable { rows, ..HtmlTable::new("Where the time went", headings) });
    }

    fn routes(&self) -> HtmlTable {
        let mut rows = Vec::new();
        for route in self.why.routes.iter().take(MOST_ROUTES) {
            let usual = usual_side(route.baseline, self.why);
            rows.push(vec![
                readable_name(&route.route).into_owned(),
                signed(route.change_ms),
                signed(route.slower_ms),
                number::count(route.window.count),
                number::count(usual.count),
                number::millis(route.window.total_ms),
                number::millis(usual.total_ms),
                number::count(route.window.slow),
            ]);
        }
        let numbers = ["change", "of it slower", "requests", "usually", "time", "usually", "slow"].map(Heading::number);
        let headings = std::iter::once(Heading::text("route")).chain(numbers).collect();
        let caption = match self.why.routes.len() {
            0..=MOST_ROUTES => "What became of each route".to_owned(),
            all => {
                format!("What became of the {MOST_ROUTES} routes that changed most, of {}", number::count(all as u64))
            }
        };
        HtmlTable { rows, ..HtmlTable::new(&caption, headings) }
    }

    fn causes(&self, document: &mut HtmlDocument) {
        let why = self.why;
        if why.verdict == "slower" {
            document.heading("What sets the slow ones apart");
            if why.causes.is_empty() {
                document.words(&format!("Nothing: of {} values and pairs none.", number::count(why.tried)));
            }
        }
        for (rank, cause) in (1u64..).zip(&why.causes) {
            cause_of(document, rank, cause);
        }
        for grown in &why.grown {
            document.words(&grown_words(grown));
        }
        for cause in &why.no_news {
            document.words(&no_news_words(cause, self.zone));
        }
        if why.sampled < 1.0 && why.verdict == "slower" {
            document.words(&format!("Looked for among {} of the requests.", percent(why.sampled)));
        }
    }

    fn first(&self, document: &mut HtmlDocument) {
        if self.why.first.is_empty() {
            return;
        }
        document.heading("Who came first");
        if !self.why.first.iter().any(|first| first.held) {
            document.words("None held up the others; the first slow ones:");
        }
        let texts: Vec<String> = self.why.first.iter().map(|first| first_words(first, self.zone)).collect();
        document.list(&texts);
    }

    fn samples(&self, document: &mut HtmlDocument) {
        if !self.why.samples.is_empty() {
            document.heading("Lines");
        }
        let mut lines = Vec::new();
        for sample in &self.why.samples {
            let locator = format!("{}@{}", sample.file, sample.offset);
            lines.push(SampleLine { locator, line: sample.line.clone().into_bytes(), ..SampleLine::default() });
        }
        document.lines(&lines);
        if self.why.verdict != "nothing" && !self.why.command.is_empty() {
            document.words("All of them:");
            document.command(&self.why.command);
            if let Some(link) = &self.why.link {
                document.words(link);
            }
        }
    }

    fn pictures(&self, document: &mut HtmlDocument) {
        document.heading("Pictures");
        let (drawn, counted) = (self.inside.count(), self.why.requests.window.count);
        if drawn != counted {
            document.words(&differing_words(drawn, counted));
        }
        document.begin_pictures();
        let pictured = |of: &str| HtmlPictures { pictured: self.pictured, zone: self.zone, of: of.to_owned() };
        pictured("the window and what was before").heatmap(document, Some(self.why.window));
        let (inside, outside) = (("the window", self.inside), ("the baseline", self.outside));
        pictured("the window beside its baseline").percentiles(document, inside, outside);
        pictured("the window").icicle(document);
        document.end_pictures();
    }
}

fn cause_of(document: &mut HtmlDocument, rank: u64, cause: &CauseRow) {
    let name = safe_text(&cause_title(rank, cause), super::TEXT_CHARACTERS * 2);
    document.markup(format_args!("<section class=\"cause\"><p class=\"name\">{name}</p>\n"));
    for words in cause_details(cause) {
        document.words(&words.replace(GLUE, " "));
    }
    document.markup(format_args!("</section>\n"));
}
