//! The command that lists the lines of an answer's first cause.

use crate::cli::args::WhyArguments;
use crate::report::shell_word;
use crate::report::why::{FieldValue, WhyReport};

/// As one types it: `lines` of the same logs, window and routes; what `lines` cannot be asked for is looked for in its output.
pub(super) fn lines_command(report: &WhyReport, arguments: &WhyArguments) -> String {
    let mut words = vec!["spikeline".to_owned(), "lines".to_owned()];
    for file in &arguments.files.files {
        words.push(shell_word(&file.display().to_string()));
    }
    if let Some(format) = &arguments.files.format.log_format {
        words.extend(["--log-format".to_owned(), shell_word(format)]);
    }
    words.extend(["--from".to_owned(), report.window.from.to_string()]);
    words.extend(["--until".to_owned(), report.window.until.to_string(), "--by".to_owned(), "end".to_owned()]);
    let cause = report.causes.first().map(|cause| cause.whose.as_slice()).unwrap_or_default();
    let of_cause = cause.iter().filter(|value| value.field == "route").map(|value| value.value.clone());
    let mut routes: Vec<String> = of_cause.collect();
    if routes.is_empty() {
        routes.clone_from(&arguments.route);
    }
    if routes.is_empty() && cause.is_empty() {
        // Without a cause the route that changed most is it.
        routes.extend(report.routes.first().map(|route| route.route.clone()));
    }
    for route in routes {
        words.extend(["--route".to_owned(), shell_word(&route)]);
    }
    words.extend(["--all".to_owned(), "--sort".to_owned(), "duration".to_owned()]);
    for value in cause {
        if let Some(text) = text_in_line(value) {
            words.extend(["|".to_owned(), "grep".to_owned(), "-F".to_owned(), "--".to_owned(), shell_word(&text)]);
        }
    }
    words.join(" ")
}

/// What stands in each line with this value; nothing of what does not stand there as it is.
fn text_in_line(value: &FieldValue) -> Option<String> {
    let FieldValue { field, value } = value;
    if field == "route" || field == "agent_family" || value.starts_with(">=") {
        return None;
    }
    if let Some(key) = field.strip_prefix("query:") {
        return Some(if value == "*" { format!("{key}=") } else { format!("{key}={value}") });
    }
    if let Some((net, length)) = value.split_once('/')
        && net.parse::<std::net::Ipv4Addr>().is_ok()
    {
        let bytes: Vec<&str> = net.split('.').take(if length == "24" { 3 } else { 2 }).collect();
        return Some(format!("{}.", bytes.join(".")));
    }
    (value.len() > 2).then(|| value.clone())
}
