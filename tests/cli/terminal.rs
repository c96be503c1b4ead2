//! What differs on a terminal: colour, and what a log's bytes may do.

use std::process::{Command, Stdio};

use support::log::{NOON, Request, text};
use support::program::run;

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let folder = support::folder!();
    folder.write("a.log", text(&[Request::new(NOON, 1500, "/slow")], Request::combined_plus));
    let Some(mut command) = folder.on_terminal("report a.log") else { return };
    let coloured = run(&mut command).fine();
    assert!(coloured.contains("\u{1b}[1mroute"), "{coloured:?}");
    command.env("NO_COLOR", "1");
    let plain = run(&mut command).fine();
    assert!(!plain.contains('\u{1b}') && plain.contains("1,500 ms"), "{plain:?}");
    let mut command = folder.on_terminal("report a.log --format csv").unwrap();
    let csv = run(&mut command).fine();
    assert_eq!(csv.replace('\r', ""), folder.run(&["report", "a.log", "--format=csv"]).fine());
}

#[test]
fn a_log_s_escapes_do_not_reach_a_terminal_but_do_reach_a_pipe() {
    let folder = support::folder!();
    let log = text(&[Request::new(NOON, 1500, "/slow")], Request::combined_plus).replace("curl", "\u{1b}]0;owned\u{7}");
    folder.write("a.log", &log);
    assert_eq!(folder.run(&["lines", "a.log"]).fine(), log);
    let Some(mut command) = folder.on_terminal("lines a.log") else { return };
    let shown = run(&mut command).fine();
    assert!(shown.contains("\u{1b}[1m\u{1b}[31m1.500\u{1b}[0m"), "its duration stands out: {shown:?}");
    let shown = run(command.env("NO_COLOR", "1")).fine();
    assert!(shown.contains("\\x1B]0;owned\\x07") && !shown.contains('\u{1b}'), "{shown:?}");
    for format in ["csv", "jsonl"] {
        let mut command = folder.on_terminal(&format!("lines a.log --format {format}")).unwrap();
        let shown = run(&mut command).fine();
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{format}: {shown:?}");
    }
    // As nginx itself would have escaped it, which `records` undoes, and as a C1 control in UTF-8.
    folder.write("a.log", log.replace('\u{1b}', "\\x1B").replace("/8", "\u{9b}31m"));
    let piped = folder.run(&["records", "a.log", "--format=csv"]).fine();
    assert!(piped.contains('\u{1b}') && piped.contains('\u{9b}'), "{piped:?}");
    for format in ["csv", "jsonl", "json"] {
        let mut command = folder.on_terminal(&format!("records a.log --format {format}")).unwrap();
        let shown = run(&mut command).fine();
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{9b}']), "records as {format}: {shown:?}");
    }
}

/// A file's name is made by others: what it says to a terminal is shown and not obeyed, wherever it is said.
#[test]
fn the_name_of_a_file_moves_no_cursor() {
    let folder = support::folder!();
    let name = "a\u{1b}]0;title\u{7}\u{1b}[2J.log";
    folder.write(name, "no log at all\n".repeat(50));
    for arguments in [&["report", name][..], &["lines", "gone\u{1b}[2J.log"], &["check", name], &["records", name]] {
        let run = folder.run(arguments);
        assert!(run.err.contains("\\x1B") || run.err.is_empty(), "{arguments:?}: {:?}", run.err);
        assert!(!run.err.contains('\u{1b}') && !run.err.contains('\u{7}'), "{arguments:?}: {:?}", run.err);
    }
}

/// More than a screen: the slow ones first, and how many there are. Piped, nothing of that.
#[test]
fn more_than_a_screen_of_lines_begins_with_the_slow_ones() {
    let folder = support::folder!();
    let times = [30, 1500, 20, 3000, 10, 40, 50, 60];
    let requests: Vec<Request> =
        (0..).zip(times).map(|(at, time)| Request::new(NOON + at * 1000, time, "/a")).collect();
    folder.write("a.log", text(&requests, Request::combined_plus));
    let Some(script) = folder.on_terminal("") else { return };
    let program = folder.command(&[]).get_program().to_str().unwrap().to_owned();
    let shown = |rows: u32, pager: &str, more: &str| {
        let line = format!("stty rows {rows} cols 100; PAGER='{pager}' NO_COLOR=1 {program} lines a.log {more}");
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(folder.path(""));
        for (name, value) in script.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        run(&mut command).fine().replace('\r', "")
    };
    let lines: Vec<String> = requests.iter().map(Request::combined_plus).collect();
    let by_time = lines.join("\n") + "\n";
    let is_in_order = |text: &str, first: &str, second: &str| text.find(first).unwrap() < text.find(second).unwrap();
    let long = shown(5, "cat", "");
    assert!(long.contains("8 lines, 2 of them slow by the threshold of their route; the longest first"), "{long}");
    assert!(is_in_order(&long, &lines[3], &lines[1]) && is_in_order(&long, &lines[1], &lines[0]), "{long}");
    assert!(shown(5, "cat", "--sort time").ends_with(&by_time));
    assert_eq!(shown(40, "sed s/^/paged:/", ""), by_time, "it is no more than a screen");
    assert_eq!(shown(5, "sed s/^/paged:/", "").matches("paged:").count(), 8);
    assert_eq!(shown(5, "sed s/^/paged:/", "--no-pager").matches("paged:").count(), 0);
    assert_eq!(folder.run(&["lines", "a.log"]).fine(), by_time);
}
