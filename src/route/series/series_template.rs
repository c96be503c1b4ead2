//! The name of a series as it is configured, `upstream.{upstream_addr}.{route}`, compiled.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::grammar::Format;
use crate::record::{GroupingFields, RequestField};
use crate::route::cap::{ALL, OTHER};
use crate::route::graphite_name::is_safe;
use crate::route::probes::probe_rule::PROBE_NODE;

/// So many series may be configured: what a line costs grows with them.
const SERIES_MAX: usize = 64;

/// The series, in the order of the configuration.
#[derive(Debug, Clone, Default)]
pub struct SeriesTemplates {
    pub(super) templates: Vec<SeriesTemplate>,
    first_nodes: Vec<String>,
    fingerprint: u64,
}

/// The name of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeriesTemplate {
    pub(super) parts: Vec<TemplatePart>,
    /// The fields in it, in their order.
    pub(super) fields: Vec<RequestField>,
}

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplatePart {
    Literal(String),
    /// The value of the next field.
    Field,
}

/// What is wrong with the name of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesMistake {
    /// The series, counted from 0.
    pub series: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for SeriesMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "series {}: {} ({})", self.series + 1, self.message, self.remedy)
    }
}

impl SeriesTemplates {
    /// Compiles the names.
    ///
    /// # Errors
    /// The first that is no name of a series, or whose members could have the names of another's.
    pub fn new(names: &[String]) -> Result<SeriesTemplates, SeriesMistake> {
        let mut compiled = SeriesTemplates::default();
        for (series, name) in names.iter().enumerate() {
            let mistake = |(message, remedy): (String, String)| SeriesMistake { series, message, remedy };
            let template = SeriesTemplate::new(name).map_err(mistake)?;
            if let Some(other) = compiled.templates.iter().zip(names).find(|(known, _)| known.may_meet(&template)) {
                let message = format!("`{name}` and `{}` may give members the same name", other.1);
                return Err(mistake((message, "begin them with different words, or put one in the midst".to_owned())));
            }
            if series >= SERIES_MAX {
                return Err(mistake((
                    format!("there are more than {SERIES_MAX} series"),
                    "put several fields into one name".to_owned(),
                )));
            }
            let first = template.first_node().to_owned();
            if !compiled.first_nodes.contains(&first) {
                compiled.first_nodes.push(first);
            }
            compiled.templates.push(template);
        }
        if !names.is_empty() {
            // 0 stands for no series.
            compiled.fingerprint = xxh3_64(names.join("\n").as_bytes()).max(1);
        }
        Ok(compiled)
    }

    /// The first nodes of the names, each once: routes give way to them.
    pub fn first_nodes(&self) -> &[String] {
        &self.first_nodes
    }

    /// A hash of what they say: under the same a request is in the same series. 0 without any.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The variables that a format lacks for some of them, which then have no members in its lines.
    pub fn lacking(&self, format: &Format) -> Vec<String> {
        let mut lacking: Vec<String> = Vec::new();
        for template in &self.templates {
            for name in GroupingFields::of_format(&template.fields, format).lacking() {
                if !lacking.iter().any(|known| known == name) {
                    lacking.push(name.to_owned());
                }
            }
        }
        lacking
    }
}

