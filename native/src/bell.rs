//! Waking a thread's event loop from another thread.
//!
//! A `uv_async_t` of our own, not a thread-safe function: those can be used after they are freed when their
//! environment ends (nodejs/node#55706), and cost two more locks per ring.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sched::{Bell, KEPT, RINGING};
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use napi_sys as sys;

use crate::error::{Result, check};

#[expect(non_camel_case_types, reason = "libuv's own name")]
type uv_async_t = c_void;
/// `UV_ASYNC` of libuv's `uv_handle_type`, part of its ABI.
const UV_ASYNC: c_int = 1;

unsafe extern "C" {
    fn uv_handle_size(kind: c_int) -> usize;
    fn uv_async_init(
        uv_loop: *mut c_void,
        handle: *mut uv_async_t,
        callback: extern "C" fn(*mut uv_async_t),
    ) -> c_int;
    fn uv_async_send(handle: *mut uv_async_t) -> c_int;
    fn uv_close(handle: *mut uv_async_t, callback: extern "C" fn(*mut uv_async_t));
    fn uv_ref(handle: *mut uv_async_t);
    fn uv_unref(handle: *mut uv_async_t);
    fn uv_handle_get_data(handle: *const uv_async_t) -> *mut c_void;
    fn uv_handle_set_data(handle: *mut uv_async_t, data: *mut c_void);
}

/// The bell of one environment.
#[derive(Debug)]
pub(crate) struct UvBell {
    /// The handle, until the environment ends. The lock keeps `ring` and the end apart.
    handle: Mutex<Handle>,
    /// The thread's control words, from when it has told of them until it detaches; null before and after. Used by the thread
    /// alone, as is `keeps`.
    control: AtomicPtr<AtomicU32>,
    /// Whether it keeps its event loop alive.
    keeps: AtomicBool,
}

#[derive(Debug)]
struct Handle(*mut uv_async_t);

// SAFETY: `uv_async_send` may be called from any thread; everything else happens on the handle's own.
unsafe impl Send for Handle {}

/// What the handle's callbacks need; owned by the handle.
struct Owned {
    env: sys::napi_env,
    callback: sys::napi_ref,
    hook: sys::napi_async_cleanup_hook_handle,
    bell: Arc<UvBell>,
    /// Runs first when the environment ends.
    on_end: Option<Box<dyn FnOnce()>>,
    memory: Vec<u128>,
}

impl Bell for UvBell {
    fn ring(&self) {
        failpoint!("native.ring");
        let handle = self.handle.lock();
        if !handle.0.is_null() {
            // SAFETY: the handle is open: it is set to null, under this lock, before it is closed.
            unsafe { uv_async_send(handle.0) };
        }
    }
}

impl UvBell {
    /// Makes a bell that calls `callback` on the loop of `env`. It does not keep the loop alive.
    /// `on_end` runs when the environment ends.
    pub(crate) fn new(
        env: sys::napi_env,
        callback: sys::napi_value,
        on_end: Box<dyn FnOnce()>,
    ) -> Result<Arc<Self>> {
        let mut uv_loop = ptr::null_mut();
        let mut reference = ptr::null_mut();
        // SAFETY: `env` is the calling environment and `callback` a live value of it.
        unsafe {
            check(
                sys::napi_get_uv_event_loop(env, &raw mut uv_loop),
                "napi_get_uv_event_loop",
            )?;
            check(
                sys::napi_create_reference(env, callback, 1, &raw mut reference),
                "napi_create_reference",
            )?;
        }
        // SAFETY: a pure function of libuv.
        let size = unsafe { uv_handle_size(UV_ASYNC) };
        let mut memory = vec![0_u128; size.div_ceil(16)];
        let handle: *mut uv_async_t = memory.as_mut_ptr().cast();
        let bell = Arc::new(Self {
            handle: Mutex::new(Handle(handle)),
            control: AtomicPtr::new(ptr::null_mut()),
            keeps: AtomicBool::new(false),
        });
        let owned = Box::into_raw(Box::new(Owned {
            env,
            callback: reference,
            hook: ptr::null_mut(),
            bell: Arc::clone(&bell),
            on_end: Some(on_end),
            memory,
        }));
        // SAFETY: the memory is large and aligned enough, lives until `closed`, and this is the loop's thread.
        unsafe {
            uv_async_init(uv_loop.cast(), handle, rung);
            uv_handle_set_data(handle, owned.cast());
            uv_unref(handle);
            let status =
                sys::napi_add_async_cleanup_hook(env, Some(ended), owned.cast(), &raw mut (*owned).hook);
            check(status, "napi_add_async_cleanup_hook")?;
        }
        Ok(bell)
    }

