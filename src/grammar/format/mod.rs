//! A compiled log_format; what it makes of one line, for messages and questions, is in `fit`; the one that it followed, in `earlier`.

mod earlier;
mod fit;

use std::sync::Arc;

pub use earlier::EarlierFormat;
pub use fit::BareLine;

use crate::grammar::format_error::FormatError;
use crate::grammar::keyed::{Keyed, Role};
use crate::grammar::line::ValueSpan;
use crate::grammar::log_format::{Plan, compile, split_pieces, targets_by_place};
use crate::grammar::variables::{Escape, FieldMeaning, MadeVariable, Roles, Variable, VariableKind};
use crate::grammar::wrapper::Wrapper;

/// A log_format, compiled. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Format {
    inner: Arc<FormatParts>,
}

#[derive(Debug, Clone)]
struct FormatParts {
    name: String,
    named_by: NamedBy,
    text: String,
    escape: Escape,
    variables: Vec<Variable>,
    roles: Roles,
    /// The variables that stand where a request line has its target.
    targets: Vec<usize>,
    /// The variables that nginx.conf makes.
    made: Vec<MadeVariable>,
    /// How lines are cut by position; nothing if `keyed`.
    plan: Plan,
    /// What was said of its variables that are not nginx's own.
    meanings: Vec<FieldMeaning>,
    /// Nobody said that it is the lines' format: it was found by them.
    found: bool,
    keyed: Option<Keyed>,
    wrapper: Option<Wrapper>,
    /// The format that it followed.
    earlier: Option<EarlierFormat>,
}

/// Who gave a format its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// nginx: its built-in `combined`, a name that no log_format may take again.
    Nginx,
    /// Whoever wrote the log_format, or the grammar.
    Author,
    /// Nobody: its text alone was given.
    Nobody,
}

impl Format {
    /// Compiles the text of a log_format, as nginx sees it after quotes and backslashes are resolved.
    ///
    /// # Errors
    /// If nginx would refuse it, or if its lines could not be cut without guessing (two variables side by side, of which
    /// the first does not end by its own grammar).
    pub fn compile(name: &str, text: &str, escape: Escape) -> Result<Format, FormatError> {
        let named_by = if name == "combined" { NamedBy::Nginx } else { NamedBy::Author };
        Format::compile_text(name, named_by, text, escape)
    }

    /// [`Format::compile`] for a text that nobody gave a name; messages call it `given`.
    ///
    /// # Errors
    /// As [`Format::compile`].
    pub fn compile_unnamed(text: &str, escape: Escape) -> Result<Format, FormatError> {
        Format::compile_text("given", NamedBy::Nobody, text, escape)
    }

    pub(crate) fn compile_text(
        name: &str,
        named_by: NamedBy,
        text: &str,
        escape: Escape,
    ) -> Result<Format, FormatError> {
        let pieces = split_pieces(text)?;
        let (plan, variables) = compile(text, &pieces, escape)?;
        let targets = targets_by_place(&pieces, &variables);
        let roles = Roles::of_variables(&variables, &[], &[], &targets);
        let (name, text) = (name.to_owned(), text.to_owned());
        let inner = FormatParts {
            name,
            named_by,
            text,
            escape,
            variables,
            roles,
            targets,
            made: Vec::new(),
            plan,
            meanings: Vec::new(),
            found: false,
            keyed: None,
            wrapper: None,
            earlier: None,
        };
        Ok(Format { inner: Arc::new(inner) })
    }

    /// Compiles the text of a format whose values are found by keys: `json` or `ltsv`, for the usual names, and behind
    /// it what else there is, `variable=key` or `variable=key:unit` (s, ms, us, ns; seconds if none is named), as in
    /// `json request_time=took:ms status=http.code`. None if `text` does not begin with either word.
    ///
    /// # Errors
    /// A word that is no such pair, a variable's name that is nearly that of one that matters, an unknown unit.
    pub fn keyed(text: &str) -> Option<Result<Format, FormatError>> {
        Some(Keyed::compile(text)?.map(|keyed| Format::of_keyed(keyed, text)))
    }

    pub(crate) fn of_keyed(keyed: Keyed, text: &str) -> Format {
        let inner = FormatParts {
            name: keyed.syntax().name().to_owned(),
            named_by: NamedBy::Author,
            text: text.to_owned(),
            escape: keyed.escape(),
            variables: keyed.variables().to_vec(),
            roles: keyed.roles(),
            targets: Vec::new(),
            made: Vec::new(),
            plan: Plan::none(),
            meanings: Vec::new(),
            found: false,
            keyed: Some(keyed),
            wrapper: None,
            earlier: None,
        };
        Format { inner: Arc::new(inner) }
    }

