use super::support::{LENGTHS, Node, Proxy, content, dial, name, node_id, until};
use crate::frame::{MOST, Request};
use crate::limits::RANGE;
use crate::ranges::Range;
use crate::{LinkError, PullError, Refusal, URGENT};

const MIB: u64 = 1 << 20;

fn total(lengths: &[u64]) -> u64 {
    lengths.iter().sum()
}

#[test]
fn an_object_comes_with_all_its_buffers_and_nothing_is_left_behind() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 128 * MIB));
    let data = a.make(1, &LENGTHS);
    let before = a.store.stats();
    // Fresh pages, then warm ones.
    for _ in 0..2 {
        let pulled = b.pull(&a.wanted(1, total(&LENGTHS))).unwrap();
        assert_eq!(content(&b.store, &pulled), data);
        drop(pulled);
        b.assert_empty();
    }
    until(|| a.store.stats().pinned == before.pinned);
    a.unmake(1);
    a.assert_empty();
}

#[test]
fn an_object_without_bytes_comes_too() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 16 * MIB));
    for (number, lengths) in [(1, &[][..]), (2, &[0]), (3, &[0, 0, 0])] {
        a.make(number, lengths);
        let pulled = b.pull(&a.wanted(number, 0)).unwrap();
        assert_eq!(pulled.buffers().len(), lengths.len());
    }
    b.assert_empty();
}

#[test]
fn what_was_pulled_is_served_again_with_the_checksums_that_came() {
    let nodes = [1, 2, 3].map(|number| Node::new(number, 64 * MIB));
    let data = nodes[0].make(1, &[2 * RANGE]);
    let pulled = nodes[1].pull(&nodes[0].wanted(1, 2 * RANGE)).unwrap();
    let [buffer] = pulled.take()[..] else {
        panic!("one buffer")
    };
    let pin = nodes[1].store.pin(buffer.id).unwrap();
    let first = crc32fast::hash(&data[0][..usize::try_from(RANGE).unwrap()]);
    assert_eq!(pin.sum(0), Some(first));
    assert_eq!(
        nodes[0].store.pin(nodes[0].buffers(1)[0]).unwrap().sum(0),
        Some(first)
    );
    drop(pin);
    nodes[1].adopt(1, buffer.id);
    let again = nodes[2].pull(&nodes[1].wanted(1, 2 * RANGE)).unwrap();
    assert_eq!(content(&nodes[2].store, &again), data);
}

#[test]
fn objects_on_disk_are_brought_back_and_room_is_made_for_them() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 24 * MIB));
    let all: Vec<_> = (0..5).map(|number| a.make(number, &[9 * MIB])).collect();
    assert!(a.store.stats().spilled > 0);
    let mut pulled = Vec::new();
    for (number, data) in (0..5).zip(&all) {
        let object = b.pull(&a.wanted(number, 9 * MIB)).unwrap();
        assert_eq!(content(&b.store, &object), *data);
        pulled.push(object);
    }
    assert!(b.store.stats().spilled > 0);
    for (object, data) in pulled.iter().zip(&all) {
        assert_eq!(content(&b.store, object), *data);
    }
    a.assert_unpinned();
}

#[test]
fn many_small_objects_come_in_both_directions_at_once() {
    let [a, b] = [1, 2].map(|number| Node::with(number, 256 * MIB, 8 * MIB, super::support::TOKEN));
    for number in 0..600 {
        a.make(number, &[20_000 + number]);
        b.make(number + 1000, &[20_000 + number]);
    }
    for number in 0..600 {
        b.plane.pull(&a.wanted(number, 20_000 + number)).unwrap();
        a.plane.pull(&b.wanted(number + 1000, 20_000 + number)).unwrap();
    }
    for node in [&a, &b] {
        let mut tickets: Vec<_> = (0..600)
            .map(|_| {
                let (ticket, end) = node.end();
                assert_eq!(
                    content(&node.store, &end.unwrap())[0].len() as u64,
                    19_999 + ticket.0
                );
                ticket
            })
            .collect();
        tickets.sort_unstable();
        tickets.dedup();
        assert_eq!(tickets.len(), 600);
        node.assert_unpinned();
    }
}