    /// Where the thread's control words are. Called on the loop's thread.
    ///
    /// # Safety
    /// They stay until [`forget_control`](Self::forget_control), or until others are named.
    pub(crate) unsafe fn set_control(&self, control: *mut AtomicU32) {
        self.control.store(control, Ordering::Relaxed);
    }

    /// The thread detaches: what it wanted last is done. Called on the loop's thread.
    pub(crate) fn forget_control(&self) {
        self.keep_as_wanted();
        self.control.store(ptr::null_mut(), Ordering::Relaxed);
    }

    fn word(&self, index: usize) -> Option<&AtomicU32> {
        let control = self.control.load(Ordering::Relaxed);
        // SAFETY: `set_control`'s promise. There are `CONTROL_WORDS` of them.
        (!control.is_null()).then(|| unsafe { &*control.add(index) })
    }

    /// While it rings, JavaScript only writes down whether the loop is to be kept alive: who gets an answer often asks at once
    /// for the next.
    fn set_ringing(&self, ringing: bool) {
        if let Some(word) = self.word(RINGING) {
            word.store(u32::from(ringing), Ordering::Relaxed);
        }
    }

    /// Keeps the event loop alive if JavaScript wants that by now. Called on the loop's thread.
    pub(crate) fn keep_as_wanted(&self) {
        if let Some(word) = self.word(KEPT) {
            self.keep_alive(word.load(Ordering::Relaxed) != 0);
        }
    }

    fn keep_alive(&self, keep: bool) {
        if self.keeps.swap(keep, Ordering::Relaxed) == keep {
            return;
        }
        let handle = self.handle.lock();
        if handle.0.is_null() {
            return;
        }
        // SAFETY: the handle is open, and this is its loop's thread.
        unsafe {
            if keep {
                uv_ref(handle.0);
            } else {
                uv_unref(handle.0);
            }
        }
    }
}

extern "C" fn rung(handle: *mut uv_async_t) {
    // SAFETY: `data` was set to an `Owned` that lives until the handle is closed.
    let owned = unsafe { &*uv_handle_get_data(handle).cast::<Owned>() };
    let env = owned.env;
    // SAFETY: this is the environment's thread, inside its event loop; all pointers are live locals.
    unsafe {
        let mut scope = ptr::null_mut();
        if sys::napi_open_handle_scope(env, &raw mut scope) != sys::Status::napi_ok {
            return;
        }
        let (mut callback, mut result) = (ptr::null_mut(), ptr::null_mut());
        sys::napi_get_reference_value(env, owned.callback, &raw mut callback);
        owned.bell.set_ringing(true);
        // The receiver is the callback itself. Node looks for a `domain` on it, and in a REPL the global object has one that is
        // none: the module of that name.
        let status = sys::napi_make_callback(
            env,
            ptr::null_mut(),
            callback,
            callback,
            0,
            ptr::null(),
            &raw mut result,
        );
        if status == sys::Status::napi_pending_exception {
            let mut exception = ptr::null_mut();
            sys::napi_get_and_clear_last_exception(env, &raw mut exception);
            sys::napi_fatal_exception(env, exception);
        }
        owned.bell.set_ringing(false);
        owned.bell.keep_as_wanted();
        sys::napi_close_handle_scope(env, scope);
    }
}

/// The environment ends: nobody rings any more, then the handle is closed.
extern "C" fn ended(_hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: `data` is the `Owned` the hook was added with; this is the environment's thread.
    let owned = unsafe { &mut *data.cast::<Owned>() };
    if let Some(on_end) = owned.on_end.take() {
        on_end();
    }
    // SAFETY: references live until all hooks have run; nothing calls back any more, as the handle is closed next, on this
    // thread. The environment would forget it without freeing it.
    unsafe { sys::napi_delete_reference(owned.env, owned.callback) };
    failpoint!("native.bell.end");
    let handle = std::mem::replace(&mut owned.bell.handle.lock().0, ptr::null_mut());
    // SAFETY: the handle is open and nobody else can reach it now.
    unsafe { uv_close(handle, closed) };
}

extern "C" fn closed(handle: *mut uv_async_t) {
    // SAFETY: `data` is the `Owned` made in `new`; libuv has let go of the handle inside it.
    let owned = unsafe { Box::from_raw(uv_handle_get_data(handle).cast::<Owned>()) };
    // SAFETY: the hook has waited for this.
    unsafe { sys::napi_remove_async_cleanup_hook(owned.hook) };
    drop(owned.memory);
}
