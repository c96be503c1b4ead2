//! What a log is taken for from its first lines: never a guess.

use std::path::Path;

use spikeline::grammar::{Format, Unrecognised, Wrapper, library, recognise, wrapper_of};

fn formats() -> Vec<Format> {
    library().unwrap().into_iter().map(|grammar| grammar.format).collect()
}

/// Wrapper, name, whether by keys.
fn taken(head: &str, formats: &[Format]) -> Result<(Option<Wrapper>, String, bool), Unrecognised> {
    let found = recognise(head.as_bytes(), 400, formats)?;
    assert_eq!(found.candidate.is_none(), found.format.is_keyed());
    Ok((found.format.wrapper(), found.format.name().to_owned(), found.format.is_keyed()))
}

const COMBINED: &str = "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.1\" 200 13 \"-\" \"curl\"";
const JSON: &str = r#"{"time":"2021-02-03T11:22:33Z","status":200,"rt":0.25,"request":"GET /a HTTP/1.1"}"#;

#[test]
fn every_wrapper_around_either_kind() {
    let formats = formats();
    for (line, name, keyed) in [(COMBINED, "combined", false), (JSON, "json", true)] {
        let escaped = serde_json::to_string(&format!("{line}\n")).unwrap();
        for (wrapped, wrapper) in [
            (line.to_owned(), None),
            (format!("2022-01-28T16:04:05.4Z stdout F {line}"), Some(Wrapper::Cri)),
            (
                format!(
                    "2022-01-28T16:04:05.4Z stdout P {}\n2022-01-28T16:04:05.4Z stdout F {}",
                    &line[..20],
                    &line[20..]
                ),
                Some(Wrapper::Cri),
            ),
            (
                format!("{{\"log\":{escaped},\"stream\":\"stdout\",\"time\":\"2022-01-28T16:04:05.4Z\"}}"),
                Some(Wrapper::Docker),
            ),
            (format!("<190>Jan 28 16:04:05 web1 nginx: {line}"), Some(Wrapper::Syslog)),
        ] {
            let head = format!("{wrapped}\n").repeat(3);
            assert_eq!(taken(&head, &formats), Ok((wrapper, name.to_owned(), keyed)), "{head}");
        }
    }
}

#[test]
fn a_known_format_goes_before_keys_that_say_no_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grammar");
    let head = |folder: &str| std::fs::read_to_string(root.join(folder).join("access.log")).unwrap();
    let name = |folder: &str| taken(&head(folder), &formats()).map(|(wrapper, name, _)| (wrapper, name));
    assert_eq!(name("pnx-json"), Ok((None, "json_lengths".into())));
    assert_eq!(name("ltsv-upstream"), Ok((None, "ltsv_upstream".into())));
    assert_eq!(name("k8s-cri-ingress"), Ok((Some(Wrapper::Cri), "ingress_nginx".into())));
    // One of its lines has a label more: the keys fit it too.
    assert_eq!(name("alp-ltsv"), Ok((None, "ltsv".into())));
    assert_eq!(name("json-kazeburo"), Ok((None, "json".into())));
    assert_eq!(name("ltsv-kazeburo"), Ok((None, "ltsv".into())));
}

/// Keys do not break a tie, and do not contradict a format that says what its values are.
#[test]
fn what_cannot_be_told_is_not() {
    let format = |name: &str, text: &str| Format::compile(name, text, spikeline::grammar::Escape::Json).unwrap();
    let one = format("one", r#"{"time":"$time_iso8601","status":$status,"rt":$request_time,"request":"$request"}"#);
    let other = format(
        "other",
        r#"{"time":"$time_iso8601","status":$status,"rt":$upstream_response_time,"request":"$request"}"#,
    );
    let head = format!("{JSON}\n");
    assert_eq!(taken(&head, &[one.clone(), other.clone()]), Err(Unrecognised::Tie(vec![0, 1])));
    // Most lines fit `other`, whose `rt` is another time: the keys fit all of them, and say otherwise.
    let more = format!("{}{}\n", head.repeat(3), JSON.replace("\"rt\"", "\"new\":1,\"rt\""));
    assert_eq!(taken(&more, &[other]), Ok((None, "other".into(), false)));
    assert_eq!(taken(&more, &[one]), Ok((None, "json".into(), true)));
    let nothing = Err(Unrecognised::Nothing(None));
    for app in [
        r#"{"time":"2021-02-03T11:22:33Z","level":"info","msg":"started"}"#,
        r#"{"time":"2021-02-03T11:22:33Z","status":"running","path":7}"#,
        r#"{"status":200,"request":"GET /a HTTP/1.1"}"#,
        "time:now\tstatus:200",
        "hello",
    ] {
        assert_eq!(taken(&format!("{app}\n"), &formats()), nothing, "{app}");
    }
    assert_eq!(taken("", &formats()), nothing);
    let inside = "2022-01-28T16:04:05.4Z stdout F hello\n";
    assert_eq!(taken(inside, &formats()), Err(Unrecognised::Nothing(Some(Wrapper::Cri))));
    let unended = "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2022-01-28T16:04:05.4Z\"}\n".repeat(3);
    assert_eq!(wrapper_of(unended.as_bytes(), 400), None);
    assert_eq!(wrapper_of(unended.replacen("a\"", "a\\n\"", 1).as_bytes(), 400), Some(Wrapper::Docker));
    assert_eq!(wrapper_of(format!("{inside}hello\n").as_bytes(), 400), None);
}

#[test]
fn what_stands_before_the_first_request_hides_no_format() {
    let formats = formats();
    for before in
        ["/docker-entrypoint.sh: ready for start up", "21-02-03T11:22:33Z\",\"status\":200}", "\u{feff}", "# x"]
    {
        let head = format!("{before}\n{}", format!("{JSON}\n").repeat(3));
        assert_eq!(taken(&head, &formats), Ok((None, "json".to_owned(), true)), "{before}");
        let cri = |stream: &str, text: &str| format!("2022-01-28T16:04:05.4Z {stream} F {text}\n");
        for (line, name, keyed) in [(JSON, "json", true), (COMBINED, "combined", false)] {
            // nginx logs errors to stderr, in an image more of them than requests.
            let head = cri("stdout", before)
                + &cri("stderr", "[notice] 1#1: start worker").repeat(9)
                + &cri("stdout", line).repeat(3);
            assert_eq!(taken(&head, &formats), Ok((Some(Wrapper::Cri), name.to_owned(), keyed)), "{before}");
        }
    }
    let only = format!("2022-01-28T16:04:05.4Z stderr F {COMBINED}\n").repeat(3);
    assert_eq!(taken(&only, &formats), Ok((Some(Wrapper::Cri), "combined".to_owned(), false)));
}
