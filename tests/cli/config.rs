//! Mistakes in the configuration, told with line, column and remedy, by every command that reads it.

use support::log::{NOON, Request, text};

/// The configuration with its mistakes, each expected at (line, column) with a piece of what is said.
const MISTAKES: [(&str, &[&str]); 11] = [
    ("stroe = \"x\"", &["c.toml:1:1: unknown key `stroe`", "did you mean `store`?"]),
    (
        "[[log]]\npath = \"a\"\nfromat = \"combined\"",
        &["c.toml:3:1: unknown key `fromat` in [[log]]", "did you mean `format`?"],
    ),
    (
        "[[log]]\npath = \"a\"\nformat = \"combinned\"",
        &["c.toml:3:10: no grammar is named `combinned`", "did you mean `combined`?"],
    ),
    ("[[log]]\npath = \"a\"\nformat = '$remote_addr $status'", &["c.toml:3:10: ", "when a request ended", "add $msec"]),
    ("[[log]]\nformat = \"combined\"", &["c.toml:1:1: [[log]] has no `path`", "/var/log/nginx/access.log"]),
    ("interval = \"7s\"", &["c.toml:1:12: `interval`", "for example `interval = \"10s\"`"]),
    ("interval = 10", &["c.toml:1:12: `interval` must be a duration with its unit, not an integer", "\"10s\""]),
    ("[slow]\nthreshold = \"1 parsec\"", &["c.toml:2:15: `threshold` is not a duration"]),
    ("[[route]]\nname = \"a.{x}\"\npath = \"/p/{y}\"", &["c.toml:2:8: [[route]] name: nothing captures `{x}`"]),
    ("[[route]]\nname = \"a\"\nregex = '('", &["c.toml:3:9: `regex` is not a regular expression", "single quotes"]),
    (
        "[[carbon]]\naddress = \"h:2003\"\nprotocol = \"pickel\"",
        &["c.toml:3:12: `protocol` cannot be `pickel`", "did you mean `pickle`?"],
    ),
];

#[test]
fn each_is_told_with_its_place_and_a_remedy() {
    let folder = support::folder!();
    for (config, pieces) in MISTAKES {
        folder.write("c.toml", config);
        let run = folder.run(&["check", "--config=c.toml"]);
        run.said(2, pieces);
        run.said(2, &["help: "]);
    }
}

#[test]
fn all_of_them_at_once_and_in_their_order() {
    let folder = support::folder!();
    folder.write("c.toml", "pol = \"1s\"\n[slow]\nslowst = 3\n[[carbon]]\nadress = \"x\"\n");
    let run = folder.run(&["run", "--config=c.toml"]);
    run.said(2, &["c.toml: 4 mistakes:", "`poll`", "`slowest`", "`address`"]);
    let places: Vec<&str> = run.err.lines().filter_map(|line| line.strip_prefix("c.toml:")).collect();
    let told: Vec<&str> = places.iter().filter_map(|place| place.split_once(": ").map(|(place, _)| place)).collect();
    assert_eq!(told, ["1:1", "3:1", "4:1", "5:1"]);
}

#[test]
fn every_command_refuses_a_wrong_configuration() {
    let folder = support::folder!();
    folder.write("c.toml", "stroe = \"x\"");
    folder.write("a.log", text(&[Request::new(NOON, 1, "/")], Request::combined_plus));
    for command in ["report", "slow", "lines", "records", "check"] {
        let run = folder.run(&[command, "a.log", "--config=c.toml"]);
        run.said(2, &["c.toml:1:1: unknown key `stroe`"]);
        assert_eq!(run.out, "", "{command}");
    }
    folder.run(&["run", "--config=c.toml"]).said(2, &["c.toml:1:1"]);
    let mut command = folder.command(&["report", "a.log"]);
    let run = support::program::run(command.env("SPIKELINE_CONFIG", "c.toml"));
    run.said(2, &["c.toml:1:1"]);
}

#[test]
fn a_configuration_that_is_no_toml_or_not_there() {
    let folder = support::folder!();
    folder.write("c.toml", "ok = 1\n[[log]\n");
    folder.run(&["check", "--config=c.toml"]).said(2, &["c.toml:2:7: not TOML", "help: "]);
    folder.run(&["check", "--config=none.toml"]).said(2, &["none.toml: there is no such configuration", "--config"]);
    folder.write("empty.toml", "nginx = \"off\"\n");
    folder.run(&["run", "--config=empty.toml"]).said(2, &["no log to follow", "[[log]]"]);
}

