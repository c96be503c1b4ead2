//! What answers from a store lack, told from what the store holds: no daemon is needed to make it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use spikeline::histogram::{Cell, Time};
use spikeline::route::RouteId;
use spikeline::source::{DeviceInode, Fingerprint, Generation, GenerationId};
use spikeline::store::{BlockRejects, BlockSummary, Commit, Ledger, Loss, LossCause, StoreSettings, View, Writer};
use spikeline::time::{Clock, SystemClock, Timestamp, Window};

use support::log::NOON;

fn at(seconds: i64) -> Timestamp {
    Timestamp(NOON + seconds * 1000)
}

fn log(id: u32, finished: bool) -> Generation {
    Generation {
        id: GenerationId(id),
        log: "a.log".to_owned(),
        path: format!("/var/log/nginx/{id}.log").into(),
        device_inode: DeviceInode { device: 1, inode: u64::from(id) },
        fingerprint: Fingerprint::of_head(b"x"),
        position: 1 << 30,
        tail_hash: 0,
        finished,
    }
}

/// Block `number` of log 1 with lines that ended in these seconds.
fn block(number: u32, from: i64, until: i64) -> BlockSummary {
    let first = u64::from(number) << 18;
    BlockSummary {
        first,
        until: first + (1 << 18),
        lines: 1000,
        min_start: at(from),
        min_end: at(from),
        max_end: at(until),
        ..BlockSummary::empty(GenerationId(1), number)
    }
}

/// Block `number` of log 1, in which no line is a request.
fn rejected(number: u32) -> BlockSummary {
    let first = u64::from(number) << 18;
    let rejects = BlockRejects { rejected: 10, first, last: first + 90, ..BlockRejects::NONE };
    BlockSummary { rejects: Some(rejects), ..BlockSummary::empty(GenerationId(1), number) }
}

fn written_by(store: &Path, commit: &mut Commit) -> Writer {
    let mut writer = Writer::open(store, StoreSettings::default()).unwrap();
    writer.commit(commit).unwrap();
    writer
}

fn written(store: &Path, commit: &mut Commit, seal: bool) {
    let mut writer = written_by(store, commit);
    if seal {
        writer.seal().unwrap();
    }
}

fn lines_lacking(store: &Path, from: i64, until: i64) -> Vec<(u64, Timestamp, Timestamp)> {
    let account = View::open(store).unwrap().completeness().gaps(Window { from: at(from), until: at(until) }).unwrap();
    account.unread.iter().map(|unread| (unread.rejected, unread.between.from, unread.between.until)).collect()
}

#[test]
fn blocks_without_a_time_lie_between_their_neighbours() {
    for seal in [false, true] {
        let folder = support::folder!();
        let store = folder.path("store");
        // More of them than a segment keeps together.
        let mut blocks: Vec<BlockSummary> = (0..100).map(|n| block(n, i64::from(n), i64::from(n) + 1)).collect();
        blocks.extend((100..300).map(rejected));
        blocks.extend((300..400).map(|n| block(n, i64::from(n) + 1000, i64::from(n) + 1001)));
        written(&store, &mut Commit { generations: vec![log(1, true)], blocks, ..Commit::default() }, seal);
        assert_eq!(lines_lacking(&store, 0, 100), [], "sealed: {seal}");
        assert_eq!(lines_lacking(&store, 1301, 9999), [], "sealed: {seal}");
        assert_eq!(lines_lacking(&store, 600, 700), [(2000, at(100), at(1300))], "sealed: {seal}");
    }
}

#[test]
fn what_is_rejected_at_the_end_of_a_live_log_may_be_of_any_time_after() {
    let folder = support::folder!();
    let store = folder.path("store");
    let blocks = vec![block(0, 0, 60), rejected(1)];
    written(&store, &mut Commit { generations: vec![log(1, false)], blocks, ..Commit::default() }, true);
    assert_eq!(lines_lacking(&store, 5000, 6000), [(10, at(60), Timestamp(i64::MAX))]);
    assert_eq!(lines_lacking(&store, 0, 60), []);
    assert_eq!(lines_lacking(&store, -500, -400), []);
}

fn cells() -> Vec<(Timestamp, RouteId, Cell)> {
    let mut cell = Cell::default();
    cell.requests = 1;
    cell.time_mut(Time::Request).record(1500);
    vec![(at(0), RouteId(0), cell)]
}

