//! The real medium: a folder of the file system.
//!
//! All goes through the folder's handle ([`Folder`]): nothing is reached through a link, and a store that is moved while it is in
//! use is still the one that is read. A writer's medium holds the store's lock, and looks before each change whether it is still the
//! one at the store's path: otherwise it changes nothing any more.

use crate::store::disk::access::StoreAccess;
use crate::store::disk::folder::{Folder, Ownership, give};
use crate::store::disk::layout::MANIFEST;
use crate::store::disk::lock::StoreLock;
use crate::store::disk::medium::{Medium, RandomAccessFile, WritableFile};
use rustix::fs::OFlags;
use std::fs::{DirBuilder, File};
use std::io;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A real folder.
#[derive(Debug)]
pub struct DiskMedium {
    root: PathBuf,
    /// Opened when it is first asked for: it need not be there before.
    folder: OnceLock<Folder>,
    /// What a writer has.
    writing: Option<DiskWriting>,
}

/// What a writer holds, and whose its files are.
#[derive(Debug)]
struct DiskWriting {
    lock: Arc<StoreLock>,
    files: Ownership,
    folders: Ownership,
}

impl DiskMedium {
    /// The folder at `root`; it need not exist yet.
    pub fn new(root: &Path) -> DiskMedium {
        DiskMedium { root: root.to_owned(), folder: OnceLock::new(), writing: None }
    }

    /// The same for the writer that has the lock. New files and folders are given to `files` and `folders`.
    pub(crate) fn with_lock(
        root: &Path,
        folder: Folder,
        lock: StoreLock,
        files: Ownership,
        folders: Ownership,
    ) -> DiskMedium {
        let writing = Some(DiskWriting { lock: Arc::new(lock), files, folders });
        DiskMedium { root: root.to_owned(), folder: OnceLock::from(folder), writing }
    }

    /// The store's own folder.
    fn root_folder(&self) -> io::Result<&Folder> {
        if let Some(open) = self.folder.get() {
            return Ok(open);
        }
        let opened = Folder::open(&self.root)?;
        Ok(self.folder.get_or_init(|| opened))
    }

    /// Do something in the folder in which `name` is, with the last part of the name.
    fn in_folder<T>(&self, name: &str, act: impl FnOnce(&Folder, &str) -> io::Result<T>) -> io::Result<T> {
        let root = self.root_folder()?;
        match name.rsplit_once('/') {
            None => act(root, name),
            Some((folder, file)) => act(&root.subfolder(folder)?, file),
        }
    }

    /// A writer must still be the one of this path.
    fn require_lock(&self) -> io::Result<()> {
        self.writing.as_ref().map_or(Ok(()), |writing| writing.lock.require())
    }

    fn lock(&self) -> Option<Arc<StoreLock>> {
        self.writing.as_ref().map(|writing| Arc::clone(&writing.lock))
    }

    /// Whose a new file is. What a reader writes (restart points) is as the store's manifest.
    fn ownership_of_files(&self) -> Option<Ownership> {
        match &self.writing {
            Some(writing) => Some(writing.files),
            None => {
                let manifest = self.root_folder().ok()?.file(MANIFEST, OFlags::RDONLY).ok()?;
                Some(Ownership::from(&manifest.metadata().ok()?))
            }
        }
    }
}

/// Make a folder and those above it; the names of those that were missing are durable. `folder` itself is its user's alone.
pub(crate) fn make_all(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !above.is_dir() {
        std::fs::create_dir_all(above)?;
        sync_names(above.parent().unwrap_or(Path::new("/")))?;
    }
    match DirBuilder::new().mode(StoreAccess::default().folder_mode()).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_names(above)
}

fn sync_names(folder: &Path) -> io::Result<()> {
    match File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) {
        Ok(folder) => folder.sync_all(),
        // Who may make a folder in it need not be allowed to read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

impl Medium for DiskMedium {
    fn root(&self) -> &Path {
        &self.root
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        self.require_lock()?;
        if folder.is_empty() {
            return make_all(&self.root);
        }
        self.root_folder()?.make_subfolder(folder, self.writing.as_ref().map(|writing| writing.folders))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let root = self.root_folder()?;
        if folder.is_empty() { root.list() } else { root.subfolder(folder)?.list() }
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.in_folder(name, |folder, file| folder.file(file, OFlags::RDONLY)?.read_to_end(&mut bytes))?;
        Ok(bytes)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.in_folder(name, |folder, file| folder.file(file, OFlags::RDONLY))?.metadata()?.len())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn RandomAccessFile>> {
        Ok(Box::new(self.in_folder(name, |folder, file| folder.file(file, OFlags::RDONLY))?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WritableFile>> {
        self.require_lock()?;
        // A file of its own: what another attempt left of one, or who reads that, is nothing to it.
        let file = self.in_folder(name, |folder, file| match folder.remove(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => folder.create_file(file),
        })?;
        if let Some(own) = self.ownership_of_files() {
            give(&file, own)?;
        }
        Ok(Box::new(GuardedFile { file, lock: self.lock() }))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WritableFile>> {
        self.require_lock()?;
        let mut file = self.in_folder(name, |folder, file| folder.file(file, OFlags::WRONLY))?;
        WritableFile::truncate(&mut file, length)?;
        Ok(Box::new(GuardedFile { file, lock: self.lock() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.require_lock()?;
        let to = to.rsplit_once('/').map_or(to, |(_, file)| file);
        self.in_folder(from, |folder, from| folder.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.require_lock()?;
        self.in_folder(name, Folder::remove)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let root = self.root_folder()?;
        if folder.is_empty() { root.sync() } else { root.subfolder(folder)?.sync() }
    }
}

/// A file of a writer, which is written while its lock holds.
struct GuardedFile {
    file: File,
    lock: Option<Arc<StoreLock>>,
}

impl WritableFile for GuardedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.require())?;
        WritableFile::write(&mut self.file, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        WritableFile::sync(&mut self.file)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        WritableFile::truncate(&mut self.file, length)
    }
}