#[test]
fn rules_name_the_routes_of_files() {
    let folder = support::folder!();
    folder.write(
        "c.toml",
        "[[route]]\nname = \"people.{who}\"\npath = \"/users/{who}\"\nmethod = [\"POST\"]\nthreshold = \"5ms\"\n\
         [[route]]\nname = \"broken\"\nstatus = \"5xx\"\n\
         [[route]]\nname = \"virtual\"\nhost = \"b.test\"\n",
    );
    let mut post = Request::new(NOON, 10, "/users/ann");
    post.method = "POST";
    let mut other_host = Request::new(NOON, 10, "/users/ann");
    other_host.host = "b.test";
    let all =
        [post, Request::new(NOON, 10, "/users/ann").status(503), other_host, Request::new(NOON, 10, "/users/ann")];
    folder.write("a.log", text(&all, Request::exact));
    let arguments = ["report", "a.log", "--log-format", support::log::EXACT, "--format=csv", "--config=c.toml"];
    let out = folder.run(&arguments).fine();
    let mut rows: Vec<(&str, &str, &str)> = out
        .lines()
        .skip(1)
        .map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            (fields[0], fields[1], fields[10])
        })
        .collect();
    rows.sort_unstable();
    // The name, how many, how many slow.
    assert_eq!(rows, [("broken", "1", "0"), ("people.ann", "1", "1"), ("users.ann", "1", "0"), ("virtual", "1", "0")]);
}

#[test]
fn a_log_that_the_configuration_names_is_read_in_its_format_even_when_rotated() {
    let folder = support::folder!();
    let log = folder.path("a.log").display().to_string();
    folder.write("c.toml", format!("[[log]]\npath = '{log}'\nformat = '{}'\n", support::log::EXACT));
    let lines = text(&[Request::new(NOON, 7, "/slow")], Request::exact);
    folder.write("a.log", &lines);
    folder.gz("a.log.1.gz", &lines);
    for file in [&log, &format!("{log}.1.gz")] {
        let out = folder.run(&["report", file, "--config=c.toml", "--format=csv"]).fine();
        assert!(out.contains("\nslow,1,7,"), "{file}: {out}");
    }
}

#[test]
fn routes_over_the_cap_are_other_and_that_is_said() {
    let folder = support::folder!();
    folder.write("c.toml", "routes_max = 3\n");
    let names = ["/alpha", "/beta", "/gamma", "/delta", "/alpha", "/gamma"];
    let all: Vec<Request> = names.iter().map(|name| Request::new(NOON, 1, name)).collect();
    folder.write("a.log", text(&all, Request::combined_plus));
    let run = folder.run(&["report", "a.log", "--config=c.toml", "--format=csv", "--sort=name", "--threads=1"]);
    run.said(0, &["3 requests are in `other`", "routes_max"]);
    let rows: Vec<(&str, &str)> = run
        .lines()
        .into_iter()
        .skip(1)
        .map(|row| (row.split(',').next().unwrap(), row.split(',').nth(1).unwrap()))
        .collect();
    assert_eq!(rows, [("alpha", "2"), ("beta", "1"), ("other", "3")]);
    folder.run(&["report", "a.log", "--config=c.toml", "--by=method"]).fine();
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_configuration() {
    let folder = support::folder!();
    folder.write("c.toml", "store = \"of-config\"\n");
    let mut command = folder.command(&["lines", "--config=c.toml"]);
    support::program::run(&mut command).said(2, &["of-config: there is no store"]);
    command.env("SPIKELINE_STORE", "of-environment");
    support::program::run(&mut command).said(2, &["of-environment: there is no store"]);
    command.arg("--store=of-flag");
    support::program::run(&mut command).said(2, &["of-flag: there is no store"]);
}

#[test]
fn a_folder_of_own_grammars_is_known_by_name() {
    let folder = support::folder!();
    std::fs::create_dir(folder.path("own")).unwrap();
    folder.write("own/mine.conf", "log_format mine '$msec|$request_time|$status|$request';\n");
    folder.write("c.toml", format!("grammars = '{}'\n", folder.path("own").display()));
    folder.write("a.log", "1322661900.000|0.015|200|GET /slow HTTP/1.1\n");
    for format in [&["--log-format", "mine"][..], &[]] {
        let out = folder.run(&[&["report", "a.log", "--config=c.toml", "--format=csv"], format].concat()).fine();
        assert!(out.contains("\nslow,1,15,"), "{out}");
    }
}
