//! One table of the configuration file, read key by key; every mistake is collected with its place.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::position::{Placed, Source};
use super::size::parse_size;
use crate::error::{Error, meant};
use crate::time::parse_duration;

/// One table while it is read. Getters return `None` for a key that is absent or (then there is a mistake) wrong.
pub(super) struct Section<'a> {
    /// What the user calls this table, e.g. `[[log]]`.
    name: &'static str,
    table: &'a DeTable<'a>,
    start: usize,
    source: Source<'a>,
    mistakes: &'a mut Vec<Error>,
}

impl<'a> Section<'a> {
    /// Begin reading `table`, in which only the keys `known` may stand.
    pub(super) fn new(
        name: &'static str,
        table: &'a DeTable<'a>,
        start: usize,
        source: Source<'a>,
        known: &[&str],
        mistakes: &'a mut Vec<Error>,
    ) -> Section<'a> {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let what = format!("unknown key `{}` in {name}", key.get_ref());
                mistakes.push(source.mistake(key.span().start, what).remedy(did_you_mean(key.get_ref(), known)));
            }
        }
        Section { name, table, start, source, mistakes }
    }

    /// A table that is a value of this one; nothing if it is none.
    pub(super) fn inside<'s>(
        &'s mut self,
        name: &'static str,
        found: &'a Spanned<DeValue<'a>>,
        known: &[&str],
    ) -> Option<Section<'s>> {
        let table = found.get_ref().as_table()?;
        Some(Section::new(name, table, found.span().start, self.source, known, self.mistakes))
    }

    /// A mistake of the table as a whole.
    pub(super) fn mistake(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.push(self.source.mistake(self.start, what).remedy(remedy));
    }

    /// A mistake at a value.
    pub(super) fn mistake_at<T>(&mut self, value: &Placed<T>, what: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.push(value.mistake(what).remedy(remedy));
    }

    /// A mistake at a byte inside a text.
    pub(super) fn mistake_inside(&mut self, text: &Placed<String>, at: usize, what: String, remedy: &str) {
        self.mistakes.push(text.mistake_inside(at, what).remedy(remedy));
    }

    /// The place of a value of this table.
    pub(super) fn placed(&self, span: std::ops::Range<usize>) -> Placed<()> {
        self.source.placed(span, ())
    }

    /// The place of the table itself.
    pub(super) fn place(&self) -> Placed<()> {
        self.source.placed(self.start..self.start, ())
    }

    /// Whether the key is there at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value as TOML has it, with its span.
    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// The mistake of a value of another type than `wanted`, with the key as it would be right.
    fn wrong_type(&mut self, key: &str, wanted: &str, example: &str, found: &Spanned<DeValue<'_>>) {
        let what = format!("`{key}` must be {wanted}, not {}", type_name(found.get_ref()));
        let remedy = format!("for example `{key} = {example}`");
        self.mistakes.push(self.source.mistake(found.span().start, what).remedy(remedy));
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &str, example: &str) -> Option<Placed<String>> {
        let found = self.value(key)?;
        self.as_text(key, example, found)
    }

    /// A text that is not empty, or a mistake.
    pub(super) fn as_text(&mut self, key: &str, example: &str, found: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
        let Some(text) = found.get_ref().as_str() else {
            self.wrong_type(key, "a text", &format!("\"{example}\""), found);
            return None;
        };
        let text = self.source.placed_text(found.span(), text.to_owned());
        if text.value.is_empty() {
            self.mistake_at(&text, format!("`{key}` is empty"), format!("for example `{key} = \"{example}\"`"));
            return None;
        }
        Some(text)
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, key: &str, example: &str) -> Option<Placed<String>> {
        if self.value(key).is_none() {
            let what = format!("{} has no `{key}`", self.name);
            self.mistake(what, format!("for example `{key} = \"{example}\"`"));
        }
        self.text(key, example)
    }

    /// One value or a list of them, each made by `make`; a mistake in one does not hide those in the others.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        mut make: impl FnMut(&mut Section<'a>, &'a Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Vec<T> {
        match self.value(key).map(|found| (found, found.get_ref().as_array())) {
            None => Vec::new(),
            Some((_, Some(array))) => array.iter().filter_map(|element| make(self, element)).collect(),
            Some((one, None)) => make(self, one).into_iter().collect(),
        }
    }

    /// One text or a list of texts.
    pub(super) fn texts(&mut self, key: &str, example: &str) -> Vec<Placed<String>> {
        self.list(key, |section, found| section.as_text(key, example, found))
    }

    /// A table of names and texts, in the order of the names.
    pub(super) fn text_table(&mut self, key: &str, example: &str) -> Vec<(Placed<String>, Placed<String>)> {
        let Some(found) = self.value(key) else { return Vec::new() };
        let Some(table) = found.get_ref().as_table() else {
            self.wrong_type(key, "a table of texts", &format!("{{ {example} }}"), found);
            return Vec::new();
        };
        let entry = |(name, found): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &Spanned<std::borrow::Cow<'_, str>> = name;
            let value = self.as_text(name.get_ref(), "text", found)?;
            Some((self.source.placed(name.span(), name.get_ref().to_string()), value))
        };
        table.iter().filter_map(entry).collect()
    }

    /// A duration of at least `least`.
    pub(super) fn duration(&mut self, key: &str, example: &str, least: Duration) -> Option<Placed<Duration>> {
        let found = self.value(key)?;
        let Some(text) = found.get_ref().as_str() else {
            self.wrong_type(key, "a duration with its unit", &format!("\"{example}\""), found);
            return None;
        };
        let text = self.source.placed_text(found.span(), text.to_owned());
        match parse_duration(&text.value) {
            Ok(duration) if duration >= least => Some(text.map(|_| duration)),
            Ok(_) => {
                let what = format!("`{key}` must be at least {}", crate::time::SpelledDuration(least));
                self.mistake_at(&text, what, format!("for example `{key} = \"{example}\"`"));
                None
            }
            Err(error) => {
                let what = format!("`{key}` is not a duration: expected {}", error.expected);
                let remedy = with_unit(&text.value, example, least)
                    .unwrap_or_else(|| format!("for example `{key} = \"{example}\"`"));
                self.mistakes.push(text.mistake_inside(error.offset, what).remedy(remedy));
                None
            }
        }
    }

    /// A size in bytes of at least one: an integer, or a text with KiB, MiB or GiB.
    pub(super) fn size(&mut self, key: &str, example: &str) -> Option<Placed<u64>> {
        let found = self.value(key)?;
        let size = match found.get_ref() {
            DeValue::String(text) => parse_size(text),
            DeValue::Integer(_) => whole_number(found.get_ref()),
            _ => {
                self.wrong_type(key, "a size", &format!("\"{example}\""), found);
                return None;
            }
        };
        let placed = self.source.placed(found.span(), ());
        match size.filter(|&bytes| bytes > 0) {
            Some(bytes) => Some(placed.map(|()| bytes)),
            None => {
                let what = format!("`{key}` is not a size");
                self.mistake_at(&placed, what, format!("bytes, KiB, MiB or GiB: for example `{key} = \"{example}\"`"));
                None
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn count(&mut self, key: &str, least: u64, most: u64, example: u64) -> Option<Placed<u64>> {
        let found = self.value(key)?;
        if !found.get_ref().is_integer() {
            self.wrong_type(key, "a whole number", &example.to_string(), found);
            return None;
        }
        let placed = self.source.placed(found.span(), ());
        match whole_number(found.get_ref()).filter(|number| (least..=most).contains(number)) {
            Some(number) => Some(placed.map(|()| number)),
            None => {
                let what = format!("`{key}` must be from {least} to {most}");
                self.mistake_at(&placed, what, format!("for example `{key} = {example}`"));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let found = self.value(key)?;
        let boolean = found.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(key, "true or false", "true", found);
        }
        boolean
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<Placed<T>> {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        let text = self.text(key, names.first().copied().unwrap_or_default())?;
        let chosen = choices.iter().find(|(name, _)| *name == text.value).map(|&(_, choice)| choice);
        match chosen {
            Some(choice) => Some(text.map(|_| choice)),
            None => {
                let what = format!("`{key}` cannot be `{}`", text.value);
                self.mistake_at(&text, what, did_you_mean(&text.value, &names));
                None
            }
        }
    }
}

/// Whether a duration is a number alone.
fn is_bare(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// What was meant by a duration that is a number alone: the unit of the key's example (milliseconds and seconds are
/// easily mistaken for one another), if that makes at least `least`.
fn with_unit(text: &str, example: &str, least: Duration) -> Option<String> {
    let units = match example.trim_start_matches(|digit: char| digit.is_ascii_digit()) {
        "s" => vec!["s", "ms"],
        "ms" => vec!["ms", "s"],
        unit => vec![unit],
    };
    let meant = units.iter().map(|unit| format!("{}{unit}", text.trim()));
    let possible = meant.filter(|_| is_bare(text)).filter(|it| parse_duration(it).is_ok_and(|meant| meant >= least));
    let named: Vec<String> = possible.map(|meant| format!("`{meant}`")).collect();
    (!named.is_empty()).then(|| format!("did you mean {}?", named.join(" or ")))
}

/// A duration in the unit that durations are counted in.
pub(in crate::cli) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An integer in any of TOML's bases, if it is not negative.
pub(super) fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The closest of the known names, or all of them.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match meant(name, known.iter().copied(), 1 + name.len() / 4) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("one of {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// A TOML type with its article.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
