//! Which routes a query of Loki or Prometheus selects: the matchers in its braces, outside of texts.

use super::ReadLink;

/// What a query's selectors say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SelectedByQuery {
    /// `route="a"`.
    pub(super) routes: Vec<String>,
    /// `route=~"a|b"`: it must fit the whole name.
    pub(super) route_regexes: Vec<String>,
    /// `status_class="5xx"`, as a status range is written.
    pub(super) statuses: Vec<String>,
    /// Something else is asked for as well.
    pub(super) asks_for_more: bool,
}

impl SelectedByQuery {
    /// Whether a route is named.
    pub(super) fn names_route(&self) -> bool {
        !self.routes.is_empty() || !self.route_regexes.is_empty()
    }

    /// Hands it over to a link.
    pub(super) fn add_to(self, link: &mut ReadLink, expression: &str) {
        link.routes.extend(self.routes);
        link.route_regexes.extend(self.route_regexes);
        for status in self.statuses {
            if !link.statuses.contains(&status) {
                link.statuses.push(status);
            }
        }
        if self.asks_for_more {
            link.notes.push(format!(
                "of the query only route and status are taken over, not what else it asks for: {expression}"
            ));
        }
    }
}

/// One `name op "value"`.
struct SelectorMatcher<'q> {
    name: &'q str,
    operator: &'q str,
    value: String,
}

/// What the selectors of `expression` say.
pub(super) fn selected_by(expression: &str) -> SelectedByQuery {
    let mut selected = SelectedByQuery::default();
    let mut rest = expression;
    while let Some(letter) = rest.chars().next() {
        if is_quote(letter) {
            rest = quoted(rest).map_or("", |(_, behind)| behind);
            continue;
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        if letter != '{' {
            continue;
        }
        while let Some((matcher, behind)) = next_matcher(rest) {
            rest = behind;
            take(matcher, &mut selected);
        }
        // A pipeline behind a selector, or a filter of lines.
        selected.asks_for_more |=
            rest.split_once('}').is_some_and(|(_, behind)| behind.trim_start().starts_with(['|', '!']));
    }
    selected
}

fn take(matcher: SelectorMatcher<'_>, selected: &mut SelectedByQuery) {
    match (matcher.name, matcher.operator) {
        ("route", "=") => selected.routes.push(matcher.value),
        ("route", "=~") => selected.route_regexes.push(matcher.value),
        ("status_class", "=") => selected.statuses.push(matcher.value),
        // The host is that of the store, or the answer is of another one; a bound says nothing of requests.
        ("host" | "le" | "job" | "instance", _) => {}
        _ => selected.asks_for_more = true,
    }
}

/// The next matcher within braces; none at their end, or where it is none.
fn next_matcher(text: &str) -> Option<(SelectorMatcher<'_>, &str)> {
    let text = text.trim_start_matches([' ', ',', '\n', '\t']);
    let length = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':')?;
    let (name, rest) = text.split_at_checked(length).filter(|(name, _)| !name.is_empty())?;
    let rest = rest.trim_start();
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator))?;
    let (value, behind) = quoted(rest.get(operator.len()..)?.trim_start())?;
    Some((SelectorMatcher { name, operator, value }, behind))
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '`')
}

/// A text in quotes, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|letter| is_quote(*letter))?;
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => {
                if !is_quote(letter) && letter != '\\' {
                    value.push('\\');
                }
                value.push(letter);
                is_escaped = false;
            }
            '\\' if quote != '`' => is_escaped = true,
            _ if letter == quote => return Some((value, text.get(at + letter.len_utf8()..)?)),
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_matchers_count_not_texts_that_look_like_them() {
        let routes = |query: &str| selected_by(query).routes;
        assert_eq!(routes(r#"{host="a", route="b.c"}"#), ["b.c"]);
        assert_eq!(routes(r#"sum by (route) (rate({ route = `b` }[1m]))"#), ["b"]);
        assert_eq!(routes(r#"histogram_quantile(0.9, rate(x_bucket{route="b"}[5m]))"#), ["b"]);
        for none in [
            r#"{route!="b"}"#,
            r#"{host="a"} |= `{route="b"}`"#,
            r#"{x_route="b"}"#,
            "{route=",
            "{",
            r#"{a="{route='b'}"}"#,
        ] {
            assert!(routes(none).is_empty(), "{none}");
        }
        let query = selected_by(r#"{route=~"a|b\\.c", status_class="5xx"} |= "x""#);
        assert_eq!((query.route_regexes, query.statuses), (vec![r"a|b\.c".to_owned()], vec!["5xx".to_owned()]));
        assert!(query.asks_for_more, "a filter of lines");
        assert!(selected_by(r#"{route="b", level="error"}"#).asks_for_more);
        assert!(!selected_by(r#"{route="b",host="web1"}"#).asks_for_more);
    }
}
