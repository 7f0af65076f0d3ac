use std::ffi::CStr;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::OnceLock;

use mobula_sync::atomic::{AtomicU64, Ordering};

/// The size of a page in bytes: the unit of allocation and mapping.
#[must_use]
pub fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    // SAFETY: `sysconf` has no preconditions.
    *SIZE.get_or_init(|| usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096))
}

/// The size of a huge page in bytes. One entry of a page table maps it, where small pages take 512.
pub(super) const HUGE: usize = 2 << 20;

/// `MADV_COLLAPSE` of Linux 6.1: makes huge pages of small ones, whatever the system's settings say.
const MADV_COLLAPSE: libc::c_int = 25;

/// Sparse memory behind a file descriptor, mapped as a whole for this process's own use.
///
/// Pages are numbered from 0. A page is *allocated* or not; only [`write_fresh`](Self::write_fresh) and
/// [`allocate`](Self::allocate) allocate pages and [`discard`](Self::discard) gives them back. The arena
/// does not know who uses which page: its user makes sure that nobody writes what another reads.
#[derive(Debug)]
pub struct Arena {
    file: OwnedFd,
    base: NonNull<u8>,
    pages: u32,
    /// One bit for each page: whether the page table of `base` is known to have it. Only a hint, which
    /// saves asking the kernel; written only by whoever the page belongs to at the time.
    populated: Box<[AtomicU64]>,
    /// One bit for each piece of [`HUGE`] bytes: whether it was made a huge page. A hint, as above.
    huge: Box<[AtomicU64]>,
}

