//! An answer as one HTML file that is attached to an incident: tables first, then pictures, each with its numbers.
//!
//! ```text
//! mod            the document: its head (what was asked, what is missing), sections, lines of a log
//! html_table     rows as a table
//! html_pictures  heatmap, percentiles, icicle: those of `picture`
//! latency_page   report
//! slow_page      slow
//! diff_page      diff
//! why_page       why
//! ```
//!
//! It loads nothing and runs nothing: there is no script in it, and its policy forbids any. What strangers wrote goes through
//! `HtmlDocument`'s own functions only, which show what a terminal would obey as `\xHH`, cut what is too long for a page and say so, and
//! let nothing out of its element. Light, dark and print are the reader's system's choice.

mod diff_page;
mod html_pictures;
mod html_table;
mod latency_page;
mod slow_page;
mod why_page;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

pub use diff_page::DiffPage;
pub use html_pictures::HtmlPictures;
pub use html_table::HtmlTable;
pub use latency_page::LatencyPage;
pub use slow_page::SlowPage;
pub use why_page::WhyPage;

use super::number;
use super::picture::{PICTURE_STYLE, markup_safe};
use super::slow::SampleLine;
use super::terminal_safe::terminal_safe;

/// What the document looks like.
const STYLE: &str = include_str!("html.css");

/// So much of one line of a log is shown.
const LINE_CHARACTERS: usize = 4_000;

/// So much of one text in a table, or of a name.
const TEXT_CHARACTERS: usize = 240;

/// What stands at the top: what was asked, of what, and how much of it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HtmlHead {
    /// The command: `report`.
    pub command: String,
    /// What the answer is: `Latency per route`.
    pub title: String,
    /// The window on the clocks of the zone.
    pub window: String,
    /// The zone of all times, in words.
    pub zone: String,
    /// When and where it was made, by which version.
    pub made: String,
    /// What was typed.
    pub typed: String,
    /// What is missing.
    pub missing: Vec<String>,
    /// What is said where nothing is.
    pub complete: String,
    /// What else was said.
    pub said: Vec<String>,
}

/// A document while it is written.
#[derive(Debug)]
pub struct HtmlDocument {
    html: String,
}

impl HtmlDocument {
    /// A document with its head.
    pub fn new(head: &HtmlHead) -> HtmlDocument {
        let mut document = HtmlDocument { html: String::with_capacity(1 << 16) };
        let title = safe_text(&head.title, TEXT_CHARACTERS);
        document.markup(format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}, {}</title>\n<style>\n{PICTURE_STYLE}\n{STYLE}</style>\n</head>\n<body>\n",
            safe_text(&head.window, TEXT_CHARACTERS)
        ));
        document
            .markup(format_args!("<header>\n<p class=\"brand\">spikeline {}</p>\n<h1>{title}</h1>\n", head.command));
        document.html.push_str("<dl class=\"facts\">");
        for (name, value) in [("window", &head.window), ("zone", &head.zone), ("made", &head.made)] {
            let value = safe_text(value, TEXT_CHARACTERS);
            document.markup(format_args!("<dt>{name}</dt><dd>{value}</dd>"));
        }
        document.html.push_str("</dl>\n");
        document.command(&head.typed);
        document.completeness(head);
        document.html.push_str("</header>\n<main>\n");
        document
    }

    /// Whether the answer is whole: before all numbers, since none of them is worth more than that.
    fn completeness(&mut self, head: &HtmlHead) {
        if head.missing.is_empty() {
            let complete = safe_text(&head.complete, LINE_CHARACTERS);
            self.markup(format_args!("<p class=\"complete\">{complete}</p>\n"));
        } else {
            let things = match head.missing.len() {
                1 => "one thing is missing".to_owned(),
                count => format!("{} things are missing", number::count(count as u64)),
            };
            self.markup(format_args!("<section class=\"missing\"><h2>Not complete: {things}</h2>\n"));
            self.list(&head.missing);
            self.html.push_str("</section>\n");
        }
        if !head.said.is_empty() {
            self.html.push_str("<section class=\"said\">\n");
            self.list(&head.said);
            self.html.push_str("</section>\n");
        }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) {
        self.markup(format_args!("<h2>{}</h2>\n", safe_text(text, TEXT_CHARACTERS)));
    }

    /// A heading below another.
    pub fn small_heading(&mut self, text: &str) {
        self.markup(format_args!("<h3>{}</h3>\n", safe_text(text, TEXT_CHARACTERS)));
    }

    /// A paragraph.
    pub fn words(&mut self, text: &str) {
        self.markup(format_args!("<p>{}</p>\n", safe_text(text, LINE_CHARACTERS)));
    }

    /// What was typed, or may be.
    pub fn command(&mut self, typed: &str) {
        let safe = safe_text(typed, LINE_CHARACTERS);
        self.html.push_str("<p class=\"command\"><code>");
        // An option is not broken behind its first dash.
        for (at, word) in safe.split(' ').enumerate() {
            let before = if at > 0 { " " } else { "" };
            match word.starts_with("--") {
                true => self.markup(format_args!("{before}<span>{word}</span>")),
                false => self.markup(format_args!("{before}{word}")),
            }
        }
        self.html.push_str("</code></p>\n");
    }

    /// Texts, each by itself.
    pub fn list(&mut self, texts: &[String]) {
        self.html.push_str("<ul>\n");
        for text in texts {
            self.markup(format_args!("<li>{}</li>\n", safe_text(text, LINE_CHARACTERS)));
        }
        self.html.push_str("</ul>\n");
    }

    /// Rows.
    pub fn table(&mut self, table: &HtmlTable) {
        table.write(&mut self.html);
    }

    /// From here on pictures, which stand side by side where there is room.
    pub fn begin_pictures(&mut self) {
        self.html.push_str("<div class=\"pictures\">\n");
    }

    /// The end of the pictures.
    pub fn end_pictures(&mut self) {
        self.html.push_str("</div>\n");
    }

    /// Lines of a log with their places.
    pub fn lines(&mut self, lines: &[SampleLine]) {
        for SampleLine { locator, line, took_ms } in lines {
            let took = if *took_ms > 0 { format!("<b>{}</b> ", number::millis(*took_ms)) } else { String::new() };
            self.markup(format_args!(
                "<figure class=\"line\"><figcaption>{took}{}</figcaption><pre>",
                safe_text(locator, TEXT_CHARACTERS)
            ));
            // A record of a container's log may be of several lines.
            for (at, part) in line.split(|&byte| byte == b'\n').enumerate() {
                let part = safe_line(part);
                self.markup(format_args!("{}{part}", if at > 0 { "\n" } else { "" }));
            }
            self.html.push_str("</pre></figure>\n");
        }
    }

    /// Markup that is safe already.
    fn markup(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _always = self.html.write_fmt(markup);
    }

    /// The whole document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.html.push_str("</main>\n</body>\n</html>\n");
        out.write_all(self.html.as_bytes())
    }
}