#[test]
fn two_pulls_of_one_object_are_one() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 128 * MIB));
    a.make(1, &[40 * MIB]);
    let wanted = a.wanted(1, 40 * MIB);
    let first = b.plane.pull(&wanted).unwrap();
    let second = b.plane.pull(&wanted).unwrap();
    let (ended, end) = b.end();
    assert_eq!(ended, first);
    drop(end.unwrap());
    // Unless the first has ended before.
    if second != first {
        assert_eq!(b.end().0, second);
    }
    b.assert_empty();
    b.assert_no_end();
}

#[test]
fn what_is_not_there_or_has_another_length_or_no_room_is_said_so() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 16 * MIB));
    a.make(1, &[12 * MIB]);
    a.make(2, &[3 * MIB]);
    let unknown = b.pull(&a.wanted(7, 5));
    assert!(
        matches!(
            unknown,
            Err(PullError::Refused {
                why: Refusal::Unknown,
                ..
            })
        ),
        "{unknown:?}"
    );
    let differs = b.pull(&a.wanted(2, 5));
    assert!(
        matches!(differs, Err(PullError::Differs { expected: 5, offered }) if offered == 3 * MIB),
        "{differs:?}"
    );
    let held = b.pull(&a.wanted(1, 12 * MIB)).unwrap();
    let pin = b.store.pin(held.buffers()[0].id).unwrap();
    let full = b.pull(&a.wanted(1, 12 * MIB));
    assert!(matches!(full, Err(PullError::NoRoom(_))), "{full:?}");
    // The connection serves on.
    let small = b.pull(&a.wanted(2, 3 * MIB)).unwrap();
    assert_eq!(small.buffers()[0].len, 3 * MIB);
    drop((small, held, pin));
    b.assert_empty();
    a.assert_unpinned();
}

#[test]
fn nobody_at_the_address_or_another_node_is_said_so() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 16 * MIB));
    let mut wanted = a.wanted(1, 5);
    wanted.peer = node_id(9);
    let other = b.pull(&wanted);
    let is_other = |cause: &LinkError| matches!(cause, LinkError::OtherNode { found, .. } if *found == a.id);
    assert!(
        matches!(&other, Err(PullError::Unreachable { cause, .. }) if is_other(cause)),
        "{other:?}"
    );
    wanted.address.set_port(1);
    let nobody = b.pull(&wanted);
    assert!(matches!(nobody, Err(PullError::Unreachable { .. })), "{nobody:?}");
}

#[test]
fn a_broken_pull_goes_on_at_another_place_with_the_rest_only() {
    let [a, b, c] = [1, 2, 3].map(|number| Node::new(number, 128 * MIB));
    let lengths = [RANGE / 2, 6 * RANGE + 3];
    let data = a.make(1, &lengths);
    b.put(1, &data);
    let cut = Proxy::new(a.plane.address(), 3 * RANGE, || {});
    let broken = c.pull(&Node::wanted_at(a.id, cut.address, 1, total(&lengths)));
    let Err(PullError::Broken { got, .. }) = broken else {
        panic!("{broken:?}")
    };
    assert_eq!(got, RANGE / 2 + 2 * RANGE);
    let rest = Proxy::new(b.plane.address(), u64::MAX, || {});
    let pulled = c
        .pull(&Node::wanted_at(b.id, rest.address, 1, total(&lengths)))
        .unwrap();
    assert_eq!(content(&c.store, &pulled), data);
    let passed = rest.passed.load(mobula_sync::atomic::Ordering::Relaxed);
    assert!(passed < total(&lengths) - got + 1000, "{passed}");
    drop(pulled);
    c.assert_empty();
    a.assert_unpinned();
}

