//! Tasks that go back because their thread could not load their code, and threads that take no more tasks.

use super::actors::{alive, class, method, needed};
use super::support::{Bed, Call, News, OK, Status, UNBEGUN, plain, value};

#[test]
fn a_task_that_has_not_begun_goes_back_and_nothing_is_counted() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let mut spec = plain();
    spec.max_retries = 0;
    let template = bed.template(spec);
    for (pending, lent) in [(false, false), (true, false), (true, true)] {
        let (mut broken, mut fresh) = (bed.worker(), bed.worker());
        let result = driver.submit_tagged(template, 7, &[]);
        let token = driver.get(result);
        driver.flush();
        let task = broken.begin();
        if pending {
            broken.pending(task.task, lent);
        }
        broken.result(task.task, UNBEGUN, &[]);
        broken.flush();
        broken.stops_taking();
        let again = fresh.begin();
        assert_eq!((again.tag(), again.attempt), (7, 1));
        fresh.result(again.task, OK, &[value("done")]);
        fresh.sleeps();
        assert_eq!(driver.outcome(token), (Status::Value, value("done")));
        driver.release(&[result]);
        driver.flush();
        broken.dies();
        fresh.dies();
    }
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_was_cancelled_before_it_went_back_is_gone() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 7, &[]);
    driver.flush();
    let task = worker.begin();
    driver.cancel(result, false, true);
    driver.release(&[result]);
    driver.flush();
    worker.result(task.task, UNBEGUN, &[]);
    let told = worker.news();
    assert!(
        told.iter().all(|news| !matches!(news, News::Task(_))),
        "nothing runs: {told:?}"
    );
    bed.assert_balanced(0);
}

#[test]
fn a_creation_that_has_not_begun_is_placed_on_another_thread() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, lives) = alive(&bed, &mut driver, class);
    let actor = driver.create(class, &[]);
    let call = driver.call(method, actor, 5, &[]);
    let token = driver.get(call);
    driver.flush();
    let creation = host.begin();
    assert_eq!(creation.extra, actor);
    host.pending(creation.task, true);
    host.result(creation.task, UNBEGUN, &[]);
    assert_eq!(host.news(), [News::StopActor { actor }]);
    let mut other = bed.host(needed(&mut driver));
    let creation = other.begin();
    assert!(creation.creates);
    assert_eq!((creation.extra, creation.attempt), (actor, 1));
    other.result(creation.task, OK, &[value("")]);
    assert_eq!(other.run_all(), [5]);
    assert_eq!(driver.outcome(token).0, Status::Value);
    // The first lives on where it is, and the next is not placed beside it.
    let tag = driver.call(method, lives, 6, &[]);
    let third = driver.create(class, &[]);
    driver.flush();
    assert_eq!(host.run_all(), [6]);
    assert_eq!(other.begin().extra, third);
    driver.release(&[actor, call, lives, tag, third]);
    driver.flush();
    host.dies();
    other.dies();
    bed.assert_balanced(0);
}

// Its store, and the CPU of its last batch, were held for as long as it lived.
#[test]
fn a_thread_that_takes_no_more_tasks_leaves_all_to_others() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut leaving) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let parent = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = leaving.begin();
    leaving.pending(task.task, true);
    let submit = |thread: &mut super::support::Thread, tag| {
        let call = Call {
            arguments: value([tag]),
            parent: Some(&task),
            ..Call::default()
        };
        thread.submit(template, &call)
    };
    let before = submit(&mut leaving, 2);
    leaving.flush();
    leaving.stops_taking();
    let after = submit(&mut leaving, 3);
    leaving.flush();
    let mut fresh = bed.worker();
    assert_eq!(fresh.run_all(), [2, 3]);
    leaving.result(task.task, OK, &[value("")]);
    leaving.release(&[before, after]);
    leaving.flush();
    driver.release(&[parent]);
    driver.flush();
    leaving.dies();
    bed.assert_balanced(0);
}

#[test]
fn failed_loads_are_counted_in_a_row_and_those_at_the_same_time_once() {
    let bed = Bed::new(1, &[]);
    let template = bed.template(plain());
    let count = || bed.node.failed_loads(template);
    assert_eq!(count(), 0);
    bed.node.load_ended(template, false, 0);
    bed.node.load_ended(template, false, 0);
    assert_eq!(count(), 1);
    bed.node.load_ended(template, false, 1);
    assert_eq!(count(), 2);
    bed.node.load_ended(template, true, 2);
    assert_eq!(count(), 0);
}
