//! A log_format with more variables in it, and as the directive that nginx.conf takes.

use super::log_format_directive::directives;
use crate::grammar::format::Format;
use crate::grammar::keyed::KeyedSyntax;
use crate::grammar::variables::Escape;

/// A line of a directive is broken before it gets longer than this, in bytes.
const LINE: usize = 96;

impl Format {
    /// The same format with `variables` (without `$`) added at its end, in the manner of the rest: as members of a JSON
    /// object, as LTSV labels, after tabs, or as `key="value"`; without the wrapper. None if such a format could not be
    /// read, and for a keyed format, which has no log_format: see [`Format::members`].
    pub fn with_variables(&self, name: &str, variables: &[&str]) -> Option<Format> {
        if self.is_keyed() {
            return None;
        }
        let manner = FormatStyle::of_text(self.text());
        let mut added = String::new();
        for variable in variables {
            added += &manner.spell_variable(variable, self.text());
        }
        let text = match manner {
            FormatStyle::Json => {
                let (head, tail) = self.text().split_at_checked(self.text().rfind('}')?)?;
                format!("{}{added}{tail}", head.trim_end())
            }
            FormatStyle::Plain if self.text().ends_with(' ') => format!("{}{}", self.text(), added.trim_start()),
            _ => format!("{}{added}", self.text()),
        };
        let format = Format::compile(name, &text, self.escape()).ok()?;
        variables.iter().all(|variable| format.index_of(variable).is_some()).then_some(format)
    }

    /// What has to stand in the log_format behind a keyed format for its lines to have `variables` (without `$`) as well:
    /// members of a JSON object, or LTSV labels. None if the format is not keyed.
    pub fn members(&self, variables: &[&str]) -> Option<String> {
        let manner = match self.keys()?.syntax() {
            KeyedSyntax::Json => FormatStyle::Json,
            KeyedSyntax::Ltsv => FormatStyle::Ltsv,
        };
        Some(variables.iter().map(|variable| manner.spell_variable(variable, "")).collect())
    }

    /// The `log_format` directive of this format, to be pasted into nginx.conf; it reads back as the same text.
    ///
    /// None for a keyed format, and for a text that could not be written so.
    pub fn directive(&self) -> Option<String> {
        if self.is_keyed() {
            return None;
        }
        let escape = match self.escape() {
            Escape::Default => String::new(),
            other => format!(" escape={other}"),
        };
        let mut directive = format!("log_format {}{escape}", self.name());
        for piece in break_text(self.text()) {
            directive.push_str("\n    ");
            directive.push_str(&quote_piece(piece));
        }
        directive.push(';');
        let read = directives(&directive).ok()?;
        read.first().is_some_and(|read| read.text == self.text() && read.escape == self.escape()).then_some(directive)
    }
}

/// How a format sets its values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormatStyle {
    Json,
    Ltsv,
    Tabs,
    Plain,
}

impl FormatStyle {
    fn of_text(text: &str) -> FormatStyle {
        let trimmed = text.trim();
        if trimmed.starts_with('{') && trimmed.ends_with('}') && trimmed.contains("\":") {
            return FormatStyle::Json;
        }
        if !text.contains('\t') {
            return FormatStyle::Plain;
        }
        let labelled = |field: &str| field.split_once(':').is_some_and(|(label, _)| is_label(label));
        if text.trim_end_matches('\t').split('\t').all(labelled) { FormatStyle::Ltsv } else { FormatStyle::Tabs }
    }

