//! ArrayBuffers over memory that V8 does not count as its own.
//!
//! V8 adds the length of an external ArrayBuffer to what a collection might free, and works on one after every 64 MiB:
//! a millisecond and more for each large view, on whatever thread makes it. The memory belongs to the store, whose
//! pages exist once however many views there are. V8 counts nothing for a backing store whose deleter is
//! `BackingStore::EmptyDeleter`; Node-API has no way to ask for that, V8's own interface has.
//!
//! So this file, alone in mobula, calls V8 past Node-API. It is used on lines of Node it was tried on, where all of its
//! symbols are found and a trial gives what is expected; elsewhere ArrayBuffers are made by Node-API, and counted.
//!
//! An empty deleter is not told when the memory is let go of. The reference count of the backing store is: it is ours,
//! laid out as libstdc++ lays out that of a `std::shared_ptr`.

use std::ffi::{CStr, c_char, c_void};
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::OnceLock;

use mobula_sync::atomic::{AtomicU32, Ordering};
use napi_sys as sys;

/// Lines of Node whose V8 has been tried; `npm run test:nodes` runs the tests on them.
const KNOWN_NODES: [u32; 4] = [20, 22, 24, 26];
/// Longer ArrayBuffers are more than the oldest of them allows.
pub(crate) const MAX_LEN: usize = u32::MAX as usize;

/// Runs once, on any thread, when the memory is not used any more.
pub(crate) type OnFree = Box<dyn FnOnce() + Send>;

/// `v8::ArrayBuffer::NewBackingStore(data, length, deleter, deleter_data)`; its `unique_ptr` comes back in memory.
type NewBackingStore = unsafe extern "C" fn(*mut *mut c_void, *mut c_void, usize, *const c_void, *mut c_void);
/// `v8::ArrayBuffer::New(isolate, shared_ptr)`; the `Local` it gives is what Node-API calls a value.
type NewArrayBuffer = unsafe extern "C" fn(*mut c_void, *mut SharedPtr) -> sys::napi_value;
/// `v8::Isolate::GetCurrent()`.
type CurrentIsolate = unsafe extern "C" fn() -> *mut c_void;
/// `v8::BackingStore::~BackingStore()`, and `operator delete`.
type Ends = unsafe extern "C" fn(*mut c_void);

/// What is called of V8.
pub(crate) struct Door {
    new_backing_store: NewBackingStore,
    new_array_buffer: NewArrayBuffer,
    current_isolate: CurrentIsolate,
    empty_deleter: *const c_void,
    end_backing_store: Ends,
    delete: Ends,
}

// SAFETY: addresses of functions, which may be called from any thread.
unsafe impl Send for Door {}
// SAFETY: as above.
unsafe impl Sync for Door {}

static DOOR: OnceLock<Option<Door>> = OnceLock::new();

/// V8's own interface, where it may be used.
///
/// # Safety
/// `env` is the calling environment.
pub(crate) unsafe fn door(env: sys::napi_env) -> Option<&'static Door> {
    // SAFETY: as the caller promises.
    DOOR.get_or_init(|| unsafe { open(env) }).as_ref()
}

/// Whether it may be used, as was found out when it was first asked for.
pub(crate) fn is_open() -> bool {
    matches!(DOOR.get(), Some(Some(_)))
}

/// Finds V8's functions, and tries them.
///
/// # Safety
/// `env` is the calling environment.
unsafe fn open(env: sys::napi_env) -> Option<Door> {
    if !cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        target_arch = "x86_64"
    )) {
        // Elsewhere results and arguments are passed in other ways, or the library is another one.
        return None;
    }
    let mut version = ptr::null();
    // SAFETY: `env` is the calling environment; Node owns the struct that it points `version` to.
    let known = unsafe {
        sys::napi_get_node_version(env, &raw mut version) == sys::Status::napi_ok
            && KNOWN_NODES.contains(&(*version).major)
            && CStr::from_ptr((*version).release) == c"node"
    };
    if !known {
        return None;
    }
    // SAFETY: on these lines of Node the symbols, where there are any, are functions of these types.
    let door = unsafe {
        Door {
            new_backing_store: std::mem::transmute::<*mut c_void, NewBackingStore>(symbol(
                c"_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_",
            )?),
            new_array_buffer: std::mem::transmute::<*mut c_void, NewArrayBuffer>(symbol(
                c"_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE",
            )?),
            current_isolate: std::mem::transmute::<*mut c_void, CurrentIsolate>(symbol(
                c"_ZN2v87Isolate10GetCurrentEv",
            )?),
            empty_deleter: symbol(c"_ZN2v812BackingStore12EmptyDeleterEPvmS1_")?,
            end_backing_store: std::mem::transmute::<*mut c_void, Ends>(symbol(c"_ZN2v812BackingStoreD1Ev")?),
            delete: std::mem::transmute::<*mut c_void, Ends>(symbol(c"_ZdlPv")?),
        }
    };
    // SAFETY: as the caller promises.
    unsafe { door.works(env) }.then_some(door)
}

/// The address of a function that the process exports.
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends with a zero byte.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr().cast::<c_char>()) };
    (!found.is_null()).then_some(found)
}

