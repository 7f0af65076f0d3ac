use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU64, Ordering};

use crate::SpillProblem;

const MAGIC: [u8; 8] = *b"mobspil1";
const HEADER: usize = 32;
/// How much is read or written at once, in bytes: small enough that its checksum finds it in the cache.
const CHUNK: usize = 256 * 1024;
const PREFIX: &str = "mobula-spill-";
const LOCK: &str = "lock";

/// The private directory of one store, made when first needed and removed on drop.
///
/// It holds a file `lock`, locked as long as the process lives: a directory whose lock is free was left by
/// a process that was killed, and goes when the next store opens.
#[derive(Debug)]
pub(crate) struct SpillDirectory {
    parent: PathBuf,
    /// Held while the directory is made or removed, never while a file is read or written.
    made: Mutex<Option<Made>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Keeps the lock.
    _lock: File,
}

/// A complete spill file. The file goes when this is dropped.
#[derive(Debug)]
pub(crate) struct SpillFile {
    path: PathBuf,
    number: u64,
    length: u64,
    checksum: u32,
}

/// Why a spill file could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The content is lost.
    Lost(SpillProblem),
    /// It may work another time.
    Io(io::Error),
}

impl SpillDirectory {
    /// Removes what killed processes left in `parent`. Makes nothing yet.
    pub(crate) fn new(parent: PathBuf) -> Self {
        reap(&parent);
        Self {
            parent,
            made: Mutex::new(None),
            next: AtomicU64::new(0),
        }
    }

    /// Writes the content that `parts` make up, one after the other, into a file of its own.
    pub(crate) fn write(&self, parts: &[&[u8]]) -> io::Result<SpillFile> {
        let directory = self.path()?;
        failpoint!(io "spill.write.before");
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = Unfinished(directory.join(format!("{number:016x}.tmp")));
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(&unfinished.0)?;
        let mut hasher = crc32fast::Hasher::new();
        file.seek(SeekFrom::Start(HEADER as u64))?;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK)) {
            failpoint!(io "spill.write.chunk");
            hasher.update(chunk);
            file.write_all(chunk)?;
        }
        let length = parts.iter().map(|part| part.len() as u64).sum();
        let checksum = hasher.finalize();
        failpoint!(io "spill.write.header");
        file.rewind()?;
        file.write_all(&header(number, length, checksum))?;
        let path = directory.join(format!("{number:016x}.obj"));
        failpoint!(io "spill.rename.before");
        fs::rename(&unfinished.0, &path)?;
        failpoint!("spill.rename.after");
        std::mem::forget(unfinished);
        Ok(SpillFile {
            path,
            number,
            length,
            checksum,
        })
    }

    /// Removes the directory with all files. Another is made when something is spilled afterwards.
    pub(crate) fn remove(&self) {
        if let Some(made) = self.made.lock().take() {
            failpoint!("spill.remove");
            remove_directory(&made.path);
        }
    }

    fn path(&self) -> io::Result<PathBuf> {
        let mut made = self.made.lock();
        if made.is_none() {
            *made = Some(make(&self.parent)?);
        }
        Ok(made.as_ref().map(|made| made.path.clone()).unwrap_or_default())
    }
}

impl Drop for SpillDirectory {
    fn drop(&mut self) {
        self.remove();
    }
}

impl SpillFile {
    /// Reads the content into `parts`, one after the other. They hold it only if this succeeds.
    pub(crate) fn read(&self, parts: &mut [&mut [u8]]) -> Result<(), ReadError> {
        failpoint!(io "spill.read.before");
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&self.path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => ReadError::Lost(SpillProblem::Missing),
                // Something else is in its place: a link.
                _ if error.raw_os_error() == Some(libc::ELOOP) => ReadError::Lost(SpillProblem::Missing),
                _ => ReadError::Io(error),
            })?;
        if file.metadata()?.len() != self.length + HEADER as u64 {
            return Err(ReadError::Lost(SpillProblem::Length));
        }
        let mut found = [0; HEADER];
        file.read_exact(&mut found)?;
        if found != header(self.number, self.length, self.checksum) {
            return Err(ReadError::Lost(SpillProblem::Header));
        }
        let mut hasher = crc32fast::Hasher::new();
        for chunk in parts.iter_mut().flat_map(|part| part.chunks_mut(CHUNK)) {
            failpoint!(io "spill.read.chunk");
            file.read_exact(chunk)?;
            hasher.update(chunk);
        }
        if hasher.finalize() == self.checksum {
            Ok(())
        } else {
            Err(ReadError::Lost(SpillProblem::Checksum))
        }
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        failpoint!("spill.delete");
        let _ = fs::remove_file(&self.path);
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Lost(SpillProblem::Length),
            _ => Self::Io(error),
        }
    }
}

