//! Buffers that come from another node, and those that go to one.

use std::io;
use std::sync::Arc;

use crate::support::{A, B, Directory, assert_empty, content, evict_all, page, pattern};
use mobula_store::{CreateError, MapError, TakeError};

#[test]
fn what_is_coming_is_seen_by_nobody_and_goes_without_a_trace() {
    let directory = Directory::new();
    let store = Arc::new(directory.store(8));
    let mut incoming = store.receive(4 * page() as u64).unwrap();
    let mut scratch = vec![0; page()];
    incoming
        .take(2 * page() as u64, &mut scratch, |slice| {
            slice.fill(1);
            Ok::<(), io::Error>(())
        })
        .unwrap();
    let stats = store.stats();
    assert_eq!((stats.pinned, stats.buffers), (4 * page() as u64, 1));
    // It is named as what stands in the way.
    let Err(CreateError::Full(full)) = store.put(&vec![0; 5 * page()], A) else {
        panic!("there is no room")
    };
    assert!(full.holders[0].writing, "{full}");
    store.release_env(A);
    drop(incoming);
    assert_empty(&store);
    // What had come is not seen by others.
    let (_, mapping) = store.create(8 * page() as u64, A).unwrap();
    assert!(crate::support::bytes(&mapping).iter().all(|&byte| byte == 0));
    store.release_env(A);
}

#[test]
fn bytes_that_fail_to_come_can_come_again() {
    let directory = Directory::new();
    let store = Arc::new(directory.store(8));
    let data = pattern(3, 3 * page() - 7);
    let mut incoming = store.receive(data.len() as u64).unwrap();
    let mut scratch = vec![0; page()];
    let mut left = 1;
    let broken = incoming.take(data.len() as u64, &mut scratch, |slice| {
        slice.fill(9);
        if left == 0 {
            return Err(io::Error::other("cut"));
        }
        left -= 1;
        Ok(())
    });
    assert!(matches!(broken, Err(TakeError::Read(_))), "{broken:?}");
    assert_eq!(incoming.at(), 0);
    let mut rest = &data[..];
    incoming
        .take(data.len() as u64, &mut scratch, |slice| {
            let (now, later) = rest.split_at(slice.len());
            slice.copy_from_slice(now);
            rest = later;
            Ok::<(), io::Error>(())
        })
        .unwrap();
    let id = incoming.seal(Vec::new()).unwrap();
    store.hand_to(id, B);
    assert_eq!(content(&store, id), data);
    store.release_env(B);
    assert_empty(&store);
}

#[test]
fn an_empty_buffer_comes_at_once() {
    let directory = Directory::new();
    let store = Arc::new(directory.store(8));
    let id = store.receive(0).unwrap().seal(Vec::new()).unwrap();
    let pin = store.pin(id).unwrap();
    assert!(pin.is_empty() && pin.bytes(0..0).is_empty());
    drop(pin);
    evict_all(&store);
    assert_eq!(content(&store, id), b"");
    store.release(id);
    assert_empty(&store);
}

#[test]
fn a_pin_reads_any_part_of_a_buffer_in_two_arenas_and_keeps_it_in_memory() {
    let directory = Directory::new();
    let store = Arc::new(directory.store(4096));
    let data = pattern(5, 2048 * page() + 17);
    let id = store.put(&data, A).unwrap();
    let pin = store.pin(id).unwrap();
    for (start, end) in [
        (0, data.len()),
        (1, 2),
        (1024 * page() - 3, 1024 * page() + 5),
        (data.len() - 17, data.len()),
    ] {
        assert_eq!(pin.bytes(start as u64..end as u64).concat(), data[start..end]);
    }
    assert!(matches!(
        store.put(&vec![0; 3000 * page()], A),
        Err(CreateError::Full(_))
    ));
    pin.set_sum(1, 7);
    pin.set_sum(99, 7);
    drop(pin);
    evict_all(&store);
    // What is known of the bytes outlives the way to disk and back.
    let pin = store.pin(id).unwrap();
    assert_eq!((pin.sum(0), pin.sum(1), pin.sum(99)), (None, Some(7), None));
    assert_eq!(pin.bytes(0..pin.len()).concat(), data);
    drop(pin);
    store.release_env(A);
    assert_empty(&store);
    assert!(matches!(store.pin(id), Err(MapError::Unknown(_))));
}
