//! What was probably meant by a text that is not a point in time.

use super::graphite::{MONTHS, WEEKDAYS};
use crate::time::duration::parse_duration;

/// The words that stand alone; names of days and months are in [`WEEKDAYS`] and [`MONTHS`].
const WORDS: [&str; 7] = ["now", "today", "yesterday", "tomorrow", "noon", "midnight", "teatime"];

/// The remedy for a mistake, if the text is close to something that is read.
pub(super) fn for_mistake(text: &str, expected: &str) -> Option<String> {
    let body = text.trim();
    if body.is_empty() {
        return Some("try `-10min`, `14:05`, `noon yesterday` or `2026-11-22 14:05`".to_owned());
    }
    let minutes = spell_out_minutes(body);
    if parse_duration(body).is_ok() {
        return Some(format!("did you mean `-{minutes}` (before now)?"));
    }
    if minutes != body {
        return Some(format!("did you mean `{minutes}`? (months are `mon`)"));
    }
    if body.starts_with(['-', '+']) && body.contains('.') {
        return Some("offsets are whole numbers: for one and a half hours say `-90min`".to_owned());
    }
    if expected.starts_with("a unit") {
        return Some("for example `-10min` or `-1h30min`".to_owned());
    }
    // Only where a whole word is wrong, not where a number in a known form is.
    if !expected.contains("such as") {
        return None;
    }
    let word = closest_word(body)?;
    Some(format!("did you mean `{word}`?"))
}

/// The text with every lone `m` after a number made `min`.
fn spell_out_minutes(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let mut after_digit = false;
    while let Some(c) = chars.next() {
        out.push(c);
        let in_word = matches!(chars.peek(), Some(next) if next.is_ascii_alphabetic());
        if c == 'm' && after_digit && !in_word {
            out.push_str("in");
        }
        after_digit = c.is_ascii_digit();
    }
    out
}

/// A known word that the text nearly is (two letters wrong at most, and fewer than half of them), or else one that it
/// contains. Of words that are equally near, the first: `WORDS` are what people mostly write.
fn closest_word(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let (mut least, mut closest) = (usize::MAX, "");
    for word in known_words() {
        let distance = strsim::damerau_levenshtein(&lower, word);
        if distance < least {
            (least, closest) = (distance, word);
        }
    }
    if least <= 2 && least * 2 < closest.len() {
        return Some(closest);
    }
    known_words().find(|word| lower.contains(word) && lower != *word)
}

/// All words that a time may have, those first that people mostly write.
fn known_words() -> impl Iterator<Item = &'static str> {
    let weekdays = WEEKDAYS.into_iter().map(|(name, _)| name);
    WORDS.into_iter().chain(weekdays).chain(MONTHS)
}
