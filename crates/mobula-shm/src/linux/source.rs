use super::page_size;

/// From this length on, in bytes, glibc gives an allocation a mapping of its own, so that advice on it concerns nothing else.
const OWN_MAPPING: usize = 32 << 20;

/// Says that all of `bytes` will be read at once. Where nobody has written them yet, as in a large new array, the kernel then
/// maps zeros two megabytes at a time instead of page by page, which takes longer than copying. `NumPy` advises so for its
/// arrays.
pub fn expect_reading(bytes: &[u8]) {
    if bytes.len() < OWN_MAPPING {
        return;
    }
    let whole = bytes.as_ptr().align_offset(page_size());
    let len = (bytes.len() - whole) / page_size() * page_size();
    let first = bytes[whole..].as_ptr().cast_mut().cast();
    // SAFETY: whole pages of one slice, and advice that changes no content. Failure costs time only.
    unsafe { libc::madvise(first, len, libc::MADV_HUGEPAGE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_changes_no_byte() {
        let mut bytes = vec![0; OWN_MAPPING + 5];
        bytes[OWN_MAPPING / 2] = 1;
        expect_reading(&bytes);
        expect_reading(&bytes[..10]);
        assert_eq!(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 1);
        let ranges = std::fs::read_to_string("/proc/self/smaps").unwrap();
        assert!(
            ranges
                .lines()
                .any(|line| line.starts_with("VmFlags:") && line.contains(" hg"))
        );
    }
}