#[test]
fn a_window_that_was_not_read_to_its_end_is_partial() {
    let folder = support::folder!();
    let routes = vec![(RouteId(0), "slow".to_owned())];
    let commit = Commit { routes, cells: cells(), read_until: Some(at(151)), ..Commit::default() };
    written(&folder.path("store"), &mut commit.clone(), false);
    let ask = |until: &str| folder.run(&["report", "--store=store", "--from=2011-11-30T14:05Z", until]);
    ask("--until=2011-11-30T14:07:31Z").said(0, &["complete; the logs were read until 2011-11-30T14:07:31.000Z"]);
    ask("--until=2011-11-30T14:07:32Z").said(3, &["the logs were read only until 2011-11-30T14:07:31.000Z", "partial"]);
    // What was written in these seconds is on its way only while someone reads the logs.
    let now = SystemClock.now();
    let commit = Commit { read_until: Some(now.plus_millis(-3000)), ..Commit::default() };
    let writer = written_by(&folder.path("store"), &mut commit.clone());
    let ask = |from: i64| {
        let (from, until) = (format!("--from={}", (now.0 + from) / 1000), format!("--until={}", now.0 / 1000 + 3600));
        folder.run(&["report", "--store=store", &from, &until])
    };
    ask(-60_000).said(1, &["complete"]);
    ask(-1000).said(1, &["complete"]);
    drop(writer);
    ask(-1000).said(3, &["the logs were read only until"]);
    ask(-60_000).said(3, &["the logs were read only until"]);
    // Nobody asked up to when: as far as the store goes.
    folder.run(&["report", "--store=store"]).said(0, &["complete; the logs were read until"]);
}

#[test]
fn a_store_that_no_daemon_filled_promises_nothing_about_the_logs() {
    let folder = support::folder!();
    let routes = vec![(RouteId(0), "slow".to_owned())];
    written(&folder.path("store"), &mut Commit { routes, cells: cells(), ..Commit::default() }, false);
    let run = folder.run(&["report", "--store=store", "--from=2011-11-30T14:05Z", "--until=2011-11-30T14:07Z"]);
    run.said(0, &["complete\n"]);
}

#[test]
fn what_was_out_of_reach_lacks_to_the_byte() {
    let folder = support::folder!();
    let loss = Loss { offset: 1000, bytes: 234, cause: LossCause::Unread, after: at(10), before: at(70) };
    let ledger = Ledger { unread: 234, losses: vec![loss], ..Ledger::default() };
    let ledgers = vec![(GenerationId(1), ledger)];
    let routes = vec![(RouteId(0), "slow".to_owned())];
    let read_to = |position: u64| vec![Generation { position, ..log(1, true) }];
    let commit = Commit { generations: read_to(1000), ledgers, routes, cells: cells(), ..Commit::default() };
    for seal in [false, true] {
        written(&folder.path("store"), &mut commit.clone(), seal);
        let ask = |from: &str, until: &str| folder.run(&["report", "--store=store", from, until]);
        ask("--from=2011-11-30T14:05Z", "--until=2011-11-30T14:06Z").said(
            3,
            &[
                "234 bytes of /var/log/nginx/1.log from byte 1000, written between 2011-11-30T14:05:10.000Z and \
                 2011-11-30T14:06:10.000Z, were out of reach unread",
                "partial: one thing is missing",
            ],
        );
        ask("--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:05:10Z").said(0, &["complete"]);
    }
    // The rest was found and read after all.
    written(&folder.path("store"), &mut Commit { generations: read_to(1234), ..Commit::default() }, false);
    let all = ["report", "--store=store", "--from=2011-11-30T14:05Z", "--until=2011-11-30T14:06Z"];
    folder.run(&all).said(0, &["complete"]);
}

#[test]
fn a_damaged_segment_is_left_out_and_named() {
    let folder = support::folder!();
    let store = folder.path("store");
    let routes = vec![(RouteId(0), "slow".to_owned())];
    written(&store, &mut Commit { routes, cells: cells(), ..Commit::default() }, true);
    let segment = std::fs::read_dir(store.join("segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[25] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    folder.run(&["report", "--store=store"]).said(3, &["segments/", "checksum does not match", "partial"]);
}

#[test]
fn readers_that_ask_for_a_writer_keep_none_from_starting() {
    let folder = support::folder!();
    let store = folder.path("store");
    written(&store, &mut Commit::default(), false);
    let (view, done) = (View::open(&store).unwrap(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert!(view.has_writer().is_some());
            }
        });
        for _ in 0..300 {
            let writer = Writer::open(&store, StoreSettings::default());
            assert_eq!(view.has_writer(), Some(writer.is_ok()));
            drop(writer.unwrap());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(view.has_writer(), Some(false));
}