/// Text that a stranger may have written, as markup: what a terminal would obey is shown, and of what is too long the beginning.
fn safe_text(text: &str, most: usize) -> String {
    let shown = shortened(text, most);
    markup_safe(&terminal_safe(shown.as_bytes())).into_owned()
}

/// The same of bytes.
fn safe_line(line: &[u8]) -> String {
    let text = terminal_safe(line);
    markup_safe(&shortened(&text, LINE_CHARACTERS)).into_owned()
}

/// The beginning of a text, and how long it is.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let begin = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{begin}… ({} in all)", number::bytes(text.len() as u64)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(document: HtmlDocument) -> String {
        let mut out = Vec::new();
        document.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        /// What strangers wrote adds no element and no attribute, ends none, and turns no text around, wherever it stands.
        #[test]
        fn no_text_is_markup(text in "\\PC{0,6}(<script>|</pre>|\"|'|&lt;|<!--|]]>|\u{202e}|\u{1b}\\[2J|\u{0}){0,4}\\PC{0,6}") {
            let page = |text: &str| {
                let head = HtmlHead { title: text.to_owned(), typed: text.to_owned(), window: text.to_owned(), missing: vec![text.to_owned()], ..HtmlHead::default() };
                let mut document = HtmlDocument::new(&head);
                document.heading(text);
                document.words(text);
                document.table(&HtmlTable { rows: vec![vec![text.to_owned()]], ..HtmlTable::new(text, vec![crate::report::Heading::text(text)]) });
                document.lines(&[SampleLine { locator: text.to_owned(), line: text.as_bytes().to_vec(), ..SampleLine::default() }]);
                written(document)
            };
            let (plain, hostile) = (page("x"), page(&text));
            for mark in ["<", ">", "\"", "'"] {
                prop_assert_eq!(hostile.matches(mark).count(), plain.matches(mark).count(), "{} in {}", mark, hostile);
            }
            let turns = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!hostile.contains(turns));
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_said() {
        let long = "ü".repeat(1 << 20);
        assert_eq!(safe_text(&long, 3), "üüü… (2.0 MiB in all)");
        assert_eq!(safe_text("<a>", 3), "&lt;a&gt;");
        assert!(safe_line(long.as_bytes()).len() < 3 * LINE_CHARACTERS);
    }
}
