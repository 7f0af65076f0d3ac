//! What waits for resources: dropped actors are collected for it, and the reason of each wait is named.

use std::sync::Arc;

use mobula_sched::{Cause, Demand, Holder, Lack, TemplateSpec, UNIT};

use super::actors::{alive, method};
use super::support::{Bed, News, OK, Thread, plain, value};

const SECOND: u64 = 1_000_000_000;

/// An actor class that asks for one CPU.
fn class() -> TemplateSpec {
    named("class", plain())
}

fn named(name: &str, spec: TemplateSpec) -> TemplateSpec {
    TemplateSpec {
        name: Arc::from(name),
        ..spec
    }
}

fn later(bed: &Bed, nanoseconds: u64) {
    bed.advance(nanoseconds);
    bed.node.look_at_waits(false);
}

fn collects(thread: &mut Thread) -> usize {
    thread
        .news()
        .iter()
        .filter(|news| **news == News::Collect)
        .count()
}

#[test]
fn threads_collect_at_once_for_work_that_waits_for_what_an_actor_holds_and_then_now_and_then() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let class = bed.template(class());
    assert_eq!(bed.node.look_at_waits(false), None, "nothing waits");
    let (mut host, first) = alive(&bed, &mut driver, class);
    let second = driver.create(class, &[]);
    driver.flush();
    assert!(bed.node.look_at_waits(false).is_some(), "an actor waits");
    assert_eq!(collects(&mut driver), 1);
    later(&bed, SECOND);
    later(&bed, 8 * SECOND);
    assert_eq!(collects(&mut driver), 0, "once in ten seconds at most");
    later(&bed, 2 * SECOND);
    assert_eq!(collects(&mut driver), 1);
    // Nothing came of it: the next time is later.
    later(&bed, 11 * SECOND);
    assert_eq!(collects(&mut driver), 0);
    later(&bed, 10 * SECOND);
    assert_eq!(collects(&mut driver), 1);
    driver.release(&[first]);
    driver.flush();
    assert!(matches!(driver.news()[..], [News::SlowWaits] | []));
    assert_eq!(host.step()[0], News::StopActor { actor: first });
    assert_eq!(bed.node.look_at_waits(false), None, "the second has its CPU");
    driver.kill(second, false);
    driver.release(&[second]);
    driver.flush();
    host.step_once(false);
    bed.assert_balanced(0);
}

#[test]
fn nobody_collects_for_tasks_that_wait_for_tasks() {
    let bed = Bed::new(1, &[1]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let mut spec = plain();
    spec.demand = Demand {
        cpu: 0,
        others: vec![(0, UNIT)],
    };
    let template = bed.template(spec);
    let refs = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let task = worker.begin();
    later(&bed, SECOND);
    later(&bed, 20 * SECOND);
    assert_eq!(collects(&mut driver), 0);
    worker.result(task.task, OK, &[value([])]);
    worker.run_all();
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_main_thread_is_told_once_of_what_has_waited_for_five_seconds_and_who_holds_what_it_waits_for() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, task) = (bed.template(class()), bed.template(plain()));
    let (_host, actor) = alive(&bed, &mut driver, class);
    let _worker = bed.worker();
    let waits = driver.submit_tagged(task, 1, &[]);
    driver.flush();
    later(&bed, SECOND);
    driver.news();
    later(&bed, 4 * SECOND - 1);
    assert_eq!(driver.news(), [], "not yet");
    assert_eq!(bed.node.slow_waits(), []);
    later(&bed, SECOND + 1);
    assert_eq!(driver.news(), [News::SlowWaits]);
    let reasons = bed.node.slow_waits();
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].cause, Cause::Resources);
    assert_eq!(reasons[0].count, 1);
    assert_eq!(
        reasons[0].lacking,
        [Lack {
            resource: 0,
            wanted: UNIT,
            free: 0
        }]
    );
    assert_eq!(
        reasons[0].holders,
        [Holder {
            name: Arc::from("class"),
            actors: true,
            count: 1
        }]
    );
    later(&bed, SECOND);
    assert_eq!(driver.news(), [], "once");
    driver.kill(actor, false);
    driver.release(&[actor, waits]);
    driver.flush();
}

#[test]
fn a_value_that_is_not_there_is_explained_by_what_makes_it_down_to_the_root() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (bed.template(class()), bed.template(named("method", method())));
    let (task, dependent) = (
        bed.template(named("task", plain())),
        bed.template(named("dependent", plain())),
    );
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let first = driver.call(method, actor, 1, &[]);
    let second = driver.call(method, actor, 2, &[]);
    let waits = driver.submit_tagged(task, 3, &[]);
    let last = driver.submit_tagged(dependent, 4, &[waits]);
    driver.flush();
    let running = host.begin();
    let of = |name: &str, cause| (name.to_owned(), cause);
    let causes = |object: u32| {
        let reasons = bed.node.explain(object);
        reasons
            .iter()
            .map(|reason| (reason.name.to_string(), reason.cause))
            .collect::<Vec<_>>()
    };
    assert_eq!(causes(first), [of("method", Cause::Nothing)], "it runs");
    assert_eq!(
        causes(second),
        [of("method", Cause::Actor), of("method", Cause::Nothing)]
    );
    assert_eq!(
        bed.node.explain(second)[0].count,
        2,
        "the second of its actor's queue"
    );
    assert_eq!(
        causes(last),
        [of("dependent", Cause::Argument), of("task", Cause::Resources)]
    );
    let there = driver.put(&value("there"));
    driver.flush();
    assert_eq!(causes(there), []);
    host.result(running.task, OK, &[value([])]);
    host.run_all();
    let another = driver.create(class, &[]);
    let call = driver.call(method, another, 1, &[]);
    driver.flush();
    assert_eq!(
        causes(call),
        [of("method", Cause::Actor), of("class", Cause::Resources)]
    );
    driver.kill(actor, false);
    driver.kill(another, false);
    assert_eq!(causes(waits), [of("task", Cause::Thread)], "the CPU is free now");
    bed.worker().run_all();
    driver.release(&[first, second, waits, last, there, another, call, actor]);
    driver.flush();
}