    fn spell_variable(self, variable: &str, text: &str) -> String {
        let number = matches!(variable, "request_time" | "msec");
        // A key that the text has already, for another variable, would be a second one of its name.
        let taken = match self {
            FormatStyle::Json => text.contains(&format!("\"{variable}\":")),
            FormatStyle::Ltsv => text.split('\t').any(|field| field.split(':').next() == Some(variable)),
            FormatStyle::Tabs | FormatStyle::Plain => false,
        };
        let label = if taken { format!("nginx_{variable}") } else { variable.to_owned() };
        match self {
            FormatStyle::Json if number => format!(",\"{label}\":${variable}"),
            FormatStyle::Json => format!(",\"{label}\":\"${variable}\""),
            FormatStyle::Ltsv => format!("\t{label}:${variable}"),
            FormatStyle::Tabs => format!("\t${variable}"),
            FormatStyle::Plain if number => format!(" {}=${variable}", short_key(variable)),
            FormatStyle::Plain => format!(" {}=\"${variable}\"", short_key(variable)),
        }
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The short names that people give these (nginx Amplify's, for one).
fn short_key(variable: &str) -> &str {
    match variable {
        "request_time" => "rt",
        "upstream_response_time" => "ut",
        "upstream_connect_time" => "uct",
        "upstream_header_time" => "uht",
        other => other,
    }
}

/// The text in pieces of bearable length, each ending with a space, comma or tab, so that no variable is cut in two.
fn break_text(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > LINE {
        let break_at =
            rest.char_indices().take_while(|(at, _)| *at < LINE).filter(|(_, c)| matches!(c, ' ' | ',' | '\t')).last();
        let Some((head, tail)) = break_at.and_then(|(at, _)| rest.split_at_checked(at + 1)) else { break };
        pieces.push(head);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

/// In single quotes; the escapes are those that `ngx_conf_read_token` resolves.
fn quote_piece(text: &str) -> String {
    let mut out = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::library;

    const TIMES: [&str; 3] = ["request_time", "upstream_response_time", "msec"];

    #[test]
    fn variables_are_added_in_the_manner_of_the_format() {
        let cases = [
            (
                "[$time_local] $status",
                "[$time_local] $status rt=$request_time ut=\"$upstream_response_time\" msec=$msec",
            ),
            ("[$time_local] ", "[$time_local] rt=$request_time ut=\"$upstream_response_time\" msec=$msec"),
            (
                "{\"t\":\"$time_iso8601\" }",
                "{\"t\":\"$time_iso8601\",\"request_time\":$request_time,\
                 \"upstream_response_time\":\"$upstream_response_time\",\"msec\":$msec}",
            ),
            (
                "time:$time_iso8601\tst:$status",
                "time:$time_iso8601\tst:$status\trequest_time:$request_time\t\
                 upstream_response_time:$upstream_response_time\tmsec:$msec",
            ),
            ("$time_iso8601\t$status", "$time_iso8601\t$status\t$request_time\t$upstream_response_time\t$msec"),
        ];
        for (text, expected) in cases {
            let format = Format::compile("x", text, Escape::Json).unwrap().with_variables("y", &TIMES).unwrap();
            assert_eq!(format.text(), expected);
            assert_eq!((format.name(), format.escape()), ("y", Escape::Json));
        }
    }

    #[test]
    fn a_key_that_is_taken_is_not_used_again() {
        for (text, added) in [
            ("{\"host\":\"$remote_addr\"}", "{\"host\":\"$remote_addr\",\"nginx_host\":\"$host\"}"),
            ("host:$remote_addr\tst:$status", "host:$remote_addr\tst:$status\tnginx_host:$host"),
        ] {
            let format = Format::compile("x", text, Escape::Json).unwrap();
            assert_eq!(format.with_variables("x", &["host"]).unwrap().text(), added);
        }
    }

    #[test]
    fn a_keyed_format_has_members_and_no_directive() {
        for (name, members) in [
            ("json", ",\"request_time\":$request_time,\"host\":\"$host\""),
            ("ltsv request_time=took:ms", "\trequest_time:$request_time\thost:$host"),
        ] {
            let format = Format::keyed(name).unwrap().unwrap();
            assert_eq!(format.members(&["request_time", "host"]).as_deref(), Some(members));
            assert!(format.with_variables("x", &["host"]).is_none() && format.directive().is_none());
        }
        assert!(Format::combined().members(&["host"]).is_none());
    }

    #[test]
    fn a_directive_reads_back_as_the_format() {
        let text = "it's $status \\d \"$request\"\t$msec $http_a $http_b $http_c $http_d $http_e $http_f $http_g $http_h \
                    $http_i $http_j $http_k";
        let format = Format::compile("odd", text, Escape::None).unwrap();
        let directive = format.directive().unwrap();
        assert!(directive.starts_with("log_format odd escape=none\n    'it\\'s $status \\\\d \"$request\"\\t$msec"));
        assert!(directive.lines().all(|line| line.len() <= LINE + 12), "{directive}");
        assert_eq!(directives(&directive).unwrap()[0].text, text);
    }

    /// Every grammar of the library can be given what it lacks, and nginx would take the directive.
    #[test]
    fn every_grammar_can_be_extended() {
        for grammar in library().unwrap() {
            let wanted = ["request_time", "upstream_response_time", "upstream_connect_time", "msec", "host"];
            let missing: Vec<&str> =
                wanted.into_iter().filter(|variable| grammar.format.index_of(variable).is_none()).collect();
            let name = grammar.format.name();
            let extended = grammar.format.with_variables(name, &missing);
            let extended = extended.unwrap_or_else(|| panic!("{name} with {missing:?}"));
            assert!(extended.directive().is_some(), "{name}");
        }
    }
}
