//! A medium in memory with a live and a durable image: calls can fail, and a crash loses, tears or reorders what was not
//! synced. It does the worst that FORMAT.md allows ("What is assumed of the medium").
//!
//! Bytes are made durable by sectors, names one by one. After a sync that failed, some of the sectors it was for are on
//! the medium and the others are forgotten: they still read back, and no later sync brings them there.

use crate::store::disk::medium::{Medium, RandomAccessFile, WritableFile};
use crate::store::tests::support::traffic::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// What is written at once, or not.
const SECTOR: usize = 512;

/// How the n-th call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Once, with this kind of error.
    Once(ErrorKind),
    /// Once, with this number of the operating system.
    Os(i32),
    /// From then on every call.
    Onwards(ErrorKind),
    /// A write takes half its bytes, and the next one fails.
    Short,
}

/// Which calls fail, and how many there were.
#[derive(Debug, Clone, Default)]
struct Calls {
    count: usize,
    fail_at: Option<(usize, Fault)>,
    short: bool,
}

impl Calls {
    /// Count a call, and fail it if it is its turn.
    fn next(&mut self) -> io::Result<()> {
        self.count += 1;
        match self.fail_at {
            Some((at, Fault::Once(kind))) if at == self.count => Err(kind.into()),
            Some((at, Fault::Os(number))) if at == self.count => Err(io::Error::from_raw_os_error(number)),
            Some((at, Fault::Onwards(kind))) if at <= self.count => Err(kind.into()),
            Some((at, Fault::Short)) if at == self.count => {
                self.short = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Written and not yet synced.
    dirty: BTreeSet<usize>,
    /// Its length is not yet synced.
    resized: bool,
}

fn sector(number: usize, length: usize) -> std::ops::Range<usize> {
    (number * SECTOR).min(length)..((number + 1) * SECTOR).min(length)
}

impl Inode {
    fn write(&mut self, bytes: &[u8]) {
        let from = self.live.len();
        self.live.extend_from_slice(bytes);
        self.dirty.extend(from / SECTOR..self.live.len().div_ceil(SECTOR));
        self.resized = true;
    }

    fn truncate(&mut self, length: usize) {
        self.live.truncate(length);
        self.dirty.retain(|number| number * SECTOR < length);
        // What is left of the last sector is followed by zeros.
        if !length.is_multiple_of(SECTOR) {
            self.dirty.insert(length / SECTOR);
        }
        self.resized = true;
    }

    /// Bring a sector to the medium.
    fn persist(&mut self, number: usize) {
        let range = sector(number, self.live.len().min(self.durable.len()));
        self.durable[range.clone()].copy_from_slice(&self.live[range]);
    }

    fn sync(&mut self) {
        if std::mem::take(&mut self.resized) {
            self.durable.resize(self.live.len(), 0);
        }
        std::mem::take(&mut self.dirty).into_iter().for_each(|number| self.persist(number));
    }

    fn sync_in_vain(&mut self, dice: &mut Dice) {
        if self.resized && dice.roll(2) == 0 {
            self.durable.resize(self.live.len(), 0);
        }
        for number in std::mem::take(&mut self.dirty) {
            if dice.roll(3) == 0 {
                self.persist(number);
            }
        }
    }

    /// What is not written back is read from the medium again.
    fn forget(&mut self) {
        for number in 0..self.live.len().div_ceil(SECTOR) {
            if !self.dirty.contains(&number) {
                for at in sector(number, self.live.len()) {
                    self.live[at] = self.durable.get(at).copied().unwrap_or(0);
                }
            }
        }
    }

    /// What a loss of power leaves.
    fn left(&self, choose: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
        let mut left = self.durable.clone();
        if self.dirty.is_empty() && !self.resized {
            return left;
        }
        let cause = choose(3);
        if cause == 0 {
            return left;
        }
        if self.resized {
            let (least, most) = (left.len().min(self.live.len()), left.len().max(self.live.len()));
            let length =
                if cause == 1 { self.live.len() } else { [least, most, least + choose(most - least)][choose(2)] };
            left.resize(length, 0);
        }
        // Sectors go to the medium alone, or eight at a time.
        let (together, noise) = (if choose(1) == 0 { 1 } else { 8 }, choose(255));
        let mut fate = (usize::MAX, 0);
        for &number in &self.dirty {
            if fate.0 != number / together {
                fate = (number / together, if cause == 1 { 1 } else { choose(4) });
            }
            let range = sector(number, left.len());
            let torn = if fate.1 == 4 { range.start + choose(range.len()) } else { range.start };
            for at in range {
                // What is durable already is not touched by what comes beside it.
                let own = self.live.get(at).copied().unwrap_or(0);
                if self.durable.get(at) == Some(&own) {
                    continue;
                }
                match fate.1 {
                    1 => left[at] = own,
                    2 => left[at] = 0,
                    3 => left[at] = u8::try_from((at * 31 + noise) % 256).unwrap(),
                    4 if at < torn => left[at] = own,
                    _ => {}
                }
            }
        }
        left
    }
}

/// What a change does to the names of one folder, whole or not at all: each name's file from then on.
#[derive(Debug, Clone)]
struct Naming {
    folder: String,
    changes: Vec<(String, Option<usize>)>,
}

/// Folders are names without a file of their own.
const FOLDER: usize = usize::MAX;

type Names = BTreeMap<String, usize>;

fn apply(names: &mut Names, naming: &Naming) {
    for (name, inode) in &naming.changes {
        match inode {
            Some(inode) => drop(names.insert(name.clone(), *inode)),
            None => drop(names.remove(name)),
        }
    }
}

#[derive(Debug, Clone)]
struct Image {
    /// Shared with the copies of this image until they change.
    inodes: Vec<Arc<Inode>>,
    live: Names,
    durable: Names,
    unsynced: Vec<Naming>,
    writing: Calls,
    reading: Calls,
    /// For what a failed sync leaves.
    dice: Dice,
    /// The images before each writing call, if they are wanted.
    tape: Option<Vec<Image>>,
}

impl Default for Image {
    fn default() -> Image {
        Image {
            inodes: Vec::new(),
            live: Names::new(),
            durable: Names::new(),
            unsynced: Vec::new(),
            writing: Calls::default(),
            reading: Calls::default(),
            dice: Dice(0x5eed),
            tape: None,
        }
    }
}

/// The medium. Clones share one image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    image: Arc<Mutex<Image>>,
}

struct Open {
    image: Arc<Mutex<Image>>,
    inode: usize,
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn missing() -> io::Error {
    ErrorKind::NotFound.into()
}

impl Image {
    /// Count a writing call, and fail it if it is its turn.
    fn call(&mut self) -> io::Result<()> {
        if let Some(mut tape) = self.tape.take() {
            tape.push(self.clone());
            self.tape = Some(tape);
        }
        self.writing.next()
    }

    fn inode(&mut self, at: usize) -> &mut Inode {
        Arc::make_mut(&mut self.inodes[at])
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        self.live.get(name).copied().filter(|&inode| inode != FOLDER).ok_or_else(missing)
    }

    fn name(&mut self, folder: &str, changes: Vec<(String, Option<usize>)>) {
        let naming = Naming { folder: folder.to_owned(), changes };
        apply(&mut self.live, &naming);
        self.unsynced.push(naming);
    }

    fn has_folder(&self, folder: &str) -> bool {
        folder.is_empty() || self.live.get(folder) == Some(&FOLDER)
    }

    fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> Image {
        let mut names = self.durable.clone();
        let cause = choose(2);
        for naming in &self.unsynced {
            if cause == 1 || (cause == 2 && choose(1) == 1) {
                apply(&mut names, naming);
            }
        }
        let folders: BTreeSet<String> =
            names.iter().filter(|(_, i)| **i == FOLDER).map(|(name, _)| name.clone()).collect();
        names.retain(|name, _| folder_of(name).is_empty() || folders.contains(folder_of(name)));
        let mut inodes = Vec::new();
        for inode in names.values_mut().filter(|inode| **inode != FOLDER) {
            let left = self.inodes[*inode].left(choose);
            *inode = inodes.len();
            inodes.push(Arc::new(Inode { live: left.clone(), durable: left, ..Inode::default() }));
        }
        let dice = Dice(self.dice.0 ^ u64::try_from(choose(1 << 20)).unwrap());
        Image { inodes, live: names.clone(), durable: names, dice, ..Image::default() }
    }
}

impl Memory {
    fn image(&self) -> MutexGuard<'_, Image> {
        self.image.lock().unwrap()
    }

    fn of(image: Image) -> Memory {
        Memory { image: Arc::new(Mutex::new(image)) }
    }

    /// Writing calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.image().writing.count
    }

    /// Reading calls so far.
    pub(crate) fn reads(&self) -> usize {
        self.image().reading.count
    }

    /// Let the `at`-th writing call from now on (from 1) fail.
    pub(crate) fn fail_at(&self, at: usize, fault: Fault) {
        let mut image = self.image();
        image.writing.fail_at = Some((image.writing.count + at, fault));
    }

    /// Let the `at`-th reading call from now on (from 1) fail.
    pub(crate) fn fail_read_at(&self, at: usize, fault: Fault) {
        let mut image = self.image();
        image.reading.fail_at = Some((image.reading.count + at, fault));
    }

    /// No more faults.
    pub(crate) fn mend(&self) {
        let mut image = self.image();
        (image.writing.fail_at, image.writing.short, image.reading.fail_at) = (None, false, None);
    }

    /// Keep the image before each writing call from now on.
    pub(crate) fn record(&self) {
        self.image().tape = Some(Vec::new());
    }

    /// What was kept since then, or since this was asked last.
    pub(crate) fn recorded(&self) -> Vec<Memory> {
        let mut image = self.image();
        let tape = image.tape.as_mut().map(std::mem::take).unwrap_or_default();
        tape.into_iter().map(Memory::of).collect()
    }

    /// What a loss of power leaves: `choose(n)` gives a number up to n, for every choice there is; all 0 is the least.
    pub(crate) fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> Memory {
        Memory::of(self.image().crash(choose))
    }

    /// Memory runs short: what a failed sync left is dropped, and reads as the medium has it.
    pub(crate) fn forget(&self) {
        let mut image = self.image();
        for at in 0..image.inodes.len() {
            image.inode(at).forget();
        }
    }

    /// The bytes of a file, to be changed.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut image = self.image();
        let at = image.live[name];
        let inode = image.inode(at);
        change(&mut inode.live);
        *inode = Inode { durable: inode.live.clone(), live: std::mem::take(&mut inode.live), ..Inode::default() };
    }

