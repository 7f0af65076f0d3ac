//! Threads that end: their tasks run elsewhere or fail, and what they held comes back.

use std::sync::Arc;

use mobula_sched::{Blame, PortKind};

use super::support::{Bed, Call, News, OK, Rings, Status, Thread, plain, value};

const WORKER_DIED: u8 = 3;

#[test]
fn a_task_whose_worker_dies_runs_again_elsewhere_while_it_has_attempts() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second, mut third) =
        (bed.driver(), bed.worker(), bed.worker(), bed.worker());
    let mut spec = plain();
    spec.max_retries = 1;
    let result = driver.submit_tagged(bed.template(spec), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    assert_eq!(first.begin().attempt, 1);
    first.dies();
    assert_eq!(second.begin().attempt, 2);
    second.dies();
    third.sleeps();
    let (status, error) = driver.outcome(token);
    assert_eq!((status, error.bytes[0]), (Status::SystemError, WORKER_DIED));
    assert!(error.bytes.ends_with(b"it died"));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
    assert_eq!(bed.node.open_ports(), 2);
}

#[test]
fn tasks_that_a_dead_worker_had_not_begun_lose_no_attempt_and_results_it_published_count() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    let results = [1, 2, 3, 4].map(|tag| driver.submit_tagged(template, tag, &[]));
    let tokens = results.map(|result| driver.subscribe(result, false));
    driver.flush();
    let batch = first.tasks();
    assert_eq!(batch.len(), 4);
    assert!(first.claim(&batch[0]) && first.claim(&batch[1]));
    first.result(batch[0].task, OK, &[value("published")]);
    first.dies();
    let mut rest = second.run_all();
    rest.sort_unstable();
    assert_eq!(rest, [3, 4]);
    let news = driver.news();
    let statuses = [Status::Value, Status::SystemError, Status::Value, Status::Value];
    for (token, status) in tokens.into_iter().zip(statuses) {
        assert!(news.contains(&News::Ready { status, token }), "{news:?}");
    }
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn handles_of_a_dead_thread_are_given_back_its_own_and_those_it_was_lent() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let lent = driver.put(&value("lent"));
    let call = Call {
        arguments: value("").with_refs(&[lent]),
        ..Call::default()
    };
    let result = driver.submit(bed.template(plain()), &call);
    driver.release(&[lent]);
    driver.flush();
    let task = worker.begin();
    let own = worker.put(&value("own"));
    let nested = worker.put(&value("").with_refs(&[own, lent]));
    let unused = worker.object();
    worker.result(task.task, OK, &[value("")]);
    worker.sleeps();
    assert!(
        [lent, own, nested, unused]
            .iter()
            .all(|&object| object < u32::MAX)
    );
    bed.assert_balanced(5);
    worker.dies();
    bed.assert_balanced(1);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn subscriptions_of_a_dead_thread_do_no_harm() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    let task = second.begin();
    first.get(result);
    first.flush();
    first.dies();
    second.result(task.task, OK, &[value("")]);
    second.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_cancelled_task_on_a_worker_that_dies_is_freed_once() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let mut spec = plain();
    spec.max_retries = u32::MAX;
    let result = driver.submit_tagged(bed.template(spec), 1, &[]);
    driver.flush();
    worker.begin();
    driver.cancel(result, false, false);
    worker.dies();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_left_a_worker_is_not_that_workers_to_bury() {
    // 1. A task is handed to a worker and given back. 2. It is cancelled in the queue. 3. The worker dies. 4. The queue
    // still holds the task, and must come upon it, not upon whoever has its cell now.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = first.tasks();
    assert!(first.claim(&batch[0]));
    first.pending(batch[0].task, false);
    first.sleeps();
    driver.cancel(results[1], false, false);
    first.dies();
    let more: Vec<u32> = (0..100)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(second.run_all().len(), 100);
    driver.release(&more);
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_waiting_task_in_a_cell_that_a_dead_worker_once_used_is_left_alone() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm: Vec<u32> = (0..50)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(first.run_all().len(), 50);
    // Submitted by the same worker, so in the same cells.
    let gate = driver.submit_tagged(template, 99, &[]);
    driver.flush();
    let gate_task = second.begin();
    let waiting: Vec<u32> = (0..50)
        .map(|tag| first.submit_tagged(template, tag, &[gate]))
        .collect();
    first.flush();
    for &task in &waiting {
        first.cancel(task, false, false);
    }
    first.dies();
    second.result(gate_task.task, OK, &[value("")]);
    assert_eq!(second.run_all(), []);
    driver.release(&warm);
    driver.release(&[gate]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_driver_can_be_buried_last() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let stored = driver.put(&value("x"));
    let result = driver.submit_tagged(bed.template(plain()), 1, &[stored]);
    driver.get(result);
    driver.flush();
    assert_eq!(worker.run_all(), [1]);
    worker.dies();
    driver.dies();
    bed.assert_balanced(0);
    assert_eq!(bed.node.open_ports(), 0);
}

/// Has a thread die; gives the worker that is the next with its number, which has rested by then.
fn successor(bed: &Bed, thread: Thread) -> Thread {
    let dead = thread.id;
    thread.dies();
    for others in 0..300 {
        let worker = bed.worker();
        if worker.id == dead {
            assert!(others > 100, "it has not rested: {others} others");
            return worker;
        }
        worker.dies();
    }
    panic!("the number {dead} is not used again");
}

#[test]
fn the_number_of_a_dead_thread_is_used_again_after_it_has_rested() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let mut late = successor(&bed, bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    assert_eq!(late.run_all(), [1]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn every_number_is_used_before_threads_are_too_many() {
    let bed = Bed::new(1, &[]);
    let attach = || {
        bed.node
            .attach(PortKind::Worker, None, Arc::new(Rings::default()))
    };
    let all: Vec<u16> = std::iter::from_fn(attach).collect();
    assert_eq!(all.len(), 4096);
    bed.node.bury(7, "it died", Blame::Unknown);
    bed.node.forget_port(7);
    assert_eq!((attach(), attach()), (Some(7), None));
}

#[test]
fn what_a_dead_worker_waited_for_is_not_told_to_the_one_that_has_its_number() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut waits) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let [wanted, ready] = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let token = waits.subscribe(wanted, true);
    waits.subscribe(ready, false);
    waits.flush();
    let mut late = successor(&bed, waits);
    let mine = driver.submit_tagged(template, 3, &[]);
    driver.flush();
    // Its own subscription has the same token.
    assert_eq!(late.get(mine), token);
    late.flush();
    let mut worker = bed.worker();
    assert_eq!(worker.run_all().len(), 3);
    assert_eq!(late.outcome(token).0, Status::Value);
    driver.release(&[wanted, ready, mine]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn items_for_a_dead_worker_are_not_told_to_the_one_that_has_its_number() {
    let bed = Bed::new(2, &[]);
    let (mut consumer, mut worker) = (bed.worker(), bed.worker());
    let call = Call {
        stream: Some(1),
        ..Call::default()
    };
    consumer.submit(bed.template(plain()), &call);
    consumer.flush();
    let task = worker.begin();
    let mut late = successor(&bed, consumer);
    worker.yields(&task, &value("too late"));
    worker.result(task.task, OK, &[value("end")]);
    worker.sleeps();
    late.sleeps();
    bed.assert_balanced(0);
}

#[test]
fn a_request_to_stop_a_dead_thread_does_not_stop_the_one_that_has_its_number() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let running = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    worker.begin();
    driver.cancel(running, true, false);
    driver.flush();
    let mut late = successor(&bed, worker);
    driver.sleeps();
    late.sleeps();
    driver.release(&[running]);
    driver.flush();
    bed.assert_balanced(0);
}
