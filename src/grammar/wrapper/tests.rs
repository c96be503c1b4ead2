//! Wrapped lines: what is a wrapper's, and which records they make.

use super::*;

fn text(wrapper: Wrapper, line: &str) -> Option<String> {
    let part = wrapper.read_part(line.as_bytes())?;
    Some(line[part.text.0 as usize..part.text.1 as usize].to_owned())
}

/// Offset, length and text of each record; no text if it is not the wrapper's.
fn records(wrapper: Wrapper, block: &str) -> Vec<(usize, usize, Option<String>)> {
    let mut records = WrappedRecords::new(wrapper, block.as_bytes());
    let (mut buffer, mut out) = (Vec::new(), Vec::new());
    while let Some(record) = records.next(&mut buffer) {
        let text = record.text.ok().map(|text| String::from_utf8(text.to_vec()).unwrap());
        out.push((record.start, record.end - record.start, text));
    }
    out
}

fn texts(wrapper: Wrapper, block: &str) -> Vec<String> {
    records(wrapper, block).into_iter().map(|(_, _, text)| text.unwrap_or_else(|| "-".to_owned())).collect()
}

#[test]
fn cri_lines() {
    for (line, wanted) in [
        ("2022-01-28T16:04:05.413656027Z stdout F a b", Some("a b")),
        ("2022-01-28T16:04:05.413656027+01:00 stderr P ", Some("")),
        ("2022-01-28T16:04:05Z stdout F", Some("")),
        ("2022-01-28T16:04:05Z stdout F:more x\r", Some("x")),
        ("2022-01-28T16:04:05Z stdout X a", None),
        ("2022-01-28T16:04:05Z stdin F a", None),
        ("2022-01-28T16:04:05 stdout F a", None),
        ("a", None),
        ("", None),
    ] {
        assert_eq!(text(Wrapper::Cri, line).as_deref(), wanted, "{line}");
    }
}

