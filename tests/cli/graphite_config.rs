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
        "[spikeline_prod_nginx_max]\npattern = ^prod\\.nginx\\.(.+\\.)?([a-z_]+_time\\.(max|p[0-9]+)",
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
