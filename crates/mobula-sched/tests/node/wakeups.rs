//! Nobody sleeps beside work, and nobody is kept from sleeping by work that cannot be done.

use mobula_sched::{Demand, TemplateSpec, UNIT};

use super::actors::{alive, class, method, needed};
use super::support::{Bed, News, OK, Status, plain, value};

fn gpu() -> TemplateSpec {
    TemplateSpec {
        demand: Demand {
            cpu: UNIT,
            others: vec![(0, UNIT)],
        },
        ..plain()
    }
}

#[test]
fn a_sleeping_worker_is_rung_once_for_many_tasks() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    worker.sleeps();
    let template = bed.template(plain());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    assert_eq!(worker.rings(), 1);
    assert_eq!(worker.run_all(), [1, 2]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_worker_sleeps_while_the_tasks_in_the_queue_lack_a_resource() {
    let bed = Bed::new(2, &[1]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(gpu());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let task = first.begin();
    first.pending(task.task, false);
    // Its event loop must get its turn, or the task in the background never ends.
    first.sleeps();
    second.sleeps();
    first.result(task.task, OK, &[value("")]);
    let rings = first.rings() + second.rings();
    first.flush();
    assert!(first.rings() + second.rings() > rings, "the resource is free");
    assert_eq!(first.run_all(), [2]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_resource_that_an_actor_gives_back_wakes_a_worker() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let (host, actor) = alive(&bed, &mut driver, template);
    let result = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    worker.sleeps();
    let rings = worker.rings();
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(worker.rings(), rings + 1);
    assert_eq!(worker.run_all(), [1]);
    host.dies();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_cpu_that_a_batch_gives_back_goes_to_an_actor_that_waits_for_it() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let result = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = worker.begin();
    let actor = driver.create(template, &[]);
    driver.flush();
    assert_eq!(driver.news(), []);
    worker.result(task.task, OK, &[value("")]);
    worker.sleeps();
    let mut host = bed.host(needed(&mut driver));
    assert!(host.begin().creates);
    host.dies();
    driver.release(&[result, actor]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_cpu_that_a_dead_worker_held_wakes_another() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    first.begin();
    second.sleeps();
    let rings = second.rings();
    first.dies();
    assert_eq!(second.rings(), rings + 1);
    assert_eq!(second.run_all(), [2]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_worker_that_dies_after_it_was_rung_passes_the_ring_on() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    first.sleeps();
    second.sleeps();
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    assert_eq!(second.rings(), 1, "the latest to lie down");
    second.dies();
    assert_eq!(first.rings(), 1);
    assert_eq!(first.run_all(), [1]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_a_sleeping_worker_submits_wakes_somebody() {
    // Its own code goes on in the background of a worker whose loop sleeps: a timer fires and submits.
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(first.run_all(), [0]);
    let outer = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let task = first.begin();
    first.pending(task.task, false);
    first.sleeps();
    second.sleeps();
    let rings = first.rings() + second.rings();
    let inner = first.submit_tagged(template, 2, &[]);
    first.flush();
    assert!(
        first.rings() + second.rings() > rings,
        "the task and a CPU are there, and all sleep"
    );
    assert_eq!(second.run_all(), [2]);
    first.result(task.task, OK, &[value("")]);
    first.sleeps();
    first.release(&[inner]);
    first.flush();
    driver.release(&[warm, outer]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn an_actors_thread_is_rung_for_a_call_and_when_a_slow_call_makes_room() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let rings = host.rings();
    let calls = [1, 2].map(|tag| driver.call(method, actor, tag, &[]));
    driver.flush();
    assert_eq!(host.rings(), rings + 1);
    let batch = host.tasks();
    assert!(host.claim(&batch[0]));
    host.pending(batch[0].task, false);
    host.sleeps();
    host.result(batch[0].task, OK, &[value("")]);
    host.flush();
    assert_eq!(host.rings(), rings + 2);
    assert_eq!(host.run_all(), [2]);
    driver.release(&calls);
    driver.release(&[actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_worker_that_was_woken_for_nothing_can_be_woken_again() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let mut results = Vec::new();
    first.sleeps();
    for round in 0..5 {
        results.push(driver.submit_tagged(template, round, &[]));
        driver.flush();
        assert_eq!(first.rings(), u32::from(round) + 1);
        assert_eq!(second.run_all(), [round], "the other is faster");
        // The other must not be the one that is woken.
        let taken = bed.node.free_resources();
        assert_eq!(taken, [2 * UNIT]);
        first.sleeps();
    }
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_worker_in_the_midst_of_a_batch_is_not_counted_on_for_new_tasks() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let mut results = vec![driver.submit_tagged(template, 1, &[])];
    driver.flush();
    let task = first.begin();
    second.sleeps();
    assert_eq!(first.step_within_batch(), None);
    let rings = (first.rings(), second.rings());
    results.push(driver.submit_tagged(template, 2, &[]));
    driver.flush();
    assert_eq!((first.rings(), second.rings()), (rings.0, rings.1 + 1));
    assert_eq!(second.run_all(), [2]);
    first.result(task.task, OK, &[value("")]);
    first.sleeps();
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_ring_that_reaches_a_worker_in_the_midst_of_a_batch_is_passed_on() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    second.sleeps();
    first.sleeps();
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    assert_eq!((first.rings(), second.rings()), (1, 0));
    assert_eq!(first.step_within_batch(), None);
    assert_eq!(second.rings(), 1);
    assert_eq!(second.run_all(), [1]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_driver_that_is_handed_the_last_few_news_sleeps_from_then_on_and_after_others_only_when_there_are_none() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    driver.sleeps();
    let template = bed.template(plain());
    // A small value, a large one, and a small one that comes while the large one is read.
    for (text, rings) in [("small", 1), (&*"large".repeat(100), 2), ("small", 2)] {
        let value = value(text);
        let result = driver.submit_tagged(template, 1, &[]);
        let token = driver.get(result);
        driver.flush();
        let task = worker.begin();
        worker.result(task.task, OK, std::slice::from_ref(&value));
        worker.sleeps();
        assert_eq!(driver.rings(), rings);
        let status = Status::Value;
        assert_eq!(driver.step(), [News::Value { status, token, value }]);
        driver.release(&[result]);
        driver.flush();
        assert_eq!(bed.node.objects_in_use(), 0, "the news hold nothing");
    }
    driver.sleeps();
    bed.assert_balanced(0);
}
