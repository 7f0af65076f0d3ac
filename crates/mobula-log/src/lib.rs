//! The log of a shard of the control store: batches of effects, in order, on disk.
//!
//! One thread writes. It takes all that was handed over since its last turn, writes it, and asks the disk to keep it where a
//! batch decides something, or where the oldest write that is not kept is [`SYNC_EVERY`] old. Batches are opaque here.
//!
//! A write or sync that failed is final: what the operating system then says of the file means nothing. The log takes nothing
//! more, and its owner ends.

mod error;
mod state;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};

pub use error::LogError;
use state::Mark;
pub use writer::Progress;
use writer::{Entry, Shared};

/// How long a write may be with the operating system alone.
pub const SYNC_EVERY: Duration = Duration::from_millis(100);

/// A log that this process has to itself.
pub struct Log {
    batches: Keyspace,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    epoch: u32,
    clean: bool,
}

impl Log {
    /// Opens the log in `folder`, which is made if it is not there. `on_progress` is called on another thread, whenever
    /// [`progress`](Self::progress) has something new.
    ///
    /// # Errors
    /// Another process has it; it cannot be read; the disk is full.
    pub fn open(folder: &Path, on_progress: impl Fn() + Send + 'static) -> Result<Self, LogError> {
        std::fs::create_dir_all(folder).map_err(|error| LogError::from_io(&error))?;
        let database = Database::builder(folder)
            .manual_journal_persist(true)
            .worker_threads(1)
            .cache_size(1 << 20)
            .open()?;
        let batches = database.keyspace("batches", || {
            // Batches are written once and never changed: they are kept beside the sorted keys, and not moved with them.
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .with_kv_separation(Some(KvSeparationOptions::default()))
        })?;
        let marks = database.keyspace("marks", || {
            KeyspaceCreateOptions::default().manual_journal_persist(true)
        })?;
        let mark = Mark::read(&marks)?;
        let clean = mark.is_none_or(|mark| mark.is_clean());
        let opened = Mark::opened(mark.map_or(0, |mark| mark.epoch) + 1, clean);
        opened.write(&database, &marks)?;
        let shared = Arc::new(Shared::default());
        let thread = writer::start(
            Arc::clone(&shared),
            database,
            batches.clone(),
            marks,
            opened,
            on_progress,
        )
        .map_err(|error| LogError::from_io(&error))?;
        Ok(Self {
            batches,
            shared,
            thread: Some(thread),
            epoch: opened.epoch,
            clean,
        })
    }

    /// How often this log has been opened: 1 for the first time. It is on the disk before this process has it.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether all that was ever written is there: the log was closed, or the operating system that took the writes still runs.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Hands a batch over, to be written behind those before it. `sync`: it must be on the disk before it counts.
    pub fn append(&self, first_seq: u64, last_seq: u64, bytes: Vec<u8>, sync: bool) {
        self.shared.push(Entry {
            first_seq,
            last_seq,
            bytes,
            sync,
        });
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Batches in order, from the one whose first seq is `from` on, until there are `most` bytes of them. Empty: there are no
    /// more.
    ///
    /// # Errors
    /// What is on the disk is not what was written.
    pub fn read(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, LogError> {
        let mut found = Vec::new();
        let mut bytes = 0;
        for item in self.batches.range(from.to_be_bytes()..) {
            let value = item.value()?;
            bytes += value.len();
            found.push(value.to_vec());
            if bytes >= most {
                break;
            }
        }
        Ok(found)
    }

    /// Writes what was handed over, and marks the log as closed. Gives how far it came.
    #[must_use]
    pub fn close(mut self) -> Progress {
        self.end();
        self.shared.progress()
    }

    fn end(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer's is in `progress` as a failure.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("epoch", &self.epoch)
            .field("progress", &self.shared.progress())
            .finish_non_exhaustive()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.end();
    }
}
