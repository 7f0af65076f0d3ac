//! Records that break the protocol: refused with an error that says how, whatever their bytes, and nobody else suffers.

use std::sync::Arc;

use mobula_sched::{Blame, Node, PortError, PortKind, Violation};
use proptest::prelude::*;

use super::support::{Bed, Call, ERROR, News, OK, Rings, Status, Thread, UNBEGUN, plain, value};

/// Makes a record that is wrong, for a port.
type Record<'a> = Box<dyn Fn(u16) -> Vec<u8> + 'a>;

fn words(op: &[u8], words: &[u32]) -> Vec<u8> {
    let words = words.iter().flat_map(|word| word.to_le_bytes());
    op.iter().copied().chain(words).collect()
}

/// A port without memory: `execute` is all it does.
fn port(node: &Node) -> u16 {
    let bell = Arc::new(Rings::default());
    node.attach(PortKind::Worker, None, bell).expect("a port")
}

fn object(node: &Node, port: u16) -> u32 {
    let mut pair = [0; 2];
    node.alloc_objects(port, &mut pair);
    pair[0]
}

#[test]
fn each_kind_of_wrong_record_is_refused_by_name_and_its_port_is_not_served_again() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let theirs = driver.put(&value("theirs"));
    let running = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = worker.begin();
    let node = &bed.node;
    let cases: Vec<(Record<'_>, Violation)> = vec![
        (Box::new(|_| vec![77]), Violation::Command(77)),
        (Box::new(|_| vec![1, 0, 3]), Violation::Truncated),
        (Box::new(|_| words(&[3], &[u32::MAX, 1])), Violation::Truncated),
        (
            Box::new(|_| words(&[2, 1], &[1 << 30, 0])),
            Violation::Object(1 << 30),
        ),
        (
            Box::new(move |_| words(&[3], &[1, theirs])),
            Violation::Handle(theirs),
        ),
        (
            Box::new(move |_| words(&[5], &[theirs, 0])),
            Violation::Settled(theirs),
        ),
        (
            Box::new(|port| words(&[1, 0], &[999, object(node, port), 0])),
            Violation::Template(999),
        ),
        (
            Box::new(move |_| words(&[1, 0], &[template, theirs, 0])),
            Violation::Settled(theirs),
        ),
        (
            Box::new(move |port| words(&[1, 1], &[template, object(node, port), 0, 1, 1 << 29])),
            Violation::Object(1 << 29),
        ),
        (
            Box::new(move |port| words(&[1, 8], &[template, object(node, port), 0, theirs])),
            Violation::Actor(theirs),
        ),
        (
            Box::new(move |port| words(&[1, 12], &[template, object(node, port), 0, theirs])),
            Violation::Flags(12),
        ),
        (
            Box::new(move |port| words(&[1, 16], &[template, object(node, port), 0, 1 << 28, 0])),
            Violation::Task(1 << 28),
        ),
        (
            Box::new(move |_| words(&[4, OK, 1, 0], &[task.task, 0])),
            Violation::Runner(task.task),
        ),
        (
            Box::new(move |_| words(&[7, 0], &[task.task])),
            Violation::Runner(task.task),
        ),
        (
            Box::new(|port| {
                let (linked, id) = (1 << 31, 5);
                words(&[5], &[object(node, port), linked, 0, 1, id, 0, 0])
            }),
            Violation::Buffer(5),
        ),
    ];
    for (record, violation) in cases {
        let port = port(node);
        let record = record(port);
        let refused = Err(PortError::Violation(violation));
        assert_eq!(node.execute(port, &record), refused, "{record:?}");
        assert_eq!(node.execute(port, &[]), refused, "it is not served again");
        let told =
            |news: &News| matches!(*news, News::KillPort { port: named, .. } if named == u32::from(port));
        assert!(driver.news().iter().any(told), "its thread is to end");
        node.bury(port, "it broke the protocol", Blame::Nobody);
        assert_eq!(node.execute(port, &[]), refused);
        node.forget_port(port);
    }
    worker.result(task.task, OK, &[value("fine")]);
    worker.sleeps();
    let token = driver.get(running);
    assert_eq!(driver.outcome(token), (Status::Value, value("fine")));
    driver.release(&[theirs, running]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_result_with_another_number_of_values_is_refused_and_its_task_tried_elsewhere() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let mut spec = plain();
    spec.max_retries = 3;
    let template = bed.template(spec);
    let second = driver.object();
    let call = Call {
        more: &[second],
        ..Call::default()
    };
    let first = driver.submit(template, &call);
    driver.flush();
    for outcome in [OK, UNBEGUN, UNBEGUN + 1] {
        let mut bad = bed.worker();
        let task = bad.begin();
        let record = words(&[4, outcome, 1, 0], &[task.task, 0]);
        let refused = Err(PortError::Violation(Violation::Results(task.task)));
        assert_eq!(bed.node.execute(bad.id, &record), refused);
        bad.dies();
        driver.news();
    }
    let mut good = bed.worker();
    let again = good.begin();
    assert_eq!(again.attempt, 4);
    good.result(again.task, OK, &[value([1]), value([2])]);
    good.sleeps();
    for (object, byte) in [(first, 1), (second, 2)] {
        let token = driver.get(object);
        assert_eq!(driver.outcome(token), (Status::Value, value([byte])));
    }
    driver.release(&[first, second]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_thread_that_was_buried_is_not_served_though_it_lives() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let template = bed.template(plain());
    let lost = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let mut worker = bed.worker();
    let task = worker.begin();
    bed.node.bury(worker.id, "it hangs", Blame::Nobody);
    let record = words(&[4, OK, 1, 0], &[task.task, 0]);
    assert_eq!(bed.node.execute(worker.id, &record), Err(PortError::Closed));
    assert_eq!(bed.node.step(worker.id, 0, false, true), Err(PortError::Closed));
    assert_eq!(bed.worker().run_all(), [1], "it runs elsewhere");
    driver.release(&[lost]);
    driver.flush();
    bed.assert_balanced(0);
}

/// Something that a record may be made of.
#[derive(Debug, Clone)]
enum Part {
    Byte(u8),
    /// A number that names something, or nearly.
    Small(u32),
    Any(u32),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => (0_u8..=66).prop_map(Part::Byte),
        8 => (0_u32..24).prop_map(Part::Small),
        1 => any::<u32>().prop_map(Part::Any),
        1 => Just(Part::Any(1 << 31)),
    ]
}

