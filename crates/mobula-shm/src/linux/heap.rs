/// Gives the pages of memory that was freed back to the system.
///
/// glibc keeps what threads have freed for those to come, in up to eight arenas for each processor: without this, a process
/// whose worker threads end and start again grows until the freed memory of a worker lies in each of them.
///
/// Each arena is locked meanwhile. Where the main thread's is large that takes long, a system call for each gap of a page or
/// more, and what workers leave is little beside it: then nothing is done.
pub fn trim_heap() {
    // musl gives back by itself.
    #[cfg(target_env = "gnu")]
    if glibc::main_arena().is_some_and(|bytes| bytes <= glibc::LARGE) {
        // SAFETY: may be called at any time, by any thread.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(target_env = "gnu")]
mod glibc {
    use std::fs;

    /// 64 MiB: if it were all gaps, 16 384 system calls.
    pub(super) const LARGE: usize = 64 << 20;

    /// Bytes of the main thread's arena, which is what `brk` has given; nothing where `/proc` does not tell.
    pub(super) fn main_arena() -> Option<usize> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // Field 47, `start_brk`. The second, in parentheses, may hold spaces; the third comes first here.
        let fields = text.rsplit_once(')')?.1;
        let start: usize = fields.split_ascii_whitespace().nth(44)?.parse().ok()?;
        // SAFETY: moves nothing.
        let end = unsafe { libc::sbrk(0) }.addr();
        (start > 0).then(|| end.saturating_sub(start))
    }
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;
    use std::fs;

    fn resident() -> usize {
        let status = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
        pages * crate::page_size()
    }

    #[test]
    fn what_a_thread_has_freed_goes_back() {
        // Much more than the tests beside this one take or give back meanwhile.
        const BYTES: usize = 128 << 20;
        let last = std::thread::spawn(|| {
            let mut blocks: Vec<Box<[u8]>> = (0..BYTES / 4096).map(|_| vec![1; 4096].into()).collect();
            // At the end of its arena, so that glibc does not give back by itself what lies before it.
            let last = blocks.pop();
            drop(blocks);
            last
        });
        let last = last.join().unwrap();
        let before = resident();
        trim_heap();
        let given = before.saturating_sub(resident());
        assert!(given > BYTES / 2, "{given} bytes given back of {before}");
        drop(last);
    }

    #[test]
    fn the_main_arena_is_measured() {
        let bytes = glibc::main_arena().unwrap();
        assert!(bytes < 1 << 40, "{bytes}");
    }
}
