//! Every form of a paste comes to the same text, escape and name, or to an error that says what to do.

use super::{PastedFormat, read_paste};
use crate::grammar::variables::Escape;

const TEXT: &str = r#"$remote_addr - [$time_local] "$request" $status "$http_user_agent" $request_time"#;

fn read(pasted: &str) -> PastedFormat {
    match read_paste(pasted) {
        Ok(Some(found)) => found,
        Ok(None) => panic!("{pasted}: no format"),
        Err(error) => panic!("{pasted}: {}", error.render()),
    }
}

#[track_caller]
fn told(pasted: &str, what: &str) {
    let error = match read_paste(pasted) {
        Ok(found) => panic!("{pasted}: {found:?}"),
        Err(error) => error,
    };
    assert!(error.render().contains(what), "{pasted}: {}", error.render());
    assert!(!error.remedy.is_empty() && error.span.end <= error.text.len(), "{pasted}: {error:?}");
}

#[track_caller]
fn reads(pasted: &str, text: &str) {
    assert_eq!(read(pasted).text, text, "{pasted}");
}

#[test]
fn pieces_alone_on_lines_or_with_a_name() {
    let double = TEXT.replace('"', "\\\"");
    for pasted in [
        format!("'{TEXT}'"),
        format!("  '{TEXT}'; \n"),
        "'$remote_addr - [$time_local] \"$request\" '\n  '$status \"$http_user_agent\" ' # why\n# and\n'$request_time'"
            .to_owned(),
        format!("main '{TEXT}';"),
        format!("json '{TEXT}'"),
        format!("log_format 'a b' '{TEXT}'"),
        format!("\"{double}\""),
        format!("main \"{double}\";"),
        TEXT.to_owned(),
        format!("{TEXT}\r\n"),
    ] {
        reads(&pasted, TEXT);
    }
    assert_eq!(read(&format!("main '{TEXT}';")).name.as_deref(), Some("main"));
    let json = read(r#"escape=json '{"t":"$msec",' '"s":"$status"}'"#);
    assert_eq!((json.escape, json.text.as_str()), (Some(Escape::Json), r#"{"t":"$msec","s":"$status"}"#));
    assert_eq!(read(r#"json escape=json '{"t":"$msec"}';"#).escape, Some(Escape::Json));
}

#[test]
fn directives_in_what_surrounds_them() {
    let one = format!("log_format main '{TEXT}';");
    let many = "log_format main '$remote_addr - [$time_local] \"$request\" '\n    '$status \"$http_user_agent\" '\n    '$request_time';";
    for pasted in [
        one.clone(),
        one.trim_end_matches(';').to_owned(),
        format!(
            "http {{ {one} access_log logs/a.log main; server {{ listen 80; location / {{ return 200 'a;'; }} }} }}"
        ),
        format!("#{one}"),
        format!("  # {}", many.replace('\n', "\n  # ")),
        format!("+{}", many.replace('\n', "\n+")),
        format!("/etc/nginx/nginx.conf:21:    {one}"),
        format!("nginx.conf:21:{}", many.replace("\n", "\nnginx.conf-22-")),
        format!("$ grep log_format /etc/nginx/nginx.conf\n{one}"),
        format!("```nginx\n{many}\n```"),
        format!("\u{feff}{one}"),
        format!("data:\n  nginx.conf: |\n    http {{\n      {one}\n    }}\n"),
        format!("options:\n  - {one}\n"),
        one.replace('$', "\\$"),
        one.replace('$', "$$"),
        format!("{{% raw %}}{one}{{% endraw %}}"),
        one.replace('"', "&quot;").replace('\'', "&#x27;"),
        format!("{one}\n{one}"),
    ] {
        let found = read(&pasted);
        assert_eq!((found.name.as_deref(), found.text.as_str()), (Some("main"), TEXT), "{pasted}");
    }
}

#[test]
fn values_of_other_files() {
    let double = TEXT.replace('"', "\\\"");
    for pasted in [
        format!("log-format-upstream: '{TEXT}'"),
        format!("log-format-upstream: {TEXT}"),
        format!("\"log-format-upstream\": \"{double}\","),
        format!("  log-format-upstream: >-\n    {}", TEXT.replace("$status", "\n    $status").replace(" \n", "\n")),
        format!("log-format-upstream: |\n  {TEXT}\n"),
        format!("log-format-upstream: \"{}\"", double.replace(" $status", "\n     $status")),
        format!("{{\"log-format-upstream\": \"{double}\"}}"),
        format!(
            "data:\n  keep-alive: '75'\n  log-format-upstream: '{TEXT}'\n  log-format-stream: '[$time_local] $protocol'\n"
        ),
        format!("nginx_log_formats:\n  - name: main\n    format: \"{double}\"\n"),
        format!("nginx_log_formats:\n  main: \"{double}\"\nother: \"$x\"\n"),
        format!("log_format => {{\n  'main' => '{TEXT}',\n}},"),
        format!("LOG_FORMAT = '{TEXT}'"),
        format!("export NGINX_LOG_FORMAT='{TEXT}'"),
        format!("format = '''{TEXT}'''"),
        "access_log_format: '$remote_addr - [$time_local] \"$request\" ' '$status \"$http_user_agent\" ' '$request_time'".to_owned(),
    ] {
        reads(&pasted, TEXT);
    }
    reads("log-format-upstream: '{\"a\": \"it''s $status\"}'", "{\"a\": \"it's $status\"}");
    let escaped = read("data:\n  log-format-escape-json: \"true\"\n  log-format-upstream: '{\"t\": \"$msec\"}'\n");
    assert_eq!((escaped.escape, escaped.text.as_str()), (Some(Escape::Json), "{\"t\": \"$msec\"}"));
}

#[test]
fn the_logs_own_quotes_and_escapes_stay() {
    for text in [
        r#""$msec" "$request_time""#,
        r#""$request""#,
        r#""$remote_addr" $status "$request""#,
        r#""$request"$status"#,
        r#"'$request' '$status'"#,
        r#"access "$request""#,
        r#"it's "$request" $status"#,
        "  $msec  $status  ",
        "$time_local “$request” $status “$http_user_agent” $request_time",
        "time:$time_local\thost:$remote_addr",
        r#"{"format":"v1","time":"$time_local","s":"$status"}"#,
        "$a;$b;",
        "rt=$request_time urt=$upstream_response_time",
        "# $msec $status",
    ] {
        reads(text, text);
    }
    reads("time:$time_local\\thost:$remote_addr", "time:$time_local\thost:$remote_addr");
    reads("$msec \\\"$request\\\"", "$msec \"$request\"");
    for name in ["", "combined", "json request_time=took:ms", "my_own", "it's", "/etc/nginx/nginx.conf"] {
        assert_eq!(read_paste(name), Ok(None), "{name}");
    }
}

#[test]
fn what_is_missing_is_told() {
    let one = format!("log_format main '{TEXT}';");
    for (pasted, what) in [
        (format!("log_format main '{TEXT};"), "not closed"),
        (format!("'{TEXT}"), "not closed"),
        ("log_format main '$remote_addr - '\n  '$status".to_owned(), "not closed"),
        ("log_format main '$remote_addr [$time_local] \"$request\" '".to_owned(), "goes on"),
        ("log_format main;".to_owned(), "a name and a text"),
        ("''".to_owned(), "no $variables"),
        (format!("escape=yaml '{TEXT}'"), "unknown escaping"),
        (format!("escape=json {TEXT}"), "after escape="),
        ("access_log /var/log/nginx/access.log main;".to_owned(), "log_format NAME"),
        ("http {\n  access_log /var/log/nginx/access.log main;\n}\n".to_owned(), "no log_format"),
        ("server { location / { try_files $uri =404; } }".to_owned(), "no log_format"),
        (format!("{one}\nlog_format b '$msec $status';"), "give one log_format, not several: `main`, `b`"),
        (one.replace(' ', "\u{a0}"), "U+00A0"),
        (one.replace('\'', "’"), "no quote of nginx's"),
        (format!("‘{TEXT}’"), "no quote of nginx's"),
        ("\"$msec $status\"".to_owned(), "may be nginx.conf's"),
        ("$remote_addr - ' '$status \"$request\"".to_owned(), "a quote of nginx.conf's"),
        ("$remote_addr - '\n '$status \"$request\"".to_owned(), "line break"),
        ("$remote_addr \"$request\" $status';".to_owned(), "a quote of nginx.conf's"),
        ("$remote_addr \"$request\" $status;".to_owned(), "may be nginx.conf's"),
        ("log-format-upstream: |\n  $msec\n  $status\n".to_owned(), "line breaks"),
        ("a_format: '$msec $status'\nb_format: '$status $msec'".to_owned(), "not several"),
    ] {
        told(&pasted, what);
    }
}
