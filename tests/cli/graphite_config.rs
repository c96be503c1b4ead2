//! `graphite-config`, and what `check` says of carbon's own files.

use std::net::TcpListener;

use support::log::EXACT;
use support::program::Folder;

/// A folder whose one carbon takes connections, with more keys; and the listener.
fn folder(keys: &str) -> (Folder, TcpListener) {
    let carbon = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    let keys = keys.replace("HERE", &here);
    folder.write("a.log", "");
    folder.write(
        "c.toml",
        format!(
            "store = '{here}store'\nnginx = \"off\"\n[[log]]\npath = '{here}a.log'\nformat = '{EXACT}'\n[[carbon]]\naddress = \"{}\"\n\
             conf = '{here}'\n{keys}",
            carbon.local_addr().unwrap()
        ),
    );
    (folder, carbon)
}

#[test]
fn the_stanzas_are_for_every_prefix_and_check_finds_nothing_in_them() {
    let (folder, _carbon) = folder("prefix = \"prod.nginx\"\n[[carbon]]\naddress = \"127.0.0.1:1\"\nconf = 'HERE'\n");
    let out = folder.run(&["graphite-config", "--config=c.toml"]).ended(0);
    for stanza in [
        "[spikeline_nginx]\npattern = ^nginx\\.\nretentions = 10s:1d,1m:7d,10m:365d\n",
        "[spikeline_prod_nginx]\npattern = ^prod\\.nginx\\.\n",
        "xFilesFactor = 0\naggregationMethod = sum\n",
        "[spikeline_prod_nginx_max]\npattern = ^prod\\.nginx\\.([^;]+\\.)?([a-z_]+_time\\.(max|p[0-9]+)",
    ] {
        assert!(out.contains(stanza), "{stanza} is not in {out}");
    }
    let (schemas, aggregation) = out.split_once("\n# storage-aggregation.conf").unwrap();
    folder.write("storage-schemas.conf", format!("{schemas}\n[default]\npattern = .*\nretentions = 60s:1d\n"));
    folder.write("storage-aggregation.conf", format!("#{aggregation}"));
    let run = folder.run(&["check", "--config=c.toml"]);
    assert!(run.out.contains("keeps slots and adds them up as they are meant"), "{}", run.out);
    assert!(
        !run.out.contains("storage-schemas.conf:") && !run.out.contains("storage-aggregation.conf:"),
        "{}",
        run.out
    );
}

#[test]
fn check_says_what_carbons_own_files_would_make_of_a_count() {
    let (folder, _carbon) = folder("");
    folder.write("storage-schemas.conf", "[default_1min_for_1day]\npattern = .*\nretentions = 60s:1d\n");
    let run = folder.run(&["check", "--config=c.toml"]);
    let of_steps = "[default_1min_for_1day] keeps a point each 1min, and a slot is 10s: of the 6 slots of each 1min it keeps the last, so \
                    that a count of 180 is 30";
    assert!(run.out.contains(of_steps), "{}", run.out);
    assert!(run.out.contains("`spikeline graphite-config` prints"), "{}", run.out);
    assert!(!run.out.contains("storage-aggregation.conf:"), "nothing is added up: {}", run.out);

    folder.write("storage-schemas.conf", "[nginx]\nPATTERN = ^nginx\\.\nretentions = 10s:6h,1m:6d\n");
    let run = folder.run(&["check", "--config=c.toml"]);
    let of_methods = "carbon's default makes one point of several by `average`, and requests.count, requests.slow, status.1xx and 14 more are meant \
                      to be by `sum`: a count of 180 in 1min is 30 there";
    assert!(run.out.contains(of_methods), "{}", run.out);
    assert!(
        run.out.contains("are meant to be by `max`") && run.out.contains("xFilesFactor 0.5 for 4 series"),
        "{}",
        run.out
    );
}

/// The head of a whisper file.
fn whisper_head(method: u32, share: f32, archives: &[(u32, u32)]) -> Vec<u8> {
    let mut bytes = [method, 518_400].map(u32::to_be_bytes).concat();
    bytes.extend(share.to_be_bytes());
    bytes.extend(u32::try_from(archives.len()).unwrap().to_be_bytes());
    for (step, points) in archives {
        bytes.extend([40, *step, *points].map(u32::to_be_bytes).concat());
    }
    bytes
}

