use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use mobula_fault::failpoint;
use mobula_store::{BufferId, Mapping, Store, ViewId};
use napi::JsValue;
use napi::bindgen_prelude::{Env, FromNapiValue, Unknown};
use napi_derive::napi;
use napi_sys as sys;

use crate::accounting::Load;
use crate::bytes::Bytes;
use crate::error::{Result, check, create_failed, map_failed, seal_failed};
use crate::port::{Binding, binding};
use crate::v8;

/// Makes objects for the thread: fills pairs of index and generation.
#[napi(catch_unwind)]
pub fn alloc_objects(port: u32, pairs: Bytes) -> Result<()> {
    #[expect(clippy::cast_ptr_alignment, reason = "JavaScript passes a Uint32Array")]
    // SAFETY: a live Uint32Array that only this thread touches now.
    let pairs = unsafe { std::slice::from_raw_parts_mut(pairs.ptr.cast::<u32>(), pairs.len / 4) };
    binding(port)?.runtime.node.alloc_objects(port as u16, pairs);
    Ok(())
}

/// Which of `objects` are there: each becomes 1, 0 where it is not, or 2 where its value is at another node. The caller holds refs to
/// them.
#[napi(catch_unwind)]
pub fn are_there(port: u32, objects: Bytes) -> Result<()> {
    #[expect(clippy::cast_ptr_alignment, reason = "JavaScript passes a Uint32Array")]
    let objects = match objects.len {
        // An empty one may have no place.
        0 => &mut [],
        // SAFETY: a live Uint32Array that only this thread touches now.
        bytes => unsafe { std::slice::from_raw_parts_mut(objects.ptr.cast::<u32>(), bytes / 4) },
    };
    binding(port)?.runtime.node.are_there(objects);
    Ok(())
}

/// Puts in the place of each object what its value keeps: 0 = not known yet, 1 = little, 2 = much; what is no object stays. The
/// caller holds refs to them.
#[napi(catch_unwind)]
pub fn weigh_objects(port: u32, objects: Bytes) -> Result<()> {
    #[expect(clippy::cast_ptr_alignment, reason = "JavaScript passes a Uint32Array")]
    // SAFETY: a live Uint32Array that only this thread touches now, and not an empty one.
    let objects = unsafe { std::slice::from_raw_parts_mut(objects.ptr.cast::<u32>(), objects.len / 4) };
    binding(port)?.runtime.node.weigh_objects(objects);
    Ok(())
}

/// Which of the objects that have lived in its place an object is.
#[napi(catch_unwind)]
pub fn object_generation(port: u32, object: u32) -> Result<u32> {
    Ok(binding(port)?.runtime.node.object_generation(object))
}

/// Whether the value of an object can be made again should it be lost. The caller holds a ref to it.
#[napi(catch_unwind)]
pub fn is_recoverable(port: u32, object: u32) -> Result<bool> {
    Ok(binding(port)?.runtime.node.is_recoverable(object))
}

