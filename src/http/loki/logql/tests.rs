use super::*;

/// What Grafana sends and people write: all of it is LogQL, and answered.
const TAKEN: [&str; 22] = [
    r#"{route="webapp.backend.git"}"#,
    r#"{route=~"webapp.*", host!="web2"} |= "GET" != "POST" |~ "tree/[0-9]+" !~ `x\d`"#,
    r#"rate({route="a"}[5m] |= "x")"#,
    r#"{ route = "a" , status =~ "5.." } | json | status >= 500"#,
    r#"{route="a"} |= ``"#,
    r#"{route="a"} |= "x" or "y""#,
    r#"{route="a"} | logfmt | rt > 2s and method = "GET" or (bytes_sent >= 20MB, status != 404)"#,
    r#"{route="a"} | drop __error__, __error_details__"#,
    r#"{route="a"} | keep route | status == 200"#,
    r#"{route="a"} | request_time > 1h30m5s"#,
    "{route=\"a\"} # of the graph\n |= \"b\"",
    r#"sum by (level, detected_level) (count_over_time({route="a"} | drop __error__[1m]))"#,
    r#"sum(rate({route=~".+"} |= "x" [5m])) by (route)"#,
    r#"sum without (host) (count_over_time({route="a"}[10s]))"#,
    r#"count_over_time({route="a"}[1m])"#,
    r#"bytes_rate({route="a"}[1m])"#,
    r#"max(bytes_over_time({route="a"}[1m]))"#,
    r#"(sum(rate({route="a"}[1m])))"#,
    "vector(1)+vector(1)",
    "1 + 2 * 3",
    r#"{route="\u00e4\x41\n\""}"#,
    r#"{route="a"} | status=`500` | json"#,
];

/// A query, and the column and some words of what is said of it.
const REFUSED: [(&str, usize, &str); 27] = [
    ("", 1, "the query is empty"),
    ("{}", 1, "at least one regexp or equality matcher"),
    (r#"{route=~".*"}"#, 1, "at least one regexp or equality matcher"),
    (r#"{route="a""#, 11, "expected `}`"),
    (r#"{route}"#, 7, "expected one of = != =~ !~"),
    (r#"{route=a}"#, 8, "expected a string"),
    (r#"{route="a}"#, 8, "no end"),
    (r#"{route=~"("}"#, 9, "regexp"),
    (r#"{"route"="a"}"#, 2, "expected a label's name"),
    (r#"{route="a"} | line_format "{{.x}}""#, 15, "`line_format` is not supported here"),
    (r#"{route="a"} | unwrap rt"#, 15, "`unwrap` is not supported here"),
    (r#"{route="a"} | json x="y""#, 20, "parameters of `json`"),
    (r#"{route="a"} | frobnicate"#, 15, "`frobnicate` is no stage"),
    (r#"{route="a"} |> "<_> x""#, 13, "pattern filters"),
    (r#"{route="a"} |= ip("10.0.0.0/8")"#, 16, "`ip()`"),
    (r#"{route="a"} | status >= "#, 25, "unexpected end"),
    (r#"{route="a"} | status >= 5x"#, 25, "no number, duration or size"),
    (r#"{route="a"} x"#, 13, "unexpected `x`"),
    (r#"topk(5, rate({route="a"}[1m]))"#, 1, "`topk` is not supported here"),
    (r#"sum(topk(5, rate({route="a"}[1m])))"#, 5, "`topk` within an aggregation"),
    (r#"quantile_over_time(0.9, {route="a"} | unwrap rt [1m])"#, 1, "`quantile_over_time` is not supported here"),
    (r#"rate({route="a"}[1m] offset 5m)"#, 22, "`offset` is not supported here"),
    (r#"rate({route="a"})"#, 17, "expected `[`"),
    (r#"rate({route="a"}[5])"#, 18, "a duration such as 5m"),
    (r#"rate({route="a"}[1m]) / rate({route="b"}[1m])"#, 23, "`/`: operations on two queries"),
    (r#"rate({route="a"}[1m]) > 5"#, 23, "`>`: operations on two queries"),
    (r#"{route="a"} | status="500" and"#, 31, "unexpected end"),
];

#[test]
fn what_is_supported_is_taken() {
    for query in TAKEN {
        assert!(parse(query).is_ok(), "{query}: {:?}", parse(query).err());
    }
}

#[test]
fn what_is_not_is_refused_by_name_with_its_place() {
    for (query, column, words) in REFUSED {
        let error = parse(query).expect_err(query).message;
        assert!(error.contains(&format!("col {column}: ")) && error.contains(words), "{query}: {error}");
    }
}

#[test]
fn a_query_says_what_it_says() {
    let LogqlQuery::Lines(lines) = parse(r#"{a="1", b!~"x.*"} |= "t" | n>=2.5s, s="5" or k<3KiB"#).unwrap() else {
        panic!("not lines")
    };
    let [a, b] = lines.matchers.as_slice() else { panic!("{:?}", lines.matchers) };
    assert!(a.fits(b"1") && !a.fits(b"") && b.fits(b"y") && !b.fits(b"xy") && b.fits(b"yx"));
    let [QueryStage::Line(text), QueryStage::Fields(FieldFilter::Or(both, _))] = lines.stages.as_slice() else {
        panic!("{:?}", lines.stages)
    };
    assert!(text.fits(b"a text") && !text.fits(b"a word"));
    let FieldFilter::And(duration, _) = &**both else { panic!("{both:?}") };
    let FieldFilter::Quantity { comparison, value, .. } = &**duration else { panic!("{duration:?}") };
    assert_eq!((*comparison, *value), (FieldComparison::GreaterOrEqual, ComparedValue::Duration(2.5)));
    let LogqlQuery::Constant(two) = parse("vector(1)+vector(1)").unwrap() else { panic!("not a number") };
    assert!((two - 2.0).abs() < 1e-9);
}

#[test]
fn depth_is_bounded() {
    for deep in ["(".repeat(100_000), format!("{{a=\"b\"}} | {}", "(".repeat(100_000))] {
        assert!(parse(&deep).is_err());
    }
}

proptest::proptest! {
    /// Whatever is asked is parsed or refused.
    #[test]
    fn nothing_panics(query in "[{}()|=!~\"`a-z0-9,<> \\[\\]\\\\#.*é]{0,60}") {
        let _either = parse(&query);
    }
}
