use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::Mutex;

use crate::SpillProblem;
use crate::medium::{self, WriteBehind};
use crate::store::{Room, room};

/// How much is read or written at once, in bytes: small enough that its checksum finds it in the cache.
const CHUNK: usize = 256 * 1024;
/// Content begins at multiples of this, so that what is given back frees whole blocks of the disk.
const BLOCK: u64 = 4096;
const PREFIX: &str = "mobula-spill-";

/// Where one store writes what does not fit into memory: one file without a name, so that however the process
/// ends the system frees it. It takes one descriptor, from the start: later there may be none.
#[derive(Debug)]
pub(crate) struct SpillFile {
    directory: PathBuf,
    /// Held while the file is opened and while places in it are chosen, never while content is read or written.
    space: Arc<Mutex<Space>>,
    /// From the configuration of the store, in bytes.
    memory_limit: Option<u64>,
    /// Where a control group counts what is written until the disk has it.
    behind: Option<WriteBehind>,
}

/// Which parts of the file are taken.
#[derive(Debug, Default)]
struct Space {
    file: Option<Arc<File>>,
    /// Length by offset. No two touch, and none reaches `end`.
    free: BTreeMap<u64, u64>,
    end: u64,
    /// How much is being written to a file that lies in memory, in bytes: the system may not count it yet.
    coming: u64,
}

/// Content in the file. Its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Spilled {
    place: Place,
    length: u64,
    checksum: u32,
}

/// A part of the file that nobody else has.
#[derive(Debug)]
struct Place {
    space: Arc<Mutex<Space>>,
    file: Arc<File>,
    offset: u64,
    length: u64,
}

/// Why content could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It is lost.
    Lost(SpillProblem),
    /// It may work another time.
    Io(io::Error),
}

impl SpillFile {
    /// The file lies in `directory`. If it cannot be opened now, that is tried again when it is needed.
    pub(crate) fn new(directory: PathBuf, memory_limit: Option<u64>) -> Self {
        let file = open(&directory).ok().map(Arc::new);
        let space = Space {
            file,
            ..Space::default()
        };
        let in_group = mobula_shm::memory().iter().any(|bound| bound.group);
        Self {
            directory,
            space: Arc::new(Mutex::new(space)),
            memory_limit,
            behind: in_group.then(WriteBehind::default),
        }
    }

    /// Writes the content that `parts` make up, one after the other.
    ///
    /// In a control group that has a limit this takes as long as the disk does. Where the directory lies in memory it
    /// fails rather than reach a memory limit.
    pub(crate) fn write(&self, parts: &[&[u8]]) -> io::Result<Spilled> {
        let length = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        failpoint!(io "spill.write.before");
        let place = self.take(length.next_multiple_of(BLOCK))?;
        let mut coming = self.claim_memory(&place)?;
        let mut hasher = crc32fast::Hasher::new();
        let mut at = place.offset;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK)) {
            failpoint!(io "spill.write.chunk");
            hasher.update(chunk);
            place.file.write_all_at(chunk, at)?;
            let from = at;
            at += chunk.len() as u64;
            if let Some(coming) = &mut coming {
                coming.came(at - from);
            } else if let Some(behind) = &self.behind {
                behind.written(&place.file, from..at);
            }
        }
        failpoint!("spill.write.after");
        Ok(Spilled {
            place,
            length,
            checksum: hasher.finalize(),
        })
    }

    fn take(&self, length: u64) -> io::Result<Place> {
        let mut space = self.space.lock();
        let file = match &space.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(space.file.insert(Arc::new(open(&self.directory)?))),
        };
        let offset = space.take(length);
        Ok(Place {
            space: Arc::clone(&self.space),
            file,
            offset,
            length,
        })
    }

    /// Makes sure that there is memory for `place` if it lies in memory.
    fn claim_memory(&self, place: &Place) -> io::Result<Option<Coming<'_>>> {
        if !medium::is_memory(&place.file)? {
            return Ok(None);
        }
        let mut space = self.space.lock();
        let Room { bytes, limit } = room(self.memory_limit);
        if bytes < (space.coming + place.length).cast_signed() {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!(
                    "its file system is kept in memory (tmpfs), and the memory limit of {limit} bytes leaves no room; \
                     name a folder on a disk"
                ),
            ));
        }
        space.coming += place.length;
        Ok(Some(Coming {
            space: &self.space,
            length: place.length,
        }))
    }
}

/// Memory that is being written to.
struct Coming<'a> {
    space: &'a Mutex<Space>,
    length: u64,
}

impl Coming<'_> {
    /// The system counts so much of it now.
    fn came(&mut self, bytes: u64) {
        self.length -= bytes;
        self.space.lock().coming -= bytes;
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.space.lock().coming -= self.length;
    }
}

