//! A text in the quotes of YAML, JSON, TOML, a shell or a program.

/// What stood in the quotes, and what follows them.
pub(super) struct QuotedValue<'t> {
    pub(super) text: String,
    pub(super) rest: &'t str,
}

/// The text after an opening `quote`, up to the one that closes it; nothing if none does. `doubled`: a quote in it may be written twice,
/// as YAML does.
pub(super) fn read_quoted(quote: char, after: &str, doubled: bool) -> Option<QuotedValue<'_>> {
    let triple = [quote; 2].iter().collect::<String>();
    if let Some(inside) = after.strip_prefix(&triple)
        && let Some(end) = inside.find(&format!("{quote}{triple}"))
    {
        let rest = inside.get(end + 3..).unwrap_or_default();
        return Some(QuotedValue { text: inside.get(..end).unwrap_or_default().to_owned(), rest });
    }
    let mut text = String::new();
    let mut characters = after.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            if doubled && quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
                text.push(quote);
                continue;
            }
            return Some(QuotedValue { text, rest: after.get(at + quote.len_utf8()..).unwrap_or_default() });
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        let next = characters.next().map(|(_, next)| next);
        if quote == '\'' {
            // A program's `\'`; all other pairs are nginx's to resolve.
            if next != Some('\'') {
                text.push('\\');
            }
            text.extend(next);
        } else {
            push_escaped(&mut text, next, &mut characters);
        }
    }
    None
}

/// What the escape after a backslash stands for in JSON's and YAML's double quotes.
fn push_escaped(
    text: &mut String,
    escaped: Option<char>,
    characters: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
) {
    match escaped {
        Some(same @ ('"' | '\\' | '/' | '\'' | '$')) => text.push(same),
        Some('t') => text.push('\t'),
        Some('n') => text.push('\n'),
        Some('r') => text.push('\r'),
        Some('u') => {
            let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
            let character = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Some('x') => {
            let digits: String = characters.by_ref().take(2).map(|(_, digit)| digit).collect();
            let character = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Some(other) => text.extend(['\\', other]),
        None => text.push('\\'),
    }
}
