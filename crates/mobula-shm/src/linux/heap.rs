/// Gives the pages of memory that was freed back to the system.
///
/// glibc keeps what threads have freed for those to come, in up to eight arenas for each processor: without this, a process
/// whose worker threads end and start again grows by some 10 MiB for each arena before it stops growing.
pub fn trim_heap() {
    // musl gives back by itself.
    #[cfg(target_env = "gnu")]
    // SAFETY: may be called at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