/// What was created before keeps what it was created with, whatever the stanzas say by now.
#[test]
fn check_says_how_the_series_that_are_there_are_kept() {
    let (folder, _carbon) = folder("host = \"web1\"\n");
    folder.write("storage-schemas.conf", "[nginx]\npattern = ^nginx\\.\nretentions = 10s:6h\n");
    let whisper = folder.path("whisper");
    folder.write("carbon.conf", format!("[cache]\nLOCAL_DATA_DIR = {}\n", whisper.display()));
    let series = whisper.join("nginx/web1/webapp/git");
    for group in ["requests", "request_time"] {
        std::fs::create_dir_all(series.join(group)).unwrap();
    }
    let good = [(10, 2160), (60, 8640)];
    std::fs::write(series.join("requests/count.wsp"), whisper_head(2, 0.0, &good)).unwrap();
    std::fs::write(series.join("request_time/p99.wsp"), whisper_head(4, 0.0, &good)).unwrap();
    std::fs::write(series.join("requests/other.wsp"), whisper_head(1, 0.5, &[(60, 1440)])).unwrap();
    let said = || folder.run(&["check", "--config=c.toml"]).out;
    assert!(said().contains("the 2 series of nginx.web1 keep slots, and add them up as they are meant"), "{}", said());
    std::fs::write(series.join("requests/slow.wsp"), whisper_head(1, 0.5, &[(60, 1440)])).unwrap();
    std::fs::write(series.join("request_time/max.wsp"), whisper_head(1, 0.5, &good)).unwrap();
    std::fs::write(series.join("request_time/sum.wsp"), whisper_head(2, 0.5, &good)).unwrap();
    for wrong in [
        "1 of the 5 series of nginx.web1 have a point each 1min, and a slot is 10s: of the 6 slots of each 1min it keeps the last, so that a \
         count of 180 is 30",
        "1 of the 5 series of nginx.web1 are added up by `average` where coarser points are made, and are meant to be by `max`",
        "1 of the 5 series of nginx.web1 have an xFilesFactor above 0",
        "slow.wsp)",
        "whisper-resize",
    ] {
        let out = said().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(wrong), "{wrong} is not in {out}");
    }
}

#[test]
fn check_asks_the_graphite_web_for_the_real_step() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (folder, _carbon) = folder(&format!("host = \"web1\"\ngraphite = \"{url}\"\n"));
    let (asked, answers) = std::sync::mpsc::channel::<String>();
    std::thread::spawn(move || {
        for (mut connection, answer) in listener.incoming().map_while(Result::ok).zip(answers) {
            let mut request = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(&connection), &mut request).unwrap();
            assert!(request.contains("target=nginx.web1.spikeline.lines.read&"), "{request}");
            std::io::Write::write_all(&mut connection, format!("HTTP/1.0 200 OK\r\n\r\n{answer}").as_bytes()).unwrap();
        }
    });
    let own = "nginx.web1.spikeline.lines.read";
    for (points, said) in [
        (
            "[1, 60], [null, 120], [null, 180]",
            "have a point each 1min, and a slot is 10s: of the 6 slots of each 1min it keeps the last",
        ),
        ("[1, 60], [2, 70]", "1 series asked for have a point each 10s, as slots are"),
        ("", "it has no series of this host yet"),
    ] {
        asked.send(format!("[{{\"target\": \"{own}\", \"datapoints\": [{points}]}}]")).unwrap();
        let out = folder.run(&["check", "--config=c.toml"]).out;
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(said), "{said} is not in {out}");
    }
}

/// An aggregator adds up what it gets, and only for so long.
#[test]
fn check_says_what_an_aggregator_would_make_of_what_it_is_sent() {
    let (folder, carbon) = folder("");
    let port = carbon.local_addr().unwrap().port();
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    for (intervals, key, said) in [
        (
            9,
            "",
            "adds up all that it gets, and slots are sent again whenever late lines changed them: they are counted twice",
        ),
        (
            5,
            "send = \"final\"\n",
            "forgets a slot after MAX_AGGREGATION_INTERVALS = 5 of them, and slots come 1min after their end",
        ),
        (9, "send = \"final\"\n", "carbon-aggregator keeps slots for as long as they may come"),
    ] {
        let conf = format!("[aggregator]\nLINE_RECEIVER_PORT = {port}\nMAX_AGGREGATION_INTERVALS = {intervals}\n");
        folder.write("carbon.conf", conf);
        folder.write("c.toml", format!("{config}{key}"));
        let out = folder.run(&["check", "--config=c.toml"]).out;
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(said), "{said} is not in {out}");
    }
}
