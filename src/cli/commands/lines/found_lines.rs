//! The lines of an answer in their order, in bounded memory: what is more than that waits in a file, in runs that are sorted
//! and merged when all is found.
//!
//! The file has no name, so nothing is left of it however the command ends. With `--limit` no more is kept than is printed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Found, SortKey, sort_key};
use crate::cli::args::LineOrder;
use crate::error::{Error, Result};
use crate::route::RouteId;
use crate::source::GenerationId;
use crate::store::{Entry, KeepReasons, Locator};
use crate::time::Timestamp;

/// So much is kept in memory; sorting and merging take about as much again.
const MEMORY: usize = 64 << 20;

/// All runs together are read through buffers of this size ..
const READING: usize = 16 << 20;

/// .. but each through one of at least, and at most, this.
const READING_EACH: (usize, usize) = (8 << 10, 256 << 10);

/// Lines while they are found.
pub(super) struct FoundLines {
    order: LineOrder,
    limit: usize,
    memory: usize,
    held: Vec<Found>,
    held_bytes: usize,
    aside: Option<AsideFile>,
    /// The first failure to write aside: what was found after it is dropped.
    failed: Option<Error>,
    /// How many were found.
    pub(super) count: u64,
    /// How many of them were slow.
    pub(super) slow: u64,
    /// How many of them are of logs without `$request_time`.
    pub(super) by_upstream: u64,
}

impl FoundLines {
    /// In this order; of more than `limit` the first.
    pub(super) fn new(order: LineOrder, limit: Option<usize>) -> FoundLines {
        FoundLines {
            order,
            limit: limit.unwrap_or(usize::MAX),
            memory: MEMORY,
            held: Vec::new(),
            held_bytes: 0,
            aside: None,
            failed: None,
            count: 0,
            slow: 0,
            by_upstream: 0,
        }
    }

    /// One more.
    pub(super) fn push(&mut self, found: Found) {
        self.count += 1;
        self.slow += u64::from(found.slow);
        self.by_upstream += u64::from(found.entry.kept.contains(KeepReasons::BY_UPSTREAM));
        if self.failed.is_some() {
            return;
        }
        self.held_bytes += memory_of(&found);
        self.held.push(found);
        if self.held_bytes > self.memory
            && let Err(error) = self.make_room()
        {
            let failed = Error::io("keep lines aside", aside_folder(), &error);
            self.failed = Some(failed.remedy("give a folder with room (TMPDIR=FOLDER), a shorter window, or --limit"));
            self.held.clear();
        }
    }

    /// More of them.
    pub(super) fn extend(&mut self, found: Vec<Found>) {
        for found in found {
            self.push(found);
        }
    }

    /// In the order of time after all, where they are still in memory.
    pub(super) fn order_by_time(&mut self) {
        if self.aside.is_none() {
            self.order = LineOrder::Time;
        }
    }

    /// All of them in their order.
    ///
    /// # Errors
    /// If some could not be kept aside.
    pub(super) fn sorted(mut self) -> Result<SortedLines> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.sort_held();
        let mut runs: Vec<LineRun> = vec![LineRun::Held(self.held.into_iter())];
        if let Some(aside) = self.aside {
            let (names, file) = (Arc::new(aside.names.list), Arc::new(aside.file));
            let buffer = (READING / aside.runs.len().max(1)).clamp(READING_EACH.0, READING_EACH.1);
            for (from, until) in aside.runs {
                let reader = RunReader { file: Arc::clone(&file), at: from, until };
                runs.push(LineRun::Aside(BufReader::with_capacity(buffer, reader), Arc::clone(&names)));
            }
        }
        let mut sorted =
            SortedLines { order: self.order, left: self.limit, runs, next: BinaryHeap::new(), heads: Vec::new() };
        for run in 0..sorted.runs.len() {
            sorted.heads.push(None);
            sorted.advance(run)?;
        }
        Ok(sorted)
    }

    /// Drop what is beyond the limit; if that does not help, write what is held aside.
    fn make_room(&mut self) -> io::Result<()> {
        self.sort_held();
        if self.held_bytes <= self.memory / 2 {
            return Ok(());
        }
        let aside = match &mut self.aside {
            Some(aside) => aside,
            None => self.aside.insert(AsideFile::new()?),
        };
        aside.write_run(&self.held)?;
        (self.held_bytes, self.held) = (0, Vec::new());
        Ok(())
    }

    fn sort_held(&mut self) {
        let order = self.order;
        self.held.sort_unstable_by_key(|found| sort_key(&found.entry, order));
        if self.held.len() > self.limit {
            self.held.truncate(self.limit);
            self.held_bytes = self.held.iter().map(memory_of).sum();
        }
    }
}

