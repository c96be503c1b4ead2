//! ```text
//! target   = ( template | call | path ) *( "|" call )
//! template = "template" "(" ( call | path ) *( "," literal | "," name "=" literal ) ")"
//! call     = name "(" [ argument *( "," argument ) ] *( "," name "=" argument ) ")"
//! argument = "true" | "false" | number | "none" | string | "inf" | target
//! path     = element *( "." element )
//! element  = 1*( letter | "\" any | "{" text *( "," text ) "}" )     letter: printable, none of (){},.'"\|
//! ```
//!
//! White space may stand between any two of these, but not within a path. Every function here takes the whole text beside what is left
//! of it, so that a part knows its place.

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, digit1, multispace0};
use nom::combinator::{opt, recognize};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::{ByteSpan, NamedArgument, Target, TargetCall, TargetMistake, TargetPath, TargetTemplate, TemplateVariable};

/// Calls may stand so deep within each other.
const DEEPEST: usize = 64;

/// A target may be so long.
const LONGEST: usize = 64 << 10;

/// What nom's parsers of letters and digits give here.
type Piece<'a> = IResult<&'a str, &'a str, nom::error::Error<&'a str>>;

/// What a part of the grammar gives, and what is left behind it.
type Part<'a, T> = Result<(&'a str, T), TargetMistake>;

/// The tree of a target's text.
///
/// # Errors
/// Where it cannot be read on, and what was expected there.
pub fn parse_target(text: &str) -> Result<Target, TargetMistake> {
    if text.len() > LONGEST {
        let span = ByteSpan { from: 0, until: text.len() };
        return Err(TargetMistake { span, what: "a target this long is not read".to_owned() });
    }
    let reader = TargetReader { whole: text };
    let (rest, target) = reader.target(text, 0)?;
    let rest = skip_spaces(rest);
    if rest.is_empty() {
        return Ok(target);
    }
    let what = match rest.chars().next() {
        Some(')') => "a `)` that closes nothing",
        Some('}') => "a `}` that closes nothing",
        _ => "this follows a whole target",
    };
    Err(reader.mistake(rest, what))
}

/// The text that is read.
struct TargetReader<'a> {
    whole: &'a str,
}

impl<'a> TargetReader<'a> {
    fn place(&self, rest: &str) -> usize {
        self.whole.len().saturating_sub(rest.len())
    }

    /// Of the letter that stands first in `rest`, or of the end.
    fn mistake(&self, rest: &str, what: &str) -> TargetMistake {
        let from = self.place(rest);
        let length = rest.chars().next().map_or(0, char::len_utf8);
        TargetMistake { span: ByteSpan { from, until: from + length }, what: what.to_owned() }
    }

