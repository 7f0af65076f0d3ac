//! No call costs more for what has been: cells looked at are counted, not seconds.
#![cfg(debug_assertions)]

use mobula_sched::{Demand, UNIT, cells_looked_at};

use super::support::{Bed, Call, OK, Thread, plain, value};

/// So many tasks, objects or actors have been, or wait.
const MANY: u32 = 20_000;

/// How many cells a call looks at in this thread.
fn looks<R>(call: impl FnOnce() -> R) -> (u64, R) {
    let before = cells_looked_at();
    let result = call();
    (cells_looked_at() - before, result)
}

/// Has many tasks at once, with as many objects, and lets go of all.
fn peak(driver: &mut Thread, worker: &mut Thread, template: u32) {
    let refs: Vec<u32> = (0..MANY)
        .map(|_| driver.submit_tagged(template, 0, &[]))
        .collect();
    driver.flush();
    worker.run_all();
    driver.release(&refs);
    driver.flush();
}

#[test]
fn cancelling_one_task_looks_at_that_task_however_many_there_have_been() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let cancelled = |driver: &mut Thread| {
        let task = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        let (looks, ()) = looks(|| driver.cancel(task, false, true));
        driver.release(&[task]);
        driver.flush();
        looks
    };
    let before = cancelled(&mut driver);
    assert_eq!(worker.step_once(false), None);
    peak(&mut driver, &mut worker, template);
    assert_eq!(cancelled(&mut driver), before);
    assert_eq!(worker.step_once(false), None);
    bed.assert_balanced(0);
}

#[test]
fn cancelling_a_task_looks_at_what_it_submitted_and_at_nothing_else() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let others: Vec<u32> = (0..MANY)
        .map(|_| driver.submit_tagged(template, 0, &[]))
        .collect();
    let parent = driver.submit_tagged(template, 1, &[]);
    driver.flush();
    let mut parents = Vec::new();
    let mut children = Vec::new();
    while let Some(news) = worker.step_once(false) {
        for record in news {
            let super::support::News::Task(task) = record else {
                continue;
            };
            assert!(worker.claim(&task));
            if task.tag() == 0 {
                worker.result(task.task, OK, &[value([])]);
                continue;
            }
            // More than one list holds before it is looked through; all but the last ten end before the cancel.
            children.extend((0..300).map(|_| {
                worker.submit(
                    template,
                    &Call {
                        arguments: value([0]),
                        parent: Some(&task),
                        ..Call::default()
                    },
                )
            }));
            worker.pending(task.task, true);
            parents.push(task);
            break;
        }
    }
    assert_eq!(parents.len(), 1);
    let late = [(); 10].map(|()| {
        worker.submit(
            template,
            &Call {
                arguments: value([0]),
                parent: Some(&parents[0]),
                ..Call::default()
            },
        )
    });
    worker.flush();
    let (looks, ()) = looks(|| driver.cancel(parent, false, true));
    assert!(looks < 3_000, "{looks} cells");
    let tokens = late.map(|child| worker.get(child));
    let mut failed = 0;
    while let Some(news) = worker.step_once(false) {
        failed += news
            .iter()
            .filter(|news| matches!(news, super::support::News::Value { token, status, .. } if tokens.contains(token) && *status == super::support::Status::SystemError))
            .count();
    }
    assert_eq!(
        failed,
        late.len(),
        "the last ten were cancelled with their parent"
    );
    worker.result(parents[0].task, OK, &[value([])]);
    worker.release(&children);
    worker.release(&late);
    worker.run_all();
    driver.release(&others);
    driver.release(&[parent]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn burying_a_thread_looks_at_what_it_held_however_much_there_has_been() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let template = bed.template(plain());
    let buried = |driver: &mut Thread| {
        let mut worker = bed.worker();
        let task = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        worker.begin();
        let held = worker.object();
        worker.put(&value([1]).with_refs(&[held]));
        let (looks, ()) = looks(|| worker.dies());
        driver.release(&[task]);
        driver.flush();
        looks
    };
    let before = buried(&mut driver);
    let mut worker = bed.worker();
    peak(&mut driver, &mut worker, template);
    // Objects of a worker's own, and tasks that it has begun, are as many.
    for _ in 0..MANY / 100 {
        let own: Vec<u32> = (0..100).map(|_| worker.object()).collect();
        worker.release(&own);
        worker.flush();
    }
    let (at_the_end, ()) = looks(|| worker.dies());
    assert!(
        at_the_end < before + 1_000,
        "{at_the_end} cells, at first {before}"
    );
    assert_eq!(buried(&mut driver), before);
    bed.assert_balanced(0);
}

#[test]
fn actors_that_wait_for_resources_are_made_and_dropped_one_by_one() {
    let bed = Bed::new(1, &[1]);
    let mut driver = bed.driver();
    let classes: Vec<u32> = (1..=3)
        .map(|amount| {
            let mut class = plain();
            class.demand = Demand {
                cpu: 0,
                others: vec![(0, amount * UNIT)],
            };
            bed.template(class)
        })
        .collect();
    let first = driver.create(classes[0], &[]);
    driver.flush();
    let made: Vec<(u64, u32)> = (0..MANY)
        .map(|i| {
            let class = classes[i as usize % classes.len()];
            looks(|| {
                let actor = driver.create(class, &[]);
                driver.flush();
                actor
            })
        })
        .collect();
    let most = made.iter().map(|made| made.0).max();
    assert!(most < Some(100), "{most:?} cells for one of {MANY} actors");
    // From the middle, the front and the back.
    let (odd, even): (Vec<_>, Vec<_>) = made.iter().map(|made| made.1).partition(|actor| actor % 2 == 1);
    let dropped = odd.into_iter().chain(even.into_iter().rev()).map(|actor| {
        looks(|| {
            driver.kill(actor, false);
            driver.release(&[actor]);
            driver.flush();
        })
        .0
    });
    let most = dropped.max();
    assert!(most < Some(100), "{most:?} cells for one of {MANY} actors");
    driver.kill(first, false);
    driver.release(&[first]);
    driver.news();
    bed.assert_balanced(0);
}