    /// A keyed format as the first lines of a log (without wrapper) call for it: its variables are then those of the
    /// record and the keys that the lines have, and keys whose unit is not in their name count as durations if their
    /// values look as nginx writes them. Another format is left as it is.
    #[must_use]
    pub fn learnt_from(&self, lines: &[&[u8]]) -> Format {
        self.with_keys(|keyed| keyed.learnt_from(lines))
    }

    /// A keyed format with these variables as well, such as those that rules look at: each is held by the key of its
    /// name. Another format is left as it is.
    #[must_use]
    pub fn with_keys_of(&self, variables: &[String]) -> Format {
        self.with_keys(|keyed| keyed.with_keys_of(variables))
    }

    /// With what its variables that are not nginx's own say of a request. A keyed format, whose keys are named in its text, is
    /// left as it is.
    #[must_use]
    pub fn with_meanings(&self, meanings: &[FieldMeaning]) -> Format {
        if meanings.is_empty() || self.is_keyed() {
            return self.clone();
        }
        self.with_roles(meanings.to_vec(), self.inner.made.clone())
    }

    /// With what nginx.conf makes of its variables that are not nginx's own.
    #[must_use]
    pub fn with_made(&self, made: &[MadeVariable]) -> Format {
        if made.is_empty() || self.is_keyed() {
            return self.clone();
        }
        self.with_roles(self.inner.meanings.clone(), made.to_vec())
    }

    /// Whether one of its variables is made of the one of that name, which then need not be logged itself: a `map` may be there to hide
    /// a part of it.
    pub fn is_made_of(&self, name: &str) -> bool {
        self.inner.made.iter().any(|made| made.sources.iter().any(|source| source == name))
    }

    fn with_roles(&self, meanings: Vec<FieldMeaning>, made: Vec<MadeVariable>) -> Format {
        let mut parts = FormatParts::clone(&self.inner);
        parts.roles = Roles::of_variables(&parts.variables, &meanings, &made, &parts.targets);
        (parts.meanings, parts.made) = (meanings, made);
        let roles = parts.roles.clone();
        for (at, variable) in
            parts.variables.iter_mut().enumerate().filter(|(_, variable)| variable.kind == VariableKind::Text)
        {
            // What is a duration is shown as a number, or as a list of them.
            if roles.request_time == Some(at) {
                variable.kind = VariableKind::Decimal;
            } else if roles.upstream.contains(&Some(at)) {
                variable.kind = VariableKind::UpstreamSeconds;
            }
        }
        Format { inner: Arc::new(parts) }
    }

    /// Whether its lines say what was requested, as far as that is known.
    pub fn tells_request(&self) -> bool {
        match self.keys() {
            Some(keyed) => keyed.tells_request(),
            None => self.roles().request.is_some() || self.roles().target.is_some(),
        }
    }

    fn with_keys(&self, change: impl FnOnce(&Keyed) -> Keyed) -> Format {
        let Some(keyed) = &self.inner.keyed else { return self.clone() };
        let changed = Format::of_keyed(change(keyed), self.text());
        match self.wrapper() {
            Some(wrapper) => changed.in_wrapper(wrapper),
            None => changed,
        }
    }

    /// Whether the end of some of these lines' (without wrapper) requests is when their wrapper says that they were written.
    pub fn takes_outer_time(&self, lines: &[&[u8]]) -> bool {
        self.wrapper().is_some() && self.roles_in(lines).end.is_none()
    }

    /// What the variable stands for: nginx's own for itself, one that nginx.conf makes perhaps for another.
    pub(crate) fn stands_for(&self, variable: usize) -> &str {
        let Some(Variable { name, .. }) = self.inner.variables.get(variable) else { return "" };
        let made = self.inner.made.iter().find(|made| made.name == *name);
        made.and_then(|made| made.meaning.as_ref()).map_or(name, |meaning| &meaning.stands_for)
    }

    /// This format inside a wrapper.
    #[must_use]
    pub fn in_wrapper(&self, wrapper: Wrapper) -> Format {
        self.with_wrapper(Some(wrapper))
    }

    /// This format without its wrapper.
    #[must_use]
    pub fn without_wrapper(&self) -> Format {
        if self.wrapper().is_none() {
            return self.clone();
        }
        self.with_wrapper(None)
    }

    fn with_wrapper(&self, wrapper: Option<Wrapper>) -> Format {
        let keyed = self.inner.keyed.clone().map(|keyed| keyed.in_wrapper(wrapper.is_some()));
        Format { inner: Arc::new(FormatParts { wrapper, keyed, ..FormatParts::clone(&self.inner) }) }
    }

    /// What stands around each of its lines.
    pub fn wrapper(&self) -> Option<Wrapper> {
        self.inner.wrapper
    }

