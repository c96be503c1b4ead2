//! Requests of many hours are found in any window that they span, without reading the entries of those hours.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use spikeline::route::RouteId;
use spikeline::source::GenerationId;
use spikeline::store::{
    Commit, DiskMedium, Entry, EntryQuery, KeepReasons, Locator, Medium, RandomAccessFile, StoreSettings, View,
    WindowMatch, WritableFile, Writer,
};
use spikeline::time::{Timestamp, Window};

const HOUR: i64 = 3_600_000;

/// A folder that counts how often something is read from a segment.
struct Counting {
    disk: DiskMedium,
    reads: Arc<AtomicUsize>,
}

struct CountingSource {
    source: Box<dyn RandomAccessFile>,
    reads: Arc<AtomicUsize>,
}

impl RandomAccessFile for CountingSource {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.source.read_at(offset, into)
    }
}

impl Medium for Counting {
    fn root(&self) -> &Path {
        self.disk.root()
    }
    fn make_folder(&self, folder: &str) -> io::Result<()> {
        self.disk.make_folder(folder)
    }
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.disk.read(name)
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn RandomAccessFile>> {
        Ok(Box::new(CountingSource { source: self.disk.open(name)?, reads: Arc::clone(&self.reads) }))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn WritableFile>> {
        self.disk.create(name)
    }
    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WritableFile>> {
        self.disk.append(name, length)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }
}

fn entry(end: i64, duration_ms: u64, route: u32, offset: u64) -> Entry {
    let locator = Locator { generation: GenerationId(0), offset, length: 100 };
    let kept = KeepReasons::THRESHOLD;
    Entry { end: Timestamp(end), duration_ms, route: RouteId(route), status: 200, upstream_ms: None, kept, locator }
}

#[test]
fn an_18_hour_websocket_is_found_without_reading_18_hours_of_entries() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path(), StoreSettings::default()).unwrap();
    // A day of slow requests, two a second, in segments of two hours; some take a minute, one in all 18 hours.
    let mut blocks = 0;
    for part in 0..12 {
        let mut entries: Vec<Entry> = (0..14_400_i64)
            .map(|n| {
                let duration = if n % 100 == 0 { 60_000 } else { 1000 + n.cast_unsigned() % 700 };
                entry(part * 2 * HOUR + n * 500, duration, u32::try_from(n % 40).unwrap(), n.cast_unsigned() * 100)
            })
            .collect();
        if part == 11 {
            entries.push(entry(23 * HOUR, 18 * HOUR.cast_unsigned(), 99, 1));
        }
        blocks += entries.len() / 512;
        writer.commit(&mut Commit { entries, ..Commit::default() }).unwrap();
        writer.seal().unwrap();
    }
    drop(writer);
    let medium = Arc::new(Counting { disk: DiskMedium::new(folder.path()), reads: Arc::default() });
    let view = View::open_on(Arc::clone(&medium) as Arc<dyn Medium>).unwrap();
    let read = |query: &EntryQuery| {
        // Directories are read once.
        view.entries(query).unwrap();
        let before = medium.reads.load(Ordering::Relaxed);
        let found = view.entries(query).unwrap();
        (found, medium.reads.load(Ordering::Relaxed) - before)
    };
    for minute in [5 * 60, 6 * 60 + 1, 12 * 60, 17 * 60 + 30, 23 * 60] {
        let from = Timestamp(minute * 60_000);
        let window = Window { from, until: from.plus_millis(120_000) };
        let mut query = EntryQuery { routes: Some(vec![RouteId(99)]), ..EntryQuery::new(window, WindowMatch::Overlap) };
        let (found, reads) = read(&query);
        assert_eq!(found.len(), 1, "minute {minute}");
        assert_eq!(found[0].duration_ms, 18 * HOUR.cast_unsigned());
        assert!(reads <= 2, "{reads} of {blocks} blocks for one route, minute {minute}");
        query.routes = None;
        let (found, reads) = read(&query);
        assert!(found.len() > 200 && found.iter().filter(|entry| entry.route == RouteId(99)).count() == 1);
        assert!(reads <= 80 && reads * 4 < blocks, "{reads} of {blocks} blocks, minute {minute}");
    }
    // Before it began, and after it ended.
    for minute in [5 * 60 - 2, 23 * 60 + 1] {
        let from = Timestamp(minute * 60_000);
        let window = Window { from, until: from.plus_millis(120_000) };
        let query = EntryQuery { routes: Some(vec![RouteId(99)]), ..EntryQuery::new(window, WindowMatch::Overlap) };
        assert_eq!(read(&query).0, [], "minute {minute}");
    }
}