#[test]
fn what_had_come_of_another_value_is_not_mixed_with_this_one() {
    let [a, b, c] = [1, 2, 3].map(|number| Node::new(number, 128 * MIB));
    a.make(1, &[6 * RANGE]);
    let other = b.make(1, &[6 * RANGE]);
    let mut other = vec![other[0].clone()];
    other[0][0] ^= 1;
    b.unmake(1);
    b.put(1, &other);
    let cut = Proxy::new(a.plane.address(), 3 * RANGE, || {});
    assert!(c.pull(&Node::wanted_at(a.id, cut.address, 1, 6 * RANGE)).is_err());
    let pulled = c.pull(&b.wanted(1, 6 * RANGE)).unwrap();
    assert_eq!(content(&c.store, &pulled), other);
}

#[test]
fn what_a_broken_pull_has_left_goes_when_nobody_goes_on_with_it_or_room_is_needed() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 32 * MIB));
    a.make(1, &[20 * MIB]);
    let cut = Proxy::new(a.plane.address(), 3 * RANGE, || {});
    let broken = b.pull(&Node::wanted_at(a.id, cut.address, 1, 20 * MIB));
    assert!(matches!(broken, Err(PullError::Broken { .. })), "{broken:?}");
    assert_eq!(b.store.stats().used, 20 * MIB);
    b.plane.forget(name(1));
    b.assert_empty();
    let cut = Proxy::new(a.plane.address(), 3 * RANGE, || {});
    assert!(b.pull(&Node::wanted_at(a.id, cut.address, 1, 20 * MIB)).is_err());
    a.make(2, &[30 * MIB]);
    drop(b.pull(&a.wanted(2, 30 * MIB)).unwrap());
    b.assert_empty();
}

#[test]
fn a_pull_that_nobody_wants_any_more_leaves_nothing() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 256 * MIB));
    a.make(1, &[100 * MIB]);
    a.make(2, &[5]);
    for _ in 0..5 {
        let ticket = b.plane.pull(&a.wanted(1, 100 * MIB)).unwrap();
        until(|| b.store.stats().used > 0);
        if b.plane.cancel(ticket) {
            assert!(!b.plane.cancel(ticket));
        } else {
            drop(b.end());
        }
        // The connection serves on.
        drop(b.pull(&a.wanted(2, 5)).unwrap());
        b.assert_empty();
        a.assert_unpinned();
    }
    b.assert_no_end();
}

#[test]
fn a_node_that_is_known_to_be_dead_holds_nothing() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 128 * MIB));
    a.make(1, &[64 * MIB]);
    // It asks, and never reads.
    let mut link = dial(&a, 7);
    link.write(
        &Request::Open {
            pull: 1,
            name: name(1),
        }
        .encode(),
    )
    .unwrap();
    link.frame(MOST.1, || {}).unwrap();
    for piece in 0..16 {
        let range = Range {
            buffer: 0,
            offset: piece * RANGE,
            length: RANGE as u32,
        };
        link.write(&Request::Bytes { pull: 1, range }.encode()).unwrap();
    }
    until(|| a.store.stats().pinned == 64 * MIB);
    // Others are served meanwhile.
    drop(b.pull(&a.wanted(1, 64 * MIB)).unwrap());
    assert_eq!(a.store.stats().pinned, 64 * MIB);
    a.plane.hang_up(node_id(7));
    a.assert_unpinned();
    a.unmake(1);
    a.assert_empty();
}

#[test]
fn stopping_ends_all_pulls_and_what_they_hold() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 256 * MIB));
    for number in 0..4 {
        a.make(number, &[30 * MIB]);
    }
    let mut wanted: Vec<_> = (0..4).map(|number| a.wanted(number, 30 * MIB)).collect();
    wanted[3].priority = URGENT + 1;
    for one in &wanted {
        b.plane.pull(one).unwrap();
    }
    b.plane.stop();
    for _ in 0..4 {
        let (_, end) = b.end();
        assert!(matches!(end, Ok(_) | Err(PullError::Closed)), "{end:?}");
    }
    b.assert_empty();
    assert!(matches!(b.plane.pull(&wanted[0]), Err(PullError::Closed)));
    a.assert_unpinned();
}
