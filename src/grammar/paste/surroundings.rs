//! What a web page, a template or a shell put around a log_format or into it.

use super::Text;
use crate::grammar::format_error::FormatError;

/// Characters that look like a space or like nothing, and which nginx writes into no log.
const LOOKALIKES: &[char] = &[
    '\u{a0}', '\u{2000}', '\u{2001}', '\u{2002}', '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}',
    '\u{2008}', '\u{2009}', '\u{200a}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{202f}', '\u{205f}', '\u{2060}',
    '\u{3000}',
];

/// The entities that HTML writes quotes as.
const QUOTES_OF_HTML: &[(&str, &str)] =
    &[("&quot;", "\""), ("&#34;", "\""), ("&#x22;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&apos;", "'")];

/// Refuses spaces that are none: the log has real ones, so that no line would fit.
pub(super) fn refuse_lookalikes(pasted: &str) -> Result<(), FormatError> {
    let Some((at, found)) = pasted.char_indices().find(|(_, character)| LOOKALIKES.contains(character)) else {
        return Ok(());
    };
    Err(FormatError::new(
        pasted,
        at..at + found.len_utf8(),
        format!("this is no space but the character U+{:04X}, which looks like one or like nothing", u32::from(found)),
        "type it anew as a plain space: web pages and word processors change them",
    ))
}

/// The text without a byte order mark, template tags, the doubled or escaped dollars of a template or shell, and HTML's entities.
pub(super) fn without_surroundings(pasted: &str) -> Text<'_> {
    let mut text = Text::Borrowed(pasted.trim_start_matches('\u{feff}'));
    for tag in ["{% raw %}", "{%- raw %}", "{%- raw -%}", "{% endraw %}", "{%- endraw %}", "{%- endraw -%}"] {
        if text.contains(tag) {
            text = Text::Owned(text.replace(tag, ""));
        }
    }
    if QUOTES_OF_HTML.iter().any(|(entity, _)| text.contains(entity)) {
        let mut plain = text.into_owned();
        for (entity, quote) in QUOTES_OF_HTML {
            plain = plain.replace(entity, quote);
        }
        text = Text::Owned(plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    }
    for lead in ["\\$", "$$"] {
        let dollars = text.matches('$').count();
        let of_pair = lead.matches('$').count();
        if dollars > 0 && text.matches(lead).count() * of_pair == dollars {
            text = Text::Owned(text.replace(lead, "$"));
        }
    }
    text
}
