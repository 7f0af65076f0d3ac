//! What V8 is told of a thread's views, and of the templates that it has registered.
//!
//! V8 does not count views by itself (`v8.rs`), so it would leave those that nobody holds to lie. What they keep is
//! counted here, once for each buffer, and V8 is told of it between two turns of the event loop: it then collects as
//! for memory of its own, but not while somebody waits for a view.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use mobula_store::{BufferId, Mapping, Origin};
use mobula_sync::Mutex;
use napi_sys as sys;

/// What a view costs beside its buffer: an entry among the process's mappings, of which there are some 65 000, and page
/// tables, eight bytes for each page of 4096.
const VIEW_BYTES: i64 = 4096;
const PAGE_TABLE_SHARE: i64 = 512;

/// What a template is said to keep, in the core and in all threads: rather much, so that V8 collects remote functions that nobody
/// holds before there are many.
const TEMPLATE_BYTES: i64 = 32 << 10;

/// So many views, and so many bytes, that were mapped anew because earlier views of the same buffers had not ended pay for a
/// collection of young garbage, which takes less than a millisecond: faults take 0.1 ms for 64 MiB, or 4 ms without huge pages.
const MISSES: u32 = 16;
const MISSED_BYTES: u64 = 1 << 30;
/// The factor by which it may take more, while nothing comes of it.
const MOST_PATIENCE: u32 = 64;

/// What one environment keeps outside of its heap.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    live: Arc<Live>,
    missed: Cell<Missed>,
    templates: Cell<i64>,
    /// What V8 has been told of.
    told: Cell<i64>,
}

/// Views that were mapped anew since a collection was last asked for.
#[derive(Debug, Clone, Copy)]
struct Missed {
    views: u32,
    bytes: u64,
    patience: u32,
}

impl Default for Missed {
    fn default() -> Self {
        Self {
            views: 0,
            bytes: 0,
            patience: 1,
        }
    }
}

impl Missed {
    fn count(&mut self, mapping: &Mapping) {
        match mapping.origin {
            Origin::Missed => {
                self.views += 1;
                self.bytes += mapping.len as u64;
            }
            // Collecting has led to something.
            Origin::Reused => self.patience = 1,
            _ => {}
        }
    }

    /// Whether to collect; if so, the next time is twice as far away unless a mapping is used again.
    fn is_due(&mut self) -> bool {
        let due =
            self.views >= MISSES * self.patience && self.bytes >= MISSED_BYTES * u64::from(self.patience);
        if due {
            *self = Self {
                patience: MOST_PATIENCE.min(self.patience * 2),
                ..Self::default()
            };
        }
        due
    }
}

/// Counted up by the thread itself, and down by whatever thread lets go of a view.
#[derive(Debug, Default)]
struct Live(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    bytes: i64,
    views: HashMap<BufferId, u32>,
}

/// What one view adds; dropped with it.
#[derive(Debug)]
pub(crate) struct Load {
    live: Arc<Live>,
    buffer: BufferId,
    len: i64,
}

impl Pressure {
    /// A view of `buffer` is made that V8 does not count.
    pub(crate) fn add(&self, buffer: BufferId, mapping: &Mapping) -> Load {
        let mut missed = self.missed.get();
        missed.count(mapping);
        self.missed.set(missed);
        let len = i64::try_from(mapping.len).unwrap_or(i64::MAX);
        let mut count = self.live.0.lock();
        let views = count.views.entry(buffer).or_insert(0);
        *views += 1;
        let first = *views == 1;
        count.bytes += cost(len, first);
        Load {
            live: Arc::clone(&self.live),
            buffer,
            len,
        }
    }

    /// So many templates are there that this thread has registered.
    pub(crate) fn count_templates(&self, count: u32) {
        self.templates.set(i64::from(count));
    }

    /// Whether views are young garbage by now whose mappings could be used again.
    pub(crate) fn wants_young_collection(&self) -> bool {
        let mut missed = self.missed.get();
        let due = missed.is_due();
        self.missed.set(missed);
        due
    }

    /// Tells V8 what has changed. It may collect garbage here.
    pub(crate) fn settle(&self, env: sys::napi_env) {
        let bytes = self.live.0.lock().bytes + self.templates.get() * TEMPLATE_BYTES;
        let change = bytes - self.told.replace(bytes);
        if change != 0 {
            let mut total = 0;
            // SAFETY: `env` is the calling environment. What V8 was told in all is never less than nothing. The status
            // does not matter: this is a hint to the collector.
            unsafe { sys::napi_adjust_external_memory(env, change, &raw mut total) };
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let mut count = self.live.0.lock();
        let Some(views) = count.views.get_mut(&self.buffer) else {
            return;
        };
        *views -= 1;
        let last = *views == 0;
        if last {
            count.views.remove(&self.buffer);
        }
        count.bytes -= cost(self.len, last);
    }
}

/// What a view of `len` bytes costs; the buffer's memory is counted with the first of its views.
fn cost(len: i64, with_buffer: bool) -> i64 {
    VIEW_BYTES + len / PAGE_TABLE_SHARE + if with_buffer { len } else { 0 }
}
