use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// Memory behind a file descriptor, `len` bytes, all of it allocated and zero. It lives as long as a descriptor of it, or a
/// mapping, in whatever process: what a process has written there can be read when it is dead.
///
/// # Errors
/// When the system refuses the descriptor, or has no memory.
pub fn open_shared(name: &CStr, len: usize) -> io::Result<OwnedFd> {
    // SAFETY: `name` ends with a zero byte.
    let raw = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    check(raw)?;
    // SAFETY: the descriptor is new and nobody else's.
    let file = unsafe { OwnedFd::from_raw_fd(raw) };
    let size = libc::off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    // SAFETY: a system call on a descriptor that we own; no memory is passed. It makes the file as long as that.
    check(unsafe { libc::fallocate(raw, 0, 0, size) })?;
    // Nobody can now cut the file below a mapping, which would make an access raise SIGBUS.
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: as above.
    check(unsafe { libc::fcntl(raw, libc::F_ADD_SEALS, seals) })?;
    Ok(file)
}

/// A mapping that [`map_shared`] made. It ends when this is dropped: whoever uses its memory makes sure that this lives.
#[derive(Debug)]
pub struct Shared {
    first: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread; this only says where it is, and using it takes `unsafe`.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The first byte.
    #[must_use]
    pub fn ptr(&self) -> *mut u8 {
        self.first.as_ptr()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Where it fails, addresses are lost and nothing else: by contract nobody uses them.
        // SAFETY: made by `map_shared`, and ended here only.
        unsafe { libc::munmap(self.first.as_ptr().cast(), self.len) };
    }
}

/// Maps the first `len` bytes of such memory, readable and writable.
///
/// # Errors
/// When the system refuses; `EINVAL` where the file is shorter.
pub fn map_shared(file: BorrowedFd<'_>, len: usize) -> io::Result<Shared> {
    // SAFETY: zeroed integers are a valid `stat`, which the call fills.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is writable, and ours.
    check(unsafe { libc::fstat(file.as_raw_fd(), &raw mut stat) })?;
    if usize::try_from(stat.st_size).is_ok_and(|size| size < len) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
    let ptr = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, file.as_raw_fd(), 0) };
    if ptr == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let first = NonNull::new(ptr.cast()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
    Ok(Shared { first, len })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_one_mapping_has_written_the_others_read_and_the_file_keeps_its_length() {
        let file = open_shared(c"mobula-test", 8192).unwrap();
        let [one, other] = [(); 2].map(|()| map_shared(file.as_fd(), 8192).unwrap());
        // SAFETY: both are mappings of 8192 bytes, which this thread alone uses.
        unsafe {
            assert_eq!(other.ptr().add(5000).read(), 0);
            one.ptr().add(5000).write(7);
            assert_eq!(other.ptr().add(5000).read(), 7);
            drop(one);
            assert_eq!(other.ptr().add(5000).read(), 7);
        }
        // SAFETY: a system call on a descriptor that we own.
        assert!(check(unsafe { libc::ftruncate(file.as_raw_fd(), 0) }).is_err());
        let longer = map_shared(file.as_fd(), 8193).unwrap_err();
        assert_eq!(longer.raw_os_error(), Some(libc::EINVAL));
    }
}
