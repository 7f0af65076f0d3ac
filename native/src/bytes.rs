use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue, ValueType};
use napi_sys as sys;

/// Where the bytes of a typed array are, over an ArrayBuffer or a SharedArrayBuffer.
///
/// napi-rs's own types make a reference to the array and refuse shared memory on Node 20; a place in memory
/// is all that is needed here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) ptr: *mut u8,
    pub(crate) len: usize,
}

impl Bytes {
    /// The bytes.
    ///
    /// # Safety
    /// JavaScript does not run, or keeps its hands off, while the slice lives.
    pub(crate) unsafe fn as_slice(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: Node gave pointer and length of a live array, which the caller's argument keeps alive.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl Bytes {
    /// The bytes, to be written.
    ///
    /// # Safety
    /// As for [`as_slice`](Self::as_slice); and nobody else has the array's memory.
    #[expect(clippy::mut_from_ref, reason = "it is a place, as JavaScript names it")]
    pub(crate) unsafe fn as_mut_slice(&self) -> &mut [u8] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as in `as_slice`.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.len) }
    }
}

impl TypeName for Bytes {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Bytes {}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let mut kind = 0;
        let mut count = 0;
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: all out-pointers are valid or null as the call allows.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &raw mut kind,
                &raw mut count,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if status != sys::Status::napi_ok {
            return Err(napi::Error::new(
                napi::Status::InvalidArg,
                "a typed array is needed".to_owned(),
            ));
        }
        let width = match kind {
            sys::TypedarrayType::int8_array
            | sys::TypedarrayType::uint8_array
            | sys::TypedarrayType::uint8_clamped_array => 1,
            sys::TypedarrayType::int16_array | sys::TypedarrayType::uint16_array => 2,
            sys::TypedarrayType::int32_array
            | sys::TypedarrayType::uint32_array
            | sys::TypedarrayType::float32_array => 4,
            _ => 8,
        };
        Ok(Self {
            ptr: data.cast(),
            len: count * width,
        })
    }
}
