//! CPUs and other resources: who holds what, and that all of it comes back.

use mobula_sched::{Demand, TemplateSpec, UNIT};

use super::support::{Bed, OK, plain, value};

fn special(cpu: i64, others: &[(u32, i64)]) -> TemplateSpec {
    TemplateSpec {
        demand: Demand {
            cpu,
            others: others.to_vec(),
        },
        ..plain()
    }
}

#[test]
fn a_batch_holds_one_cpu_and_gives_it_back() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    let task = worker.begin();
    assert_eq!(bed.node.free_resources(), [UNIT]);
    worker.result(task.task, OK, &[value("")]);
    worker.sleeps();
    assert_eq!(bed.node.free_resources(), [2 * UNIT]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn no_more_plain_tasks_run_than_there_are_cpus() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(plain());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let task = first.begin();
    second.sleeps();
    first.result(task.task, OK, &[value("")]);
    assert_eq!(first.run_all(), [2]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_background_task_keeps_its_cpu_and_lends_it_while_it_waits() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let waiting = worker.begin();
    worker.pending(waiting.task, false);
    worker.sleeps();
    assert_eq!(bed.node.free_resources(), [0], "the background task has it");
    worker.block(waiting.task, true);
    let other = worker.begin();
    assert_eq!(other.tag(), 2);
    assert_eq!(bed.node.free_resources(), [0], "lent to the second task");
    worker.block(waiting.task, false);
    worker.flush();
    assert_eq!(bed.node.free_resources(), [-UNIT], "it goes on at once");
    worker.result(waiting.task, OK, &[value("")]);
    worker.result(other.task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_ends_while_its_cpu_is_lent_gives_nothing_back_twice() {
    let bed = Bed::new(1, &[1]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let plain = bed.template(plain());
    let special = bed.template(special(UNIT, &[(0, UNIT)]));
    for template in [plain, special] {
        let result = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        let task = worker.begin();
        worker.pending(task.task, true);
        worker.sleeps();
        assert_eq!(bed.node.free_resources()[0], UNIT);
        worker.result(task.task, OK, &[value("")]);
        worker.sleeps();
        driver.release(&[result]);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn blocking_twice_lends_once() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    let task = worker.begin();
    worker.pending(task.task, false);
    for begins in [true, true, false, false] {
        worker.block(task.task, begins);
    }
    worker.flush();
    assert_eq!(bed.node.free_resources(), [0]);
    worker.result(task.task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn special_tasks_go_by_priority_then_by_arrival() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let [low, middle, high] = [-1, 1, 5].map(|priority| bed.template(TemplateSpec { priority, ..plain() }));
    let normal = bed.template(plain());
    let order = [
        (low, 1),
        (normal, 2),
        (middle, 3),
        (high, 4),
        (high, 5),
        (middle, 6),
    ];
    let results = order.map(|(template, tag)| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    assert_eq!(worker.run_all(), [4, 5, 3, 6, 2, 1]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_template_whose_resource_is_taken_does_not_hold_up_the_others() {
    let bed = Bed::new(4, &[1]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let gpu = bed.template(special(UNIT, &[(0, UNIT)]));
    let half = bed.template(special(UNIT / 2, &[]));
    let results =
        [(gpu, 1), (gpu, 2), (half, 3)].map(|(template, tag)| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let task = first.begin();
    assert_eq!(task.tag(), 1);
    assert_eq!(second.run_all(), [3]);
    assert_eq!(bed.node.free_resources(), [3 * UNIT, 0]);
    first.result(task.task, OK, &[value("")]);
    assert_eq!(first.run_all(), [2]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_special_task_takes_over_from_a_batch_that_held_all_cpus() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let both = bed.template(special(2 * UNIT, &[]));
    let normal = bed.template(plain());
    let first = driver.submit_tagged(normal, 1, &[]);
    driver.flush();
    let task = worker.begin();
    let second = driver.submit_tagged(both, 2, &[]);
    driver.flush();
    worker.result(task.task, OK, &[value("")]);
    assert_eq!(worker.run_all(), [2]);
    driver.release(&[first, second]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_special_task_does_not_keep_the_cpu_of_the_batch_before_it() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let normal = bed.template(plain());
    let urgent = bed.template(TemplateSpec {
        priority: 1,
        ..plain()
    });
    let mut results = vec![driver.submit_tagged(normal, 1, &[])];
    driver.flush();
    let task = first.begin();
    results.push(driver.submit_tagged(urgent, 2, &[]));
    driver.flush();
    first.result(task.task, OK, &[value("")]);
    let long = first.begin();
    assert_eq!(long.tag(), 2);
    assert_eq!(bed.node.free_resources(), [UNIT]);
    results.push(driver.submit_tagged(normal, 3, &[]));
    driver.flush();
    assert_eq!(second.run_all(), [3]);
    first.result(long.task, OK, &[value("")]);
    first.sleeps();
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}
