//! The page of begun tasks: memory that outlives its process (docs/supervisor.md). The supervisor has a descriptor of its own.

use std::ffi::c_void;
use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::ptr;

use mobula_shm::{Shared, map_shared, open_shared};
use napi::bindgen_prelude::{Env, FromNapiValue, Unknown};
use napi_derive::napi;
use napi_sys as sys;

use crate::error::{Code, Result, check};

fn refused(error: std::io::Error) -> napi::Error<Code> {
    napi::Error::new(
        Code::Invalid,
        format!("no memory for the page of begun tasks: {error}"),
    )
}

/// Makes a page of `len` bytes, all zero. Gives its descriptor, which stays open.
#[napi(catch_unwind)]
pub fn open_begun(len: u32) -> Result<i32> {
    let file = open_shared(c"mobula-begun", len as usize).map_err(refused)?;
    Ok(file.into_raw_fd())
}

/// An ArrayBuffer over the first `len` bytes of the page that `open_begun` has given the descriptor of.
#[napi(catch_unwind)]
pub fn map_begun(env: Env, fd: i32, len: u32) -> Result<Unknown<'static>> {
    if fd < 0 {
        return Err(refused(std::io::Error::from_raw_os_error(libc::EBADF)));
    }
    // SAFETY: not -1; a descriptor that is not open is refused by the system.
    let file = unsafe { BorrowedFd::borrow_raw(fd as RawFd) };
    let mapping = map_shared(file, len as usize).map_err(refused)?;
    let first = mapping.ptr();
    let mapping = Box::into_raw(Box::new(mapping));
    let mut array = ptr::null_mut();
    // SAFETY: the mapping stays until `unmap`, which runs once the ArrayBuffer is gone.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            first.cast::<c_void>(),
            len as usize,
            Some(unmap),
            mapping.cast(),
            &raw mut array,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: made above, and Node did not take it.
        drop(unsafe { Box::from_raw(mapping) });
    }
    check(status, "napi_create_external_arraybuffer")?;
    // SAFETY: a live value of this environment; it is returned at once.
    unsafe { Unknown::from_napi_value(env.raw(), array) }
        .map_err(|error| napi::Error::new(Code::Invalid, error.reason.clone()))
}

unsafe extern "C" fn unmap(_env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hint` is the mapping that the ArrayBuffer was made with.
    drop(unsafe { Box::from_raw(hint.cast::<Shared>()) });
}
