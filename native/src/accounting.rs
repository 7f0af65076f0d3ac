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
    left: Arc<AtomicI64>,
    tolerant: bool,
}

/// Bytes that V8 was told to forget, to be remembered when the view is gone.
#[derive(Debug)]
pub(crate) struct Uncounted {
    bytes: i64,
    left: Arc<AtomicI64>,
}

impl Allowance {
    pub(crate) fn new(env: sys::napi_env, bytes: i64) -> Self {
        let mut version = std::ptr::null();
        // SAFETY: `env` is the calling environment; Node owns the struct it points `version` to.
        let status = unsafe { sys::napi_get_node_version(env, &raw mut version) };
        // SAFETY: Node gave a valid pointer if it said ok.
        let tolerant = status == sys::Status::napi_ok && unsafe { (*version).major } <= LAST_TOLERANT_NODE;
        Self {
            left: Arc::new(AtomicI64::new(bytes)),
            tolerant,
        }
    }

    /// Cancels the count of a view of `bytes` that is about to be made.
    pub(crate) fn take(&self, env: sys::napi_env, bytes: i64) -> Uncounted {
        let left = Arc::clone(&self.left);
        // Relaxed: a count of one thread's.
        if !self.tolerant || bytes > self.left.load(Ordering::Relaxed) {
            return Uncounted { bytes: 0, left };
        }
        self.left.fetch_sub(bytes, Ordering::Relaxed);
        adjust(env, -bytes);
        Uncounted { bytes, left }
    }
}

impl Uncounted {
    /// The view is gone, and V8 has forgotten its bytes a second time.
    pub(crate) fn give_back(&self, env: sys::napi_env) {
        if self.bytes > 0 {
            self.left.fetch_add(self.bytes, Ordering::Relaxed);
            adjust(env, self.bytes);
        }
    }
}

fn adjust(env: sys::napi_env, bytes: i64) {
    let mut total = 0;
    // SAFETY: `env` is the calling environment. The status does not matter: this is a hint to the collector.
    unsafe { sys::napi_adjust_external_memory(env, bytes, &raw mut total) };
}
