use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use fjall::{Database, Keyspace, PersistMode};
use mobula_sync::{Condvar, Mutex};

use crate::state::Mark;
use crate::{LogError, SYNC_EVERY};

/// A batch on its way to the log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sync: bool,
}

/// How far a log is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// All up to this seq is with the operating system.
    pub written: u64,
    /// All up to this seq is on the disk.
    pub synced: u64,
    /// Nothing after that is known to be anywhere.
    pub failure: Option<LogError>,
}

/// What the owner and the writing thread share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    inbox: Mutex<Inbox>,
    changed: Condvar,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Inbox {
    entries: Vec<Entry>,
    closing: bool,
}

impl Shared {
    pub(crate) fn push(&self, entry: Entry) {
        let mut inbox = self.inbox.lock();
        inbox.entries.push(entry);
        // Whoever waits, waits for the first.
        if inbox.entries.len() == 1 {
            self.changed.notify_all();
        }
    }

    pub(crate) fn close(&self) {
        self.inbox.lock().closing = true;
        self.changed.notify_all();
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// Waits for entries, but not past `until`. `None`: there are none, and none will come.
    fn take(&self, into: &mut Vec<Entry>, until: Option<Instant>) -> Option<()> {
        let mut inbox = self.inbox.lock();
        while inbox.entries.is_empty() {
            if inbox.closing {
                return None;
            }
            inbox = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(inbox),
                Some(left) if left.is_zero() => return Some(()),
                Some(left) => self.changed.wait_for(inbox, left),
            };
        }
        std::mem::swap(&mut inbox.entries, into);
        Some(())
    }
}

struct Writer<F> {
    shared: Arc<Shared>,
    database: Database,
    batches: Keyspace,
    on_progress: F,
    /// The last seq that is written, and since when something is not synced.
    written: u64,
    unsynced_since: Option<Instant>,
}

/// Starts the thread that writes. It ends when the log is closed, or has failed.
pub(crate) fn start(
    shared: Arc<Shared>,
    database: Database,
    batches: Keyspace,
    marks: Keyspace,
    mark: Mark,
    on_progress: impl Fn() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("mobula-log".to_owned())
        .spawn(move || {
            let mut writer = Writer {
                shared,
                database,
                batches,
                on_progress,
                written: 0,
                unsynced_since: None,
            };
            let run = panic::catch_unwind(AssertUnwindSafe(|| {
                writer.run()?;
                mark.closed().write(&writer.database, &marks)
            }));
            let ended = run.unwrap_or_else(|_| Err(LogError::Refused("its writer panicked".to_owned())));
            if let Err(error) = ended {
                writer.shared.progress.lock().failure = Some(error);
                (writer.on_progress)();
            }
        })
}

impl<F: Fn()> Writer<F> {
    fn run(&mut self) -> Result<(), LogError> {
        let mut entries = Vec::new();
        loop {
            let until = self.unsynced_since.map(|since| since + SYNC_EVERY);
            let more = self.shared.take(&mut entries, until);
            let mut sync = more.is_none() || until.is_some_and(|until| Instant::now() >= until);
            let wrote = !entries.is_empty();
            for Entry {
                first_seq,
                last_seq,
                bytes,
                sync: decides,
            } in entries.drain(..)
            {
                self.batches.insert(first_seq.to_be_bytes(), bytes)?;
                self.written = last_seq;
                sync |= decides;
            }
            self.keep(wrote, sync)?;
            if more.is_none() {
                return Ok(());
            }
        }
    }

    /// Makes what was written count.
    fn keep(&mut self, wrote: bool, sync: bool) -> Result<(), LogError> {
        if wrote {
            // Also before a sync: facts need not wait for it.
            self.database.persist(PersistMode::Buffer)?;
            self.unsynced_since.get_or_insert_with(Instant::now);
            self.tell(|progress, written| progress.written = written);
        }
        if sync && self.unsynced_since.take().is_some() {
            self.database.persist(PersistMode::SyncData)?;
            self.tell(|progress, written| progress.synced = written);
        }
        Ok(())
    }

    fn tell(&self, change: impl FnOnce(&mut Progress, u64)) {
        change(&mut self.shared.progress.lock(), self.written);
        (self.on_progress)();
    }
}