fn memory_of(found: &Found) -> usize {
    size_of::<Found>() + found.line.as_ref().map_or(0, |line| line.capacity() + 16)
}

/// Where what is too much for memory waits.
fn aside_folder() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// Texts that many lines have, by number.
#[derive(Default)]
struct SharedNames {
    numbers: HashMap<Arc<str>, u32>,
    list: Vec<Arc<str>>,
}

impl SharedNames {
    fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Arc::clone(name));
        self.numbers.insert(Arc::clone(name), number);
        number
    }
}

/// The file without a name, and the runs in it.
struct AsideFile {
    file: File,
    end: u64,
    runs: Vec<(u64, u64)>,
    names: SharedNames,
}

impl AsideFile {
    fn new() -> io::Result<AsideFile> {
        let path = aside_folder().join(format!(".spikeline-lines-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(AsideFile { file, end: 0, runs: Vec::new(), names: SharedNames::default() })
    }

    fn write_run(&mut self, sorted: &[Found]) -> io::Result<()> {
        let from = self.end;
        let mut out = Vec::with_capacity(1 << 20);
        for found in sorted {
            encode(found, &mut self.names, &mut out);
            if out.len() >= 1 << 20 {
                self.write(&mut out)?;
            }
        }
        self.write(&mut out)?;
        self.runs.push((from, self.end));
        Ok(())
    }

    fn write(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.file.write_all(out)?;
        self.end += out.len() as u64;
        out.clear();
        Ok(())
    }
}

/// A stretch of the file.
struct RunReader {
    file: Arc<File>,
    at: u64,
    until: u64,
}

impl Read for RunReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.until - self.at).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let read = self.file.read_at(into.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Lines in their order, in memory or in the file.
enum LineRun {
    Held(std::vec::IntoIter<Found>),
    Aside(BufReader<RunReader>, Arc<Vec<Arc<str>>>),
}

impl LineRun {
    fn next(&mut self) -> io::Result<Option<Found>> {
        match self {
            LineRun::Held(held) => Ok(held.next()),
            LineRun::Aside(reader, names) => decode(reader, names),
        }
    }
}

/// All lines that are to be printed, one after the other.
pub(super) struct SortedLines {
    order: LineOrder,
    left: usize,
    runs: Vec<LineRun>,
    /// Which run has the next line.
    next: BinaryHeap<Reverse<(SortKey, usize)>>,
    /// The next line of each run.
    heads: Vec<Option<Found>>,
}

impl SortedLines {
    /// Take the next line of a run to its head.
    fn advance(&mut self, run: usize) -> Result<()> {
        let Some(from) = self.runs.get_mut(run) else { return Ok(()) };
        let head = from.next().map_err(|error| Error::io("read lines that were kept aside", aside_folder(), &error))?;
        if let Some(found) = &head {
            self.next.push(Reverse((sort_key(&found.entry, self.order), run)));
        }
        if let Some(place) = self.heads.get_mut(run) {
            *place = head;
        }
        Ok(())
    }
}

impl Iterator for SortedLines {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Result<Found>> {
        self.left = self.left.checked_sub(1)?;
        let Reverse((_, run)) = self.next.pop()?;
        let found = self.heads.get_mut(run)?.take()?;
        Some(self.advance(run).map(|()| found))
    }
}

/// Appends a line as [`decode`] reads it.
fn encode(found: &Found, names: &mut SharedNames, out: &mut Vec<u8>) {
    let Found { entry, route, file, line, is_there, slow } = found;
    out.extend_from_slice(&entry.end.0.to_le_bytes());
    out.extend_from_slice(&entry.duration_ms.to_le_bytes());
    out.extend_from_slice(&entry.route.0.to_le_bytes());
    out.extend_from_slice(&entry.status.to_le_bytes());
    out.extend_from_slice(&entry.upstream_ms.unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&[
        u8::from(entry.upstream_ms.is_some()),
        entry.kept.0,
        u8::from(*is_there) | u8::from(*slow) << 1,
        u8::from(line.is_some()),
    ]);
    out.extend_from_slice(&entry.locator.generation.0.to_le_bytes());
    out.extend_from_slice(&entry.locator.offset.to_le_bytes());
    out.extend_from_slice(&entry.locator.length.to_le_bytes());
    out.extend_from_slice(&names.number(route).to_le_bytes());
    out.extend_from_slice(&names.number(file).to_le_bytes());
    let line = line.as_deref().unwrap_or_default();
    out.extend_from_slice(&(line.len() as u64).to_le_bytes());
    out.extend_from_slice(line);
}

/// The next so many bytes.
fn take<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The next line of a run; `None` at its end.
fn decode(from: &mut BufReader<RunReader>, names: &[Arc<str>]) -> io::Result<Option<Found>> {
    if io::BufRead::fill_buf(from)?.is_empty() {
        return Ok(None);
    }
    let end = Timestamp(i64::from_le_bytes(take(from)?));
    let duration_ms = u64::from_le_bytes(take(from)?);
    let route = RouteId(u32::from_le_bytes(take(from)?));
    let status = u16::from_le_bytes(take(from)?);
    let upstream = u64::from_le_bytes(take(from)?);
    let [has_upstream, kept, is_there, has_line] = take(from)?;
    let generation = GenerationId(u32::from_le_bytes(take(from)?));
    let (offset, length) = (u64::from_le_bytes(take(from)?), u32::from_le_bytes(take(from)?));
    let mut named = || -> io::Result<Arc<str>> {
        let number = usize::try_from(u32::from_le_bytes(take(from)?)).unwrap_or(usize::MAX);
        names.get(number).cloned().ok_or_else(|| io::ErrorKind::InvalidData.into())
    };
    let (route_name, file) = (named()?, named()?);
    let mut line = vec![0; usize::try_from(u64::from_le_bytes(take(from)?)).unwrap_or(0)];
    from.read_exact(&mut line)?;
    let entry = Entry {
        end,
        duration_ms,
        route,
        status,
        upstream_ms: (has_upstream != 0).then_some(upstream),
        kept: KeepReasons(kept),
        locator: Locator { generation, offset, length },
    };
    let line = (has_line != 0).then_some(line);
    Ok(Some(Found { entry, route: route_name, file, line, is_there: is_there & 1 != 0, slow: is_there & 2 != 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(number: u64, end: i64, duration_ms: u64, line: Option<Vec<u8>>) -> Found {
        let locator = Locator { generation: GenerationId(1), offset: number, length: 3 };
        let (route, file): (Arc<str>, Arc<str>) = (format!("r{}", number % 3).into(), "a.log".into());
        let entry = Entry {
            end: Timestamp(end),
            duration_ms,
            route: RouteId(7),
            status: 200,
            upstream_ms: number.is_multiple_of(2).then_some(number),
            kept: KeepReasons(u8::try_from(number % 32).unwrap()),
            locator,
        };
        Found { entry, route, file, line, is_there: number.is_multiple_of(5), slow: number.is_multiple_of(7) }
    }

    fn told(found: &Found) -> String {
        let Found { entry, route, file, line, is_there, slow } = found;
        format!("{entry:?} {route} {file} {line:?} {is_there} {slow}")
    }

    proptest! {
        /// However little memory there is, the answer is that of sorting all of it.
        #[test]
        fn what_waits_aside_comes_in_order(
            all in proptest::collection::vec((0i64..50, 0u64..50, proptest::option::of(0usize..300)), 0..300),
            memory in 200usize..20_000,
            limit in proptest::option::of(0usize..40),
            by_duration: bool,
        ) {
            let order = if by_duration { LineOrder::Duration } else { LineOrder::Time };
            let make = |(number, (end, duration, length)): (u64, &(i64, u64, Option<usize>))| {
                line(number, *end, *duration, length.map(|length| vec![b'x'; length]))
            };
            let mut lines = FoundLines { memory, ..FoundLines::new(order, limit) };
            let mut expected: Vec<Found> = (0..).zip(&all).map(make).collect();
            lines.extend((0..).zip(&all).map(make).collect());
            prop_assert_eq!(lines.count, all.len() as u64);
            expected.sort_by_key(|found| sort_key(&found.entry, order));
            expected.truncate(limit.unwrap_or(usize::MAX));
            let sorted: Vec<String> = lines.sorted().unwrap().map(|found| told(&found.unwrap())).collect();
            prop_assert_eq!(sorted, expected.iter().map(told).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_more_is_kept_than_is_printed() {
        let mut lines = FoundLines { memory: 10_000, ..FoundLines::new(LineOrder::Time, Some(5)) };
        for number in 0..10_000 {
            lines.push(line(number, 10_000 - i64::try_from(number).unwrap(), 1, Some(vec![b'x'; 100])));
            assert!(lines.held_bytes <= 10_000 && lines.aside.is_none());
        }
        let ends: Vec<i64> = lines.sorted().unwrap().map(|found| found.unwrap().entry.end.0).collect();
        assert_eq!(ends, [1, 2, 3, 4, 5]);
    }
}
