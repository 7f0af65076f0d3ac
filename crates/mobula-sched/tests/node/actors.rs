//! Actors: where they live, and the order of their calls.

use mobula_sched::{Demand, TemplateSpec};

use super::support::{Bed, Call, ERROR, News, OK, Status, Thread, plain, value};

/// An actor class that asks for nothing.
pub(crate) fn class() -> TemplateSpec {
    TemplateSpec {
        demand: Demand::default(),
        ..plain()
    }
}

/// A method.
pub(crate) fn method() -> TemplateSpec {
    class()
}

/// The host that the driver is asked to start.
pub(crate) fn needed(driver: &mut Thread) -> u32 {
    let news = driver.news();
    let [News::NeedWorker { host, .. }] = news[..] else {
        panic!("a thread is needed: {news:?}")
    };
    host
}

/// An actor that is made and lives on a thread of its own: the thread and the actor's object.
pub(crate) fn alive(bed: &Bed, driver: &mut Thread, class: u32) -> (Thread, u32) {
    let actor = driver.create(class, &[]);
    driver.flush();
    let host = needed(driver);
    let mut thread = bed.host(host);
    let creation = thread.begin();
    assert!(creation.creates);
    assert_eq!(creation.extra, actor);
    thread.result(creation.task, OK, &[value("")]);
    thread.sleeps();
    (thread, actor)
}

/// As `alive`, with a name in the namespace "n".
pub(crate) fn named(bed: &Bed, driver: &mut Thread, class: u32, name: &str) -> (Thread, u32) {
    let actor = driver.create_named(class, &[], "n", name);
    driver.flush();
    let mut thread = bed.host(needed(driver));
    let creation = thread.begin();
    assert_eq!(creation.extra, actor);
    thread.result(creation.task, OK, &[value("")]);
    thread.sleeps();
    (thread, actor)
}

#[test]
fn calls_run_after_the_constructor_and_in_the_order_in_which_they_were_made() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (bed.template(class()), bed.template(method()));
    let actor = driver.create(class, &[]);
    let calls = [1, 2, 3].map(|tag| driver.call(method, actor, tag, &[]));
    driver.flush();
    assert_eq!(bed.node.pending_calls(actor), 3);
    let host = needed(&mut driver);
    let mut thread = bed.host(host);
    let creation = thread.begin();
    assert!(creation.creates);
    thread.result(creation.task, OK, &[value("")]);
    assert_eq!(thread.run_all(), [1, 2, 3]);
    assert_eq!(bed.node.pending_calls(actor), 0);
    driver.release(&calls);
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(thread.step(), [News::StopActor { actor }]);
    bed.assert_balanced(0);
}

#[test]
fn a_call_that_waits_for_an_argument_holds_back_its_callers_later_calls_only() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut other) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let slow = driver.object();
    let mut calls = vec![driver.call(method, actor, 1, &[slow])];
    let keep = driver.submit_tagged(bed.template(plain()), 9, &[]);
    calls.push(driver.call(method, actor, 2, &[]));
    calls.push(driver.call(method, actor, 3, &[keep]));
    driver.flush();
    let from_other = other.call(method, actor, 4, &[]);
    other.flush();
    assert_eq!(host.run_all(), [4], "another caller's");
    assert_eq!(other.run_all(), [9]);
    assert_eq!(host.run_all(), [], "the third is ready, but behind the first");
    bed.node.fail_all("");
    let _ = (host.news(), driver.news());
    driver.release(&calls);
    driver.release(&[actor, keep]);
    driver.flush();
    other.release(&[from_other]);
    other.flush();
    assert_eq!(bed.node.live_tasks(), 0);
}

#[test]
fn on_an_actor_that_runs_several_calls_at_once_one_that_waits_for_an_argument_holds_back_none() {
    // Two calls with an argument that comes late, and two without, by one caller: the latter had to wait for the former.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let concurrent = bed.template(TemplateSpec {
        max_concurrency: 2,
        ..class()
    });
    let method = bed.template(method());
    let (mut host, actor) = alive(&bed, &mut driver, concurrent);
    let argument = driver.submit_tagged(bed.template(plain()), 9, &[]);
    let never = driver.object();
    let calls = [
        driver.call(method, actor, 1, &[argument]),
        driver.call(method, actor, 2, &[]),
        driver.call(method, actor, 3, &[never]),
        driver.call(method, actor, 4, &[]),
    ];
    driver.flush();
    assert_eq!(host.run_all(), [2, 4], "what is ready");
    assert_eq!(worker.run_all(), [9]);
    assert_eq!(host.run_all(), [1], "its argument has come");
    // The one that waits for ever fails with its actor.
    let token = driver.get(calls[2]);
    driver.kill(actor, false);
    assert_eq!(driver.outcome(token).0, Status::SystemError);
    let _ = host.news();
    driver.release(&calls);
    driver.release(&[actor, argument]);
    driver.flush();
    assert_eq!(bed.node.live_tasks(), 0);
}

