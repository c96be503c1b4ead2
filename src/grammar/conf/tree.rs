//! nginx.conf as a tree of directives, its includes put in where they stand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfError, ConfPlace};
use super::files::ConfFiles;
use super::token::{Token, TokenError, TokenKind, Tokens};

/// Blocks deeper than this are refused.
const DEPTH_MAX: usize = 64;
/// Includes inside includes deeper than this are refused.
const INCLUDES_MAX: usize = 32;
/// More bytes than this, includes counted each time, are refused: files that include each other twice grow without end.
const BYTES_MAX: usize = 64 << 20;

/// A directive's name or argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfWord {
    /// Its text, quotes and backslashes resolved. What is not UTF-8 stands as U+FFFD.
    pub text: String,
    /// Where it begins.
    pub place: ConfPlace,
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfDirective {
    /// Its name.
    pub name: ConfWord,
    /// Its arguments.
    pub args: Vec<ConfWord>,
    /// What stands in its braces. Lua code is left out.
    pub block: Option<Vec<ConfDirective>>,
}

impl ConfDirective {
    /// Whether it has that name.
    pub fn is(&self, name: &str) -> bool {
        self.name.text == name
    }

    /// The text of its nth argument.
    pub fn arg(&self, nth: usize) -> Option<&str> {
        self.args.get(nth).map(|word| word.text.as_str())
    }

    /// What stands in its braces, nothing without braces.
    pub fn children(&self) -> &[ConfDirective] {
        self.block.as_deref().unwrap_or_default()
    }

    /// A mistake in it.
    pub(crate) fn wrong(&self, reason: impl Into<String>, remedy: impl Into<String>) -> ConfError {
        self.name.place.wrong(reason, remedy)
    }
}

/// Reads the configuration that begins with the file `main`, and everything it includes.
///
/// # Errors
/// A file that is missing or cannot be read, or text that nginx would not take.
pub fn read(main: &Path, files: &dyn ConfFiles) -> Result<Vec<ConfDirective>, ConfError> {
    let start = ConfPlace { path: main.into(), line: 1, column: 1 };
    let found = files.files(&main.to_string_lossy()).map_err(|reason| start.wrong(reason, "check the path"))?;
    let Some((path, text)) = found.into_iter().next() else {
        return Err(start.wrong("there is no such file", "check the path"));
    };
    let folder = main.parent().unwrap_or(Path::new("")).to_owned();
    let mut reading = TreeReader { files, folder, open: vec![path.clone()], bytes: text.len() };
    reading.read_file(&path, &text, 0)
}

struct TreeReader<'f> {
    files: &'f dyn ConfFiles,
    /// nginx's configuration prefix: what relative includes are relative to, also in included files.
    folder: PathBuf,
    /// The files that are being read, outermost first.
    open: Vec<PathBuf>,
    bytes: usize,
}

/// A file while it is read.
struct SourceFile<'s> {
    path: Arc<Path>,
    text: &'s [u8],
    tokens: Tokens<'s>,
    /// Line breaks are counted up to here: (offset, line, offset of the line).
    counted: (usize, usize, usize),
}

impl SourceFile<'_> {
    /// The place of an offset; offsets mostly ascend, so that each byte is looked at once.
    fn place_of(&mut self, offset: usize) -> ConfPlace {
        let (from, mut line, mut start) = if offset < self.counted.0 { (0, 1, 0) } else { self.counted };
        let passed = self.text.get(from..offset).unwrap_or_default();
        for newline in memchr::memchr_iter(b'\n', passed) {
            line += 1;
            start = from + newline + 1;
        }
        self.counted = (offset, line, start);
        ConfPlace { path: Arc::clone(&self.path), line, column: offset - start + 1 }
    }

    fn next(&mut self) -> Result<Option<Token>, ConfError> {
        self.tokens
            .next()
            .map_err(|TokenError { span, reason, remedy }| self.place_of(span.start).wrong(reason, remedy))
    }
}

