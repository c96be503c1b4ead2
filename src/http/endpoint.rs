//! What can be asked for: a path and the function that answers it.

use super::asked::Asked;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::Result;

/// How a path is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// By GET alone.
    Get,
    /// Also by a POST whose body is a form: parameters that are too long for a URL.
    GetOrForm,
}

/// What answers.
#[derive(Clone, Copy)]
pub(super) enum Answers {
    /// What takes no time and needs no store; it may be had without a token only if it is `/healthz`.
    Fixed(fn(&Asked) -> Reply),
    /// What asks the store: one of few threads runs it.
    Store(fn(&Asked, &Reader<'_>) -> Result<Reply>),
}

/// One path. `{name}` in it is any one segment, which is [`Asked::path_value`].
#[derive(Clone, Copy)]
pub(super) struct Endpoint {
    /// The path.
    pub(super) path: &'static str,
    /// How it is asked for.
    pub(super) takes: Takes,
    /// What answers.
    pub(super) answers: Answers,
}

impl Endpoint {
    /// Answered from the store, by GET.
    pub(super) const fn get(path: &'static str, answer: fn(&Asked, &Reader<'_>) -> Result<Reply>) -> Endpoint {
        Endpoint { path, takes: Takes::Get, answers: Answers::Store(answer) }
    }

    /// The same, also by POST of a form.
    pub(super) const fn form(path: &'static str, answer: fn(&Asked, &Reader<'_>) -> Result<Reply>) -> Endpoint {
        Endpoint { path, takes: Takes::GetOrForm, answers: Answers::Store(answer) }
    }

    /// Always the same.
    pub(super) const fn fixed(path: &'static str, answer: fn(&Asked) -> Reply) -> Endpoint {
        Endpoint { path, takes: Takes::Get, answers: Answers::Fixed(answer) }
    }
}
