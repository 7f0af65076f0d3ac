use std::fs::File;
use std::os::fd::AsRawFd;

use super::mappings::Mappings;
use super::page_size;
use super::view::{Mapped, Part, map};
use crate::Arena;

/// Of Linux 6.7: finds pages by what the page tables say of them.
const PAGEMAP_SCAN: libc::Ioctl = libc::_IOWR::<ScanArg>(b'f' as u32, 16);

/// The page belongs to a file. One that was copied for a private mapping does not.
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;

/// What is asked of the kernel, laid out as it says.
#[repr(C)]
#[derive(Default)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// Neighbouring pages of which the same is true.
#[repr(C)]
#[derive(Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// The page tables of this process, for reading.
#[derive(Debug)]
pub struct Pagemap {
    /// There if a trial gave the right answers.
    file: Option<File>,
}

impl Pagemap {
    /// Opens them, and tries whether the kernel tells what was written to. Where it does not, nothing is ever known.
    #[must_use]
    pub fn open() -> Self {
        Self::of(File::open("/proc/self/pagemap").ok())
    }

    fn of(file: Option<File>) -> Self {
        let opened = Self { file };
        let works = opened.passes_trial().unwrap_or(false);
        Self {
            file: opened.file.filter(|_| works),
        }
    }

    /// Whether it is known that nobody has written through the mapping; false also where the kernel cannot tell. Exact as long as nobody writes meanwhile.
    ///
    /// A write to a private mapping makes a copy of the page that belongs to no file. So a mapping is as it was made exactly
    /// if every page that its page tables know of, in memory or swapped out, is a file's. Takes time in proportion to the
    /// entries in the page tables: one for each page that was read, or for each huge page.
    #[must_use]
    pub fn is_unwritten(&self, mapped: &Mapped) -> bool {
        self.finds_copies(mapped.ptr(), mapped.size()) == Some(false)
    }

    /// Whether the kernel tells.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.file.is_some()
    }

    /// Whether a page of the range is a copy; nothing where the kernel does not answer.
    fn finds_copies(&self, ptr: *const u8, len: usize) -> Option<bool> {
        let mut first = Region::default();
        let mut question = ScanArg {
            size: size_of::<ScanArg>() as u64,
            start: ptr.addr() as u64,
            end: (ptr.addr() + len) as u64,
            vec: (&raw mut first).addr() as u64,
            vec_len: 1,
            // The first one is enough.
            max_pages: 1,
            category_inverted: PAGE_IS_FILE,
            category_mask: PAGE_IS_FILE,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            return_mask: PAGE_IS_FILE,
            ..ScanArg::default()
        };
        let file = self.file.as_ref()?;
        // SAFETY: the kernel reads and writes `question`, and writes at most one region at `vec`; both live until it is back.
        match unsafe { libc::ioctl(file.as_raw_fd(), PAGEMAP_SCAN, &raw mut question) } {
            0 => Some(false),
            regions if regions > 0 => Some(true),
            _ => None,
        }
    }

    /// Whether the kernel tells a page that was written from one that was read and one that was not touched.
    fn passes_trial(&self) -> Option<bool> {
        let page = page_size();
        let arena = Arena::open(c"mobula-trial", 3).ok()?;
        arena.allocate(0..3).ok()?;
        let part = Part {
            arena: &arena,
            pages: 0..3,
        };
        let mapped = map(&[part], &Mappings::new(Some(1))).ok()?;
        let ptr = mapped.ptr();
        // SAFETY: the mapping is three pages long, has memory, and is nobody else's.
        unsafe { ptr.read_volatile() };
        let before = self.finds_copies(ptr, mapped.size());
        // SAFETY: as above.
        unsafe { ptr.add(page).write_volatile(1) };
        let after = self.finds_copies(ptr, mapped.size());
        let apart = self.finds_copies(ptr, page);
        Some(before? != after? && after? && !apart?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::huge_pages;

    /// Whether a mapping is known to be unwritten, first once it was read at `touched`, then once it was written at `written`.
    fn seen(pagemap: &Pagemap, arena: &Arena, touched: &[usize], written: &[usize]) -> (bool, bool) {
        let pages = 0..arena.pages();
        let mapped = map(&[Part { arena, pages }], &Mappings::new(None)).unwrap();
        for &at in touched {
            // SAFETY: within the mapping, which is this function's.
            unsafe { mapped.ptr().add(at).read_volatile() };
        }
        let before = pagemap.is_unwritten(&mapped);
        for &at in written {
            // SAFETY: as above.
            unsafe { mapped.ptr().add(at).write_volatile(9) };
        }
        (before, pagemap.is_unwritten(&mapped))
    }

    #[test]
    fn one_written_byte_is_found_wherever_it_is_in_small_and_in_huge_pages() {
        let pagemap = Pagemap::open();
        let pages = 2 * huge_pages();
        let arena = Arena::open(c"mobula-test", pages).unwrap();
        arena.allocate(0..pages).unwrap();
        let last = pages as usize * page_size() - 1;
        let all: Vec<usize> = (0..=last).step_by(page_size()).collect();
        // On a kernel before 6.7 nothing is known to be unwritten.
        let knows = seen(&pagemap, &arena, &[], &[]).0;
        for huge in [false, true] {
            if huge && (arena.collapse(0).is_err() || arena.collapse(1).is_err()) {
                return;
            }
            for touched in [&[][..], &[0], &all] {
                for written in [&[0][..], &[last], &[last / 2], &[last / 2 + 1], &all] {
                    let told = seen(&pagemap, &arena, touched, written);
                    assert_eq!(told, (knows, false), "huge {huge}, {} written", written.len());
                }
                assert_eq!(seen(&pagemap, &arena, touched, &[]), (knows, knows));
            }
        }
    }

    #[test]
    fn nothing_is_known_without_the_page_tables() {
        let others = [Pagemap::of(None), Pagemap::of(File::open("/dev/null").ok())];
        let arena = Arena::open(c"mobula-test", 1).unwrap();
        for pagemap in others {
            assert!(!pagemap.tells());
            assert_eq!(seen(&pagemap, &arena, &[], &[]), (false, false));
        }
    }
}
