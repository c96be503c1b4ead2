//! What people paste as a log_format, and what variables that are not nginx's own stand for.

const LINE: &str = "192.0.2.7 [22/Nov/2026:20:58:04 +0000] \"GET /a HTTP/1.1\" 200 1.204\n";
const TEXT: &str = "$remote_addr [$time_local] \"$request\" $status $request_time";

#[test]
fn a_paste_is_read_alike_by_all_commands_or_refused_with_help() {
    let folder = support::folder!();
    folder.write("a.log", LINE);
    for pasted in
        [format!("'{TEXT}';"), format!("# log_format main '{TEXT}';"), format!("log-format-upstream: '{TEXT}'")]
    {
        let out = folder.run(&["report", "a.log", "--format=csv", "--log-format", &pasted]).fine();
        assert!(out.contains("\na,1,1204,"), "{pasted}: {out}");
        assert_eq!(folder.run(&["records", "a.log", "--log-format", &pasted]).fine().lines().count(), 1, "{pasted}");
        folder.run(&["check", "a.log", "--log-format", &pasted]).said(0, &[]);
    }
    for torn in
        [format!("'{TEXT}"), format!("escape=yaml '{TEXT}'"), format!("{TEXT};"), "access_log a.log main;".to_owned()]
    {
        for command in ["report", "records", "check"] {
            folder.run(&[command, "a.log", "--log-format", &torn]).said(2, &["log_format", "help:"]);
        }
    }
}

#[test]
fn files_take_the_format_of_a_configured_log_that_they_fit() {
    let folder = support::folder!();
    folder.write("other.log", format!("v1 {LINE}"));
    folder.write("c.toml", format!("store = 's'\n[[log]]\npath = 'none.log'\nformat = '''v1 {TEXT}'''\n"));
    let run = folder.run(&["report", "other.log", "--format=csv", "--config=c.toml"]);
    run.said(0, &["other.log: taken as written in the format of none.log"]);
    assert!(run.out.contains("\na,1,1204,"), "{}", run.out);
}

#[test]
fn fields_say_what_variables_stand_for() {
    let folder = support::folder!();
    folder.write("a.log", LINE.replace("1.204", "1204"));
    let text = "$remote_addr [$time_local] \"$request\" $status $took";
    let out =
        folder.run(&["report", "a.log", "--format=csv", "--log-format", text, "--fields=took=request_time:ms"]).fine();
    assert!(out.contains("\na,1,1204,"), "{out}");
    folder
        .run(&["report", "a.log", "--log-format", text, "--fields=tok=request_time:ms"])
        .said(2, &["did you mean `took`?"]);
    folder
        .run(&["report", "a.log", "--log-format", text, "--fields=took=request_tme"])
        .said(2, &["did you mean `request_time`?"]);
    let section = "path = 'a.log'\nfields = { took = \"request_time:ms\" }";
    folder.write("c.toml", format!("store = 's'\n[[log]]\n{section}\nformat = '{text}'\n"));
    let out = folder.run(&["report", "a.log", "--format=csv", "--config=c.toml"]).fine();
    assert!(out.contains("\na,1,1204,"), "{out}");
    let named = text.replace("$took", "$request_time_msec");
    let out = folder.run(&["report", "a.log", "--format=csv", "--log-format", &named]).fine();
    assert!(out.contains("\na,1,1204,"), "{out}");
}

#[test]
fn a_target_made_by_map_is_known_by_its_place() {
    let folder = support::folder!();
    folder.write("a.log", LINE);
    let text = TEXT.replace("$request\"", "$request_method $safe_uri $server_protocol\"");
    let out = folder.run(&["report", "a.log", "--format=csv", "--log-format", &text]).fine();
    assert!(out.contains("\na,1,1204,"), "{out}");
}

#[test]
fn a_log_of_upstream_times_alone_is_reported_by_them_and_says_so() {
    let folder = support::folder!();
    folder.write("a.log", LINE.replace("1.204", "0.500, 0.704"));
    let text = TEXT.replace("$request_time", "$upstream_response_time");
    let run = folder.run(&["report", "a.log", "--format=csv", "--log-format", &text]);
    run.said(0, &["all times are those of $upstream_response_time"]);
    assert!(run.out.contains("\na,1,1204,"), "{}", run.out);
    let text = "$remote_addr [$time_local] \"$agent HTTP/1.1\" $status $upstream_response_time";
    let run = folder.run(&["report", "a.log", "--format=csv", "--log-format", text]);
    run.said(0, &["all requests are of one route"]);
    assert!(run.out.contains("\n__unlogged,1,1204,"), "{}", run.out);
}

#[test]
fn keyed_logs_in_camel_case_with_units_and_bare_lists() {
    let folder = support::folder!();
    let line = |more: &str| {
        format!(
            "{{\"timestamp\":1795381084311,\"local_time\":\"22/Nov/2026:20:58:04 +0000\",\"status\":200,\"requestUri\":\"/a\",{more}}}\n"
        )
    };
    folder.write("a.log", line("\"requestTime\":1.204,\"upstreamResponseTime\":60.000, 0.900, \"x\":1"));
    let out = folder.run(&["records", "a.log"]).ended(0);
    for expected in [
        "\"request_time\":1.204",
        "\"upstream_response_time\":[[60.0,0.9]]",
        "\"end\":1795381084.311",
        "\"target\":\"/a\"",
    ] {
        assert!(out.contains(expected), "{expected} {out}");
    }
    folder.write("a.log", line("\"latency\":\"310ms\""));
    let out = folder.run(&["report", "a.log", "--format=csv"]).ended(0);
    assert!(out.contains("\na,1,310,"), "{out}");
}
