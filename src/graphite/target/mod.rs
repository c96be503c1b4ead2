//! A target as Graphite's render takes it: calls around paths, as in `alias(maxSeries(nginx.*.webapp.git.request_time.p99), "git")`.
//!
//! [`Target`] is the syntax tree, with the place of every part in the text; [`parse_target`] reads it by Graphite's own grammar
//! (`graphite/render/grammar_unsafe.py`). Unlike Graphite, text that is left over is a mistake.

mod grammar;
#[cfg(test)]
mod tests;

pub use grammar::parse_target;

/// Bytes of a text, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSpan {
    /// The first.
    pub from: usize,
    /// The first after.
    pub until: usize,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMistake {
    /// Where.
    pub span: ByteSpan,
    /// What should have stood there, or what is wrong with it.
    pub what: String,
}

/// A part of a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A function's call; what is piped into it is its first argument.
    Call(TargetCall),
    /// Names of series, or a glob of them.
    Path(TargetPath),
    /// `template(TARGET, 1, name=2)`: the target, with what its `$1` and `$name` stand for.
    Template(Box<TargetTemplate>),
    /// A number; whole ones are so up to 2^53.
    Number(f64),
    /// What stands between quotes, as it is.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `none`
    Nothing,
    /// `inf`
    Infinity,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetCall {
    /// The function.
    pub function: String,
    /// Where its name stands.
    pub name_span: ByteSpan,
    /// Where all of it stands.
    pub span: ByteSpan,
    /// What it is called with, in order.
    pub arguments: Vec<Target>,
    /// What it is called with by name.
    pub named: Vec<NamedArgument>,
    /// The call as it was written, which names the series of some functions.
    pub text: String,
}

/// `name=value`
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArgument {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Target,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPath {
    /// As it is written, without the backslashes of escapes.
    pub text: String,
    /// Where.
    pub span: ByteSpan,
}

/// A template with what it is filled with.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetTemplate {
    /// The target with its variables.
    pub target: Target,
    /// What they stand for, `1` and up for those without a name.
    pub variables: Vec<TemplateVariable>,
}

/// What a template's variable stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateVariable {
    /// Without its `$`.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// A text with its variables filled in may be so long.
const LONGEST_FILLED: usize = 1 << 20;

/// Whether targets of this text, with `given` for their variables, come to no more than can be held: each `$` may stand for the longest
/// value there is, and a text of a few thousand of them for gigabytes.
pub fn is_fillable(text: &str, given: &[TemplateVariable]) -> bool {
    let own = if text.contains("template") { text.len() } else { 0 };
    let longest = given.iter().map(|variable| variable.value.len()).max().unwrap_or(0).max(own);
    let marks = text.matches('$').count();
    marks.saturating_mul(longest) <= LONGEST_FILLED
}

impl Target {
    /// The tree with all variables filled in: those of its templates, and `given`, which count more.
    #[must_use]
    pub fn filled(&self, given: &[TemplateVariable]) -> Target {
        match self {
            Target::Template(template) => {
                let mut variables = given.to_vec();
                for variable in &template.variables {
                    if variables.iter().all(|held| held.name != variable.name) {
                        variables.push(variable.clone());
                    }
                }
                template.target.with_variables(&variables)
            }
            Target::Call(call) => {
                let arguments = call.arguments.iter().map(|argument| argument.filled(given)).collect();
                Target::Call(TargetCall { arguments, ..call.clone() })
            }
            other => other.clone(),
        }
    }

    fn with_variables(&self, variables: &[TemplateVariable]) -> Target {
        match self {
            Target::Path(path) => filled_path(path, variables),
            Target::Call(call) => {
                let arguments = call.arguments.iter().map(|argument| argument.with_variables(variables)).collect();
                let mut named = call.named.clone();
                for argument in &mut named {
                    argument.value = argument.value.with_variables(variables);
                }
                Target::Call(TargetCall { arguments, named, ..call.clone() })
            }
            other => other.clone(),
        }
    }
}

/// A path that is nothing but a variable is what it stands for, which may be a number or a text.
fn filled_path(path: &TargetPath, variables: &[TemplateVariable]) -> Target {
    let mut text = path.text.clone();
    for variable in variables {
        let mark = format!("${}", variable.name);
        if path.text == mark {
            return match variable.value.parse::<f64>() {
                Ok(number) if number.is_finite() => Target::Number(number),
                _ => Target::Text(variable.value.clone()),
            };
        }
        text = text.replace(&mark, &variable.value);
    }
    Target::Path(TargetPath { text, span: path.span })
}
