use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::Arc;

use super::Arena;
use super::arena::{HUGE, Held, huge_pages};
use super::mappings::{Mappings, Share};

/// Pages of an arena that make up a piece of a mapping.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The arena.
    pub arena: &'a Arena,
    /// Its pages.
    pub pages: Range<u32>,
}

/// A mapping that [`map`] made. It ends when this is dropped: whoever uses its memory makes sure that this lives.
#[derive(Debug)]
pub struct Mapped {
    first: NonNull<u8>,
    /// In bytes, whole pages.
    len: usize,
    /// Given back after the end.
    _share: Share,
}

// SAFETY: a mapping belongs to the process, not to a thread; this only says where it is, and using it takes `unsafe`.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// The first byte.
    #[must_use]
    pub fn ptr(&self) -> *mut u8 {
        self.first.as_ptr()
    }

    /// Its length in bytes: whole pages.
    #[must_use]
    pub fn size(&self) -> usize {
        self.len
    }

    /// Whether mapping `parts`, of which it is a mapping, anew would place them no better: pages may have become huge since.
    #[must_use]
    pub fn is_well_placed(&self, parts: &[Part<'_>]) -> bool {
        self.first.addr().get().is_multiple_of(HUGE) || !parts.first().is_some_and(Part::has_huge)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // It can only fail where the range was merged with a neighbour and the process has no mapping to spare for
        // splitting them. The addresses are lost then, nothing else: by contract nobody uses them.
        // SAFETY: made by `map`, and ended here only.
        unsafe { libc::munmap(self.first.as_ptr().cast(), self.len) };
    }
}

/// Maps `parts`, one after the other, readable and writable, at an address of the kernel's choice. The first write to a
/// page makes a copy of that page, seen through this mapping only.
///
/// Takes the same few microseconds whatever the size: no page is touched. A page that is not allocated must
/// not be accessed. The mapping outlives the arena.
///
/// # Errors
/// `ENOMEM` when there are as many mappings as `mappings` allows; and when the system refuses.
///
/// # Panics
/// When `parts` has no page, or a page outside its arena.
pub fn map(parts: &[Part<'_>], mappings: &Arc<Mappings>) -> io::Result<Mapped> {
    let len: usize = parts.iter().map(|part| part.arena.span(&part.pages).1).sum();
    assert!(len > 0, "a mapping has at least one page");
    let no_room = || io::Error::from_raw_os_error(libc::ENOMEM);
    let share = mappings.add(parts.len() as u32).ok_or_else(no_room)?;
    let first = match parts {
        [part] if !part.has_huge() => map_at(std::ptr::null_mut(), part)?,
        _ => map_aligned(parts, len)?,
    };
    let first = NonNull::new(first).ok_or_else(no_room)?;
    Ok(Mapped {
        first,
        len,
        _share: share,
    })
}

/// Maps `parts` where huge pages can be mapped as such, one piece after the other.
fn map_aligned(parts: &[Part<'_>], total: usize) -> io::Result<*mut u8> {
    let held = Held::aligned(total)?;
    let first = held.at();
    let mut at = first;
    for part in parts.iter().filter(|part| !part.pages.is_empty()) {
        map_at(at, part)?;
        // SAFETY: the sum of the parts is the length of the range.
        at = unsafe { at.add(part.arena.span(&part.pages).1) };
    }
    held.keep();
    Ok(first)
}

impl Part<'_> {
    /// Whether huge pages are known to be at its beginning.
    fn has_huge(&self) -> bool {
        let Range { start, end } = self.pages;
        let piece = start / huge_pages();
        start % huge_pages() == 0 && end - start >= huge_pages() && self.arena.is_huge(piece)
    }
}

/// Maps one part at `at`, which is null or within a range that the caller holds.
fn map_at(at: *mut u8, part: &Part<'_>) -> io::Result<*mut u8> {
    let (start, len) = part.arena.span(&part.pages);
    let fixed = if at.is_null() { 0 } else { libc::MAP_FIXED };
    let (prot, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_NORESERVE | fixed,
    );
    let (file, offset) = (part.arena.file().as_raw_fd(), start.cast_signed() as libc::off_t);
    // SAFETY: replaces nothing, or a range that the caller holds.
    let ptr = unsafe { libc::mmap(at.cast(), len, prot, flags, file, offset) };
    if ptr == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(ptr.cast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_size;

    #[test]
    fn a_private_mapping_spans_arenas_and_keeps_its_writes() {
        let arenas = [
            Arena::open(c"mobula-test", 4).unwrap(),
            Arena::open(c"mobula-test", 4).unwrap(),
        ];
        let page = page_size();
        // SAFETY: this thread alone uses the arenas and the mapping.
        unsafe {
            arenas[0].write_fresh(1..3, &vec![1; 2 * page]).unwrap();
            arenas[1].write_fresh(3..4, &vec![2; page]).unwrap();
            let parts = [
                Part {
                    arena: &arenas[0],
                    pages: 1..3,
                },
                Part {
                    arena: &arenas[1],
                    pages: 3..4,
                },
            ];
            let mapped = map(&parts, &Mappings::new(None)).unwrap();
            assert_eq!(mapped.size(), 3 * page);
            let bytes = std::slice::from_raw_parts_mut(mapped.ptr(), mapped.size());
            assert!(
                bytes[..2 * page].iter().all(|&byte| byte == 1)
                    && bytes[2 * page..].iter().all(|&byte| byte == 2)
            );
            bytes.fill(9);
            assert!(arenas[0].bytes(1..3).iter().all(|&byte| byte == 1));
            assert!(arenas[1].bytes(3..4).iter().all(|&byte| byte == 2));
        }
    }
}
