//! Targets and the trees that they come to.

use super::*;
use proptest::prelude::*;

/// The tree in few words.
fn told(target: &Target) -> String {
    match target {
        Target::Call(call) => {
            let mut parts: Vec<String> = call.arguments.iter().map(told).collect();
            parts.extend(call.named.iter().map(|argument| format!("{}={}", argument.name, told(&argument.value))));
            format!("{}({})", call.function, parts.join(" "))
        }
        Target::Path(path) => format!("<{}>", path.text),
        Target::Template(template) => {
            format!("template({} {:?})", told(&template.target), template.variables.len())
        }
        Target::Number(number) => number.to_string(),
        Target::Text(text) => format!("'{text}'"),
        Target::Boolean(is) => is.to_string(),
        Target::Nothing => "none".to_owned(),
        Target::Infinity => "inf".to_owned(),
    }
}

#[test]
fn targets_are_read_as_graphite_reads_them() {
    let cases = [
        ("a.b.c", "<a.b.c>"),
        ("nginx.*.webapp.{git,wiki}.request_time.p9[59]", "<nginx.*.webapp.{git,wiki}.request_time.p9[59]>"),
        ("alias(a.b,\"x, y)\")", "alias(<a.b> 'x, y)')"),
        ("aliasSub(a,\"(^.*$)\",\"\\1 A\")", "aliasSub(<a> '(^.*$)' '\\1 A')"),
        ("summarize(a.b, '1h', 'max', alignToFrom=true)", "summarize(<a.b> '1h' 'max' alignToFrom=true)"),
        ("scale(a, -1.5e-3)", "scale(<a> -0.0015)"),
        ("a.b | scale(2)|alias('x')", "alias(scale(<a.b> 2) 'x')"),
        ("seriesByTag('name=nginx.x', 'route=~^web')", "seriesByTag('name=nginx.x' 'route=~^web')"),
        ("nginx.request_time.p99;host=web1;route=a.b", "<nginx.request_time.p99;host=web1;route=a.b>"),
        ("removeBelowValue(a, none)", "removeBelowValue(<a> none)"),
        ("f(10.a.b, 10, TRUE, inf, true.x)", "f(<10.a.b> 10 true inf <true.x>)"),
        ("template(a.$1.$name, 'x', name='y')", "template(<a.$1.$name> 2)"),
        (" f ( a , b ) ", "f(<a> <b>)"),
        ("randomWalk()", "randomWalk()"),
        ("a.b\\,c", "<a.b,c>"),
        ("a{b,c}d.e", "<a{b,c}d.e>"),
    ];
    for (text, tree) in cases {
        let parsed = parse_target(text).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}"));
        assert_eq!(told(&parsed), tree, "{text}");
    }
}

#[test]
fn mistakes_have_a_place() {
    let cases = [
        ("", 0, "expected a metric or a function"),
        ("a.b)", 3, "a `)` that closes nothing"),
        ("f(a", 3, "expected `)`: the text ends within a call"),
        ("f(a b)", 4, "expected `,` or `)`"),
        ("f(a,)", 4, "expected a metric or a function"),
        ("a..b", 2, "expected a node of a name"),
        ("a.", 2, "expected a node of a name"),
        ("f('x)", 2, "a text that begins with ' and does not end"),
        ("a.{b,c", 2, "a `{` without its `}`"),
        ("f(x=1, a)", 7, "expected `name=value`, as before"),
        ("a | b", 4, "expected a function's call behind `|`"),
        ("a b", 2, "this follows a whole target"),
    ];
    for (text, at, what) in cases {
        let mistake = parse_target(text).unwrap_err();
        assert_eq!((mistake.span.from, mistake.what.as_str()), (at, what), "{text}");
    }
    let deep = format!("{}a{}", "f(".repeat(200), ")".repeat(200));
    assert!(parse_target(&deep).unwrap_err().what.contains("deep"));
    assert!(parse_target(&"a|f()".repeat(1000)).is_err());
}

#[test]
fn variables_are_filled_in() {
    let parsed = parse_target("template(scale(a.$1.$name, $f), 'x', name='y', f=2)").unwrap();
    assert_eq!(told(&parsed.filled(&[])), "scale(<a.x.y> 2)");
    let given = [TemplateVariable { name: "name".to_owned(), value: "z".to_owned() }];
    assert_eq!(told(&parsed.filled(&given)), "scale(<a.x.z> 2)");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_inside_itself(text in "[a-c.*{}\\[\\](),'\"\\\\|=$ 0-9;é]{0,40}") {
        if let Err(mistake) = parse_target(&text) {
            prop_assert!(mistake.span.from <= mistake.span.until && mistake.span.until <= text.len());
        }
    }
}