    fn target(&self, input: &'a str, depth: usize) -> Part<'a, Target> {
        let input = skip_spaces(input);
        let from = self.place(input);
        let (mut rest, mut target) = self.call_or_path(input, depth)?;
        // What is piped on is the first argument of what follows.
        let mut pipes = depth;
        while let Some(after) = skip_spaces(rest).strip_prefix('|') {
            pipes += 1;
            let after = skip_spaces(after);
            let (behind, piped) = self.call_or_path(after, pipes)?;
            let Target::Call(mut call) = piped else {
                return Err(self.mistake(after, "expected a function's call behind `|`"));
            };
            call.arguments.insert(0, target);
            call.span.from = from;
            (rest, target) = (behind, Target::Call(call));
        }
        Ok((rest, target))
    }

    fn call_or_path(&self, input: &'a str, depth: usize) -> Part<'a, Target> {
        if depth > DEEPEST {
            return Err(self.mistake(input, "calls this deep within each other are not read"));
        }
        match parse_name(input) {
            Ok((after, "template")) if skip_spaces(after).starts_with('(') => self.template(after, depth),
            Ok((after, name)) if skip_spaces(after).starts_with('(') => self.call(input, name, after, depth),
            _ => self.path(input),
        }
    }

    fn call(&self, input: &'a str, name: &str, after: &'a str, depth: usize) -> Part<'a, Target> {
        let from = self.place(input);
        let mut rest = self.opening(after)?;
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        let mut is_first = true;
        while !rest.starts_with(')') {
            if !is_first {
                rest = self.comma(rest)?;
            }
            is_first = false;
            if let Some((behind, key)) = parse_key(rest) {
                let (behind, value) = self.argument(behind, depth)?;
                named.push(NamedArgument { name: key.to_owned(), value });
                rest = skip_spaces(behind);
                continue;
            }
            if !named.is_empty() {
                return Err(self.mistake(rest, "expected `name=value`, as before"));
            }
            let (behind, argument) = self.argument(rest, depth)?;
            arguments.push(argument);
            rest = skip_spaces(behind);
        }
        let rest = rest.get(1..).unwrap_or_default();
        let span = ByteSpan { from, until: self.place(rest) };
        let name_span = ByteSpan { from, until: from + name.len() };
        let text = self.whole.get(span.from..span.until).unwrap_or_default().to_owned();
        Ok((rest, Target::Call(TargetCall { function: name.to_owned(), name_span, span, arguments, named, text })))
    }

    fn template(&self, after: &'a str, depth: usize) -> Part<'a, Target> {
        let rest = self.opening(after)?;
        let (rest, target) = self.call_or_path(rest, depth + 1)?;
        let mut rest = skip_spaces(rest);
        let mut variables = Vec::new();
        while !rest.starts_with(')') {
            rest = self.comma(rest)?;
            let (behind, name) = match parse_key(rest) {
                Some((behind, key)) => (behind, key.to_owned()),
                None => (rest, (variables.len() + 1).to_string()),
            };
            let (behind, value) = self.argument(behind, depth)?;
            let value = match value {
                Target::Text(text) => text,
                Target::Number(number) => spelled_number(number),
                _ => return Err(self.mistake(rest, "expected a number or a text in quotes")),
            };
            variables.push(TemplateVariable { name, value });
            rest = skip_spaces(behind);
        }
        let rest = rest.get(1..).unwrap_or_default();
        Ok((rest, Target::Template(Box::new(TargetTemplate { target, variables }))))
    }

    fn opening(&self, rest: &'a str) -> Result<&'a str, TargetMistake> {
        match skip_spaces(rest).strip_prefix('(') {
            Some(rest) => Ok(skip_spaces(rest)),
            None => Err(self.mistake(rest, "expected `(`")),
        }
    }

    fn comma(&self, rest: &'a str) -> Result<&'a str, TargetMistake> {
        match rest.strip_prefix(',') {
            Some(rest) => Ok(skip_spaces(rest)),
            None if rest.is_empty() => Err(self.mistake(rest, "expected `)`: the text ends within a call")),
            None => Err(self.mistake(rest, "expected `,` or `)`")),
        }
    }

    fn argument(&self, input: &'a str, depth: usize) -> Part<'a, Target> {
        let input = skip_spaces(input);
        for (word, meant) in [
            ("true", Target::Boolean(true)),
            ("false", Target::Boolean(false)),
            ("none", Target::Nothing),
            ("inf", Target::Infinity),
        ] {
            if let Some(rest) = keyword(input, word) {
                return Ok((rest, meant));
            }
        }
        if let Some((rest, number)) = parse_number(input) {
            return Ok((rest, Target::Number(number)));
        }
        if let Some(quote @ ('\'' | '"')) = input.chars().next() {
            return self.string(input, quote);
        }
        self.target(input, depth + 1)
    }

    /// A text in quotes. A backslash keeps the letter behind it from ending it, and stays.
    fn string(&self, input: &'a str, quote: char) -> Part<'a, Target> {
        let mut escaped = false;
        for (at, letter) in input.char_indices().skip(1) {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if letter == quote => {
                    let text = input.get(1..at).unwrap_or_default().to_owned();
                    return Ok((input.get(at + 1..).unwrap_or_default(), Target::Text(text)));
                }
                _ => {}
            }
        }
        let span = ByteSpan { from: self.place(input), until: self.whole.len() };
        Err(TargetMistake { span, what: format!("a text that begins with {quote} and does not end") })
    }

    fn path(&self, input: &'a str) -> Part<'a, Target> {
        let mut text = String::new();
        let mut rest = input;
        loop {
            let before = text.len();
            rest = self.path_element(rest, &mut text)?;
            if text.len() == before {
                let what =
                    if text.is_empty() { "expected a metric or a function" } else { "expected a node of a name" };
                return Err(self.mistake(rest, what));
            }
            match rest.strip_prefix('.') {
                Some(after) => {
                    text.push('.');
                    rest = after;
                }
                None => break,
            }
        }
        let span = ByteSpan { from: self.place(input), until: self.place(rest) };
        Ok((rest, Target::Path(TargetPath { text, span })))
    }

    fn path_element(&self, input: &'a str, text: &mut String) -> Result<&'a str, TargetMistake> {
        let mut rest = input;
        while let Some(letter) = rest.chars().next() {
            if is_path_letter(letter) {
                text.push(letter);
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            } else if let Some(after) = rest.strip_prefix('\\') {
                let Some(escaped) = after.chars().next() else { return Err(self.mistake(rest, "nothing is escaped")) };
                text.push(escaped);
                rest = after.get(escaped.len_utf8()..).unwrap_or_default();
            } else if letter == '{' {
                rest = self.braces(rest, text)?;
            } else {
                break;
            }
        }
        Ok(rest)
    }

    /// `{a,b}`, which is taken as it is.
    fn braces(&self, input: &'a str, text: &mut String) -> Result<&'a str, TargetMistake> {
        let Some(end) = input.find('}') else {
            let span = ByteSpan { from: self.place(input), until: self.whole.len() };
            return Err(TargetMistake { span, what: "a `{` without its `}`".to_owned() });
        };
        let (inside, rest) = input.split_at_checked(end + 1).unwrap_or((input, ""));
        if let Some(at) = inside.find(|letter: char| !is_path_letter(letter) && !"{},.".contains(letter)) {
            return Err(self.mistake(input.get(at..).unwrap_or_default(), "expected `,` or `}`"));
        }
        text.push_str(inside);
        Ok(rest)
    }
}

/// What a name of a metric has beside braces, dots and escapes.
fn is_path_letter(letter: char) -> bool {
    !letter.is_whitespace() && !letter.is_control() && !"(){},.'\"\\|".contains(letter)
}

fn skip_spaces(input: &str) -> &str {
    let skipped: Piece<'_> = multispace0(input);
    skipped.map_or(input, |(rest, _)| rest)
}

/// A function's or an argument's name.
fn parse_name(input: &str) -> Piece<'_> {
    let first = take_while1(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let others = take_while(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    recognize((first, others)).parse(input)
}

/// `name =`
fn parse_key(input: &str) -> Option<(&str, &str)> {
    let (rest, name) = parse_name(input).ok()?;
    let rest = skip_spaces(rest).strip_prefix('=')?;
    Some((rest, name))
}

/// Whether what stands here ends an argument; only then a number is one and no node of a name.
fn ends_argument(rest: &str) -> bool {
    let rest = skip_spaces(rest);
    rest.is_empty() || rest.starts_with([',', ')'])
}

/// A word in any case.
fn keyword<'a>(input: &'a str, word: &str) -> Option<&'a str> {
    let (front, rest) = input.split_at_checked(word.len())?;
    (front.eq_ignore_ascii_case(word) && ends_argument(rest)).then_some(rest)
}

fn parse_number(input: &str) -> Option<(&str, f64)> {
    let fraction = opt(preceded(char('.'), digit1));
    let exponent = opt((nom::branch::alt((tag("e"), tag("E"))), opt(char('-')), digit1));
    let parsed: Piece<'_> = recognize((opt(char('-')), digit1, fraction, exponent)).parse(input);
    let (rest, digits) = parsed.ok()?;
    let number: f64 = digits.parse().ok()?;
    ends_argument(rest).then_some((rest, number))
}

/// A number as a template puts it into a name: whole ones without a point.
fn spelled_number(number: f64) -> String {
    number.to_string()
}
