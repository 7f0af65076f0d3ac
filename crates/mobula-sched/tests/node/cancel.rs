//! Cancelling and time limits, in every state of a task.

use mobula_sched::{TaskId, TemplateSpec};

use super::actors::{alive, class, method};
use super::support::{Bed, Call, ERROR, News, OK, RETRY, Status, TaskNews, Thread, Value, plain, value};

const CANCELLED: u8 = 1;
const TOO_LARGE: u8 = 10;

/// The kind of a failure of the system's.
fn failure(outcome: &(Status, Value)) -> u8 {
    assert_eq!(outcome.0, Status::SystemError);
    outcome.1.bytes[0]
}

struct Scene {
    bed: Bed,
    driver: Thread,
    worker: Thread,
    template: u32,
}

fn scene() -> Scene {
    let bed = Bed::new(1, &[]);
    let (driver, worker) = (bed.driver(), bed.worker());
    let mut spec = plain();
    spec.max_retries = 1;
    let template = bed.template(spec);
    Scene {
        bed,
        driver,
        worker,
        template,
    }
}

#[test]
fn a_waiting_task_is_cancelled_at_once_and_its_argument_does_not_mind() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let argument = driver.submit_tagged(template, 1, &[]);
    let waiting = driver.submit_tagged(template, 2, &[argument]);
    let token = driver.get(waiting);
    driver.cancel(waiting, false, false);
    assert_eq!(failure(&driver.outcome(token)), CANCELLED);
    assert_eq!(worker.run_all(), [1]);
    driver.release(&[argument, waiting]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_queued_task_is_cancelled_and_never_runs() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let queued = driver.submit_tagged(template, 1, &[]);
    let token = driver.get(queued);
    driver.flush();
    driver.cancel(queued, false, false);
    assert_eq!(failure(&driver.outcome(token)), CANCELLED);
    assert_eq!(worker.run_all(), []);
    driver.release(&[queued]);
    driver.flush();
    bed.assert_balanced(0);
}

/// A task that goes on in the background: its result, what the driver calls it, and the task.
fn running(scene: &mut Scene) -> (u32, u32, TaskNews) {
    let result = scene.driver.submit_tagged(scene.template, 1, &[]);
    let token = scene.driver.get(result);
    scene.driver.flush();
    let task = scene.worker.begin();
    scene.worker.pending(task.task, false);
    scene.worker.sleeps();
    (result, token, task)
}

/// Whether the news say that `token` has failed.
fn has_failed(news: &[News], token: u32) -> bool {
    news.iter().any(
        |news| matches!(news, News::Value { status: Status::SystemError, token: got, .. } if *got == token),
    )
}

