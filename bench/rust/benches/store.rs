//! The object store beside a map of heap buffers behind a plain mutex: storing, handing out, creating in place.
#![expect(missing_docs, reason = "criterion_main makes items")]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mobula_store::{EnvId, Store, StoreConfig};

const KIB: usize = 1024;
const SIZES: [usize; 3] = [64 * KIB, 1024 * KIB, 16 * 1024 * KIB];
const CAPACITY: u64 = 256 * 1024 * 1024;
const ENV: EnvId = EnvId(1);

/// A store whose directory goes with it.
struct Opened {
    store: Store,
    directory: PathBuf,
}

impl Opened {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("mobula-bench-{}", std::process::id()));
        fs::create_dir(&directory).expect("the directory is new");
        let store = Store::open(StoreConfig {
            capacity: CAPACITY,
            spill_directory: directory.clone(),
            memory_limit: None,
            max_mappings: None,
        })
        .expect("the store opens");
        Self { store, directory }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // The store's spill file has no name: the directory is empty.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// What one writes without a store.
#[derive(Default)]
struct Shelf(Mutex<Buffers>);

#[derive(Default)]
struct Buffers {
    last: u32,
    by_id: HashMap<u32, Arc<[u8]>>,
}

impl Shelf {
    fn put(&self, bytes: &[u8]) -> u32 {
        let copy: Arc<[u8]> = bytes.into();
        let mut buffers = self.0.lock().expect("no holder panics");
        buffers.last += 1;
        let id = buffers.last;
        buffers.by_id.insert(id, copy);
        id
    }

    fn get(&self, id: u32) -> Arc<[u8]> {
        Arc::clone(&self.0.lock().expect("no holder panics").by_id[&id])
    }

    fn release(&self, id: u32) {
        self.0.lock().expect("no holder panics").by_id.remove(&id);
    }
}

fn name(size: usize) -> String {
    if size < 1024 * KIB {
        format!("{} KiB", size / KIB)
    } else {
        format!("{} MiB", size / (1024 * KIB))
    }
}

fn put(criterion: &mut Criterion, store: &Store, shelf: &Shelf) {
    let mut group = criterion.benchmark_group("store: put and release");
    for size in SIZES {
        let bytes = vec![7_u8; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("mobula Store", name(size)), |bencher| {
            bencher.iter(|| store.release(store.put(black_box(&bytes), ENV).expect("there is room")));
        });
        group.bench_function(
            BenchmarkId::new("Mutex<HashMap<Arc<[u8]>>>", name(size)),
            |bencher| {
                bencher.iter(|| shelf.release(shelf.put(black_box(&bytes))));
            },
        );
        let mut target = vec![0_u8; size];
        group.bench_function(BenchmarkId::new("memcpy alone", name(size)), |bencher| {
            bencher.iter(|| target.copy_from_slice(black_box(&bytes)));
        });
    }
    group.finish();
}

fn view(criterion: &mut Criterion, store: &Store, shelf: &Shelf) {
    let mut group =
        criterion.benchmark_group("store: a private view of an object, read at one place, and given back");
    for size in SIZES {
        let bytes = vec![7_u8; size];
        let stored = store.put(&bytes, ENV).expect("there is room");
        group.bench_function(BenchmarkId::new("mobula Store", name(size)), |bencher| {
            bencher.iter(|| {
                let mapping = store.map(stored, ENV).expect("it can be mapped");
                // SAFETY: the mapping is `len` bytes long and lives until `unmap` below.
                black_box(unsafe { mapping.ptr.add(mapping.len / 2).read() });
                store.unmap(mapping.view);
            });
        });
        store.release(stored);
        let shelved = shelf.put(&bytes);
        group.bench_function(
            BenchmarkId::new("Mutex<HashMap<Arc<[u8]>>>, copied", name(size)),
            |bencher| {
                bencher.iter(|| {
                    let copy = shelf.get(shelved).to_vec();
                    black_box(copy[copy.len() / 2]);
                });
            },
        );
        shelf.release(shelved);
    }
    group.finish();
}

fn create(criterion: &mut Criterion, store: &Store) {
    let mut group = criterion.benchmark_group("store: create, write one byte, seal, release");
    for size in SIZES {
        group.bench_function(BenchmarkId::new("mobula Store", name(size)), |bencher| {
            bencher.iter(|| {
                let (_, mapping) = store.create(size as u64, ENV).expect("there is room");
                // SAFETY: the mapping is `size` bytes long, and this thread's alone until it is sealed.
                unsafe { mapping.ptr.write(1) };
                store.release(store.seal(mapping.view).expect("it can be sealed"));
            });
        });
        group.bench_function(BenchmarkId::new("vec![0; n]", name(size)), |bencher| {
            bencher.iter(|| {
                let mut bytes = vec![0_u8; size];
                bytes[0] = 1;
                black_box(bytes);
            });
        });
    }
    group.finish();
}

fn benchmarks(criterion: &mut Criterion) {
    let opened = Opened::new();
    let shelf = Shelf::default();
    put(criterion, &opened.store, &shelf);
    view(criterion, &opened.store, &shelf);
    create(criterion, &opened.store);
}

criterion_group!(store, benchmarks);
criterion_main!(store);