impl SeriesTemplate {
    /// Reads a name; a mistake is what is wrong and what to do.
    fn new(text: &str) -> Result<SeriesTemplate, (String, String)> {
        let mut template = SeriesTemplate { parts: Vec::new(), fields: Vec::new() };
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            template.push_literal(literal);
            let Some((field, after)) = after.split_once('}') else {
                return Err((format!("`{{` in `{text}` is not closed"), "add `}`".to_owned()));
            };
            if field.is_empty() || field == "query:" || field.contains(['{', '.', ' ']) {
                let what = format!("`{{{field}}}` names no field of a request");
                return Err((
                    what,
                    "write {upstream_addr}, {host}, {status_class} or any variable of the log".to_owned(),
                ));
            }
            template.parts.push(TemplatePart::Field);
            template.fields.push(RequestField::of_name(field));
            rest = after;
        }
        template.push_literal(rest);
        template.check(text)?;
        Ok(template)
    }

    fn push_literal(&mut self, literal: &str) {
        if !literal.is_empty() {
            self.parts.push(TemplatePart::Literal(literal.to_owned()));
        }
    }

    /// The name with every field as this text.
    pub(super) fn with_each(&self, value: &str) -> String {
        let mut name = String::new();
        for part in &self.parts {
            name.push_str(match part {
                TemplatePart::Literal(literal) => literal,
                TemplatePart::Field => value,
            });
        }
        name
    }

    /// Every name that it can make has to be safe, and its first node is to be known without a request.
    fn check(&self, text: &str) -> Result<(), (String, String)> {
        let first = match self.parts.first() {
            Some(TemplatePart::Literal(literal)) => literal.split('.').next().unwrap_or_default(),
            _ => "",
        };
        let is_whole = match self.parts.first() {
            Some(TemplatePart::Literal(literal)) => literal.contains('.') || self.parts.len() == 1,
            _ => false,
        };
        if !is_whole || first == OTHER || first == ALL || first.starts_with("__") {
            let what = format!("`{text}` does not begin with a node of its own");
            return Err((
                what,
                "begin with a word and a dot, as in `upstream.{upstream_addr}`: routes give way to it".to_owned(),
            ));
        }
        if first == PROBE_NODE {
            let what = format!("`{text}` begins as the series of [[probe]] do");
            return Err((what, "begin it with another word".to_owned()));
        }
        if !is_safe(&self.with_each("x")) {
            let what = format!("`{text}` is no name of a metric");
            return Err((what, "nodes of letters, digits, `_` and `-`, with single dots between".to_owned()));
        }
        Ok(())
    }

    /// The first node, which is literal.
    fn first_node(&self) -> &str {
        match self.parts.first() {
            Some(TemplatePart::Literal(literal)) => literal.split('.').next().unwrap_or_default(),
            _ => "",
        }
    }

    /// Whether a member of it may have the name of one of the other.
    fn may_meet(&self, other: &SeriesTemplate) -> bool {
        // A route's name may have any number of nodes: what comes behind it tells nothing.
        let (one, two) = (self.nodes(), other.nodes());
        let has_route = |nodes: &[Option<String>]| nodes.iter().any(Option::is_none);
        if one.len() != two.len() && !has_route(&one) && !has_route(&two) {
            return false;
        }
        for (one, two) in one.iter().zip(&two) {
            match (one, two) {
                (Some(one), Some(two)) if one != two && !one.contains('{') && !two.contains('{') => return false,
                (Some(_), Some(_)) => {}
                _ => return true,
            }
        }
        true
    }

    /// The nodes of its names, fields as `{}`; nothing for one with a route in it.
    fn nodes(&self) -> Vec<Option<String>> {
        let mut shape = String::new();
        let mut fields = self.fields.iter();
        for part in &self.parts {
            match part {
                TemplatePart::Literal(literal) => shape.push_str(literal),
                TemplatePart::Field if fields.next() == Some(&RequestField::Route) => shape.push_str("{/}"),
                TemplatePart::Field => shape.push_str("{}"),
            }
        }
        shape.split('.').map(|node| (!node.contains("{/}")).then(|| node.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(names: &[&str]) -> Option<usize> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        SeriesTemplates::new(&names).err().map(|mistake| mistake.series)
    }

    #[test]
    fn a_name_begins_with_a_node_of_its_own_and_is_safe() {
        assert_eq!(
            mistake(&["upstream.{upstream_addr}.{route}", "host.{host}", "cache.{upstream_cache_status}"]),
            None
        );
        assert_eq!(mistake(&["everything"]), None);
        for wrong in
            ["{host}", "up{host}", "", "a..{host}", "a.{host", "a.{}", "a/{host}", "other.{host}", ".a", "a.{b c}"]
        {
            assert_eq!(mistake(&[wrong]), Some(0), "{wrong}");
        }
    }

    #[test]
    fn members_of_two_series_never_have_one_name() {
        for (one, two, meet) in [
            ("a.{host}", "a.{status}", true),
            ("a.{host}", "b.{host}", false),
            ("a.{host}.x", "a.{host}.y", false),
            ("a.{host}", "a.{host}.{status}", false),
            ("a.{route}", "a.{host}.{status}", true),
            ("a.x.{route}", "a.y.{route}", false),
            ("a.b", "a.{host}", true),
            ("a.x{host}", "a.{host}", true),
        ] {
            assert_eq!(mistake(&[one, two]), meet.then_some(1), "{one} {two}");
            assert_eq!(mistake(&[two, one]), meet.then_some(1), "{two} {one}");
        }
    }
}