// SAFETY: `base` is a mapping of the process, not of a thread, and every access through it is an `unsafe`
// method whose caller rules out races.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Reserves addresses for `pages` pages, none of them allocated. `name` is what `/proc/<pid>/maps` shows.
    ///
    /// # Errors
    /// When the system refuses the descriptor or the address range.
    pub fn open(name: &CStr, pages: u32) -> io::Result<Self> {
        // SAFETY: `name` ends with a zero byte.
        let raw = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        check(raw)?;
        // SAFETY: the descriptor is new and nobody else's.
        let file = unsafe { OwnedFd::from_raw_fd(raw) };
        let len = pages as usize * page_size();
        let size = libc::off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
        // SAFETY: system calls on a descriptor that we own; no memory is passed.
        check(unsafe { libc::ftruncate(raw, size) })?;
        // Nobody, not even we, can now cut the file below a mapping, which would make an access raise SIGBUS.
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: as above.
        check(unsafe { libc::fcntl(raw, libc::F_ADD_SEALS, seals) })?;
        let (prot, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_NORESERVE,
        );
        let held = Held::aligned(len)?;
        // SAFETY: replaces addresses that are held for it.
        let base = unsafe { libc::mmap(held.at().cast(), len, prot, flags | libc::MAP_FIXED, raw, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        held.keep();
        // A core dump of a process with a large store would be as large.
        // SAFETY: the range is the mapping just made. Failure does no harm.
        unsafe { libc::madvise(base, len, libc::MADV_DONTDUMP) };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        let bits = |count: u32| (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            file,
            base,
            pages,
            populated: bits(pages),
            huge: bits(pages.div_ceil(huge_pages())),
        })
    }

    /// How many pages there are, allocated or not.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Allocates the pages and fills them with `bytes`; the rest of the last page becomes zero.
    ///
    /// About twice as fast as touching new pages: the kernel neither clears them nor takes a fault for each.
    ///
    /// # Errors
    /// `ENOSPC` or `ENOMEM` when there is no memory; any part of the pages may have been allocated then.
    ///
    /// # Panics
    /// When the pages are not within the arena, or are not as many as `bytes` takes.
    ///
    /// # Safety
    /// Nobody else reads or writes the pages meanwhile.
    pub unsafe fn write_fresh(&self, pages: Range<u32>, bytes: &[u8]) -> io::Result<()> {
        let (start, len) = self.span(&pages);
        let fits = bytes.len() <= len && bytes.len() + page_size() > len;
        assert!(fits, "{} bytes do not fill pages {pages:?}", bytes.len());
        let mut done = 0;
        while done < bytes.len() {
            let rest = &bytes[done..];
            let at = (start + done).cast_signed() as libc::off_t;
            // SAFETY: `rest` is readable for its length.
            let wrote = unsafe { libc::pwrite(self.file.as_raw_fd(), rest.as_ptr().cast(), rest.len(), at) };
            match usize::try_from(wrote) {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::ENOSPC)),
                Ok(wrote) => done += wrote,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Allocates the pages; new ones read as zero, allocated ones stay as they are.
    ///
    /// # Errors
    /// `ENOSPC` or `ENOMEM` when there is no memory; any part of the pages may have been allocated then.
    ///
    /// # Panics
    /// When the pages are not within the arena.
    pub fn allocate(&self, pages: Range<u32>) -> io::Result<()> {
        let (start, len) = self.span(&pages);
        self.fallocate(0, start, len)
    }

    /// Gives the memory of the pages back to the system; they are not allocated afterwards.
    ///
    /// # Errors
    /// When the system cannot do so; the pages stay allocated then, with their content undefined.
    ///
    /// # Panics
    /// When the pages are not within the arena.
    ///
    /// # Safety
    /// Nobody uses the pages, and nobody touches them before they are allocated again.
    pub unsafe fn discard(&self, pages: Range<u32>) -> io::Result<()> {
        let (start, len) = self.span(&pages);
        set(&self.populated, pages.clone(), false);
        set(
            &self.huge,
            pages.start / huge_pages()..pages.end.div_ceil(huge_pages()),
            false,
        );
        self.fallocate(libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE, start, len)
    }

    /// The content of the pages.
    ///
    /// # Panics
    /// When the pages are not within the arena.
    ///
    /// # Safety
    /// The pages are allocated, and nobody writes them while the slice lives.
    #[must_use]
    pub unsafe fn bytes(&self, pages: Range<u32>) -> &[u8] {
        let (start, len) = self.span(&pages);
        // SAFETY: `span` has checked the range; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(start), len) }
    }

    /// The content of the pages, for writing. Pages whose faults are still due take them here at once,
    /// which is cheaper than one by one.
    ///
    /// # Panics
    /// When the pages are not within the arena.
    ///
    /// # Safety
    /// The pages are allocated, and nobody else reads or writes them while the slice lives.
    #[expect(
        clippy::mut_from_ref,
        reason = "exclusive by the caller's promise, as for a cell"
    )]
    #[must_use]
    pub unsafe fn bytes_mut(&self, pages: Range<u32>) -> &mut [u8] {
        let (start, len) = self.span(&pages);
        self.populate(pages);
        // SAFETY: `span` has checked the range.
        let first = unsafe { self.base.as_ptr().add(start) };
        // SAFETY: `span` has checked the range; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(first, len) }
    }

    /// Takes the page faults that are still due in this arena's own mapping at once, which is cheaper than one by one. The pages
    /// are allocated: others get memory by this.
    ///
    /// # Panics
    /// When the pages are not within the arena.
    pub fn populate(&self, pages: Range<u32>) {
        if self.is_populated(pages.clone()) {
            return;
        }
        let (start, len) = self.span(&pages);
        // Reading is enough: a shared mapping of this kind gets writable entries, sixteen for each fault.
        // SAFETY: the range is within our mapping. Old kernels refuse; then the faults come one by one.
        unsafe {
            libc::madvise(
                self.base.as_ptr().add(start).cast(),
                len,
                libc::MADV_POPULATE_READ,
            )
        };
        set(&self.populated, pages, true);
    }

    /// Whether writing the pages through this arena's own mapping takes no page faults.
    #[must_use]
    pub fn is_populated(&self, pages: Range<u32>) -> bool {
        has(&self.populated, pages)
    }

    /// Makes a huge page of a piece of [`HUGE`] bytes; its content stays as it is, and whoever reads or writes it meanwhile
    /// does not notice. Takes a millisecond or more.
    ///
    /// # Errors
    /// When the kernel cannot do this at all (`EINVAL`, `ENOSYS`), or not now.
    ///
    /// # Panics
    /// When the piece is not within the arena.
    pub fn collapse(&self, piece: u32) -> io::Result<()> {
        let first = piece * huge_pages();
        let (start, len) = self.span(&(first..first + huge_pages()));
        // SAFETY: the range is within our mapping; the call changes no content.
        check(unsafe { libc::madvise(self.base.as_ptr().add(start).cast(), len, MADV_COLLAPSE) })?;
        set(&self.huge, piece..piece + 1, true);
        Ok(())
    }

    /// Whether a piece of [`HUGE`] bytes is known to be a huge page.
    #[must_use]
    pub fn is_huge(&self, piece: u32) -> bool {
        has(&self.huge, piece..piece + 1)
    }

    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// First byte and length of `pages` within the arena.
    pub(super) fn span(&self, pages: &Range<u32>) -> (usize, usize) {
        assert!(
            pages.start <= pages.end && pages.end <= self.pages,
            "pages {pages:?} of {}",
            self.pages
        );
        (pages.start as usize * page_size(), pages.len() * page_size())
    }

    fn fallocate(&self, mode: libc::c_int, start: usize, len: usize) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let (start, len) = (
            start.cast_signed() as libc::off_t,
            len.cast_signed() as libc::off_t,
        );
        loop {
            // `fallocate` itself, as what `posix_fallocate` falls back to is a race on a file in use.
            // SAFETY: a system call on a descriptor that we own; no memory is passed.
            match check(unsafe { libc::fallocate(self.file.as_raw_fd(), mode, start, len) }) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `open`; slices of it borrow the arena, so none is left.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.pages as usize * page_size()) };
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Pages in a piece of [`HUGE`] bytes.
#[must_use]
pub fn huge_pages() -> u32 {
    (HUGE / page_size()) as u32
}

