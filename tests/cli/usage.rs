//! The command line itself: help, version, and what is no command.

use support::log::{NOON, Request, text};

const COMMANDS: [&str; 8] = ["run", "report", "slow", "lines", "records", "index", "verify", "check"];

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let folder = support::folder!();
    let out = folder.run(&["--help"]).fine();
    for command in COMMANDS {
        assert!(out.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in {out}");
        let help = folder.run(&[command, "--help"]).fine();
        assert!(help.contains("Usage: spikeline") && help.contains("--config"), "{help}");
        let example = format!("spikeline {command}");
        assert!(help.split("Examples:").nth(1).is_some_and(|examples| examples.contains(&example)), "{help}");
        assert!(!help.contains(" <DURATION>") || help.contains("500ms, 1s, 2min"), "{help}");
    }
    assert!(out.contains("Exit codes: 0 ") && out.contains("SPIKELINE_CONFIG"), "{out}");
    let version = folder.run(&["--version"]).fine();
    assert_eq!(version, format!("spikeline {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_commands_share_is_told_as_each_means_it() {
    let folder = support::folder!();
    let help = |command: &str| {
        let help = folder.run(&[command, "--help"]).fine();
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let asked = "Without any, the store is asked";
    for command in ["report", "slow", "lines", "records"] {
        assert!(help(command).contains(asked), "{command}");
    }
    assert!(!help("check").contains(asked) && help("check").contains("Without any, all that the configuration"));
    for command in ["report", "records"] {
        folder.run(&[command, "--store=none"]).said(2, &["there is no store here", "- is stdin"]);
    }

    assert!(help("lines").contains("- table: The raw lines") && !help("report").contains("raw lines"));
    for (command, format) in [("records", "table"), ("check", "csv")] {
        let known =
            help(command).split("--format <FORMAT>").nth(1).unwrap().split("--config").next().unwrap().to_owned();
        assert!(known.contains("- json: ") && !known.contains(&format!("- {format}: ")), "{command}: {known}");
        folder.run(&[command, "a.log", "--format", format]).said(2, &["possible values: ", "json"]);
    }
}

#[test]
fn the_contract_s_options_are_known() {
    let folder = support::folder!();
    let options = [
        "--from",
        "--until",
        "--since",
        "--at",
        "--window",
        "--route",
        "--status",
        "--min-time",
        "--format",
        "--log-format",
        "--escape",
        "--threads",
        "--config",
        "--store",
    ];
    for command in ["report", "slow", "lines", "records"] {
        let help = folder.run(&[command, "--help"]).fine();
        for option in options {
            assert!(help.contains(&format!("{option} ")), "{command} has no {option}");
        }
    }
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    let folder = support::folder!();
    folder.write("a.log", text(&[Request::new(NOON, 1, "/")], Request::combined_plus));
    folder.run(&[]).said(2, &["Usage"]);
    folder.run(&["reprot"]).said(2, &["reprot", "report"]);
    folder.run(&["report", "a.log", "--formt", "csv"]).said(2, &["--formt", "--format"]);
    folder.run(&["report", "a.log", "--format", "xml"]).said(2, &["xml", "csv"]);
    folder.run(&["report", "a.log", "--threads", "0"]).said(2, &["--threads"]);
    folder.run(&["report", "a.log", "--since", "-1h", "--from", "-2h"]).said(2, &["--since", "--from"]);
    folder.run(&["report", "a.log", "--from", "whenever"]).said(2, &["--from", "whenever"]);
    folder.run(&["report", "a.log", "--from", "-1h", "--until", "-2h"]).said(2, &["--from", "--until"]);
}

#[test]
fn a_pipe_without_a_writer_is_named_and_not_waited_for() {
    let folder = support::folder!();
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.display().to_string();
    let questions: [&[&str]; 3] =
        [&["check", &pipe], &["check", "--config", &pipe], &["index", "--store=store", &pipe]];
    for question in questions {
        let run = folder.run(question);
        assert!(
            run.code == 3 && format!("{}{}", run.out, run.err).contains("is a pipe, not a"),
            "{question:?}: {run:?}"
        );
    }
}
