//! SIGHUP: a new configuration and a new nginx.conf are taken, a bad one leaves the old in force, and no line is lost.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::rig::{Rig, until};
use support::log::{EXACT, Request, requests, text};

fn config(rig: &Rig) -> String {
    std::fs::read_to_string(rig.folder.path("c.toml")).unwrap()
}

fn times_said(said: &str, piece: &str) -> usize {
    said.matches(piece).count()
}

#[test]
fn a_log_that_the_new_configuration_names_is_followed_and_every_log_is_named_again() {
    let rig = Rig::new("", "");
    let all = requests(300);
    rig.log(&all[..100]);
    rig.append("b.log", &text(&all[100..200], Request::exact));
    let daemon = rig.start();
    rig.until_counted(100);
    let more =
        format!("{}\n[[log]]\npath = '{}'\nformat = '{EXACT}'\n", config(&rig), rig.folder.path("b.log").display());
    rig.folder.write("c.toml", more);
    daemon.hang_up();
    daemon.until_said("the new configuration is in force, 2 logs");
    rig.until_counted(200);
    let size = text(&all[..100], Request::exact).len();
    daemon.until_said(&format!("following {} from byte {size}", rig.folder.path("a.log").display()));
    rig.log(&all[200..]);
    rig.has_each_once(&all);
    assert!(daemon.stop().success());
}

#[test]
fn a_bad_configuration_is_said_with_its_place_and_leaves_the_old_in_force() {
    let rig = Rig::new("", "");
    let all = requests(200);
    rig.log(&all[..100]);
    let daemon = rig.start();
    rig.until_counted(100);
    let good = config(&rig);
    rig.folder.write("c.toml", good.replace("poll =", "pole ="));
    daemon.hang_up();
    daemon.until_said("the configuration before stays in force, as the new one cannot be: ");
    daemon.until_said("c.toml:2:1: unknown key `pole`");
    rig.log(&all[100..]);
    rig.has_each_once_by(&all, &good);
    rig.folder.write("c.toml", &good);
    daemon.hang_up();
    daemon.until_said("the new configuration is in force");
    rig.has_each_once(&all);
    assert!(daemon.stop().success());
}

#[test]
fn what_cannot_be_opened_leaves_the_old_in_force() {
    let rig = Rig::new("", "");
    let all = requests(200);
    rig.log(&all[..100]);
    let daemon = rig.start();
    rig.until_counted(100);
    let good = config(&rig);
    rig.folder.write("file", "no folder");
    rig.folder.write("c.toml", good.replacen("/store'", "/file/store'", 1));
    daemon.hang_up();
    daemon.until_said("the configuration before stays in force, as the new one cannot be: ");
    rig.folder.write("c.toml", &good);
    rig.log(&all[100..]);
    rig.has_each_once(&all);
    assert!(daemon.stop().success());
}

#[test]
fn under_load_with_good_and_bad_configurations_and_rotation_each_line_counts_once() {
    let rig = Rig::new("", "");
    let all = requests(6000);
    let good = config(&rig);
    rig.log(&all[..1]);
    let daemon = rig.start();
    rig.until_counted(1);
    let is_written = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (number, some) in all[1..].chunks(20).enumerate() {
                rig.log(some);
                if number == 150 {
                    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            is_written.store(true, Ordering::Relaxed);
        });
        let mut reloads = 0;
        // Of more than 30 a minute not all are said.
        while !is_written.load(Ordering::Relaxed) && reloads < 24 {
            let text = if reloads % 3 == 2 { format!("{good}\n[nonsense]\n") } else { good.clone() };
            rig.folder.write("c.toml", text);
            daemon.hang_up();
            reloads += 1;
            let answered =
                |said: &String| times_said(said, "is in force") + times_said(said, "stays in force") >= reloads;
            until("the answer", || daemon.said(), answered);
        }
        assert!(reloads > 2, "{reloads}");
    });
    rig.folder.write("c.toml", &good);
    rig.has_each_once(&all);
    assert!(daemon.stop().success());
}

#[test]
fn a_new_nginx_conf_is_taken() {
    let rig = Rig::new("", "");
    let all = requests(200);
    let conf = |logs: &[&str]| {
        let logs: String =
            logs.iter().map(|log| format!("access_log {} timed;\n", rig.folder.path(log).display())).collect();
        format!("events {{}}\nhttp {{\nlog_format timed '{EXACT}';\nserver {{ listen 80; {logs} }}\n}}\n")
    };
    rig.folder.write("nginx.conf", conf(&["a.log"]));
    let path = |name: &str| rig.folder.path(name).display().to_string();
    let keys = format!(
        "store = '{}'\npoll = \"50ms\"\nnginx = '{}'\nroutes = \"template\"\n",
        path("store"),
        path("nginx.conf")
    );
    rig.folder.write("c.toml", keys);
    rig.log(&all[..100]);
    rig.append("b.log", &text(&all[100..], Request::exact));
    let daemon = rig.start();
    rig.until_counted(100);
    rig.folder.write("nginx.conf", "http { log_format x 'unclosed; }");
    daemon.hang_up();
    daemon.until_said("the configuration before stays in force");
    // The server writes another log, and the one before no more.
    rig.folder.write("nginx.conf", conf(&["b.log"]));
    daemon.hang_up();
    daemon.until_said(&format!("{}: {}, format timed", path("nginx.conf"), path("b.log")));
    rig.until_counted(200);
    assert!(daemon.stop().success());
}