fn bytes(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        match *part {
            Part::Byte(byte) => bytes.push(byte),
            Part::Small(word) | Part::Any(word) => bytes.extend(word.to_le_bytes()),
        }
    }
    bytes
}

/// A thread that was handed a task, a ref and an actor, and has made objects and submitted something.
fn busy(bed: &Bed, driver: &mut Thread, template: u32) -> Thread {
    let inner = driver.put(&value("inner"));
    let arguments = value([1]).with_refs(&[inner]);
    for _ in 0..2 {
        let call = Call {
            arguments: arguments.clone(),
            ..Call::default()
        };
        driver.submit(template, &call);
    }
    driver.create(template, &[]);
    driver.flush();
    let mut worker = bed.worker();
    worker.begin();
    let own = worker.submit_tagged(template, 2, &[]);
    worker.get(own);
    for _ in 0..4 {
        worker.object();
    }
    worker.flush();
    worker
}

/// Whether the rest of the node works, and all that the thread held comes to an end.
fn still_works(bed: &Bed, driver: &mut Thread, worker: Thread, template: u32) {
    worker.dies();
    let mut next = bed.worker();
    let probe = driver.submit_tagged(template, 9, &[]);
    let token = driver.get(probe);
    driver.flush();
    // A wrong byte may have made a task of several results.
    let run = next.run_each(|tag| if tag == 9 { OK } else { ERROR });
    assert!(run.contains(&9), "another thread goes on");
    let told = driver
        .news()
        .into_iter()
        .any(|news| matches!(news, News::Value { token: got, status: Status::Value, .. } if got == token));
    assert!(told);
    next.dies();
    bed.node.fail_all("");
    assert_eq!(bed.node.live_tasks(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 8 } else { 2_000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_records_are_carried_out_or_refused_and_nothing_panics(parts in prop::collection::vec(part(), 1..40)) {
        let bed = Bed::new(64, &[]);
        let mut driver = bed.driver();
        let mut spec = plain();
        spec.max_retries = 1;
        let template = bed.template(spec);
        let worker = busy(&bed, &mut driver, template);
        let outcome = bed.node.execute(worker.id, &bytes(&parts));
        prop_assert_ne!(outcome, Err(PortError::Panicked));
        still_works(&bed, &mut driver, worker, template);
    }

    #[test]
    fn records_with_a_few_wrong_bytes_are_carried_out_or_refused(
        start in 0_usize..8,
        count in 1_usize..8,
        changes in prop::collection::vec((0_usize..200, any::<u8>()), 0..4),
    ) {
        let bed = Bed::new(64, &[]);
        let mut driver = bed.driver();
        let mut spec = plain();
        spec.max_retries = 1;
        let template = bed.template(spec);
        let worker = busy(&bed, &mut driver, template);
        let own: Vec<u32> = (0..4).map(|_| worker.object()).collect();
        let records = [
            words(&[1, 0], &[template, own[0], 0]),
            words(&[1, 1], &[template, own[1], 0, 2, own[0], own[2]]),
            words(&[1, 4], &[template, own[2], 0]),
            words(&[1, 8], &[template, own[3], 0, own[2]]),
            words(&[2, 1], &[own[0], 7]),
            words(&[3], &[2, own[0], own[1]]),
            words(&[9, 3], &[own[0]]),
            words(&[11, 1], &[own[2]]),
        ];
        let mut stream: Vec<u8> = (0..count).flat_map(|i| records[(start + i) % records.len()].clone()).collect();
        for (at, byte) in changes {
            let len = stream.len();
            stream[at % len] = byte;
        }
        let outcome = bed.node.execute(worker.id, &stream);
        prop_assert_ne!(outcome, Err(PortError::Panicked));
        still_works(&bed, &mut driver, worker, template);
    }
}