/// Addresses that nobody else can get, until they are kept or given back.
#[derive(Debug)]
pub(super) struct Held {
    first: *mut u8,
    at: *mut u8,
    len: usize,
}

impl Held {
    /// `len` bytes, a whole number of pages, from an address on that a huge page can have.
    pub(super) fn aligned(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let first = unsafe { libc::mmap(std::ptr::null_mut(), len + HUGE, libc::PROT_NONE, flags, -1, 0) };
        if first == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let first = first.cast::<u8>();
        // SAFETY: there is room for the distance to the next such address.
        let at = unsafe { first.add(first.addr().next_multiple_of(HUGE) - first.addr()) };
        Ok(Self { first, at, len })
    }

    /// Where the addresses begin.
    pub(super) fn at(&self) -> *mut u8 {
        self.at
    }

    /// Something else has taken the place of the addresses; what was held around them is given back.
    pub(super) fn keep(self) {
        let before = self.at.addr() - self.first.addr();
        let after = HUGE - before;
        // SAFETY: both ranges were held, and nobody has their addresses.
        unsafe {
            if before > 0 {
                libc::munmap(self.first.cast(), before);
            }
            if after > 0 {
                libc::munmap(self.at.add(self.len).cast(), after);
            }
        }
        std::mem::forget(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: all of it is held, or replaced in part by what nobody has the address of.
        unsafe { libc::munmap(self.first.cast(), self.len + HUGE) };
    }
}

/// Whether all of `range` are in the set.
fn has(bits: &[AtomicU64], range: Range<u32>) -> bool {
    words(range).all(|(index, mask)| bits[index].load(Ordering::Relaxed) & mask == mask)
}

/// Puts all of `range` into the set, or takes them out.
fn set(bits: &[AtomicU64], range: Range<u32>, value: bool) {
    for (index, mask) in words(range) {
        if value {
            bits[index].fetch_or(mask, Ordering::Relaxed);
        } else {
            bits[index].fetch_and(!mask, Ordering::Relaxed);
        }
    }
}

/// The words of a bit set that cover `pages`, each with the mask of those bits.
fn words(pages: Range<u32>) -> impl Iterator<Item = (usize, u64)> {
    let last = if pages.is_empty() {
        0
    } else {
        pages.end.div_ceil(64)
    };
    (pages.start / 64..last).map(move |word| {
        let low = pages.start.saturating_sub(word * 64);
        let high = (pages.end - word * 64).min(64);
        (word as usize, (u64::MAX >> (64 - (high - low))) << low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(pages: u32) -> Arena {
        Arena::open(c"mobula-test", pages).unwrap()
    }

    #[test]
    fn fresh_pages_hold_what_was_written_and_zeroes_after_it() {
        let arena = arena(8);
        let bytes = vec![7; page_size() + 3];
        // SAFETY: this thread alone uses the arena.
        let read = unsafe {
            arena.write_fresh(2..4, &bytes).unwrap();
            arena.bytes(2..4)
        };
        assert_eq!(read[..bytes.len()], bytes);
        assert!(read[bytes.len()..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn discarded_pages_read_as_zero_when_allocated_again() {
        let arena = arena(4);
        // SAFETY: this thread alone uses the arena.
        unsafe {
            arena.allocate(0..4).unwrap();
            arena.bytes_mut(0..4).fill(9);
            arena.discard(1..2).unwrap();
            arena.allocate(1..2).unwrap();
            assert!(arena.bytes(1..2).iter().all(|&byte| byte == 0));
            assert!(
                arena
                    .bytes(0..1)
                    .iter()
                    .chain(arena.bytes(2..4))
                    .all(|&byte| byte == 9)
            );
        }
    }

    #[test]
    fn population_is_remembered_for_exactly_the_pages_touched() {
        let arena = arena(200);
        arena.allocate(0..200).unwrap();
        // SAFETY: this thread alone uses the arena.
        unsafe {
            let _ = arena.bytes_mut(60..130);
            assert!(arena.is_populated(60..130));
            assert!(!arena.is_populated(59..61));
            assert!(!arena.is_populated(129..131));
            arena.discard(64..65).unwrap();
        }
        assert!(arena.is_populated(60..64) && arena.is_populated(65..130) && !arena.is_populated(64..65));
    }

    #[test]
    fn a_huge_page_has_the_content_of_the_small_ones_until_it_is_discarded() {
        let arena = arena(3 * huge_pages());
        let pages = huge_pages()..2 * huge_pages();
        let bytes: Vec<u8> = (0..HUGE).map(|at| (at / 7) as u8).collect();
        // SAFETY: this thread alone uses the arena.
        unsafe { arena.write_fresh(pages.clone(), &bytes).unwrap() };
        match arena.collapse(1) {
            Ok(()) => assert!(arena.is_huge(1)),
            // An old kernel, or no huge page to be had: nothing has changed.
            Err(_) => assert!(!arena.is_huge(1)),
        }
        assert!(!arena.is_huge(0) && !arena.is_huge(2));
        // SAFETY: as above.
        unsafe {
            assert_eq!(arena.bytes(pages.clone()), bytes);
            arena.discard(pages.start + 1..pages.start + 2).unwrap();
        }
        assert!(!arena.is_huge(1));
    }

    #[test]
    fn the_file_cannot_be_cut_or_grown() {
        let arena = arena(4);
        for size in [0, 1 << 20] {
            // SAFETY: a system call on a descriptor that we own.
            let result = check(unsafe { libc::ftruncate(arena.file.as_raw_fd(), size) });
            assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPERM));
        }
    }

    #[test]
    #[should_panic(expected = "pages 3..5 of 4")]
    fn pages_outside_the_arena_are_refused() {
        let _ = arena(4).allocate(3..5);
    }
}
