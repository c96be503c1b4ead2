//! A format that followed another: for a while nginx writes both, since its old workers end what they have begun.
//!
//! Such a format holds the one before it, so that whoever reads the lines again, whenever, decides of each as it was decided first. What
//! decides is the line alone, and when it began: see `pipeline::changed_lines`.

use std::sync::Arc;

use super::{Format, FormatParts};
use crate::grammar::variables::FieldMeaning;
use crate::time::Timestamp;

/// So many formats follow each other at most; those before are forgotten.
const LONGEST: usize = 4;

/// The format before.
#[derive(Debug, Clone)]
pub struct EarlierFormat {
    /// It, which may have followed another.
    pub format: Format,
    /// No request that began after this is in it; nothing if nobody knows yet when the change was put in force.
    pub until: Option<Timestamp>,
}

impl Format {
    /// This format as the one that follows `earlier`.
    #[must_use]
    pub fn following(&self, earlier: &Format, until: Option<Timestamp>) -> Format {
        let mut all = Vec::from([EarlierFormat { format: earlier.clone(), until }]);
        let mut next = earlier.earlier();
        while let Some(of) = next {
            all.push(of.clone());
            next = of.format.earlier();
        }
        self.following_all(all)
    }

    /// This format as the one that follows all of these, the latest first. What each of them followed itself does not count.
    #[must_use]
    pub fn following_all(&self, earlier: Vec<EarlierFormat>) -> Format {
        let mut before: Vec<EarlierFormat> = Vec::new();
        for of in earlier {
            // One that came back is the one of now.
            if !of.format.reads_alike(self) && before.iter().all(|known| !known.format.reads_alike(&of.format)) {
                before.push(of);
            }
        }
        before.truncate(LONGEST - 1);
        let mut chain = None;
        for EarlierFormat { format, until } in before.into_iter().rev() {
            chain = Some(EarlierFormat { format: format.with_earlier(chain), until });
        }
        self.with_earlier(chain)
    }

    fn with_earlier(&self, earlier: Option<EarlierFormat>) -> Format {
        Format { inner: Arc::new(FormatParts { earlier, ..FormatParts::clone(&self.inner) }) }
    }

    /// This format without those before it.
    #[must_use]
    pub fn alone(&self) -> Format {
        if self.inner.earlier.is_none() { self.clone() } else { self.with_earlier(None) }
    }

    /// The one that it followed, while lines of that may come.
    pub fn earlier(&self) -> Option<&EarlierFormat> {
        self.inner.earlier.as_ref()
    }

    /// This format and those that it followed, the latest first: a line that it reads is in one of them.
    pub fn chain(&self) -> Vec<Format> {
        let mut chain = Vec::from([self.clone()]);
        let mut next = self.earlier();
        while let Some(of) = next {
            chain.push(of.format.clone());
            next = of.format.earlier();
        }
        chain
    }

    /// Whether they read every line alike, whatever they are called. Two that go by keys do, of the same syntax: which keys they learnt
    /// changes with the lines that they were shown.
    pub fn reads_alike(&self, other: &Format) -> bool {
        let (one, other) = (&self.inner, &other.inner);
        one.text == other.text
            && one.escape == other.escape
            && one.wrapper == other.wrapper
            && one.keyed.is_some() == other.keyed.is_some()
            && meant_by(one) == meant_by(other)
            && one.made == other.made
    }

    /// Whether it is this very one, not another that reads as it does.
    pub(crate) fn is_same(&self, other: &Format) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether nginx itself says in each of its lines how long the request took: then a line without that is not in it.
    pub(crate) fn always_times(&self) -> bool {
        let timed = self.roles().request_time.and_then(|at| self.variables().get(at));
        !self.is_keyed() && timed.is_some_and(|variable| variable.name == "request_time")
    }
}

/// What was said of its variables, without what stands where there is none, which is not kept.
fn meant_by(format: &FormatParts) -> Vec<[&str; 3]> {
    let mut meant = Vec::new();
    for FieldMeaning { variable, stands_for, unit, .. } in &format.meanings {
        meant.push([variable.as_str(), stands_for, unit.name()]);
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Escape;

    fn format(text: &str) -> Format {
        Format::compile("x", text, Escape::Default).unwrap()
    }

    fn texts(format: &Format) -> Vec<String> {
        format.chain().iter().map(|format| format.text().to_owned()).collect()
    }

    #[test]
    fn a_format_that_comes_back_is_in_its_chain_once() {
        let (a, b, c) = (format("$msec a"), format("$msec b"), format("$msec c"));
        let after = c.following(&b.following(&a, None), Some(Timestamp(7)));
        assert_eq!(texts(&after), ["$msec c", "$msec b", "$msec a"]);
        let back = a.following(&after, None);
        assert_eq!(texts(&back), ["$msec a", "$msec c", "$msec b"]);
        assert_eq!(back.earlier().unwrap().format.earlier().unwrap().until, Some(Timestamp(7)));
        assert_eq!(texts(&a.following(&a, None)), ["$msec a"]);
        assert_eq!(texts(&back.alone()), ["$msec a"]);
        let many =
            ["d", "e", "f"].iter().fold(back, |before, name| format(&format!("$msec {name}")).following(&before, None));
        assert_eq!(texts(&many), ["$msec f", "$msec e", "$msec d", "$msec a"]);
    }
}
