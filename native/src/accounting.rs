//! What V8 is told of views.
//!
//! V8 counts the bytes of an external ArrayBuffer as its own and collects garbage after every 64 MiB of them, which
//! costs a millisecond per large view. The memory belongs to the store, whose pages exist once however many views there
//! are; so up to an allowance the count is cancelled. Beyond it V8 counts, and collects the views nobody holds.

use std::sync::Arc;

use mobula_sync::atomic::{AtomicI64, Ordering};
use napi::sys;

/// Up to which V8's count may fall below zero for a moment: from V8 13 (Node 24) on, that aborts the process.
const LAST_TOLERANT_NODE: u32 = 23;

/// Bytes of views that one environment need not count.
#[derive(Debug)]
pub(crate) struct Allowance {
    balance: Arc<Balance>,
    tolerant: bool,
}

/// One thread's; the atomics are for sharing it with its views, not with other threads.
#[derive(Debug)]
struct Balance {
    /// Bytes whose count may still be cancelled.
    left: AtomicI64,
    /// Bytes that V8 has to be reminded of: views that are gone. Reminding it starts a collection, so a worker waits with
    /// that until it has nothing to do, or uses them up for its next views.
    owed: AtomicI64,
    defers: bool,
}

/// Bytes that V8 was told to forget, to be remembered when the view is gone.
#[derive(Debug)]
pub(crate) struct Uncounted {
    bytes: i64,
    balance: Arc<Balance>,
}

impl Allowance {
    /// `defers`: the thread says when it has nothing to do, by `settle`.
    pub(crate) fn new(env: sys::napi_env, bytes: i64, defers: bool) -> Self {
        let mut version = std::ptr::null();
        // SAFETY: `env` is the calling environment; Node owns the struct it points `version` to.
        let status = unsafe { sys::napi_get_node_version(env, &raw mut version) };
        // SAFETY: Node gave a valid pointer if it said ok.
        let tolerant = status == sys::Status::napi_ok && unsafe { (*version).major } <= LAST_TOLERANT_NODE;
        let balance = Balance {
            left: AtomicI64::new(bytes),
            owed: AtomicI64::new(0),
            defers,
        };
        Self {
            balance: Arc::new(balance),
            tolerant,
        }
    }

    /// The thread has nothing to do: V8 is reminded of all it has forgotten twice.
    pub(crate) fn settle(&self, env: sys::napi_env) {
        let owed = self.balance.owed.swap(0, Ordering::Relaxed);
        if owed > 0 {
            adjust(env, owed);
        }
    }

    /// Cancels the count of a view of `bytes` that is about to be made.
    pub(crate) fn take(&self, env: sys::napi_env, bytes: i64) -> Uncounted {
        let balance = Arc::clone(&self.balance);
        // Relaxed: all of this happens on one thread.
        if !self.tolerant || bytes > balance.left.load(Ordering::Relaxed) {
            return Uncounted { bytes: 0, balance };
        }
        balance.left.fetch_sub(bytes, Ordering::Relaxed);
        if balance.owed.load(Ordering::Relaxed) >= bytes {
            balance.owed.fetch_sub(bytes, Ordering::Relaxed);
        } else {
            adjust(env, -bytes);
        }
        Uncounted { bytes, balance }
    }
}

impl Uncounted {
    /// The view is gone, and V8 has forgotten its bytes a second time.
    pub(crate) fn give_back(&self, env: sys::napi_env) {
        if self.bytes == 0 {
            return;
        }
        self.balance.left.fetch_add(self.bytes, Ordering::Relaxed);
        if self.balance.defers {
            self.balance.owed.fetch_add(self.bytes, Ordering::Relaxed);
        } else {
            adjust(env, self.bytes);
        }
    }
}

fn adjust(env: sys::napi_env, bytes: i64) {
    let mut total = 0;
    // SAFETY: `env` is the calling environment. The status does not matter: this is a hint to the collector.
    unsafe { sys::napi_adjust_external_memory(env, bytes, &raw mut total) };
}
