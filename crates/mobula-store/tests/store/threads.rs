//! Many threads, little room.

use std::thread;

use mobula_store::{BufferId, CreateError, EnvId, MapError};
use mobula_sync::Mutex;

use crate::support::{Directory, assert_empty, bytes, content, page, pattern};

/// A small generator of its own for each thread, so that a failure repeats as far as threads can.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn threads_that_share_too_little_room_never_see_wrong_bytes() {
    const THREADS: u32 = 6;
    let directory = Directory::new();
    let store = directory.store(40);
    // Buffers with a reference that belongs to the list, and what they hold.
    let shared: Mutex<Vec<(BufferId, u32, usize)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (store, shared) = (&store, &shared);
            scope.spawn(move || {
                let env = EnvId(number);
                let mut random = Random(u64::from(number) * 7919 + 1);
                let mut views = Vec::new();
                for round in 0..400 {
                    let seed = number * 1000 + round;
                    let len = (random.below(4) + 1) * page() - random.below(page());
                    match random.below(8) {
                        0..3 => match store.put(&pattern(seed, len), env) {
                            Ok(id) => {
                                store.adopt(id);
                                shared.lock().push((id, seed, len));
                            }
                            Err(error) => assert!(matches!(error, CreateError::Full(_)), "{error:?}"),
                        },
                        3 => match store.create(len as u64, env) {
                            Ok((_, writer)) => {
                                bytes(&writer).copy_from_slice(&pattern(seed, len));
                                if random.below(2) == 0 {
                                    let id = store.seal(writer.view).unwrap();
                                    store.adopt(id);
                                    shared.lock().push((id, seed, len));
                                } else {
                                    store.abort(writer.view);
                                }
                            }
                            Err(error) => assert!(matches!(error, CreateError::Full(_)), "{error:?}"),
                        },
                        4..7 => {
                            let chosen = {
                                let shared = shared.lock();
                                let chosen = shared.get(random.below(shared.len().max(1))).copied();
                                chosen.inspect(|&(id, ..)| store.retain(id))
                            };
                            let Some((id, seed, len)) = chosen else { continue };
                            match store.map(id, env) {
                                Ok(mapping) => {
                                    assert!(bytes(&mapping) == pattern(seed, len), "buffer {id:?}");
                                    bytes(&mapping).fill(0xee);
                                    views.push(mapping.view);
                                }
                                Err(error) => assert!(matches!(error, MapError::Full(_)), "{error:?}"),
                            }
                            store.release(id);
                            if views.len() > 1 {
                                store.unmap(views.swap_remove(0));
                            }
                        }
                        _ => {
                            let dropped = {
                                let mut shared = shared.lock();
                                let index = random.below(shared.len().max(1));
                                (index < shared.len()).then(|| shared.swap_remove(index))
                            };
                            if let Some((id, ..)) = dropped {
                                store.release(id);
                            }
                            if random.below(4) == 0 {
                                store.release_env(env);
                                views.clear();
                            }
                        }
                    }
                }
                store.release_env(env);
            });
        }
    });
    let stats = store.stats();
    assert!(stats.spills > 0 && stats.restores > 0, "{stats:?}");
    assert_eq!((stats.pinned, stats.views), (0, 0));
    for (id, seed, len) in shared.lock().drain(..) {
        assert!(content(&store, id) == pattern(seed, len));
        store.release(id);
    }
    assert_empty(&store);
    assert_eq!(directory.spilled_bytes(), 0);
}

#[test]
fn threads_that_want_the_same_buffer_wait_for_one_restore() {
    let directory = Directory::new();
    let store = directory.store(600);
    let data = pattern(1, 500 * page());
    let id = store.put(&data, EnvId(0)).unwrap();
    for _ in 0..5 {
        crate::support::evict_all(&store);
        let before = store.stats().restores;
        thread::scope(|scope| {
            for number in 0..4 {
                let (store, data) = (&store, &data);
                scope.spawn(move || {
                    let mapping = store.map(id, EnvId(number)).unwrap();
                    assert!(bytes(&mapping) == data);
                    store.unmap(mapping.view);
                });
            }
        });
        assert_eq!(store.stats().restores, before + 1);
    }
    store.release(id);
    assert_empty(&store);
}