#[test]
fn a_running_task_is_cancelled_its_thread_is_told_and_its_result_is_dropped() {
    for outcome in [OK, ERROR, RETRY] {
        let mut scene = scene();
        let (result, token, task) = running(&mut scene);
        let Scene {
            bed,
            mut driver,
            mut worker,
            ..
        } = scene;
        driver.cancel(result, false, false);
        let news = driver.news();
        assert!(news.len() == 1 && has_failed(&news, token), "{news:?}");
        assert_eq!(worker.step(), [task.stopped()]);
        let late = value("late").with_buffer(bed.buffers.make(1));
        worker.result(task.task, outcome, &[late]);
        worker.sleeps();
        assert_eq!(bed.buffers.count(1), 0);
        driver.release(&[result]);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn a_running_task_is_cancelled_by_force_and_its_thread_hears_nothing_before_it_is_stopped() {
    let mut scene = scene();
    let (result, token, task) = running(&mut scene);
    let Scene {
        bed,
        mut driver,
        mut worker,
        ..
    } = scene;
    driver.cancel(result, true, false);
    let news = driver.news();
    assert!(news.len() == 2 && has_failed(&news, token), "{news:?}");
    let (port, id) = asked_to_end(&news);
    assert_eq!(
        (port, id.index, id.generation),
        (worker.id, task.task, task.generation)
    );
    worker.sleeps();
    assert!(bed.node.must_end(port, id), "its thread has begun it");
    worker.result(task.task, OK, &[value("late")]);
    worker.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_result_that_was_published_before_the_cancel_is_dropped_if_nobody_carried_it_out() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let running = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = worker.begin();
    worker.result(task.task, OK, &[value("just in time")]);
    bed.tick_later();
    driver.cancel(running, false, false);
    let token = driver.get(running);
    assert_eq!(
        driver.outcome(token).1,
        value("just in time"),
        "the watchdog was first"
    );
    worker.sleeps();
    driver.release(&[running]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_of_a_batch_that_was_not_begun_is_cancelled_and_skipped() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = worker.tasks();
    assert_eq!(batch.len(), 3);
    driver.cancel(results[1], false, false);
    assert!(worker.claim(&batch[0]));
    worker.result(batch[0].task, OK, &[value("")]);
    let news = worker.step();
    assert_eq!(news[0], batch[1].stopped());
    let [News::Task(rest)] = &news[1..] else {
        panic!("the third task only: {news:?}")
    };
    assert_eq!(rest.tag(), 3);
    assert!(worker.claim(rest));
    worker.result(rest.task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn cancelling_what_has_ended_or_has_no_task_changes_nothing() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let stored = driver.put(&value("x"));
    let done = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [1]);
    driver.cancel(done, true, true);
    driver.cancel(stored, true, true);
    let token = driver.get(done);
    assert_eq!(driver.outcome(token), (Status::Value, value([1])));
    driver.release(&[done, stored]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_recursive_cancel_reaches_grandchildren_and_spares_strangers() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let root = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let parent = worker.begin();
    let child_call = Call {
        parent: Some(&parent),
        arguments: value([2]),
        ..Call::default()
    };
    let child = worker.submit(template, &child_call);
    worker.pending(parent.task, true);
    let child_task = worker.begin();
    let grandchild_call = Call {
        parent: Some(&child_task),
        arguments: value([3]),
        ..Call::default()
    };
    let grandchild = worker.submit(template, &grandchild_call);
    worker.pending(child_task.task, true);
    worker.flush();
    let stranger = driver.submit_tagged(template, 4, &[]);
    let token = driver.get(stranger);
    driver.cancel(root, false, true);
    assert_eq!(bed.node.live_tasks(), 1, "the stranger");
    worker.result(child_task.task, OK, &[value("")]);
    worker.result(parent.task, OK, &[value("")]);
    worker.release(&[child, grandchild]);
    assert_eq!(worker.run_all(), [4]);
    assert_eq!(driver.outcome(token).0, Status::Value);
    driver.release(&[root, stranger]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_cancelled_creation_fails_the_calls_on_its_actor() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let argument = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let class = bed.template(plain());
    let actor = driver.create(class, &[argument]);
    let call = driver.call(template, actor, 2, &[]);
    let token = driver.get(call);
    driver.cancel(actor, false, false);
    assert_eq!(driver.outcome(token).0, Status::SystemError);
    assert_eq!(worker.run_all(), [1]);
    driver.release(&[argument, actor, call]);
    driver.flush();
    bed.assert_balanced(0);
}

/// The thread whose end is asked for, with the task that is to end.
fn asked_to_end(news: &[News]) -> (u16, TaskId) {
    let asked = news.iter().find_map(|news| match *news {
        News::KillPort { port, task } => Some((port, task)),
        _ => None,
    });
    let (port, (index, generation)) = asked.expect("a thread is to end");
    (port as u16, TaskId { index, generation })
}

#[test]
fn a_task_of_a_batch_that_was_not_begun_is_cancelled_by_force_and_its_thread_lives() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    // The second of a batch, so short that both are handed out at once.
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let refs = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let tasks = worker.tasks();
    assert_eq!(tasks.len(), 3, "one batch");
    assert!(worker.claim(&tasks[0]));
    driver.cancel(refs[1], true, false);
    let (port, task) = asked_to_end(&driver.news());
    assert_eq!((port, task.index), (worker.id, tasks[1].task));
    assert!(!bed.node.must_end(port, task), "the thread has not begun it");
    assert!(!worker.claim(&tasks[1]), "the core has taken it back");
    assert!(worker.claim(&tasks[2]));
    worker.result(tasks[0].task, OK, &[value([])]);
    worker.result(tasks[2].task, OK, &[value([])]);
    worker.run_all();
    driver.release(&[warm]);
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_thread_that_is_done_with_a_task_cancelled_by_force_lives() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let running = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = worker.begin();
    driver.cancel(running, true, false);
    let (port, named) = asked_to_end(&driver.news());
    // It ends, and the thread begins another before the main thread reads of it.
    worker.result(task.task, OK, &[value([])]);
    let other = driver.submit_tagged(template, 2, &[]);
    driver.flush();
    let stopped = worker.step();
    assert!(
        stopped
            .iter()
            .any(|news| matches!(news, News::Task(task) if task.tag() == 2 && worker.claim(task)))
    );
    assert!(
        !bed.node.must_end(port, named),
        "the thread runs another task now"
    );
    let News::Task(second) = &stopped[stopped.len() - 1] else {
        panic!("{stopped:?}")
    };
    worker.result(second.task, OK, &[value([])]);
    worker.run_all();
    driver.release(&[running, other]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_value_or_a_task_that_no_inbox_can_hold_fails_alone_and_the_next_goes_on() {
    let Scene {
        bed,
        mut driver,
        mut worker,
        template,
    } = scene();
    let most = super::support::MAX_INBOX_OF_TESTS;
    // Two thirds: it can be read by itself, but not twice in one task.
    let large = vec![7; most / 8];
    let parts: Vec<u32> = (0..3).map(|_| driver.put(&value(&large))).collect();
    let many: Vec<u32> = parts.iter().cycle().take(9).copied().collect();
    let too_large = driver.submit_tagged(template, 1, &many);
    let fine = driver.submit_tagged(template, 2, &parts);
    driver.flush();
    assert_eq!(worker.run_all(), [2]);
    let token = driver.get(too_large);
    assert_eq!(failure(&driver.outcome(token)), TOO_LARGE);
    let token = driver.get(fine);
    assert_eq!(driver.outcome(token), (Status::Value, value([2])));
    driver.release(&parts);
    driver.release(&[too_large, fine]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn what_is_cancelled_before_it_is_submitted_is_never_placed() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let special = bed.template(TemplateSpec {
        priority: 1,
        ..plain()
    });
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let (nested, late) = (driver.put(&value("nested")), driver.object());
    for (template, actor) in [(special, None), (method, Some(actor))] {
        let call = Call {
            arguments: value([1]).with_refs(&[nested]),
            deps: &[late],
            more: &[driver.object()],
            actor,
            cancelled: true,
            ..Call::default()
        };
        let result = driver.submit(template, &call);
        let tokens = [driver.get(result), driver.get(call.more[0])];
        driver.flush();
        let news = driver.news();
        let cancelled = |news: &News| matches!(news, News::Value { status: Status::SystemError, value, .. } if value.bytes[0] == 1);
        assert!(
            news.len() == tokens.len() && news.iter().all(cancelled),
            "{news:?}"
        );
        assert_eq!(bed.node.tasks_in_use(), 0);
        driver.release(&[result, call.more[0]]);
    }
    driver.put_into(late, &value(""));
    driver.release(&[nested, late, actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}