impl Door {
    /// Whether an ArrayBuffer made here is, for Node-API, one of the memory that it was made of.
    ///
    /// # Safety
    /// `env` is the calling environment.
    unsafe fn works(&self, env: sys::napi_env) -> bool {
        let trial = vec![0_u8; 64].leak();
        let (first, len) = (trial.as_mut_ptr(), trial.len());
        // SAFETY: the memory is never freed: it is a few bytes, once per process.
        let value = unsafe { self.array_buffer(first, len, Box::new(|| ())) };
        let (mut data, mut seen) = (ptr::null_mut(), 0);
        // SAFETY: `value` is a live value of the environment, or fails to be one.
        let status = unsafe { sys::napi_get_arraybuffer_info(env, value, &raw mut data, &raw mut seen) };
        status == sys::Status::napi_ok && data == first.cast() && seen == len
    }

    /// An ArrayBuffer over `len` bytes at `ptr`, at most [`MAX_LEN`].
    ///
    /// # Safety
    /// The calling thread is in a call from JavaScript, and the memory is valid until `on_free` has begun.
    pub(crate) unsafe fn array_buffer(&self, ptr: *mut u8, len: usize, on_free: OnFree) -> sys::napi_value {
        let mut backing = ptr::null_mut();
        let isolate;
        // SAFETY: V8's contract: the memory stays until the backing store ends.
        unsafe {
            (self.new_backing_store)(
                &raw mut backing,
                ptr.cast(),
                len,
                self.empty_deleter,
                ptr::null_mut(),
            );
            isolate = (self.current_isolate)();
        }
        let count = Box::into_raw(Box::new(Count {
            functions: &raw const VIRTUAL.complete_destructor,
            uses: AtomicU32::new(1),
            weak: AtomicU32::new(1),
            backing,
            ends: [self.end_backing_store, self.delete],
            on_free: ManuallyDrop::new(on_free),
        }));
        let mut shared = SharedPtr {
            object: backing,
            count,
        };
        // SAFETY: a valid shared pointer, of which V8 takes over what it needs.
        let value = unsafe { (self.new_array_buffer)(isolate, &raw mut shared) };
        if !shared.count.is_null() {
            // V8 has copied the pointer, not moved it; this copy ends here, as it does for a caller in C++.
            // SAFETY: the count lives as long as this use of it.
            unsafe { release(shared.count) };
        }
        value
    }
}

/// A `std::shared_ptr<v8::BackingStore>` of libstdc++.
#[repr(C)]
struct SharedPtr {
    object: *mut c_void,
    count: *mut Count,
}

/// What libstdc++ calls `_Sp_counted_base`: how many share an object, and what to do when nobody does.
///
/// 1. `uses` counts the pointers; when it falls to 0, `dispose` is called once.
/// 2. `weak` counts what else needs the count itself, all pointers together as one; at 0, `destroy` is called once.
#[repr(C)]
struct Count {
    functions: *const Function,
    uses: AtomicU32,
    weak: AtomicU32,
    backing: *mut c_void,
    ends: [Ends; 2],
    /// Taken by `dispose`.
    on_free: ManuallyDrop<OnFree>,
}

type Function = unsafe extern "C" fn(*mut Count);

/// The functions that libstdc++ finds by their place, with what C++ wants to stand before them.
#[repr(C)]
struct Virtual {
    offset_to_top: isize,
    type_information: *const c_void,
    complete_destructor: Function,
    deleting_destructor: Function,
    dispose: Function,
    destroy: Function,
    get_deleter: unsafe extern "C" fn(*mut Count, *const c_void) -> *mut c_void,
}

// SAFETY: it never changes.
unsafe impl Sync for Virtual {}

static VIRTUAL: Virtual = Virtual {
    offset_to_top: 0,
    type_information: ptr::null(),
    complete_destructor: nothing,
    deleting_destructor: destroy,
    dispose,
    destroy,
    get_deleter: no_deleter,
};

/// One use less.
///
/// # Safety
/// The caller has a use, and gives it up.
unsafe fn release(count: *mut Count) {
    // SAFETY: rules 1 and 2.
    unsafe {
        // AcqRel: pairs with the same in libstdc++; who is last sees what the others did.
        if (*count).uses.fetch_sub(1, Ordering::AcqRel) == 1 {
            dispose(count);
            if (*count).weak.fetch_sub(1, Ordering::AcqRel) == 1 {
                destroy(count);
            }
        }
    }
}

unsafe extern "C" fn dispose(count: *mut Count) {
    // SAFETY: rule 1: the backing store is V8's, made by `new` and deleted here, as its `unique_ptr` would; `on_free`
    // is taken once.
    let on_free = unsafe {
        let [end, delete] = (*count).ends;
        end((*count).backing);
        delete((*count).backing);
        ManuallyDrop::take(&mut (*count).on_free)
    };
    // A panic must not unwind into C++.
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(on_free)));
}

unsafe extern "C" fn destroy(count: *mut Count) {
    // SAFETY: rule 2: made by `Box::into_raw`, and this happens once.
    drop(unsafe { Box::from_raw(count) });
}

unsafe extern "C" fn nothing(_count: *mut Count) {}

unsafe extern "C" fn no_deleter(_count: *mut Count, _type: *const c_void) -> *mut c_void {
    ptr::null_mut()
}
