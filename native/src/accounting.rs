//! What V8 is told of a thread's views, and of the templates that it has registered.
//!
//! V8 does not count views by itself (`v8.rs`), so it would leave those that nobody holds to lie. What they keep is
//! counted here, once for each buffer, and V8 is told of it between two turns of the event loop: it then collects as
//! for memory of its own, but not while somebody waits for a view.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use mobula_store::BufferId;
use mobula_sync::Mutex;
use napi_sys as sys;

/// What a view costs beside its buffer: an entry among the process's mappings, of which there are some 65 000, and page
/// tables, eight bytes for each page of 4096.
const VIEW_BYTES: i64 = 4096;
const PAGE_TABLE_SHARE: i64 = 512;

/// What a template is said to keep, in the core and in all threads: rather much, so that V8 collects remote functions that nobody
/// holds before there are many.
const TEMPLATE_BYTES: i64 = 32 << 10;

/// What one environment keeps outside of its heap.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    live: Arc<Live>,
    templates: Cell<i64>,
    /// What V8 has been told of.
    told: Cell<i64>,
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
    /// A view of `len` bytes of `buffer` is made that V8 does not count.
    pub(crate) fn add(&self, buffer: BufferId, len: usize) -> Load {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
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