impl Space {
    fn take(&mut self, length: u64) -> u64 {
        let found = self.free.iter().find(|&(_, &free)| free >= length);
        if let Some((&offset, &free)) = found {
            self.free.remove(&offset);
            if free > length {
                self.free.insert(offset + length, free - length);
            }
            return offset;
        }
        self.end += length;
        self.end - length
    }

    fn give(&mut self, mut offset: u64, mut length: u64) {
        if let Some((&before, &free)) = self.free.range(..offset).next_back()
            && before + free == offset
        {
            self.free.remove(&before);
            (offset, length) = (before, free + length);
        }
        if let Some(free) = self.free.remove(&(offset + length)) {
            length += free;
        }
        if offset + length == self.end {
            self.end = offset;
        } else {
            self.free.insert(offset, length);
        }
    }
}

impl Spilled {
    /// Reads the content into `parts`, one after the other. They hold it only if this succeeds.
    pub(crate) fn read(&self, parts: &mut [&mut [u8]]) -> Result<(), ReadError> {
        debug_assert_eq!(
            self.length,
            parts.iter().map(|part| part.len() as u64).sum::<u64>()
        );
        failpoint!(io "spill.read.before");
        let mut hasher = crc32fast::Hasher::new();
        let mut at = self.place.offset;
        for chunk in parts.iter_mut().flat_map(|part| part.chunks_mut(CHUNK)) {
            failpoint!(io "spill.read.chunk");
            self.place.file.read_exact_at(chunk, at)?;
            hasher.update(chunk);
            at += chunk.len() as u64;
        }
        if hasher.finalize() == self.checksum {
            Ok(())
        } else {
            Err(ReadError::Lost(SpillProblem::Checksum))
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.length == 0 {
            return;
        }
        failpoint!("spill.delete");
        // Before anybody else can have the place. A file system that cannot do it keeps the blocks for what comes next.
        let flags = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: a system call on a descriptor that `file` owns; offsets of a file fit into `off_t`.
        unsafe {
            libc::fallocate(
                self.file.as_raw_fd(),
                flags,
                self.offset.cast_signed(),
                self.length.cast_signed(),
            )
        };
        self.space.lock().give(self.offset, self.length);
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

/// Opens a file without a name.
fn open(directory: &Path) -> io::Result<File> {
    failpoint!(io "spill.open");
    let flags = libc::O_TMPFILE | libc::O_EXCL | libc::O_CLOEXEC;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    match options.clone().custom_flags(flags).open(directory) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR)) => {
            reap(directory);
            open_and_unlink(directory, &mut options)
        }
        opened => opened,
    }
}

/// For file systems that have no files without names: it loses its name while it is still empty.
fn open_and_unlink(directory: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Not guessable, as it is seeded by the system; and a file that exists already is never used.
    let random = RandomState::new().build_hasher().finish();
    let path = directory.join(format!("{PREFIX}{}-{random:016x}", std::process::id()));
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let file = options.create_new(true).custom_flags(flags).open(&path)?;
    failpoint!("spill.open.named");
    fs::remove_file(&path)?;
    Ok(file)
}

/// Removes what processes left that were killed between the two steps of [`open_and_unlink`]. One that lives needs the
/// name no more either.
fn reap(directory: &Path) {
    // SAFETY: no preconditions.
    let user = unsafe { libc::geteuid() };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let ours = |data: &fs::Metadata| data.is_file() && data.uid() == user && data.len() == 0;
        if named && entry.metadata().is_ok_and(|data| ours(&data)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_the_end_shrinks_with_what_is_given_back() {
        let mut space = Space::default();
        let taken = [2, 3, 4].map(|blocks| space.take(blocks * BLOCK));
        assert_eq!(taken, [0, 2 * BLOCK, 5 * BLOCK]);
        space.give(0, 2 * BLOCK);
        assert_eq!(space.take(BLOCK), 0);
        space.give(2 * BLOCK, 3 * BLOCK);
        assert_eq!(space.free, BTreeMap::from([(BLOCK, 4 * BLOCK)]));
        space.give(5 * BLOCK, 4 * BLOCK);
        assert_eq!((space.end, space.free.len()), (BLOCK, 0));
        space.give(0, BLOCK);
        assert_eq!((space.end, space.free.len()), (0, 0));
    }

    #[test]
    fn without_unnamed_files_a_file_loses_its_name_and_leftovers_go() {
        let directory = std::env::temp_dir().join(format!("mobula-spill-test-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("mobula-spill-1-left"), "").unwrap();
        fs::write(directory.join("other"), "").unwrap();
        reap(&directory);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = open_and_unlink(&directory, &mut options).unwrap();
        file.write_all_at(b"content", 5).unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        let left: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["other"]);
        fs::remove_dir_all(&directory).unwrap();
    }
}
