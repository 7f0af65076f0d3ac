use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use mobula_store::{BufferId, EnvId, Mapping, Store, StoreConfig};
use mobula_sync::atomic::{AtomicU32, Ordering};

pub(crate) const A: EnvId = EnvId(1);
pub(crate) const B: EnvId = EnvId(2);

pub(crate) fn page() -> usize {
    mobula_shm::page_size()
}

/// A directory of its own for one test, removed on drop, which fails the test if anything was left in it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mobula-store-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store(&self, pages: usize) -> Store {
        let capacity = (pages * page()) as u64;
        Store::open(StoreConfig {
            capacity,
            spill_directory: self.0.clone(),
            memory_limit: None,
            max_mappings: None,
        })
        .unwrap()
    }

    /// The names in it.
    pub(crate) fn inside(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// The unnamed files in it that this process has open: ways to open them once more.
    pub(crate) fn spill_files(&self) -> Vec<PathBuf> {
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.map(|entry| entry.path())
            .filter(|path| fs::read_link(path).is_ok_and(|target| target.starts_with(&self.0)))
            .collect()
    }

    /// The spill file of the one store in it, opened once more.
    pub(crate) fn spill_file(&self) -> fs::File {
        let [path] = &self.spill_files()[..] else {
            panic!("one file")
        };
        fs::OpenOptions::new().read(true).write(true).open(path).unwrap()
    }

    /// What that file takes of the disk.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spill_file().metadata().unwrap().blocks() * 512
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let left = self.inside();
        let _ = fs::remove_dir_all(&self.0);
        assert!(
            left.is_empty() || std::thread::panicking(),
            "left behind: {left:?}"
        );
    }
}

/// Bytes that tell which buffer and which place they belong to.
pub(crate) fn pattern(seed: u32, len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| {
            (index / 256 + index)
                .wrapping_mul(31)
                .wrapping_add(seed as usize * 7) as u8
        })
        .collect()
}

#[expect(
    clippy::mut_from_ref,
    reason = "a mapping only names memory; each test uses it from one place"
)]
pub(crate) fn bytes(mapping: &Mapping) -> &mut [u8] {
    // SAFETY: the tests use a mapping from one thread, and not after unmapping it.
    unsafe { std::slice::from_raw_parts_mut(mapping.ptr, mapping.len) }
}

pub(crate) fn content(store: &Store, id: BufferId) -> Vec<u8> {
    let mut out = vec![0; usize::try_from(store.len(id)).unwrap()];
    store.read(id, 0, &mut out).unwrap();
    out
}

pub(crate) fn release_all(store: &Store, ids: impl IntoIterator<Item = BufferId>) {
    for id in ids {
        store.release(id);
    }
}

/// Evicts everything that can be evicted.
pub(crate) fn evict_all(store: &Store) {
    let stats = store.stats();
    let filler = vec![0; usize::try_from(stats.capacity - stats.pinned).unwrap()];
    store.release(store.put(&filler, A).unwrap());
}

/// Nothing is held any more, and the books say so.
pub(crate) fn assert_empty(store: &Store) {
    let stats = store.stats();
    let held = (
        stats.used,
        stats.pinned,
        stats.spilled,
        stats.buffers,
        stats.views,
    );
    assert_eq!(held, (0, 0, 0, 0, 0), "{stats:?}");
}