#[test]
fn a_task_does_not_stand_behind_calls_of_one_that_had_its_number() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let slow = driver.object();
    let task = bed.template(plain());
    let mut callers = Vec::new();
    for (tag, deps) in [(1, vec![slow]), (2, vec![])] {
        let result = worker.submit_tagged(task, 0, &[]);
        let caller = worker.begin();
        let call = Call {
            arguments: value([tag]),
            deps: &deps,
            actor: Some(actor),
            parent: Some(&caller),
            ..Call::default()
        };
        let call = worker.submit(method, &call);
        worker.release(&[call, result]);
        worker.result(caller.task, OK, &[value("")]);
        worker.sleeps();
        callers.push(caller);
    }
    assert_eq!(callers[0].task, callers[1].task);
    assert_eq!(host.run_all(), [2]);
    bed.node.fail_all("");
    let _ = (host.news(), driver.news());
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(bed.node.live_tasks(), 0);
}

#[test]
fn held_back_calls_go_on_in_order_when_the_argument_arrives() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let task = bed.template(plain());
    let slow = [7, 8].map(|tag| driver.submit_tagged(task, tag, &[]));
    let calls = [
        driver.call(method, actor, 1, &[]),
        driver.call(method, actor, 2, &[slow[1]]),
        driver.call(method, actor, 3, &[slow[0]]),
        driver.call(method, actor, 4, &[]),
    ];
    driver.flush();
    assert_eq!(host.run_all(), [1]);
    let first = worker.begin();
    worker.result(first.task, OK, &[value("")]);
    let second = worker.begin();
    assert_eq!(host.run_all(), []);
    worker.result(second.task, OK, &[value("")]);
    worker.sleeps();
    assert_eq!(host.run_all(), [2, 3, 4]);
    driver.release(&calls);
    driver.release(&slow);
    driver.release(&[actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_call_with_a_failed_argument_fails_and_lets_the_next_go_on() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let failing = driver.submit_tagged(bed.template(plain()), 7, &[]);
    let calls = [
        driver.call(method, actor, 1, &[failing]),
        driver.call(method, actor, 2, &[]),
        driver.call(method, actor, 3, &[failing]),
    ];
    let tokens = calls.map(|call| driver.subscribe(call, false));
    driver.flush();
    let task = worker.begin();
    worker.result(task.task, ERROR, &[value("broken")]);
    worker.sleeps();
    assert_eq!(host.run_all(), [2]);
    let news = driver.news();
    for (token, status) in tokens
        .into_iter()
        .zip([Status::UserError, Status::Value, Status::UserError])
    {
        assert!(news.contains(&News::Ready { status, token }), "{news:?}");
    }
    driver.release(&calls);
    driver.release(&[failing, actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_call_cancelled_behind_another_is_skipped_before_and_after_its_argument_arrives() {
    // 1. A waits for x, B for y, both of one caller. 2. A is cancelled. 3. y arrives: B goes on, A leaves the
    // caller's order. 4. x arrives: A's cell must still be A's.
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let task = bed.template(plain());
    let [y, x] = [7, 8].map(|tag| driver.submit_tagged(task, tag, &[]));
    let calls = [
        driver.call(method, actor, 1, &[x]),
        driver.call(method, actor, 2, &[y]),
    ];
    driver.cancel(calls[0], false, false);
    let first = worker.begin();
    worker.result(first.task, OK, &[value("")]);
    let second = worker.begin();
    assert_eq!(host.run_all(), [2]);
    // Whoever reuses cells now must not meet the cancelled call's argument.
    let gate = worker.submit_tagged(task, 20, &[]);
    let others: Vec<u32> = (0..200)
        .map(|tag| driver.submit_tagged(task, tag, &[gate]))
        .collect();
    driver.flush();
    worker.result(second.task, OK, &[value("")]);
    let gate_task = worker.begin();
    assert_eq!(gate_task.tag(), 20);
    worker.result(gate_task.task, OK, &[value("")]);
    assert_eq!(worker.run_all().len(), 200);
    worker.release(&[gate]);
    worker.flush();
    driver.release(&others);
    driver.release(&calls);
    driver.release(&[x, y, actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_call_cancelled_while_its_argument_is_missing_is_let_go_when_it_arrives() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let x = driver.submit_tagged(bed.template(plain()), 7, &[]);
    let call = driver.call(method, actor, 1, &[x]);
    let next = driver.call(method, actor, 2, &[]);
    driver.cancel(call, false, false);
    assert_eq!(worker.run_all(), [7]);
    assert_eq!(host.run_all(), [2]);
    driver.release(&[x, call, next, actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn at_most_max_concurrency_calls_go_on_in_the_background() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let two = TemplateSpec {
        max_concurrency: 2,
        ..class()
    };
    let (class, method) = (bed.template(two), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let calls = [1, 2, 3, 4].map(|tag| driver.call(method, actor, tag, &[]));
    driver.flush();
    let batch = host.tasks();
    assert!(host.claim(&batch[0]));
    host.pending(batch[0].task, false);
    let batch_two = host.tasks();
    assert!(host.claim(&batch_two[0]));
    assert_eq!(batch_two[0].tag(), 2);
    host.pending(batch_two[0].task, false);
    host.sleeps();
    host.result(batch[0].task, OK, &[value("")]);
    let batch_three = host.tasks();
    assert_eq!(batch_three[0].tag(), 3);
    assert!(host.claim(&batch_three[0]));
    host.result(batch_three[0].task, OK, &[value("")]);
    host.result(batch_two[0].task, OK, &[value("")]);
    let rest = host.run_all();
    assert!(rest.is_empty() || rest == [4]);
    driver.release(&calls);
    driver.release(&[actor]);
    driver.flush();
    host.run_all();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_is_found_by_its_name_until_it_dies() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let class = bed.template(class());
    let (mut host, actor) = named(&bed, &mut driver, class, "one");
    assert!(bed.node.has_name(actor));
    assert_eq!(bed.node.find_actor(host.id, "n", "one"), Some((actor, class)));
    assert_eq!(bed.node.find_actor(host.id, "n", "two"), None);
    assert_eq!(bed.node.find_actor(host.id, "one", "n"), None);
    host.release(&[actor]);
    host.flush();
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(bed.node.find_actor(driver.id, "n", "one"), None);
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_name_is_two_texts() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let class = bed.template(class());
    let first = driver.create_named(class, &[], "a", "b/c");
    let second = driver.create_named(class, &[], "a/b", "c");
    driver.flush();
    assert_eq!(bed.node.find_actor(driver.id, "a", "b/c"), Some((first, class)));
    assert_eq!(bed.node.find_actor(driver.id, "a/b", "c"), Some((second, class)));
    driver.kill(first, false);
    driver.kill(second, false);
    driver.release(&[first, first, second, second]);
    driver.flush();
    driver.news();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_whose_name_is_taken_is_dead_from_the_start() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (
        bed.template(TemplateSpec {
            detached: true,
            max_restarts: 3,
            ..class()
        }),
        bed.template(method()),
    );
    let (mut host, actor) = named(&bed, &mut driver, class, "one");
    let argument = driver.put(&value("an argument of its constructor"));
    let late = driver.object();
    for deps in [vec![], vec![argument], vec![late]] {
        let second = driver.create_named(class, &deps, "n", "one");
        let call = driver.call(method, second, 1, &[]);
        let token = driver.get(call);
        driver.flush();
        assert!(!bed.node.has_name(second));
        let news = driver.news();
        let [News::Value { status, value, .. }] = &news[..] else {
            panic!("the call fails: {news:?}")
        };
        assert_eq!((*status, value.bytes[0]), (Status::SystemError, 11), "{token}");
        driver.release(&[call, second]);
        driver.flush();
    }
    assert_eq!(bed.node.find_actor(driver.id, "n", "one"), Some((actor, class)));
    driver.put_into(late, &value("its actor is dead by now"));
    driver.kill(actor, false);
    driver.release(&[actor, actor, argument, late]);
    driver.flush();
    host.news();
    driver.news();
    bed.assert_balanced(0);
}

#[test]
fn a_name_that_is_free_again_is_the_next_actors_alone() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let class = bed.template(class());
    let (mut host, actor) = named(&bed, &mut driver, class, "one");
    driver.kill(actor, false);
    assert_eq!(bed.node.find_actor(driver.id, "n", "one"), None);
    let next = driver.create_named(class, &[], "n", "one");
    // The dead one goes for good only now, and takes nothing along.
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(bed.node.find_actor(driver.id, "n", "one"), Some((next, class)));
    driver.kill(next, false);
    driver.release(&[next, next]);
    driver.flush();
    let other = driver.put(&value("an object in the same cell, perhaps"));
    driver.flush();
    assert_eq!(bed.node.find_actor(driver.id, "n", "one"), None);
    driver.release(&[other]);
    driver.flush();
    host.news();
    driver.news();
    bed.assert_balanced(0);
}

#[test]
fn actors_that_hold_on_to_one_another_go_together_without_using_the_stack() {
    const LENGTH: usize = 20_000;
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let restarting = TemplateSpec {
        max_restarts: 1,
        ..class()
    };
    let class = bed.template(restarting);
    let (mut host, first) = alive(&bed, &mut driver, class);
    let mut actor = first;
    for _ in 1..LENGTH {
        // Its recipe holds the argument.
        let holder = driver.put(&value("").with_refs(&[actor]));
        let next = driver.create(class, &[holder]);
        driver.release(&[actor, holder]);
        actor = next;
    }
    driver.flush();
    while let Some(news) = host.step_once(false) {
        for record in news {
            if let News::Task(task) = record
                && host.claim(&task)
            {
                host.forget(&task);
                host.result(task.task, OK, &[value("")]);
            }
        }
    }
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(host.news().len(), LENGTH, "each is stopped");
    bed.assert_balanced(0);
}