/// A file that goes on drop, unless it is forgotten.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// magic (8) | number of the file (8) | length of the content (8) | crc32 of the content (4) | crc32 of the
/// 28 bytes before (4); numbers with the least significant byte first.
fn header(number: u64, length: u64, checksum: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&number.to_le_bytes());
    header[16..24].copy_from_slice(&length.to_le_bytes());
    header[24..28].copy_from_slice(&checksum.to_le_bytes());
    let own = crc32fast::hash(&header[..28]);
    header[28..].copy_from_slice(&own.to_le_bytes());
    header
}

/// How often a directory is made anew that another process takes for one that was left behind.
const TRIES: u32 = 16;

/// Makes a directory with a locked lock file. It gets its name only then. Until then a process that opens a store
/// just now may take it for one that was left behind, and remove it.
fn make(parent: &Path) -> io::Result<Made> {
    let mut tries = 1;
    loop {
        match try_make(parent) {
            Err(error) if tries < TRIES && was_taken(&error) && parent.is_dir() => tries += 1,
            result => return result,
        }
    }
}

fn was_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock)
}

fn try_make(parent: &Path) -> io::Result<Made> {
    // Not guessable, as it is seeded by the system; and a directory that exists already is never used.
    let random = RandomState::new().build_hasher().finish();
    let name = format!("{PREFIX}{}-{random:016x}", std::process::id());
    let unnamed = parent.join(format!(".{name}"));
    failpoint!(io "spill.directory.before");
    DirBuilder::new().mode(0o700).create(&unnamed)?;
    let path = parent.join(name);
    let finish = || {
        failpoint!("spill.directory.made");
        let lock = unnamed.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(lock)?;
        if !try_lock(&lock) {
            return Err(io::Error::last_os_error());
        }
        failpoint!("spill.directory.locked");
        failpoint!(io "spill.directory.rename");
        fs::rename(&unnamed, &path)?;
        Ok(lock)
    };
    match finish() {
        Ok(lock) => Ok(Made { path, _lock: lock }),
        Err(error) => {
            remove_directory(&unnamed);
            Err(error)
        }
    }
}

/// Removes the directories of this user's killed processes.
fn reap(parent: &Path) {
    // SAFETY: no preconditions.
    let user = unsafe { libc::geteuid() };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.strip_prefix('.').unwrap_or(&name).starts_with(PREFIX) {
            continue;
        }
        let ours = entry
            .metadata()
            .is_ok_and(|data| data.is_dir() && data.uid() == user);
        let lock = entry.path().join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(lock);
        match lock {
            Ok(lock) if ours && try_lock(&lock) => remove_directory(&entry.path()),
            // Its process was killed before it made the lock, or after it removed it: then it is empty.
            Err(error) if ours && error.kind() == io::ErrorKind::NotFound => {
                let _ = fs::remove_dir(entry.path());
            }
            _ => {}
        }
    }
}

/// Removes a spill directory, the lock last: whoever is killed on the way leaves one that the next start removes.
fn remove_directory(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_name() != LOCK {
            let _ = fs::remove_file(entry.path());
        }
    }
    failpoint!("spill.remove.emptied");
    let _ = fs::remove_file(path.join(LOCK));
    failpoint!("spill.remove.unlocked");
    let _ = fs::remove_dir(path);
}

fn try_lock(file: &File) -> bool {
    // SAFETY: a system call on a descriptor that `file` owns.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}