/// Gives the thread one more handle of an object of which it has one.
#[napi(catch_unwind)]
pub fn share_object(port: u32, object: u32) -> Result<()> {
    binding(port)?.runtime.node.share_object(port as u16, object);
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

/// One more reference to a buffer of which the thread has one: for a value, as if the thread had stored it.
#[napi(catch_unwind)]
pub fn share_buffer(port: u32, buffer: u32) -> Result<()> {
    let binding = binding(port)?;
    let buffer = BufferId(buffer);
    // First: from then on the one that is kept is counted by the caller alone.
    binding.runtime.store.retain(buffer);
    binding.runtime.store.hand_to(buffer, binding.env);
    Ok(())
}

/// Makes room for small values, which are no buffers: moves buffers to disk until the store holds no more than it may.
#[napi(catch_unwind)]
pub fn make_small_room(port: u32) -> Result<()> {
    let store = &binding(port)?.runtime.store;
    store.make_small_room().map_err(|error| create_failed(&error))
}

/// Asks all other threads to collect garbage, because the store is full of views.
#[napi(catch_unwind)]
pub fn ask_to_collect(port: u32) -> Result<()> {
    binding(port)?.runtime.node.ask_to_collect(port as u16);
    Ok(())
}

/// Blocks until something in the store has changed that may have made room, for so many milliseconds at most.
#[napi(catch_unwind)]
pub fn wait_for_room(port: u32, milliseconds: u32) -> Result<()> {
    let longest = Duration::from_millis(milliseconds.into());
    binding(port)?.runtime.store.wait_for_change(longest);
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

/// Copies the first bytes of a buffer, as many as `into` has.
#[napi(catch_unwind)]
pub fn read_buffer(port: u32, buffer: u32, into: Bytes) -> Result<()> {
    // SAFETY: a live Uint8Array that only this thread touches now.
    let into = unsafe { into.as_mut_slice() };
    binding(port)?
        .runtime
        .store
        .read(BufferId(buffer), 0, into)
        .map_err(|error| map_failed(&error))
}

/// An ArrayBuffer with the thread's private view of a buffer.
#[napi(catch_unwind)]
pub fn map_buffer(env: Env, port: u32, buffer: u32) -> Result<Unknown<'static>> {
    let binding = binding(port)?;
    let store = &binding.runtime.store;
    let buffer = BufferId(buffer);
    let mapping = store
        .map(buffer, binding.env)
        .map_err(|error| map_failed(&error))?;
    array_buffer(env, binding, buffer, &mapping)
}

/// Tells V8 how much the thread's views keep, so that it collects those nobody holds. Gives whether young garbage is to be
/// collected: many views have been made anew whose mappings would have done again.
#[napi(catch_unwind)]
pub fn settle_views(env: Env, port: u32) -> Result<bool> {
    let pressure = &binding(port)?.pressure;
    pressure.settle(env.raw());
    Ok(pressure.wants_young_collection())
}

/// A writable buffer in the store: `[ArrayBuffer, view]`. `seal_buffer` ends the writing.
#[napi(catch_unwind)]
pub fn create_buffer(env: Env, port: u32, len: f64) -> Result<(Unknown<'static>, f64)> {
    let binding = binding(port)?;
    let store = &binding.runtime.store;
    let (buffer, mapping) = store
        .create(len as u64, binding.env)
        .map_err(|error| create_failed(&error))?;
    Ok((
        array_buffer(env, binding, buffer, &mapping)?,
        number(mapping.view),
    ))
}

/// Seals what was written into a writer's ArrayBuffer, and empties it; gives the buffer, with one reference.
#[napi(catch_unwind)]
pub fn seal_buffer(env: Env, port: u32, array: Unknown<'_>, view: f64) -> Result<u32> {
    failpoint!("native.seal");
    // Sealed first: an ArrayBuffer that lets go of an unsealed buffer gives it up. No JavaScript runs in between.
    let store = &binding(port)?.runtime.store;
    let buffer = store.seal(ViewId(view as u64)).map_err(seal_failed)?;
    // SAFETY: `array` is a live value of this environment.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), array.value().value) };
    assert_eq!(
        status,
        sys::Status::napi_ok,
        "an ArrayBuffer of ours can be emptied"
    );
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
    /// Bytes of values that are no buffers.
    pub small: f64,
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
        small: stats.small as f64,
    })
}

/// What an ArrayBuffer over a mapping gives back when nobody can reach it any more.
struct Pin {
    store: Arc<Store>,
    view: ViewId,
    /// Where V8 does not count the view by itself.
    load: Option<Load>,
}

impl Drop for Pin {
    fn drop(&mut self) {
        failpoint!("native.unpin");
        // First: once the view has ended, another buffer may get its buffer's number.
        drop(self.load.take());
        self.store.unmap(self.view);
    }
}

fn array_buffer(
    env: Env,
    binding: &Binding,
    buffer: BufferId,
    mapping: &Mapping,
) -> Result<Unknown<'static>> {
    let len = mapping.len;
    let pin = |load| Pin {
        store: Arc::clone(&binding.runtime.store),
        view: mapping.view,
        load,
    };
    // SAFETY: `env` is the calling environment.
    let door = unsafe { v8::door(env.raw()) }.filter(|_| len <= v8::MAX_LEN);
    let array = if let Some(door) = door {
        let pin = pin(Some(binding.pressure.add(buffer, mapping)));
        // SAFETY: the mapping stays until the pin is dropped.
        unsafe { door.array_buffer(mapping.ptr, len, Box::new(move || drop(pin))) }
    } else {
        counted_array_buffer(env.raw(), mapping, pin(None))?
    };
    // SAFETY: a live value of this environment; it is returned at once.
    unsafe { Unknown::from_napi_value(env.raw(), array) }
        .map_err(|error| napi::Error::new(crate::error::Code::Invalid, error.reason.clone()))
}

/// An ArrayBuffer that V8 counts as memory of its own.
fn counted_array_buffer(env: sys::napi_env, mapping: &Mapping, pin: Pin) -> Result<sys::napi_value> {
    let pin = Box::into_raw(Box::new(pin));
    let mut array = ptr::null_mut();
    // SAFETY: the mapping stays until `unpin`, which runs once the ArrayBuffer is gone.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env,
            mapping.ptr.cast::<c_void>(),
            mapping.len,
            Some(unpin),
            pin.cast(),
            &raw mut array,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: made above, and Node did not take it.
        drop(unsafe { Box::from_raw(pin) });
    }
    check(status, "napi_create_external_arraybuffer")?;
    Ok(array)
}

unsafe extern "C" fn unpin(_env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hint` is the `Pin` the ArrayBuffer was made with.
    drop(unsafe { Box::from_raw(hint.cast::<Pin>()) });
}