    /// This format as one that was found by the lines of a log, because they look as nginx writes such: those that do not are not
    /// in it.
    #[must_use]
    pub(crate) fn as_found(&self) -> Format {
        Format { inner: Arc::new(FormatParts { found: true, ..FormatParts::clone(&self.inner) }) }
    }

    /// Whether nobody said that it is the lines' format.
    pub(crate) fn is_found(&self) -> bool {
        self.inner.found
    }

    /// Whether values are found by keys.
    pub fn is_keyed(&self) -> bool {
        self.inner.keyed.is_some()
    }

    /// For each part of a record that these lines (without wrapper) have: the variable, and the key that holds it, with
    /// its unit if that is not the second. Nothing if the format is not keyed.
    pub fn keys_of(&self, lines: &[&[u8]]) -> Vec<(String, String)> {
        self.inner.keyed.as_ref().map(|keyed| keyed.held_keys(lines)).unwrap_or_default()
    }

    /// These lines (without wrapper) of a keyed format, those of each kind together, the most frequent first: parts of a record stand
    /// under other keys in lines of another kind. Nothing if the format is not keyed.
    pub fn lines_by_kind<'l>(&self, lines: &[&'l [u8]]) -> Vec<Vec<&'l [u8]>> {
        self.inner.keyed.as_ref().map(|keyed| keyed.lines_by_kind(lines)).unwrap_or_default()
    }

    /// The keys of a keyed format that these lines (without wrapper) have, in their order.
    pub fn keys_in(&self, lines: &[&[u8]]) -> Vec<&str> {
        self.inner.keyed.as_ref().map(|keyed| keyed.keys_in(lines)).unwrap_or_default()
    }

    /// [`Format::roles`] as these lines (without wrapper) have them: what a keyed format knows a key for, they may lack.
    pub fn roles_in(&self, lines: &[&[u8]]) -> Roles {
        self.keys().map_or_else(|| self.roles().clone(), |keyed| keyed.roles_in(lines))
    }

    /// nginx's built-in `combined` (`ngx_http_combined_fmt`).
    pub fn combined() -> Format {
        let text = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                    \"$http_referer\" \"$http_user_agent\"";
        #[expect(clippy::expect_used, reason = "a constant text that the tests compile")]
        Format::compile("combined", text, Escape::Default).expect("combined compiles")
    }

    /// The format's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Who gave it its name.
    pub fn named_by(&self) -> NamedBy {
        self.inner.named_by
    }

    /// The format's text.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// What was said of its variables that are not nginx's own.
    pub(crate) fn meanings(&self) -> &[FieldMeaning] {
        &self.inner.meanings
    }

    /// Whether texts stand in it side by side, so that a line may seem to have several ways to be read. Of such a format a
    /// line is read only if one way gives each variable a value that it can have.
    pub fn is_in_doubt(&self) -> bool {
        self.plan().doubt.is_some()
    }

    /// Those of its variables that nginx.conf makes.
    pub(crate) fn made(&self) -> &[MadeVariable] {
        &self.inner.made
    }

    /// How its values are escaped.
    pub fn escape(&self) -> Escape {
        self.inner.escape
    }

    /// Its distinct variables, in order of first appearance.
    pub fn variables(&self) -> &[Variable] {
        &self.inner.variables
    }

    /// The index of the variable of that name (without `$`; the case does not matter) in [`variables`](Self::variables).
    pub fn index_of(&self, variable: &str) -> Option<usize> {
        self.inner.variables.iter().position(|known| known.name.eq_ignore_ascii_case(variable))
    }

    /// Which variables say what about a request.
    pub fn roles(&self) -> &Roles {
        &self.inner.roles
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.inner.plan
    }

    /// Room for the span of each step's value.
    pub(crate) fn new_spans(&self) -> Vec<ValueSpan> {
        vec![(0, 0); self.inner.keyed.as_ref().map_or(self.plan().steps.len(), Keyed::slots)]
    }

    /// The keys, if values are found by them.
    pub(crate) fn keys(&self) -> Option<&Keyed> {
        self.inner.keyed.as_ref()
    }

    /// Where a keyed format leaves the value of a role, if a variable of it can play it.
    pub(crate) fn slot_of(&self, role: Role, played: Option<usize>) -> Option<usize> {
        played.and(self.inner.keyed.as_ref()).map(|keyed| keyed.slot_of(role))
    }

    /// The first step that cuts the variable; of a keyed format, its place among the values.
    pub(crate) fn step_of(&self, variable: usize) -> Option<usize> {
        if self.inner.keyed.is_some() {
            return Some(variable);
        }
        self.plan().steps.iter().position(|step| step.variable == variable)
    }
}
