use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use super::Arena;
use super::arena::page_size;
use super::view::{Access, Part, map, unmap};

/// Finds out whether pages of private mappings were copied, which the first write to a page does.
///
/// Both ways to know prove only that there is no copy; where a way does not work, nothing is proven. Whether they
/// work is tried when this is opened: in a sandbox that only resembles Linux a counter may stand still.
#[derive(Debug)]
pub struct Copies {
    /// `/proc/self/pagemap`. It stays with the memory of the process that opened it, even in a forked one.
    pagemap: Option<File>,
    faults_count: bool,
    process: u32,
}

impl Copies {
    /// Opens what there is; nothing can be proven where there is nothing.
    #[must_use]
    pub fn open() -> Self {
        let mut copies = Self {
            pagemap: File::open("/proc/self/pagemap").ok(),
            faults_count: true,
            process: std::process::id(),
        };
        let (counted, reported) = copies.try_out().unwrap_or_default();
        copies.faults_count = counted;
        copies.pagemap = copies.pagemap.filter(|_| reported);
        copies
    }

    /// How many page faults this process has had. While that stays the same, no page was copied: every copy is
    /// made by a fault, and the threads of a process count those that they cause, in the kernel too.
    ///
    /// `None` where that cannot be relied on. Not counted here are the copies that others make in this memory: a
    /// debugger, a child of `vfork`, a device that resolves its own page faults.
    #[must_use]
    pub fn faults(&self) -> Option<u64> {
        if !self.faults_count || !self.is_at_home() {
            return None;
        }
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: `usage` is writable and of the right type.
        if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: `rusage` is plain numbers, for which zeroes are valid, and the call has filled it in.
        let usage = unsafe { usage.assume_init() };
        let [minor, major] = [usage.ru_minflt, usage.ru_majflt].map(u64::try_from);
        Some(minor.ok()? + major.ok()?)
    }

    /// Whether it is proven that the private mapping of `len` bytes at `ptr`, from [`map`], has no copied page.
    ///
    /// Takes time in proportion to the pages touched. The answer means something only if the range stays mapped
    /// meanwhile: where nothing is mapped, nothing is copied.
    #[must_use]
    pub fn are_none(&self, ptr: *const u8, len: usize) -> bool {
        let Some(pagemap) = self.pagemap.as_ref().filter(|_| self.is_at_home()) else {
            return false;
        };
        let range = ptr.addr()..ptr.addr() + len.next_multiple_of(page_size());
        scan(pagemap, &range)
            .or_else(|_| read(pagemap, &range))
            .is_ok_and(|copied| !copied)
    }

    /// Not in a forked process, whose memory and counters are others.
    fn is_at_home(&self) -> bool {
        self.process == std::process::id()
    }

    /// Copies a page, and says whether the fault was counted and the copy reported.
    fn try_out(&self) -> io::Result<(bool, bool)> {
        let arena = Arena::open(c"mobula-probe", 1)?;
        arena.allocate(0..1)?;
        let part = Part {
            arena: &arena,
            pages: 0..1,
        };
        let ptr = map(&[part], Access::CopyOnWrite)?;
        let before = self.faults();
        // SAFETY: the page is allocated, and nobody else knows the mapping.
        unsafe { ptr.write_volatile(1) };
        let tried = (before < self.faults(), !self.are_none(ptr, page_size()));
        // SAFETY: mapped above, and not used any more.
        unsafe { unmap(ptr, page_size()) };
        Ok(tried)
    }
}

