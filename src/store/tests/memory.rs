//! A medium in memory with a live and a durable image: calls can fail, and a crash loses what was not synced.

use crate::store::medium::{Medium, Sink, Source};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// How the n-th call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Once, with this kind of error; a failed sync loses its bytes for good, though they still read back.
    Once(ErrorKind),
    /// From then on every writing call.
    Onwards(ErrorKind),
    /// A write takes half its bytes, and the next one fails.
    Short,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: later ones report success and change nothing.
    tainted: bool,
}

#[derive(Debug, Clone)]
enum Naming {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Clone, Default)]
struct Image {
    inodes: Vec<Inode>,
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    unsynced: Vec<Naming>,
    calls: usize,
    fail_at: Option<(usize, Fault)>,
    short: bool,
}

/// The medium. Clones share one image.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
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

fn apply(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Set(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        Naming::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Naming::Remove(name) => {
            names.remove(name);
        }
    }
}

fn naming_folder(naming: &Naming) -> &str {
    match naming {
        Naming::Set(name, _) | Naming::Rename(name, _) | Naming::Remove(name) => folder_of(name),
    }
}

impl Image {
    /// Count a writing call, and fail it if it is its turn.
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.fail_at {
            Some((at, Fault::Once(kind))) if at == self.calls => Err(kind.into()),
            Some((at, Fault::Onwards(kind))) if at <= self.calls => Err(kind.into()),
            Some((at, Fault::Short)) if at == self.calls => {
                self.short = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Memory {
    fn image(&self) -> MutexGuard<'_, Image> {
        self.image.lock().unwrap()
    }

    /// Writing calls so far.
    pub(super) fn calls(&self) -> usize {
        self.image().calls
    }

    /// Let the `at`-th writing call from now on (from 1) fail.
    pub(super) fn fail_at(&self, at: usize, fault: Fault) {
        let mut image = self.image();
        image.fail_at = Some((image.calls + at, fault));
    }

    /// No more faults.
    pub(super) fn mend(&self) {
        let mut image = self.image();
        image.fail_at = None;
        image.short = false;
    }

    /// What a loss of power leaves: `choose(n)` gives a number up to n, for every choice there is.
    pub(super) fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> Memory {
        let image = self.image();
        let mut names = image.durable.clone();
        for folder in ["", "segments"] {
            let unsynced: Vec<&Naming> = image.unsynced.iter().filter(|n| naming_folder(n) == folder).collect();
            let kept = choose(unsynced.len());
            unsynced.into_iter().take(kept).for_each(|naming| apply(&mut names, naming));
        }
        let mut inodes = image.inodes.clone();
        for inode in &mut inodes {
            let mut left = inode.durable.clone();
            if let Some(unsynced) = inode.live.strip_prefix(inode.durable.as_slice()) {
                let kept = choose(unsynced.len());
                left.extend_from_slice(&unsynced[..kept]);
                // The file may have its length and not all of its bytes.
                if choose(3) == 0 {
                    left.resize(inode.live.len(), 0);
                }
            } else if choose(1) == 0 && !inode.tainted {
                left.clone_from(&inode.live);
            }
            *inode = Inode { live: left.clone(), durable: left, tainted: false };
        }
        let image = Image { inodes, live: names.clone(), durable: names, ..Image::default() };
        Memory { image: Arc::new(Mutex::new(image)) }
    }

    /// The bytes of a file, to be changed.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut image = self.image();
        let inode = image.live[name];
        change(&mut image.inodes[inode].live);
        image.inodes[inode].durable = image.inodes[inode].live.clone();
    }

    /// All live names.
    pub(super) fn names(&self) -> Vec<String> {
        self.image().live.keys().cloned().collect()
    }

    /// An independent copy of the live files.
    pub(super) fn copy(&self) -> Memory {
        Memory { image: Arc::new(Mutex::new(self.image().clone())) }
    }
}

impl Medium for Memory {
    fn root(&self) -> &Path {
        Path::new("/memory")
    }

    fn make_folder(&self, _folder: &str) -> io::Result<()> {
        self.image().call()
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let image = self.image();
        let inside = image.live.keys().filter(|name| folder_of(name) == folder);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let image = self.image();
        let inode = *image.live.get(name).ok_or_else(missing)?;
        Ok(image.inodes[inode].live.clone())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        let inode = *self.image().live.get(name).ok_or_else(missing)?;
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
        let mut image = self.image();
        image.call()?;
        // A file that is created over another is cut to nothing at once, as with O_TRUNC.
        let inode = image.inodes.len();
        image.inodes.push(Inode::default());
        let naming = Naming::Set(name.to_owned(), inode);
        apply(&mut image.live, &naming);
        image.unsynced.push(naming);
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn Sink>> {
        let mut image = self.image();
        image.call()?;
        let inode = *image.live.get(name).ok_or_else(missing)?;
        image.inodes[inode].live.truncate(usize::try_from(length).unwrap());
        Ok(Box::new(Open { image: Arc::clone(&self.image), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        let naming = Naming::Rename(from.to_owned(), to.to_owned());
        apply(&mut image.live, &naming);
        image.unsynced.push(naming);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        let naming = Naming::Remove(name.to_owned());
        apply(&mut image.live, &naming);
        image.unsynced.push(naming);
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut image = self.image();
        image.call()?;
        let (synced, rest) = std::mem::take(&mut image.unsynced)
            .into_iter()
            .partition::<Vec<Naming>, _>(|naming| naming_folder(naming) == folder);
        image.unsynced = rest;
        synced.iter().for_each(|naming| apply(&mut image.durable, naming));
        Ok(())
    }
}

impl Source for Open {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let image = self.image.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let range = image.inodes[self.inode].live.get(offset..offset + into.len()).ok_or(ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(range);
        Ok(())
    }
}

impl Sink for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut image = self.image.lock().unwrap();
        if image.short {
            image.short = false;
            return Err(ErrorKind::StorageFull.into());
        }
        image.call()?;
        let taken = if image.short { bytes.len() / 2 + 1 } else { bytes.len() }.min(bytes.len());
        image.inodes[self.inode].live.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut image = self.image.lock().unwrap();
        let outcome = image.call();
        let inode = &mut image.inodes[self.inode];
        match outcome {
            Ok(()) if inode.tainted => Ok(()),
            Ok(()) => {
                inode.durable.clone_from(&inode.live);
                Ok(())
            }
            Err(error) => {
                inode.tainted = true;
                Err(error)
            }
        }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut image = self.image.lock().unwrap();
        image.call()?;
        image.inodes[self.inode].live.truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}