impl TreeReader<'_> {
    fn read_file(&mut self, path: &Path, text: &[u8], depth: usize) -> Result<Vec<ConfDirective>, ConfError> {
        let mut source = SourceFile { path: path.into(), text, tokens: Tokens::new(text), counted: (0, 1, 0) };
        if text.starts_with(b"\xef\xbb\xbf") {
            return Err(source.place_of(0).wrong(
                "the file begins with a byte order mark, which nginx takes for a part of the first directive",
                "save it as UTF-8 without one",
            ));
        }
        self.read_block(&mut source, depth, None)
    }

    /// The directives up to the brace that closes the block that began at `opened`, or up to the file's end.
    fn read_block(
        &mut self,
        source: &mut SourceFile<'_>,
        depth: usize,
        opened: Option<&ConfPlace>,
    ) -> Result<Vec<ConfDirective>, ConfError> {
        let mut directives = Vec::new();
        let mut words: Vec<ConfWord> = Vec::new();
        while let Some(token) = source.next()? {
            let place = source.place_of(token.span.start);
            match token.what {
                TokenKind::Comment => {}
                TokenKind::Word(word) => {
                    let text = String::from_utf8_lossy(&word).into_owned();
                    words.push(ConfWord { text, place });
                }
                TokenKind::End => self.end_directive(std::mem::take(&mut words), &place, depth, &mut directives)?,
                TokenKind::Open => {
                    let (name, args) = split_name(std::mem::take(&mut words), &place, "{")?;
                    if depth >= DEPTH_MAX {
                        return Err(place.wrong("blocks are nested too deep", "close some of them with `}`"));
                    }
                    let block = if name.text.ends_with("_by_lua_block") {
                        if !source.tokens.pass_lua() {
                            return Err(place.wrong("this block of Lua code is not closed", "close it with `}`"));
                        }
                        Vec::new()
                    } else {
                        self.read_block(source, depth + 1, Some(&place))?
                    };
                    directives.push(ConfDirective { name, args, block: Some(block) });
                }
                TokenKind::Close => match (words.last(), opened) {
                    (None, Some(_)) => return Ok(directives),
                    (Some(word), _) => {
                        return Err(place.wrong(format!("`}}` after `{}`", word.text), "end the directive with `;`"));
                    }
                    (None, None) => return Err(place.wrong("`}` closes nothing", "take it out")),
                },
            }
        }
        match (words.first(), opened) {
            (Some(word), _) => {
                let reason = format!("the file ends inside the directive `{}`", word.text);
                Err(word.place.wrong(reason, "end it with `;` or a block"))
            }
            (None, Some(opened)) => Err(opened.wrong("this block is not closed", "close it with `}`")),
            (None, None) => Ok(directives),
        }
    }

    /// A directive without a block; an include is replaced by what it names.
    fn end_directive(
        &mut self,
        words: Vec<ConfWord>,
        place: &ConfPlace,
        depth: usize,
        into: &mut Vec<ConfDirective>,
    ) -> Result<(), ConfError> {
        let (name, args) = split_name(words, place, ";")?;
        if name.text != "include" {
            into.push(ConfDirective { name, args, block: None });
            return Ok(());
        }
        let [pattern] = args.as_slice() else {
            return Err(name.place.wrong("include takes one file or pattern", "write `include FILE;`"));
        };
        let whole = self.folder.join(&pattern.text);
        let wanted = whole.to_string_lossy();
        let found = self.files.files(&wanted).map_err(|reason| {
            pattern
                .place
                .wrong(reason, "check the path and who may read it; relative ones begin at nginx.conf's folder")
        })?;
        if found.is_empty() && !wanted.contains(['*', '?', '[']) {
            return Err(pattern.place.wrong(
                format!("there is no file {wanted}"),
                "create it or take the include out; relative paths begin at nginx.conf's folder",
            ));
        }
        for (path, text) in found {
            if self.open.contains(&path) {
                let reason = format!("{} includes itself", path.display());
                return Err(pattern.place.wrong(reason, "take one of the includes out"));
            }
            self.bytes = self.bytes.saturating_add(text.len());
            if self.open.len() >= INCLUDES_MAX || self.bytes > BYTES_MAX {
                return Err(pattern.place.wrong("includes are too many or too deep", "include each file once"));
            }
            self.open.push(path.clone());
            let directives = self.read_file(&path, &text, depth)?;
            self.open.pop();
            into.extend(directives);
        }
        Ok(())
    }
}

fn split_name(words: Vec<ConfWord>, place: &ConfPlace, mark: &str) -> Result<(ConfWord, Vec<ConfWord>), ConfError> {
    let mut words = words.into_iter();
    match words.next() {
        Some(name) => Ok((name, words.collect())),
        None => Err(place.wrong(format!("`{mark}` without a directive before it"), "take it out")),
    }
}
