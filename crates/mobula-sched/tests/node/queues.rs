//! Batches: what is handed back, and what the watchdog does about long ones.

use mobula_sched::{Demand, TemplateSpec, UNIT};

use super::support::{Bed, Call, OK, plain, value};

#[test]
fn tasks_behind_one_that_went_on_in_the_background_are_handed_out_again() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let mut other = bed.worker();
    other.sleeps();
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = worker.tasks();
    assert_eq!(batch.len(), 3);
    assert!(worker.claim(&batch[0]));
    worker.pending(batch[0].task, false);
    worker.sleeps();
    assert_eq!(
        other.rings(),
        1,
        "what the first cannot go on with is the other's"
    );
    let again = other.tasks();
    assert_eq!(
        again
            .iter()
            .map(|task| (task.tag(), task.attempt))
            .collect::<Vec<_>>(),
        [(2, 1), (3, 1)]
    );
    for task in &again {
        other.claim(task);
        other.result(task.task, OK, &[value("")]);
    }
    other.sleeps();
    worker.result(batch[0].task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_worker_whose_cpu_a_background_task_has_takes_only_what_needs_less_than_one() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let fraction = bed.template(TemplateSpec {
        demand: Demand {
            cpu: UNIT / 10,
            others: vec![],
        },
        ..plain()
    });
    let waiting = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = first.begin();
    first.pending(task.task, false);
    first.sleeps();
    let plain = driver.submit_tagged(template, 2, &[]);
    driver.flush();
    assert_eq!(first.rings(), 0);
    let small = driver.submit_tagged(fraction, 3, &[]);
    driver.flush();
    assert_eq!(first.rings(), 1);
    assert_eq!(first.run_all(), [3]);
    // While it waits for others, its CPU and its thread are theirs.
    first.block(task.task, true);
    first.flush();
    assert_eq!(first.rings(), 2, "its loop slept, for smaller tasks only");
    assert_eq!(first.run_all(), [2]);
    first.block(task.task, false);
    first.flush();
    assert_eq!(first.rings(), 3, "it sleeps for smaller tasks from now on");
    first.sleeps();
    first.result(task.task, OK, &[value("")]);
    first.sleeps();
    driver.release(&[waiting, plain, small]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn tasks_that_cannot_go_on_here_go_to_another_worker() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = first.tasks();
    assert!(first.claim(&batch[0]));
    // It keeps the only CPU.
    first.pending(batch[0].task, false);
    first.sleeps();
    second.sleeps();
    first.block(batch[0].task, true);
    first.flush();
    let mut stolen = second.run_all();
    stolen.sort_unstable();
    assert_eq!(stolen, [2, 3]);
    first.result(batch[0].task, OK, &[value("")]);
    first.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_watchdog_passes_on_results_and_hands_unbegun_tasks_to_others() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    second.sleeps();
    let results = [1, 2, 3, 4].map(|tag| driver.submit_tagged(template, tag, &[]));
    let token = driver.get(results[0]);
    driver.flush();
    let batch = first.tasks();
    assert!(first.claim(&batch[0]));
    first.result(batch[0].task, OK, &[value("early")]);
    assert!(first.claim(&batch[1]));
    second.sleeps();
    assert!(bed.node.tick().is_some(), "a batch is out");
    driver.sleeps();
    let rings = second.rings();
    assert!(bed.tick_later());
    assert_eq!(driver.outcome(token).1, value("early"));
    assert!(second.rings() > rings, "somebody is told of the tasks");
    let mut stolen = second.run_all();
    stolen.sort_unstable();
    assert_eq!(stolen, [3, 4]);
    assert!(
        !first.claim(&batch[2]) && !first.claim(&batch[3]),
        "they are gone"
    );
    first.result(batch[1].task, OK, &[value("")]);
    first.sleeps();
    bed.watchdog_sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn refs_of_tasks_that_were_handed_out_but_not_begun_are_not_kept() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    let inner = driver.put(&value("inner"));
    let outer = driver.put(&value("outer").with_refs(&[inner]));
    let mut results = vec![driver.submit_tagged(template, 1, &[])];
    for tag in 2..6 {
        let call = Call {
            arguments: value([tag]).with_refs(&[inner]),
            deps: &[outer],
            ..Call::default()
        };
        results.push(driver.submit(template, &call));
    }
    driver.release(&[inner, outer]);
    driver.flush();
    let batch = first.tasks();
    assert!(first.claim(&batch[0]));
    bed.tick_later();
    let mut stolen = second.run_all();
    stolen.sort_unstable();
    assert_eq!(stolen, [2, 3, 4, 5]);
    first.result(batch[0].task, OK, &[value("")]);
    first.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn refs_of_tasks_behind_one_that_went_on_in_the_background_are_lent_once() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let inner = driver.put(&value("inner"));
    let first = driver.submit_tagged(template, 1, &[]);
    let call = Call {
        arguments: value([2]).with_refs(&[inner]),
        ..Call::default()
    };
    let second = driver.submit(template, &call);
    driver.release(&[inner]);
    driver.flush();
    let batch = worker.tasks();
    assert_eq!(batch.len(), 2);
    assert!(worker.claim(&batch[0]));
    worker.pending(batch[0].task, false);
    worker.sleeps();
    let mut other = bed.worker();
    assert_eq!(other.run_all(), [2]);
    worker.result(batch[0].task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[warm, first, second]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_watchdog_wakes_a_worker_for_tasks_that_a_long_batch_left_in_the_queue() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    second.sleeps();
    first.sleeps();
    let results: Vec<u32> = (0..130)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(first.rings() + second.rings(), 1, "short tasks are one worker's");
    let batch = first.tasks();
    assert_eq!(batch.len(), 128);
    // All but the last are done; that one takes long.
    for task in &batch {
        assert!(first.claim(task));
    }
    for task in &batch[..127] {
        first.result(task.task, OK, &[value("")]);
    }
    let rings = second.rings();
    bed.tick_later();
    assert!(
        second.rings() > rings || rings > 0,
        "the second worker is told of the rest"
    );
    assert_eq!(second.run_all().len(), 2);
    first.result(batch[127].task, OK, &[value("")]);
    first.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn draining_tells_the_driver_when_the_last_task_has_ended() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    assert!(bed.node.drain(), "nothing is in flight");
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    assert!(!bed.node.drain());
    assert_eq!(driver.news(), []);
    assert_eq!(worker.run_all(), [1]);
    assert_eq!(driver.news(), [super::support::News::Idle]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn draining_rings_the_driver_for_each_task_that_ends_though_nobody_waits_for_it() {
    // What is left may be generators that wait for readers, which only the driver can end.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = worker.tasks();
    assert!(worker.claim(&batch[0]));
    driver.sleeps();
    assert!(!bed.node.drain());
    let rings = driver.rings();
    worker.result(batch[0].task, OK, &[value("")]);
    let rest = worker.tasks();
    assert_eq!((rest.len(), driver.rings()), (1, rings + 1));
    assert_eq!(driver.news(), []);
    assert!(worker.claim(&rest[0]));
    worker.result(rest[0].task, OK, &[value("")]);
    worker.sleeps();
    assert_eq!(driver.news(), [super::support::News::Idle]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn closing_fails_everything_that_is_not_settled() {
    const CLOSED: u8 = 7;
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let running = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = worker.begin();
    let queued = driver.submit_tagged(template, 2, &[]);
    let waiting = driver.submit_tagged(template, 3, &[queued]);
    let actor = driver.create(template, &[running]);
    let call = driver.call(template, actor, 4, &[waiting]);
    let all = [running, queued, waiting, actor, call];
    let tokens = all.map(|object| driver.get(object));
    driver.flush();
    bed.node.fail_all("");
    let news = driver.news();
    for token in tokens {
        let told = news.iter().filter(|news| {
            matches!(news, super::support::News::Value { token: got, value, .. } if *got == token && value.bytes[0] == CLOSED)
        });
        assert_eq!(told.count(), 1, "{token}: {news:?}");
    }
    assert_eq!(bed.node.live_tasks(), 0);
    worker.result(task.task, OK, &[value("late")]);
    assert_eq!(worker.run_all(), []);
    driver.release(&all);
    driver.flush();
    bed.assert_balanced(0);
}