    /// All live names of files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.image().live.iter().filter(|(_, inode)| **inode != FOLDER).map(|(name, _)| name.clone()).collect()
    }

    /// An independent copy of the live files.
    pub(crate) fn copy(&self) -> Memory {
        let image = self.image().clone();
        Memory::of(Image { tape: None, ..image })
    }
}

impl Medium for Memory {
    fn root(&self) -> &Path {
        Path::new("/memory")
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        if !image.has_folder(folder) {
            image.name(folder_of(folder), vec![(folder.to_owned(), Some(FOLDER))]);
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut image = self.image();
        image.reading.next()?;
        if !image.has_folder(folder) {
            return Err(missing());
        }
        let inside = image.live.iter().filter(|(name, inode)| folder_of(name) == folder && **inode != FOLDER);
        Ok(inside.map(|(name, _)| name.rsplit('/').next().unwrap_or(name).to_owned()).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut image = self.image();
        image.reading.next()?;
        let inode = image.file(name)?;
        Ok(image.inodes[inode].live.clone())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn RandomAccessFile>> {
        let mut image = self.image();
        image.reading.next()?;
        let inode = image.file(name)?;
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WritableFile>> {
        let mut image = self.image();
        image.call()?;
        if !image.has_folder(folder_of(name)) {
            return Err(missing());
        }
        let inode = image.inodes.len();
        image.inodes.push(Arc::default());
        // The file that had the name is unlinked first: two changes.
        if image.live.contains_key(name) {
            image.name(folder_of(name), vec![(name.to_owned(), None)]);
        }
        image.name(folder_of(name), vec![(name.to_owned(), Some(inode))]);
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WritableFile>> {
        let mut image = self.image();
        image.call()?;
        let inode = image.file(name)?;
        image.inode(inode).truncate(usize::try_from(length).unwrap());
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        let inode = image.file(from)?;
        image.name(folder_of(to), vec![(from.to_owned(), None), (to.to_owned(), Some(inode))]);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        image.file(name)?;
        image.name(folder_of(name), vec![(name.to_owned(), None)]);
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut image = self.image();
        let outcome = image.call();
        let (own, rest) = std::mem::take(&mut image.unsynced)
            .into_iter()
            .partition::<Vec<Naming>, _>(|naming| naming.folder == folder);
        image.unsynced = rest;
        for naming in own {
            let is_folder = naming.changes.iter().any(|(_, inode)| *inode == Some(FOLDER));
            if outcome.is_ok() || image.dice.roll(2) == 0 {
                apply(&mut image.durable, &naming);
            } else if is_folder {
                // A folder is made once, so its name comes with the next sync that succeeds.
                image.unsynced.push(naming);
            }
        }
        outcome
    }
}

impl RandomAccessFile for Open {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut image = self.image.lock().unwrap();
        image.reading.next()?;
        let offset = usize::try_from(offset).unwrap();
        let range = image.inodes[self.inode].live.get(offset..offset + into.len()).ok_or(ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(range);
        Ok(())
    }
}

impl WritableFile for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut image = self.image.lock().unwrap();
        if std::mem::take(&mut image.writing.short) {
            return Err(ErrorKind::StorageFull.into());
        }
        image.call()?;
        let taken = if image.writing.short { bytes.len() / 2 + 1 } else { bytes.len() }.min(bytes.len());
        image.inode(self.inode).write(&bytes[..taken]);
        Ok(taken)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut image = self.image.lock().unwrap();
        let outcome = image.call();
        let image = &mut *image;
        let inode = Arc::make_mut(&mut image.inodes[self.inode]);
        match &outcome {
            Ok(()) => inode.sync(),
            Err(_) => inode.sync_in_vain(&mut image.dice),
        }
        outcome
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut image = self.image.lock().unwrap();
        image.call()?;
        image.inode(self.inode).truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}
