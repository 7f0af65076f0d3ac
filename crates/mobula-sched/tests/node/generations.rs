//! A name is used once: a cell whose generations are used up gets no other task, object or thread.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mobula_sched::{PortKind, TaskId};

use super::support::{Bed, OK, Rings, plain, value};

const GENERATIONS: u32 = 3;

#[test]
fn no_task_and_no_object_gets_a_name_that_another_had() {
    let bed = Bed::of_few_generations(GENERATIONS);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let (mut tasks, mut objects) = (HashSet::new(), HashSet::new());
    for _ in 0..5_000 {
        let result = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        assert!(
            objects.insert((result, bed.node.object_generation(result))),
            "an object's name"
        );
        let task = worker.begin();
        assert!(task.generation < GENERATIONS);
        assert!(tasks.insert((task.task, task.generation)), "a task's name");
        worker.result(task.task, OK, &[value([])]);
        worker.flush();
        driver.release(&[result]);
        driver.flush();
    }
    assert!(worker.step_once(false).is_none());
    bed.assert_balanced(0);
}

#[test]
fn a_name_from_long_ago_stops_no_task() {
    let bed = Bed::of_few_generations(GENERATIONS);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let mut old = Vec::new();
    for _ in 0..500 {
        let result = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        let task = worker.begin();
        let (index, generation) = (task.task, task.generation);
        for &name in &old {
            assert!(!bed.node.must_end(worker.id, name), "{name:?} has ended");
        }
        old.push(TaskId { index, generation });
        worker.result(task.task, OK, &[value([])]);
        worker.flush();
        driver.release(&[result]);
        driver.flush();
    }
}

#[test]
fn no_thread_gets_a_number_whose_lives_are_used_up() {
    let bed = Bed::of_few_generations(GENERATIONS);
    let mut lives = HashMap::new();
    for _ in 0..3_000 {
        let port = bed
            .node
            .attach(PortKind::Worker, None, Arc::new(Rings::default()));
        let port = port.expect("a port");
        *lives.entry(port).or_insert(0) += 1;
        bed.node.close_port(port);
        bed.node.bury(port, "it ended", mobula_sched::Blame::Nobody);
        bed.node.forget_port(port);
    }
    assert!(lives.values().all(|&lives| lives < GENERATIONS), "{lives:?}");
    assert_eq!(bed.node.open_ports(), 0);
}
