//! The store under shuttle's scheduler: eviction, restoring and freeing against whoever uses the buffers.
#![cfg(shuttle)]

#[path = "../store/support.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod support;

use std::sync::Arc;

use mobula_store::{BufferId, CreateError, EnvId, MapError, Store};
use mobula_sync::explore::check;
use mobula_sync::thread;
use shuttle::rand::{Rng, thread_rng};

use support::{Directory, assert_empty, bytes, content, page, pattern};

/// Pages of the store; what the models keep in it is more.
const PAGES: usize = 4;

fn below(bound: usize) -> usize {
    thread_rng().gen_range(0..bound)
}

/// A directory and a store in it, for threads that outlive the frame.
fn bed() -> (Directory, Arc<Store>) {
    let directory = Directory::new();
    let store = Arc::new(directory.store(PAGES));
    (directory, store)
}

fn put(store: &Store, seed: u32, pages: usize, env: EnvId) -> Option<BufferId> {
    match store.put(&pattern(seed, pages * page()), env) {
        Ok(id) => {
            store.adopt(id);
            Some(id)
        }
        Err(CreateError::Full(_)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// Maps a buffer, if there is room for it, and looks at it twice, with `between` done meanwhile.
fn look(store: &Store, id: BufferId, seed: u32, pages: usize, env: EnvId, between: impl FnOnce()) {
    match store.map(id, env) {
        Ok(mapping) => {
            assert!(bytes(&mapping) == pattern(seed, pages * page()), "as it was put");
            between();
            assert!(
                bytes(&mapping) == pattern(seed, pages * page()),
                "as long as it is mapped"
            );
            store.unmap(mapping.view);
        }
        Err(MapError::Full(_)) => between(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn threads_that_share_too_little_room_never_see_wrong_bytes() {
    check("store: too little room", || {
        let (_directory, store) = bed();
        let shared: Vec<BufferId> = (0..2).filter_map(|seed| put(&store, seed, 2, EnvId(9))).collect();
        let threads: Vec<_> = (0..3_u32)
            .map(|number| {
                let (store, shared) = (Arc::clone(&store), shared.clone());
                let env = EnvId(number);
                thread::spawn(move || {
                    for round in 0..2 {
                        let seed = 10 + number * 10 + round;
                        match below(4) {
                            0 => {
                                if let Some(id) = put(&store, seed, 2, env) {
                                    look(&store, id, seed, 2, env, || ());
                                    store.release(id);
                                }
                            }
                            1 => match store.create(page() as u64, env) {
                                Ok((_, writer)) => {
                                    bytes(&writer).copy_from_slice(&pattern(seed, page()));
                                    let id = store.seal(writer.view).unwrap();
                                    store.adopt(id);
                                    look(&store, id, seed, 1, env, || ());
                                    store.release(id);
                                }
                                Err(error) => assert!(matches!(error, CreateError::Full(_)), "{error:?}"),
                            },
                            _ => {
                                let which = below(2);
                                look(&store, shared[which], which as u32, 2, env, || {
                                    if let Some(id) = put(&store, seed, 1, env) {
                                        store.release(id);
                                    }
                                });
                            }
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        for (seed, id) in shared.into_iter().enumerate() {
            assert!(content(&store, id) == pattern(seed as u32, 2 * page()));
            store.release(id);
        }
        assert_empty(&store);
    });
}

#[test]
fn a_buffer_that_is_freed_while_it_is_evicted_or_restored_leaves_nothing() {
    check("store: freed on the way", || {
        let (directory, store) = bed();
        let id = put(&store, 1, 3, EnvId(9)).unwrap();
        store.retain(id);
        let mover = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for seed in 2..4 {
                    // Evicts the other, or finds it in use.
                    if let Some(other) = put(&store, seed, 3, EnvId(0)) {
                        store.release(other);
                    }
                }
            })
        };
        let reader = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                look(&store, id, 1, 3, EnvId(1), || ());
                store.release(id);
            })
        };
        store.release(id);
        mover.join().unwrap();
        reader.join().unwrap();
        assert_empty(&store);
        let left = directory.inside().len();
        assert_eq!((left, store.stats().spilled), (0, 0));
    });
}

#[test]
fn an_environment_that_ends_gives_back_all_it_held_and_nothing_else() {
    check("store: an environment ends", || {
        let (_directory, store) = bed();
        let id = put(&store, 1, 1, EnvId(9)).unwrap();
        let other = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                look(&store, id, 1, 1, EnvId(1), || {
                    if let Some(mine) = put(&store, 2, 2, EnvId(1)) {
                        look(&store, mine, 2, 2, EnvId(1), || ());
                        store.release(mine);
                    }
                });
            })
        };
        // Views, an unsealed buffer, and one that nobody was told of.
        let _ = store.map(id, EnvId(0));
        let _ = store.create(page() as u64, EnvId(0));
        let _ = store.put(&pattern(3, page()), EnvId(0));
        store.release_env(EnvId(0));
        other.join().unwrap();
        assert!(content(&store, id) == pattern(1, page()));
        store.release(id);
        assert_empty(&store);
    });
}
