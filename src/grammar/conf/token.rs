//! The tokens of nginx's configuration language, by the rules of `ngx_conf_read_token` (ngx_conf_file.c).
//!
//! A token is quoted with `'` or `"` or bare; a comment starts with `#` where a token could; after a quoted token a
//! space, `;`, `{` or `)` must follow; a bare one ends at a space, `;` or `{`, but `${` belongs to it. In every token a
//! backslash takes the special meaning of the byte after it, and then `\"`, `\'` and `\\` are that byte, `\t`, `\n` and
//! `\r` control bytes, and any other pair stays as it is. A carriage return is a space; a byte order mark is not.

use std::ops::Range;

/// What a configuration file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A directive's name or argument, quotes and backslashes resolved.
    Word(Vec<u8>),
    /// The text after a `#`, up to the line's end.
    Comment,
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// A token, and where it stands in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) what: TokenKind,
    pub(crate) span: Range<usize>,
}

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenError {
    pub(crate) span: Range<usize>,
    pub(crate) reason: &'static str,
    pub(crate) remedy: &'static str,
}

/// Reads tokens off a source, each byte once.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'s> {
    source: &'s [u8],
    at: usize,
    /// Where the word that is read begins, for the errors.
    begin: usize,
}

impl<'s> Tokens<'s> {
    pub(crate) fn new(source: &'s [u8]) -> Tokens<'s> {
        Tokens { source, at: 0, begin: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// The next token; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, TokenError> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        let Some(first) = self.peek() else { return Ok(None) };
        self.begin = self.at;
        self.at += 1;
        let what = match first {
            b';' => TokenKind::End,
            b'{' => TokenKind::Open,
            b'}' => TokenKind::Close,
            b'#' => {
                let rest = self.source.get(self.at..).unwrap_or_default();
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                TokenKind::Comment
            }
            b'"' | b'\'' => self.read_quoted(first)?,
            _ => self.read_bare(first),
        };
        Ok(Some(Token { what, span: self.begin..self.at }))
    }

    fn read_quoted(&mut self, quote: u8) -> Result<TokenKind, TokenError> {
        loop {
            match self.peek() {
                None => {
                    let span = self.begin..self.begin + 1;
                    return Err(TokenError { span, reason: "this quote is not closed", remedy: "close it" });
                }
                Some(b'\\') => self.at = (self.at + 2).min(self.source.len()),
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        if self.peek().is_some_and(|next| !is_space(next) && !matches!(next, b';' | b'{' | b')')) {
            let after = self.source.get(self.at..).unwrap_or_default();
            // A whole character, should the source be text.
            let more = after.iter().skip(1).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
            return Err(TokenError {
                span: self.at - 1..self.at + 1 + more,
                reason: "text glued to a closing quote",
                remedy: "put a space between the pieces, or a backslash before a quote that belongs to the text",
            });
        }
        Ok(TokenKind::Word(resolve_backslashes(self.source.get(self.begin + 1..self.at - 1).unwrap_or_default())))
    }

    fn read_bare(&mut self, first: u8) -> TokenKind {
        let mut variable = first == b'$';
        if first == b'\\' {
            self.at = (self.at + 1).min(self.source.len());
        }
        while let Some(byte) = self.peek() {
            let ends = is_space(byte) || byte == b';' || (byte == b'{' && !variable);
            if ends {
                break;
            }
            // As nginx has it, `${` may be followed by another brace.
            variable = byte == b'$' || (variable && byte == b'{');
            self.at = if byte == b'\\' { (self.at + 2).min(self.source.len()) } else { self.at + 1 };
        }
        TokenKind::Word(resolve_backslashes(self.source.get(self.begin..self.at).unwrap_or_default()))
    }

    /// Passes over the Lua code of a `.._by_lua_block {`, whose brace was just read, up to and with the brace that
    /// closes it. Braces in Lua's strings and comments do not count. False if the source ends before.
    pub(crate) fn pass_lua(&mut self) -> bool {
        let mut depth = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return true;
                    }
                }
                b'"' | b'\'' => self.pass_lua_string(byte),
                b'[' => {
                    self.pass_lua_brackets();
                }
                b'-' if self.peek() == Some(b'-') => {
                    self.at += 1;
                    let long = self.peek() == Some(b'[') && {
                        self.at += 1;
                        self.pass_lua_brackets()
                    };
                    if !long {
                        let rest = self.source.get(self.at..).unwrap_or_default();
                        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// Up to the closing quote, or the line's end where Lua's strings end at the latest.
    fn pass_lua_string(&mut self, quote: u8) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at = (self.at + 1).min(self.source.len()),
                b'\n' => return,
                _ if byte == quote => return,
                _ => {}
            }
        }
    }

    /// After a `[`: over `=..[ .. ]=..]`, if that is what follows.
    fn pass_lua_brackets(&mut self) -> bool {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let level = rest.iter().take_while(|byte| **byte == b'=').count();
        if rest.get(level) != Some(&b'[') {
            return false;
        }
        let mut close = vec![b'='; level + 2];
        for end in [0, level + 1] {
            if let Some(byte) = close.get_mut(end) {
                *byte = b']';
            }
        }
        let from = self.at + level + 1;
        let inside = self.source.get(from..).unwrap_or_default();
        match memchr::memmem::find(inside, &close) {
            Some(at) => {
                self.at = from + at + close.len();
                true
            }
            // Looked for in vain up to the end: nothing after it can close the block either.
            None => {
                self.at = self.source.len();
                true
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Resolves the backslashes of a token.
pub(crate) fn resolve_backslashes(token: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(token.len());
    let mut bytes = token.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(same @ (b'"' | b'\'' | b'\\')) => out.push(same),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(source: &str) -> Vec<String> {
        let mut tokens = Tokens::new(source.as_bytes());
        let mut shown = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            shown.push(match token.what {
                TokenKind::Word(word) => String::from_utf8(word).unwrap(),
                TokenKind::Comment => source[token.span].to_owned(),
                TokenKind::End => ";".to_owned(),
                TokenKind::Open => "{".to_owned(),
                TokenKind::Close => "}".to_owned(),
            });
        }
        shown
    }

    #[test]
    fn words_quotes_and_comments() {
        assert_eq!(shown("a 'b c' \"d;\";#x\n}"), ["a", "b c", "d;", ";", "#x", "}"]);
        assert_eq!(shown("a${b}c$d{"), ["a${b}c$d", "{"]);
        assert_eq!(shown("a${b}{"), ["a${b}", "{"]);
        assert_eq!(shown("a#b it's}x\\;y;"), ["a#b", "it's}x\\;y", ";"]);
        assert_eq!(shown(r#"'a\'b\\\t\d' "\"" \"#), ["a'b\\\t\\d", "\"", "\\"]);
        assert_eq!(shown("if ('a'='b'){"), ["if", "('a'='b')", "{"]);
        assert_eq!(shown("if ($a ~ 'b'){"), ["if", "($a", "~", "b", ")", "{"]);
        assert_eq!(shown("a\r\n\tb;\r\n"), ["a", "b", ";"]);
        assert!(shown(" \n").is_empty());
    }

    #[test]
    fn wrong_quotes() {
        for (source, span) in [("a 'b", 2..3), ("a 'b'c;", 4..6), ("a \"b\\\"", 2..3), ("'a'é", 2..5)] {
            let mut tokens = Tokens::new(source.as_bytes());
            let error = loop {
                match tokens.next() {
                    Ok(token) => assert!(token.is_some(), "{source}"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.span, span, "{source}");
        }
    }

    #[test]
    fn lua_is_passed_over() {
        for code in
            ["", "a = {1, {2}}", "s = '}' .. \"}\\\"}\" -- }\n", "x = [==[ } ]] ]==] --[[ } ]]", "a[b[1]] = 2 - -1"]
        {
            let source = format!("{code}}} next");
            let mut tokens = Tokens::new(source.as_bytes());
            assert!(tokens.pass_lua(), "{code}");
            assert_eq!(tokens.at, code.len() + 1, "{code}");
        }
        for code in ["{", "'}", "--[[ }", "[=[ ]] }"] {
            assert!(!Tokens::new(code.as_bytes()).pass_lua(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_passed_once(source in proptest::collection::vec(prop_oneof![
            3 => prop::sample::select(b"a ;{}'\"\\$#\n-[]=".to_vec()), 1 => any::<u8>()], 0..200)) {
            let mut tokens = Tokens::new(&source);
            let mut end = 0;
            while let Ok(Some(token)) = tokens.next() {
                prop_assert!(token.span.start >= end && token.span.end > token.span.start);
                prop_assert!(token.span.end <= source.len());
                end = token.span.end;
            }
            let mut lua = Tokens::new(&source);
            lua.pass_lua();
            prop_assert!(lua.at <= source.len());
        }
    }
}