/// Asks for the first copied page (Linux 6.7 and later); `ENOTTY` where the kernel cannot be asked.
fn scan(pagemap: &File, range: &Range<usize>) -> io::Result<bool> {
    /// `struct pm_scan_arg` of `linux/fs.h`.
    #[repr(C)]
    struct Arguments {
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
    const REQUEST: libc::Ioctl = libc::_IOWR::<Arguments>(b'f' as u32, 16);
    const IS_FILE: u64 = 1 << 2;
    const IS_PRESENT: u64 = 1 << 3;
    const IS_SWAPPED: u64 = 1 << 4;
    // `struct page_region`. What it says is not looked at, but without one the kernel counts nothing.
    let mut region = [0_u64; 3];
    let mut arguments = Arguments {
        size: size_of::<Arguments>() as u64,
        flags: 0,
        start: range.start as u64,
        end: range.end as u64,
        walk_end: 0,
        vec: (&raw mut region).expose_provenance() as u64,
        vec_len: 1,
        max_pages: 1,
        // Not of a file, and there or swapped out.
        category_inverted: IS_FILE,
        category_mask: IS_FILE,
        category_anyof_mask: IS_PRESENT | IS_SWAPPED,
        return_mask: IS_PRESENT | IS_SWAPPED,
    };
    // SAFETY: the request takes these arguments and writes them and `region`, both of which are ours.
    let found = unsafe { libc::ioctl(pagemap.as_raw_fd(), REQUEST, &raw mut arguments) };
    if found < 0 {
        return Err(io::Error::last_os_error());
    }
    if found == 0 && arguments.walk_end != arguments.end {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(found > 0)
}

/// Looks for a copied page one by one.
fn read(pagemap: &File, range: &Range<usize>) -> io::Result<bool> {
    const ENTRY: usize = size_of::<u64>();
    let entries = range.start / page_size()..range.end / page_size();
    let (mut at, mut left) = ((entries.start * ENTRY) as u64, entries.len() * ENTRY);
    let mut buffer = [0; 4096];
    while left > 0 {
        let chunk = &mut buffer[..left.min(4096)];
        pagemap.read_exact_at(chunk, at)?;
        let (entries, _) = chunk.as_chunks::<ENTRY>();
        if entries.iter().any(|&entry| is_copy(u64::from_ne_bytes(entry))) {
            return Ok(true);
        }
        at += chunk.len() as u64;
        left -= chunk.len();
    }
    Ok(false)
}

/// Whether an entry of the page map is a page that is the process's own: there or swapped out, and of no file.
fn is_copy(entry: u64) -> bool {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const FILE_OR_SHARED: u64 = 1 << 61;
    entry & (PRESENT | SWAPPED) != 0 && entry & FILE_OR_SHARED == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    type Path = fn(&File, &Range<usize>) -> io::Result<bool>;

    /// Each must find what the other finds.
    const PATHS: [Path; 2] = [scan_if_there, read];

    /// For kernels before 6.7, of which the scan is only asked to say that it is not there.
    fn scan_if_there(pagemap: &File, range: &Range<usize>) -> io::Result<bool> {
        match scan(pagemap, range) {
            Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => read(pagemap, range),
            result => result,
        }
    }

    /// A view of pages of two arenas, and what it is made of.
    struct View {
        _arenas: [Arena; 2],
        ptr: *mut u8,
        pages: usize,
    }

    impl View {
        fn new(pages: [u32; 2]) -> Self {
            let arenas = pages.map(|pages| Arena::open(c"mobula-test", pages + 2).unwrap());
            let parts = [0, 1].map(|lane| Part {
                arena: &arenas[lane],
                pages: 1..1 + pages[lane],
            });
            for part in &parts {
                part.arena.allocate(part.pages.clone()).unwrap();
            }
            let ptr = map(&parts, Access::CopyOnWrite).unwrap();
            Self {
                _arenas: arenas,
                ptr,
                pages: (pages[0] + pages[1]) as usize,
            }
        }

        fn page(&self, page: usize) -> *mut u8 {
            assert!(page < self.pages);
            self.ptr.wrapping_add(page * page_size())
        }

        fn touch(&self) {
            for page in 0..self.pages {
                // SAFETY: the page is mapped and allocated, and this thread alone uses it.
                assert_eq!(unsafe { self.page(page).read_volatile() }, 0);
            }
        }

        fn write(&self, page: usize) {
            // SAFETY: as above.
            unsafe { self.page(page).add(page_size() - 1).write_volatile(7) };
        }

        /// What both ways say of some of the pages.
        fn copied(&self, pages: Range<usize>) -> [bool; 2] {
            let pagemap = File::open("/proc/self/pagemap").unwrap();
            let start = self.ptr.addr();
            let range = start + pages.start * page_size()..start + pages.end * page_size();
            PATHS.map(|path| path(&pagemap, &range).unwrap())
        }
    }

    impl Drop for View {
        fn drop(&mut self) {
            // SAFETY: mapped in `new`, and not used any more.
            unsafe { unmap(self.ptr, self.pages * page_size()) };
        }
    }

    #[test]
    fn pages_untouched_or_read_are_no_copies() {
        let view = View::new([700, 900]);
        assert_eq!(view.copied(0..1600), [false; 2]);
        view.touch();
        assert_eq!(view.copied(0..1600), [false; 2]);
    }

    #[test]
    fn any_one_page_written_is_found_touched_before_or_not() {
        for touched in [false, true] {
            for written in [0, 1, 511, 512, 699, 700, 1023, 1599] {
                let view = View::new([700, 900]);
                if touched {
                    view.touch();
                }
                view.write(written);
                assert_eq!(view.copied(0..1600), [true; 2], "page {written}");
                assert_eq!(view.copied(written..written + 1), [true; 2], "page {written}");
                assert_eq!(view.copied(0..written), [false; 2], "before page {written}");
                assert_eq!(view.copied(written + 1..1600), [false; 2], "after page {written}");
            }
        }
    }

    #[test]
    fn an_entry_is_a_copy_if_there_or_swapped_and_of_no_file() {
        let [present, swapped, file] = [63, 62, 61].map(|bit| 1_u64 << bit);
        // The other bits, such as soft-dirty and mapped once, say nothing.
        for rest in [0, (1 << 61) - 1] {
            assert!(is_copy(present | rest) && is_copy(swapped | rest));
            for entry in [0, file, present | file, swapped | file] {
                assert!(!is_copy(entry | rest), "{entry:x}");
            }
        }
    }

    #[test]
    fn every_copy_is_counted_as_a_fault() {
        let (copies, view) = (Copies::open(), View::new([8, 8]));
        view.touch();
        for page in 0..16 {
            let before = copies.faults();
            view.write(page);
            assert!(before.is_some() && copies.faults() > before);
        }
    }

    #[test]
    fn nothing_is_proven_without_the_page_map_or_in_another_process() {
        let (copies, view) = (Copies::open(), View::new([1, 1]));
        let len = 2 * page_size();
        assert!(copies.are_none(view.ptr, len - 1));
        let closed = Copies {
            pagemap: None,
            ..Copies::open()
        };
        assert!(!closed.are_none(view.ptr, len));
        // Knows no such request, and has no entries.
        let wrong = Copies {
            pagemap: File::open("/dev/null").ok(),
            ..Copies::open()
        };
        assert!(!wrong.are_none(view.ptr, len));
        let forked = Copies {
            process: 0,
            ..Copies::open()
        };
        assert!(!forked.are_none(view.ptr, len) && forked.faults().is_none());
    }
}
