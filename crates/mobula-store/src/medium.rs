//! What the spill file lies on: a disk, or memory that only looks like one.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::AsRawFd;

use mobula_sync::Mutex;

/// How much may be on its way to the disk, in bytes. Far below the tenth of a memory limit that is kept free, and
/// enough to keep a disk busy.
const MOST: u64 = 4 << 20;

/// Writes to a file no faster than the disk takes it.
///
/// What is written and not on the disk yet counts in the memory of a control group, and cannot be dropped. In groups of
/// version 1 nothing slows a writer down: the kernel finds the group full of such pages, and kills.
#[derive(Debug, Default)]
pub(crate) struct WriteBehind(Mutex<OnTheWay>);

#[derive(Debug, Default)]
struct OnTheWay {
    /// Oldest first.
    ranges: VecDeque<Range<u64>>,
    bytes: u64,
}

impl WriteBehind {
    /// `range` of `file` has been written: sends it on its way, and waits while too much is.
    pub(crate) fn written(&self, file: &File, range: Range<u64>) {
        sync(file, &range, libc::SYNC_FILE_RANGE_WRITE);
        let mut ended = Vec::new();
        {
            let mut way = self.0.lock();
            way.bytes += range.end - range.start;
            way.ranges.push_back(range);
            while way.bytes > MOST
                && let Some(oldest) = way.ranges.pop_front()
            {
                way.bytes -= oldest.end - oldest.start;
                ended.push(oldest);
            }
        }
        for range in ended {
            let all = libc::SYNC_FILE_RANGE_WAIT_BEFORE
                | libc::SYNC_FILE_RANGE_WRITE
                | libc::SYNC_FILE_RANGE_WAIT_AFTER;
            sync(file, &range, all);
        }
    }
}

/// Failures are ignored: a file system that cannot do it writes when it likes, and content that did not reach the disk
/// has another checksum.
fn sync(file: &File, range: &Range<u64>, flags: libc::c_uint) {
    let (offset, length) = (range.start.cast_signed(), (range.end - range.start).cast_signed());
    // SAFETY: a system call on a descriptor that `file` owns; offsets of a file fit into `off64_t`.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, flags) };
}

/// Whether what is written to `file` stays in memory for good, as on `tmpfs`.
pub(crate) fn is_memory(file: &File) -> io::Result<bool> {
    let mut about = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: a system call on a descriptor that `file` owns, with room for what it tells.
    if unsafe { libc::fstatfs(file.as_raw_fd(), about.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so all of it is written.
    let kind = unsafe { about.assume_init() }.f_type;
    // Each C library has types of its own for the two.
    Ok(i128::from(kind) == i128::from(libc::TMPFS_MAGIC))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn no_more_than_the_bound_is_on_its_way() {
        let path = std::env::temp_dir().join(format!("mobula-behind-test-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let behind = WriteBehind::default();
        let chunk = vec![1; 1 << 20];
        for at in (0..12 << 20).step_by(chunk.len()) {
            file.write_all_at(&chunk, at).unwrap();
            behind.written(&file, at..at + chunk.len() as u64);
        }
        let way = behind.0.lock();
        assert_eq!(way.bytes, MOST);
        assert_eq!(way.ranges.front(), Some(&(8 << 20..9 << 20)));
    }

    #[test]
    fn shared_memory_is_told_from_other_file_systems() {
        let is = |path: &str| is_memory(&File::open(path).unwrap()).unwrap();
        assert!(is("/dev/shm"));
        assert!(!is("/proc"));
    }
}
