use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_store::{BufferId, Mapping, Store, ViewId};
use napi::bindgen_prelude::{Env, FromNapiValue, Unknown};
use napi::{JsValue, sys};
use napi_derive::napi;

use crate::accounting::Uncounted;
use crate::bytes::Bytes;
use crate::error::{Result, check, create_failed, map_failed, seal_failed};
use crate::port::{Binding, binding};
use crate::spare::SpareViews;

/// Makes objects for the thread: fills pairs of index and generation.
#[napi(catch_unwind)]
pub fn alloc_objects(port: u32, pairs: Bytes) -> Result<()> {
    #[expect(clippy::cast_ptr_alignment, reason = "JavaScript passes a Uint32Array")]
    // SAFETY: a live Uint32Array that only this thread touches now.
    let pairs = unsafe { std::slice::from_raw_parts_mut(pairs.ptr.cast::<u32>(), pairs.len / 4) };
    binding(port)?.runtime.node.alloc_objects(port as u16, pairs);
    Ok(())
}

/// Which of the objects that have lived in its place an object is.
#[napi(catch_unwind)]
pub fn object_generation(port: u32, object: u32) -> Result<u32> {
    Ok(binding(port)?.runtime.node.object_generation(object))
}

/// Keeps an object as long as the runtime is up.
#[napi(catch_unwind)]
pub fn hold_object(port: u32, object: u32) -> Result<()> {
    binding(port)?.runtime.node.hold_object(object);
    Ok(())
}

/// Copies bytes into the store; gives the buffer, with one reference.
#[napi(catch_unwind)]
pub fn put_buffer(port: u32, bytes: Bytes) -> Result<u32> {
    let binding = binding(port)?;
    // SAFETY: the caller's thread is here, and copies before it goes on.
    let bytes = unsafe { bytes.as_slice() };
    let buffer = binding
        .runtime
        .store
        .put(bytes, binding.env)
        .map_err(|error| create_failed(&error))?;
    Ok(buffer.0)
}

/// Asks all threads to collect garbage, because the store is full of views.
#[napi(catch_unwind)]
pub fn ask_to_collect(port: u32) -> Result<()> {
    binding(port)?.runtime.node.ask_to_collect();
    Ok(())
}

/// Gives back the reference to a buffer that is in no value.
#[napi(catch_unwind)]
pub fn release_buffer(port: u32, buffer: u32) -> Result<()> {
    let store = &binding(port)?.runtime.store;
    store.adopt(BufferId(buffer));
    store.release(BufferId(buffer));
    Ok(())
}

/// An ArrayBuffer with the thread's private view of a buffer.
#[napi(catch_unwind)]
pub fn map_buffer(env: Env, port: u32, buffer: u32) -> Result<Unknown<'static>> {
    let binding = binding(port)?;
    let store = &binding.runtime.store;
    let buffer = BufferId(buffer);
    let mapping = match binding.spare.take(store, buffer) {
        Some(mapping) => mapping,
        None => store
            .map(buffer, binding.env)
            .map_err(|error| map_failed(&error))?,
    };
    array_buffer(env, binding, &mapping, Some(buffer))
}

/// Whether views that JavaScript lets go of are kept for the next task that gets the same buffer. Those kept so far
/// are let go of when it is not.
#[napi(catch_unwind)]
pub fn keep_views(env: Env, port: u32, keep: bool) -> Result<()> {
    let binding = binding(port)?;
    binding.spare.keep(&binding.runtime.store, keep);
    if !keep {
        binding.allowance.settle(env.raw());
    }
    Ok(())
}

/// A writable buffer in the store: `[ArrayBuffer, view]`. `seal_buffer` ends the writing.
#[napi(catch_unwind)]
pub fn create_buffer(env: Env, port: u32, len: f64) -> Result<(Unknown<'static>, f64)> {
    let binding = binding(port)?;
    let store = &binding.runtime.store;
    let (_, mapping) = store
        .create(len as u64, binding.env)
        .map_err(|error| create_failed(&error))?;
    Ok((array_buffer(env, binding, &mapping, None)?, number(mapping.view)))
}

/// Empties the writer's ArrayBuffer and seals what it wrote; gives the buffer, with one reference.
#[napi(catch_unwind)]
pub fn seal_buffer(env: Env, port: u32, array: Unknown<'_>, view: f64) -> Result<u32> {
    // SAFETY: `array` is a live value of this environment.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), array.value().value) };
    check(status, "napi_detach_arraybuffer")?;
    failpoint!("native.seal");
    let store = &binding(port)?.runtime.store;
    let buffer = store.seal(ViewId(view as u64)).map_err(seal_failed)?;
    Ok(buffer.0)
}
fn number(view: ViewId) -> f64 {
    view.0 as f64
}

/// How full the store is, in bytes and counts.
#[napi(object)]
#[derive(Debug)]
pub struct StoreStats {
    pub capacity: f64,
    pub used: f64,
    pub pinned: f64,
    pub spilled: f64,
    pub buffers: f64,
    pub views: f64,
    pub spills: f64,
    pub restores: f64,
}

/// How full the store is.
#[napi(catch_unwind)]
pub fn store_stats(port: u32) -> Result<StoreStats> {
    let stats = binding(port)?.runtime.store.stats();
    Ok(StoreStats {
        capacity: stats.capacity as f64,
        used: stats.used as f64,
        pinned: stats.pinned as f64,
        spilled: stats.spilled as f64,
        buffers: stats.buffers as f64,
        views: stats.views as f64,
        spills: stats.spills as f64,
        restores: stats.restores as f64,
    })
}

/// What an ArrayBuffer over a mapping must give back.
struct Pin {
    store: Arc<Store>,
    mapping: Mapping,
    /// The buffer, where the mapping may serve again.
    buffer: Option<BufferId>,
    spare: Arc<SpareViews>,
    uncounted: Uncounted,
}

impl Pin {
    fn let_go(self, env: sys::napi_env) {
        match self.buffer {
            Some(buffer) => self.spare.give(&self.store, buffer, self.mapping),
            None => self.store.unmap(self.mapping.view),
        }
        self.uncounted.give_back(env);
    }
}

fn array_buffer(
    env: Env,
    binding: &Binding,
    mapping: &Mapping,
    buffer: Option<BufferId>,
) -> Result<Unknown<'static>> {
    let len = i64::try_from(mapping.len).unwrap_or(i64::MAX);
    let pin = Box::into_raw(Box::new(Pin {
        store: Arc::clone(&binding.runtime.store),
        mapping: Mapping { ..*mapping },
        buffer,
        spare: Arc::clone(&binding.spare),
        uncounted: binding.allowance.take(env.raw(), len),
    }));
    let mut array = ptr::null_mut();
    // SAFETY: the mapping stays until `unpin`, which runs once the ArrayBuffer is gone.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            mapping.ptr.cast::<c_void>(),
            mapping.len,
            Some(unpin),
            pin.cast(),
            &raw mut array,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: made above, and Node did not take it.
        let pin = unsafe { Box::from_raw(pin) };
        pin.let_go(env.raw());
        check(status, "napi_create_external_arraybuffer")?;
    }
    // SAFETY: a live value of this environment; it is returned at once.
    unsafe { Unknown::from_napi_value(env.raw(), array) }
        .map_err(|error| napi::Error::new(crate::error::Code::Invalid, error.reason.clone()))
}

unsafe extern "C" fn unpin(env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    failpoint!("native.unpin");
    // SAFETY: `hint` is the `Pin` the ArrayBuffer was made with.
    let pin = unsafe { Box::from_raw(hint.cast::<Pin>()) };
    pin.let_go(env);
}
