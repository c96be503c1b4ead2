//! Names of routes that mean something else: refused in the configuration, told apart in answers.

use support::folder;

const FORMAT: &str = "$msec $remote_user $status $request_time \"$request\"";

#[test]
fn a_rule_with_a_name_that_means_something_else_is_refused_with_its_place() {
    let folder = folder!();
    for (name, said) in [
        ("all", ["`all` is what all routes together are called", "s.toml:2:8"]),
        ("other", ["`other` is the route of what is over the cap", "s.toml:2:8"]),
        ("__malformed", ["begins with `__`", "write `malformed`"]),
    ] {
        folder.write("s.toml", format!("[[route]]\nname = \"{name}\"\npath = \"/a\"\n"));
        folder.run(&["report", "--config", "s.toml", "a.log"]).said(2, &said);
    }
}

#[test]
fn paths_and_users_that_are_called_as_all_together_or_the_rest_are_told_apart() {
    let folder = folder!();
    let mut lines = String::new();
    for (path, user) in [("/all", "all"), ("/other", "x"), ("/b", "y")] {
        lines += &format!("1322661900.000 {user} 200 0.100 \"GET {path} HTTP/1.1\"\n");
    }
    folder.write("a.log", lines);
    let names = |by: &str, format: &str| {
        let asked = ["report", "a.log", "--log-format", FORMAT, "--by", by, "--sort=name", "--format", format];
        let out = folder.run(&asked).ended(0);
        let skipped = if format == "csv" { 1 } else { 2 };
        let name = |line: &str| line.split([' ', ',']).next().unwrap_or_default().to_owned();
        out.lines().skip(skipped).map(name).collect::<Vec<String>>()
    };
    assert_eq!(names("route", "table"), ["/other", "\"all\"", "b", "all"]);
    assert_eq!(names("route", "csv"), ["_6Fther", "all", "b"]);
    assert_eq!(names("remote_user", "table"), ["\"all\"", "x", "y", "all"]);
    let asked = |route: &str| folder.run(&["report", "a.log", "--log-format", FORMAT, "--route", route]).ended(0);
    assert!(asked("/other").contains("/other      1"), "{}", asked("/other"));
}