#[test]
fn docker_lines() {
    for (line, wanted) in [
        (r#"{"log":"a \"b\"\n","stream":"stdout","time":"2022-01-28T16:04:05.4Z"}"#, Some("a \"b\"")),
        (r#"{"log":"a\n","stream":"stderr","attrs":{"tag":"x"},"time":"2022-01-28T16:04:05.4Z"}"#, Some("a")),
        (r#"{"time":"2022-01-28T16:04:05.4Z", "stream": "stdout", "log":"a\u0026b\n"}"#, Some("a&b")),
        (r#"{"log":"\n","stream":"stdout","time":"x"}"#, Some("")),
        (r#"{"log":"a\n","stream":"stdin","time":"x"}"#, None),
        (r#"{"log":"a\n","stream":"stdout"}"#, None),
        (r#"{"log":7,"time":"x"}"#, None),
        (r#"{"log":"a\n","stream":"stdout","time":"x"#, None),
        ("a", None),
    ] {
        let found = Wrapper::Docker.read_part(line.as_bytes()).map(|_| texts(Wrapper::Docker, line).concat());
        assert_eq!(found.as_deref(), wanted, "{line}");
    }
    // An escaped backslash before an `n` is no newline: the record goes on.
    let parts = [r#"{"log":"a\\n","stream":"stdout","time":"x"}"#, r#"{"log":"b\\\n","stream":"stdout","time":"x"}"#];
    assert_eq!(texts(Wrapper::Docker, &parts.join("\n")), ["a\\nb\\"]);
}

#[test]
fn syslog_lines() {
    for (line, wanted) in [
        ("<190>Nov 22 12:00:00 host nginx: a b", Some("a b")),
        ("<190>Nov  2 12:00:00 nginx: a", Some("a")),
        ("Nov 22 12:00:00 host.example.org nginx[12]: a: b", Some("a: b")),
        ("2026-11-22T12:00:00.123456+00:00 host nginx: a", Some("a")),
        ("<190>2026-11-22T12:00:00Z host nginx: a", Some("a")),
        ("<190>1 2026-11-22T12:00:00.003Z host nginx 123 - - a", Some("a")),
        (r#"<190>1 2026-11-22T12:00:00Z host nginx - ID47 [a@1 b="\"]"][c d="e"] a"#, Some("a")),
        ("<190>1 - - nginx - - - \u{feff}a", Some("a")),
        ("Nov 22 12:00:00 host nginx: ", Some("")),
        ("<190>Nov 22 12:00:00 host a b", None),
        ("<190>Foo 22 12:00:00 host nginx: a", None),
        ("<1900>Nov 22 12:00:00 host nginx: a", None),
        ("<190>1 2026-11-22T12:00:00Z host nginx 123 - [a", None),
        ("2026-11-22T12:00:00+00:00 127.0.0.1 \"GET / HTTP/1.1\" 200", None),
        ("127.0.0.1 - - [22/Nov/2026:20:58:08 +0000] \"GET / HTTP/1.1\" 200 3", None),
        ("", None),
    ] {
        assert_eq!(text(Wrapper::Syslog, line).as_deref(), wanted, "{line}");
    }
}

fn cri(parts: &[(&str, &str, &str)]) -> String {
    parts.iter().map(|(stream, tag, text)| format!("2022-01-28T16:04:05Z {stream} {tag} {text}\n")).collect()
}

#[test]
fn parts_are_joined_by_stream() {
    let block = cri(&[
        ("stdout", "P", "a"),
        ("stderr", "P", "x"),
        ("stdout", "P", "b"),
        ("stderr", "F", "y"),
        ("stdout", "F", "c"),
        ("stdout", "F", "d"),
    ]);
    let line = 32;
    let wanted = [
        (0, 5 * line - 1, Some("abc".to_owned())),
        (line, 3 * line - 1, Some("xy".to_owned())),
        (5 * line, line - 1, Some("d".to_owned())),
    ];
    assert_eq!(records(Wrapper::Cri, &block), wanted);
    // Whatever follows, nothing is cut before the last record's end.
    for parts in 1..5 {
        assert_eq!(Wrapper::Cri.whole_records(&block.as_bytes()[..parts * line]), 0, "{parts}");
    }
    assert_eq!(Wrapper::Cri.whole_records(&block.as_bytes()[..5 * line]), 5 * line);
    assert_eq!(Wrapper::Cri.whole_records(block.as_bytes()), 6 * line);
}

/// A part that is never finished is not waited for, and is a record as it is.
#[test]
fn an_unfinished_part_does_not_hold_up_its_log() {
    let mut parts = vec![("stderr", "P", "x")];
    parts.extend([("stdout", "F", "a"); BETWEEN]);
    let held = cri(&parts);
    assert_eq!(Wrapper::Cri.whole_records(held.as_bytes()), 0);
    parts.push(("stdout", "F", "b"));
    let block = cri(&parts);
    assert_eq!(Wrapper::Cri.whole_records(block.as_bytes()), block.len());
    parts.push(("stderr", "F", "y"));
    let found = texts(Wrapper::Cri, &cri(&parts));
    assert_eq!((found[0].as_str(), found[1].as_str(), found.last().unwrap().as_str()), ("x", "a", "y"));
    assert_eq!(texts(Wrapper::Cri, &held)[0], "x");
    // Nor a record that never ends.
    let endless = cri(&[("stdout", "P", "x")]).repeat(HELD / 20);
    assert_eq!(Wrapper::Cri.whole_records(endless.as_bytes()), endless.len());
}

#[test]
fn other_lines_are_rejected_one_by_one() {
    let block = format!("hello\n{}\n\n{}", cri(&[("stdout", "P", "a")]), cri(&[("stdout", "F", "b")]));
    assert_eq!(texts(Wrapper::Cri, &block), ["-", "ab", "-", "-"]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_fine(block in proptest::collection::vec(proptest::prop_oneof![
        4 => proptest::sample::select(&br#"{"log":"\n","stream":"stdout","time":"Z"} F P <190>1 2022-01-28T16:04:05Z: []-"#[..]),
        1 => proptest::prelude::any::<u8>(),
    ], 0..200)) {
        for wrapper in Wrapper::ALL {
            let mut records = WrappedRecords::new(wrapper, &block);
            let (mut buffer, mut last) = (Vec::new(), 0);
            while let Some(record) = records.next(&mut buffer) {
                proptest::prop_assert!(record.start >= last && record.end >= record.start && record.end <= block.len());
                last = record.start + 1;
            }
            proptest::prop_assert!(wrapper.whole_records(&block) <= block.len());
        }
    }
}
