//! What an answer is made of beside its data: the window it is for, where it is printed, how complete it is.
//!
//! `input` and `commands` may call these; they know of the command line as typed, and of no file that is read.

pub(in crate::cli) mod completeness;
pub(in crate::cli) mod html_answer;
pub(in crate::cli) mod names;
pub(in crate::cli) mod output;
pub(in crate::cli) mod pager;
pub(in crate::cli) mod rejects;
pub(in crate::cli) mod untimed;
pub(in crate::cli) mod window;

/// What a command found; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Answer {
    /// Something, or all is well: 0.
    Found,
    /// Nothing matched, or something is wrong: 1.
    Nothing,
    /// Only part of the answer: 3.
    Partial,
}

impl Answer {
    /// What is missing weighs more than what was found: a script must not take a part for the whole.
    pub(in crate::cli) fn from_found(found: bool, missing: &[String]) -> Answer {
        match (found, missing) {
            (_, [_, ..]) => Answer::Partial,
            (true, []) => Answer::Found,
            (false, []) => Answer::Nothing,
        }
    }
}
