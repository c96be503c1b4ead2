//! The one error type: what happened, where, and what to do about it.
//!
//! Every message is written for the person on call: [`Error::what`] names the fact, [`ErrorPlace`] the file (and line
//! and column where there is one), [`Error::remedy`] the next step. The [`ErrorClass`] decides the exit code.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Which class of failure this is; it decides the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Wrong command line or configuration: exit code 2.
    Usage,
    /// Input or output failed, or an answer is only partial: exit code 3.
    Io,
    /// The store is of another version, or lost its manifest: exit code 2.
    Refused,
    /// Another process writes the store: exit code 2.
    Held,
    /// The store was taken away from under its writer, who must not go on: exit code 3.
    Lost,
    /// Whoever read our output went away (a broken pipe): success.
    Closed,
}

/// Where something happened. Lines and columns count from 1, columns in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPlace {
    /// The file, as the user named it.
    pub path: PathBuf,
    /// Line and column, where the place is inside a text file.
    pub line_column: Option<(usize, usize)>,
}

/// What happened, where, and what to do.
#[derive(Debug, Clone)]
pub struct Error {
    class: ErrorClass,
    what: String,
    place: Option<ErrorPlace>,
    remedy: Option<String>,
    of_access: bool,
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A mistake in the command line or configuration.
    pub fn usage(what: impl Into<String>) -> Error {
        Error::new(ErrorClass::Usage, what)
    }

    /// A failure of the world outside.
    pub fn failed(what: impl Into<String>) -> Error {
        Error::new(ErrorClass::Io, what)
    }

    /// A refusal, such as a store of another version.
    pub fn refused(what: impl Into<String>) -> Error {
        Error::new(ErrorClass::Refused, what)
    }

    /// A store that another process writes.
    pub fn held(what: impl Into<String>) -> Error {
        Error::new(ErrorClass::Held, what)
    }

    /// A store that is not its writer's any more.
    pub fn lost(what: impl Into<String>) -> Error {
        Error::new(ErrorClass::Lost, what)
    }

    /// `doing` failed on `path` with an operating-system error; the remedy is derived from the error's kind.
    pub fn io(doing: &str, path: impl AsRef<Path>, error: &std::io::Error) -> Error {
        let path = path.as_ref();
        let remedy = match error.kind() {
            // Which folder or file it is takes a look around.
            std::io::ErrorKind::PermissionDenied => Some(
                "`spikeline check` (or `spikeline check FILE`), run as this user, says what denies it and the command that mends it"
                    .to_owned(),
            ),
            std::io::ErrorKind::NotFound => Some("check the path".to_owned()),
            std::io::ErrorKind::StorageFull => {
                Some("free space on that disk; nothing that was committed is lost".to_owned())
            }
            _ if is_out_of_files(error) => {
                Some("allow this process more open files (`LimitNOFILE=` of its unit, or `ulimit -n`)".to_owned())
            }
            _ => None,
        };
        let class = if error.kind() == std::io::ErrorKind::BrokenPipe { ErrorClass::Closed } else { ErrorClass::Io };
        Error {
            class,
            what: format!("cannot {doing}: {error}"),
            place: Some(ErrorPlace { path: path.to_owned(), line_column: None }),
            remedy,
            of_access: is_of_access(error),
        }
    }

    fn new(class: ErrorClass, what: impl Into<String>) -> Error {
        Error { class, what: what.into(), place: None, remedy: None, of_access: false }
    }

    /// The same error with the file it concerns.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>) -> Error {
        self.place = Some(ErrorPlace { path: path.into(), line_column: None });
        self
    }

    /// The same error with file, line and column (both from 1).
    #[must_use]
    pub fn at_line(mut self, path: impl Into<PathBuf>, line: usize, column: usize) -> Error {
        self.place = Some(ErrorPlace { path: path.into(), line_column: Some((line, column)) });
        self
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Error {
        self.remedy = Some(remedy.into());
        self
    }

    /// The class of failure.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether what failed is this process's access to a file, which itself may be all right: no permission, too many
    /// open files, no memory, interrupted.
    pub fn is_of_access(&self) -> bool {
        self.of_access
    }

    /// What happened, without place and remedy.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Place and what happened, without the remedy: `access.log: cannot open it: ..`, `spikeline.toml:4:7: ..`.
    pub fn headline(&self) -> String {
        match &self.place {
            None => self.what.clone(),
            Some(ErrorPlace { path, line_column: None }) => format!("{}: {}", path.display(), self.what),
            Some(ErrorPlace { path, line_column: Some((line, column)) }) => {
                format!("{}:{line}:{column}: {}", path.display(), self.what)
            }
        }
    }

    /// Where it happened, if known.
    pub fn place(&self) -> Option<&ErrorPlace> {
        self.place.as_ref()
    }

    /// The exit code that this error ends the process with: 2 usage, configuration or refusal, 3 I/O, 0 a broken pipe.
    pub fn exit_code(&self) -> u8 {
        match self.class {
            ErrorClass::Usage | ErrorClass::Refused | ErrorClass::Held => 2,
            ErrorClass::Io | ErrorClass::Lost => 3,
            ErrorClass::Closed => 0,
        }
    }
}

/// [`Error::is_of_access`] of what the operating system said.
fn is_of_access(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, OutOfMemory, PermissionDenied, WouldBlock};
    matches!(error.kind(), Interrupted | OutOfMemory | PermissionDenied | WouldBlock) || is_out_of_files(error)
}

fn is_out_of_files(error: &std::io::Error) -> bool {
    let out_of_files = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| out_of_files.contains(&number))
}

/// Which of the `known` names a mistyped one was meant to be: the nearest, if at most `edits` letters have to be changed,
/// added, left out or swapped. The case does not matter.
pub fn meant<'k>(mistyped: &str, known: impl IntoIterator<Item = &'k str>, edits: usize) -> Option<&'k str> {
    let mistyped = mistyped.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &mistyped);
    let (least, name) = known.into_iter().map(|name| (distance(name), name)).min()?;
    (least <= edits).then_some(name)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.headline())?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  help: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
