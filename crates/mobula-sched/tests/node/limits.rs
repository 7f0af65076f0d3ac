//! Time limits: attempts that take too long are ended, and no others.

use mobula_sched::TemplateSpec;

use super::support::{Bed, News, OK, RETRY, Status, Thread, plain, value};

const TIMED_OUT: u8 = 2;
const MILLISECOND: u64 = 1_000_000;

fn limited(milliseconds: u32) -> TemplateSpec {
    TemplateSpec {
        timeout_ms: milliseconds,
        max_retries: 1,
        ..plain()
    }
}

/// Whether the thread is told that `token` has run out of time, and which ports the driver is to stop.
fn ends(driver: &mut Thread, token: u32) -> (bool, Vec<u32>) {
    let news = driver.news();
    let timed_out = news.iter().any(|news| {
        matches!(news, News::Value { status: Status::SystemError, token: got, value } if *got == token && value.bytes[0] == TIMED_OUT)
    });
    let stopped = news.iter().filter_map(|news| match news {
        News::KillPort { port, .. } => Some(*port),
        _ => None,
    });
    (timed_out, stopped.collect())
}

#[test]
fn an_attempt_that_takes_too_long_is_ended_and_its_thread_stopped() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(limited(50)), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    let task = worker.begin();
    bed.advance(2 * MILLISECOND);
    assert!(bed.node.tick().is_some());
    assert_eq!(
        ends(&mut driver, token),
        (false, vec![]),
        "nobody is told that it has begun"
    );
    bed.advance(47 * MILLISECOND);
    assert!(bed.node.tick().is_some());
    assert_eq!(ends(&mut driver, token), (false, vec![]));
    bed.advance(2 * MILLISECOND);
    assert!(bed.node.tick().is_some());
    assert_eq!(ends(&mut driver, token), (true, vec![u32::from(worker.id)]));
    // Its thread hears nothing: it is stopped.
    worker.sleeps();
    worker.result(task.task, OK, &[value("late")]);
    worker.sleeps();
    bed.watchdog_sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_deadline_of_an_attempt_does_not_end_the_next() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(limited(50)), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    let first = worker.begin();
    bed.advance(49 * MILLISECOND);
    bed.node.tick();
    worker.result(first.task, RETRY, &[value("")]);
    let second = worker.begin();
    assert_eq!(second.attempt, 2);
    bed.advance(2 * MILLISECOND);
    bed.node.tick();
    assert_eq!(
        ends(&mut driver, token),
        (false, vec![]),
        "the second has 50 ms of its own"
    );
    worker.result(second.task, OK, &[value("done")]);
    worker.sleeps();
    assert_eq!(driver.outcome(token).1, value("done"));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_of_a_batch_has_its_time_from_when_it_begins() {
    // The second of a batch was handed out with the first, which takes nearly as long as the limit.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(limited(50));
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    let token = driver.get(results[1]);
    driver.flush();
    let batch = worker.tasks();
    assert_eq!(batch.len(), 3, "tasks with a limit come in batches");
    // The watchdog does not come in between.
    assert!(worker.claim(&batch[0]));
    bed.advance(40 * MILLISECOND);
    worker.result(batch[0].task, OK, &[value("")]);
    assert!(worker.claim(&batch[1]));
    for _ in 0..4 {
        bed.advance(12 * MILLISECOND);
        bed.node.tick();
        assert_eq!(
            ends(&mut driver, token),
            (false, vec![]),
            "it began 48 ms ago at most"
        );
    }
    bed.advance(30 * MILLISECOND);
    bed.node.tick();
    assert_eq!(ends(&mut driver, token), (true, vec![u32::from(worker.id)]));
    worker.result(batch[1].task, OK, &[value("late")]);
    let news = worker.step();
    let [News::Task(third)] = &news[..] else {
        panic!("{news:?}")
    };
    assert_eq!(third.tag(), 3, "it had not begun");
    assert!(worker.claim(third));
    worker.result(third.task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_was_handed_back_unbegun_is_not_ended() {
    // Its thread had claimed it, found that its code was still loading, and unclaimed it.
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(limited(50)), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    let task = worker.begin();
    bed.advance(10 * MILLISECOND);
    bed.node.tick();
    worker.unclaim(&task);
    let mut other = bed.worker();
    bed.advance(10 * MILLISECOND);
    bed.node.tick();
    // It was put back; its time begins anew.
    let task = other.begin();
    bed.advance(40 * MILLISECOND);
    bed.node.tick();
    assert_eq!(ends(&mut driver, token), (false, vec![]));
    other.result(task.task, OK, &[value("done")]);
    other.sleeps();
    worker.sleeps();
    assert_eq!(driver.outcome(token).1, value("done"));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_in_the_background_keeps_its_deadline_when_its_batch_is_over() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(limited(50)), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    let task = worker.begin();
    worker.pending(task.task, false);
    worker.sleeps();
    // It looks twice before it sleeps for long.
    let _ = bed.node.tick();
    let pause = bed.node.tick().expect("a deadline");
    assert_eq!(pause, 50 * MILLISECOND, "the watchdog sleeps until then");
    bed.advance(pause);
    bed.node.tick();
    assert_eq!(ends(&mut driver, token), (true, vec![u32::from(worker.id)]));
    // Its thread hears nothing: it is stopped.
    worker.sleeps();
    worker.result(task.task, OK, &[value("late")]);
    worker.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn deadlines_of_attempts_that_have_ended_do_not_pile_up() {
    // A limit of an hour, and tasks that take 10 ms each.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(limited(3_600_000));
    let mut most = 0;
    for tag in 0..=255_u8 {
        for _ in 0..4 {
            let result = driver.submit_tagged(template, tag, &[]);
            driver.release(&[result]);
            driver.flush();
            let task = worker.begin();
            bed.advance(10 * MILLISECOND);
            bed.node.tick();
            worker.result(task.task, OK, &[value("")]);
            worker.sleeps();
            most = most.max(bed.node.deadlines());
        }
    }
    assert!(most > 0, "the limits are kept in mind");
    assert!(most <= 200, "{most} deadlines for one task at a time");
    bed.assert_balanced(0);
}

#[test]
fn a_thread_that_is_gone_is_not_stopped_for_what_it_ran() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(limited(50)), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    worker.begin();
    bed.advance(10 * MILLISECOND);
    bed.node.tick();
    worker.dies();
    let mut next = bed.worker();
    let again = next.begin();
    bed.advance(45 * MILLISECOND);
    bed.node.tick();
    assert_eq!(ends(&mut driver, token), (false, vec![]));
    next.result(again.task, OK, &[value("done")]);
    next.sleeps();
    assert_eq!(driver.outcome(token).1, value("done"));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}
