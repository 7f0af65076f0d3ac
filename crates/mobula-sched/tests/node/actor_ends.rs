//! How actors end, and start again.

use mobula_sched::{Demand, TemplateSpec, UNIT};

use super::actors::{alive, class, method, named, needed};
use super::support::{Bed, ERROR, News, OK, Status, plain, value};

const KILLED: u8 = 4;
const CRASHED: u8 = 5;
const UNMADE: u8 = 6;

/// The kinds of the failures that `tokens` were told of, 0 for a value.
fn failures(news: &[News], tokens: &[u32]) -> Vec<u8> {
    let failure = |wanted: u32| {
        let mut told = news.iter().filter_map(|news| match news {
            News::Value { status, token, value } if *token == wanted => {
                Some(if *status == Status::SystemError {
                    value.bytes[0]
                } else {
                    0
                })
            }
            _ => None,
        });
        let first = told
            .next()
            .unwrap_or_else(|| panic!("{wanted} is not told: {news:?}"));
        assert_eq!(told.next(), None, "{wanted} is told twice");
        first
    };
    tokens.iter().map(|&token| failure(token)).collect()
}

#[test]
fn a_constructor_that_throws_fails_all_calls_before_and_after() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (class, method) = (bed.template(class()), bed.template(method()));
    let actor = driver.create(class, &[]);
    let before = driver.call(method, actor, 1, &[]);
    driver.flush();
    let mut host = bed.host(needed(&mut driver));
    let creation = host.begin();
    let error = value("thrown").with_buffer(bed.buffers.make(1));
    host.result(creation.task, ERROR, &[error]);
    assert_eq!(host.run_all(), []);
    let after = driver.call(method, actor, 2, &[]);
    let tokens = [before, after].map(|call| driver.get(call));
    driver.flush();
    let news = driver.news();
    assert_eq!(failures(&news, &tokens), [UNMADE, UNMADE]);
    driver.release(&[actor, before, after]);
    driver.flush();
    host.news();
    assert_eq!(bed.buffers.count(1), 0);
    bed.assert_balanced(0);
}

#[test]
fn killing_fails_queued_running_and_held_back_calls() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (class, method) = (bed.template(class()), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let running = driver.call(method, actor, 1, &[]);
    driver.flush();
    let flying = host.begin();
    let slow = driver.submit_tagged(bed.template(plain()), 7, &[]);
    let queued = driver.call(method, actor, 2, &[]);
    let held = driver.call(method, actor, 3, &[slow]);
    let behind = driver.call(method, actor, 4, &[]);
    let tokens = [running, queued, held, behind].map(|call| driver.get(call));
    driver.kill(actor, false);
    let late = driver.call(method, actor, 5, &[slow]);
    let mut tokens = tokens.to_vec();
    tokens.push(driver.get(late));
    driver.flush();
    let news = driver.news();
    assert_eq!(failures(&news, &tokens), [KILLED; 5]);
    host.result(flying.task, OK, &[value("late")]);
    assert_eq!(host.step(), [News::StopActor { actor }]);
    host.sleeps();
    assert_eq!(worker.run_all(), [7]);
    driver.release(&[running, queued, held, behind, late, slow, actor]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn killing_an_actor_whose_constructor_runs_and_dropping_its_handle_is_harmless() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let actor = driver.create(bed.template(class()), &[]);
    driver.flush();
    let mut host = bed.host(needed(&mut driver));
    let creation = host.begin();
    driver.kill(actor, false);
    driver.release(&[actor]);
    driver.flush();
    host.result(creation.task, OK, &[value("")]);
    host.step();
    host.sleeps();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_lives_until_its_last_handle_goes_and_its_calls_have_run() {
    let bed = Bed::new(2, &[]);
    let mut driver = bed.driver();
    let holding = TemplateSpec {
        demand: Demand {
            cpu: UNIT,
            others: Vec::new(),
        },
        own_thread: true,
        ..class()
    };
    let (class, method) = (bed.template(holding), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    assert_eq!(bed.node.free_resources(), [UNIT]);
    let call = driver.call(method, actor, 1, &[]);
    driver.release(&[actor, call]);
    driver.flush();
    assert_eq!(host.run_all(), [1], "made before the handle went");
    let news = driver.news();
    assert!(matches!(news[..], [News::RetireHost { .. }]), "{news:?}");
    bed.assert_balanced(0);
    host.dies();
    bed.assert_balanced(0);
}

#[test]
fn a_detached_actor_lives_without_handles_until_it_is_killed() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let detached = TemplateSpec {
        detached: true,
        ..class()
    };
    let class = bed.template(detached);
    let (mut host, actor) = named(&bed, &mut driver, class, "it");
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(bed.node.find_actor(driver.id, "n", "it"), Some((actor, class)));
    driver.kill(actor, false);
    assert_eq!(bed.node.find_actor(driver.id, "n", "it"), None);
    driver.release(&[actor]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_whose_thread_dies_starts_again_and_runs_the_calls_that_may_run_again() {
    for (retries, expected) in [(0, vec![2]), (1, vec![1, 2])] {
        let bed = Bed::new(1, &[]);
        let mut driver = bed.driver();
        let restarting = TemplateSpec {
            max_restarts: 1,
            ..class()
        };
        let retried = TemplateSpec {
            max_retries: retries,
            ..method()
        };
        let (class, method) = (bed.template(restarting), bed.template(retried));
        let (mut host, actor) = alive(&bed, &mut driver, class);
        let first = driver.call(method, actor, 1, &[]);
        driver.flush();
        host.begin();
        let second = driver.call(method, actor, 2, &[]);
        let token = driver.get(first);
        driver.flush();
        host.dies();
        let news = driver.news();
        let host = news.iter().find_map(|news| match news {
            News::NeedWorker { host, .. } => Some(*host),
            _ => None,
        });
        let mut again = bed.host(host.expect("a new thread"));
        let creation = again.begin();
        assert!(creation.creates);
        again.result(creation.task, OK, &[value("")]);
        assert_eq!(again.run_all(), expected);
        let mut news = news;
        news.extend(driver.news());
        assert_eq!(
            failures(&news, &[token]),
            [if retries == 0 { CRASHED } else { 0 }]
        );
        // The second death is the last.
        again.dies();
        let third = driver.call(method, actor, 3, &[]);
        let token = driver.get(third);
        driver.flush();
        let news = driver.news();
        assert_eq!(failures(&news, &[token]), [CRASHED]);
        driver.release(&[actor, first, second, third]);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn calls_that_a_dead_thread_had_not_begun_wait_for_the_restart() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let restarting = TemplateSpec {
        max_restarts: 1,
        ..class()
    };
    let (class, method) = (bed.template(restarting), bed.template(method()));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let warm = driver.call(method, actor, 0, &[]);
    driver.flush();
    assert_eq!(host.run_all(), [0]);
    let calls = [1, 2, 3].map(|tag| driver.call(method, actor, tag, &[]));
    driver.flush();
    let batch = host.tasks();
    assert_eq!(batch.len(), 3);
    assert!(host.claim(&batch[0]));
    host.dies();
    let mut again = bed.host(needed(&mut driver));
    let creation = again.begin();
    again.result(creation.task, OK, &[value("")]);
    assert_eq!(again.run_all(), [2, 3]);
    driver.release(&calls);
    driver.release(&[actor, warm]);
    driver.flush();
    again.news();
    bed.assert_balanced(0);
}

#[test]
fn a_killed_actor_that_restarts_runs_again_what_its_living_thread_was_at() {
    // The thread lives on, so it still ends the call it has begun: that ends the first attempt, not the second.
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let restarting = TemplateSpec {
        max_restarts: 1,
        ..class()
    };
    let retried = TemplateSpec {
        max_retries: 1,
        ..method()
    };
    let (class, method) = (bed.template(restarting), bed.template(retried));
    let (mut host, actor) = alive(&bed, &mut driver, class);
    let first = driver.call(method, actor, 1, &[]);
    let token = driver.get(first);
    driver.flush();
    let flying = host.begin();
    driver.kill(actor, true);
    host.pending(flying.task, false);
    // The new instance takes the place of the old one. That it is to go comes too late to be told.
    let news = host.step();
    let [News::Task(creation)] = &news[..] else {
        panic!("the constructor: {news:?}")
    };
    assert!(creation.creates && host.claim(creation));
    host.result(creation.task, OK, &[value("")]);
    host.sleeps();
    host.result(flying.task, OK, &[value("of the old instance")]);
    let again = host.begin();
    assert_eq!((again.tag(), again.attempt), (1, 2));
    host.result(again.task, OK, &[value("of the new instance")]);
    host.sleeps();
    assert_eq!(
        driver.outcome(token),
        (Status::Value, value("of the new instance"))
    );
    driver.release(&[actor, first]);
    driver.flush();
    host.news();
    bed.assert_balanced(0);
}

#[test]
fn a_restart_whose_last_handle_goes_meanwhile_ends_quietly() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let restarting = TemplateSpec {
        max_restarts: 1,
        ..class()
    };
    let (host, actor) = alive(&bed, &mut driver, bed.template(restarting));
    host.dies();
    let mut again = bed.host(needed(&mut driver));
    let creation = again.begin();
    driver.release(&[actor]);
    driver.flush();
    again.result(creation.task, OK, &[value("")]);
    again.news();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_whose_constructor_had_not_begun_is_made_once_elsewhere() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let actor = driver.create(bed.template(class()), &[]);
    let call = driver.call(bed.template(method()), actor, 1, &[]);
    driver.flush();
    let host = bed.host(needed(&mut driver));
    driver.kill(actor, true);
    driver.kill(actor, true);
    host.dies();
    let mut again = bed.host(needed(&mut driver));
    let creation = again.begin();
    assert!(creation.creates);
    again.result(creation.task, OK, &[value("")]);
    assert_eq!(again.run_all(), [1]);
    driver.release(&[actor, call]);
    driver.flush();
    again.news();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_that_waits_for_resources_gets_a_thread_when_another_is_killed() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let holding = TemplateSpec {
        own_thread: true,
        ..plain()
    };
    let class = bed.template(holding);
    let (first_host, first) = alive(&bed, &mut driver, class);
    let second = driver.create(class, &[]);
    driver.flush();
    assert_eq!(driver.news(), [], "no CPU is free");
    driver.kill(first, false);
    let news = driver.news();
    let host = news.iter().find_map(|news| match news {
        News::NeedWorker { host, .. } => Some(*host),
        _ => None,
    });
    let mut second_host = bed.host(host.expect("a thread for the second"));
    assert!(second_host.begin().creates);
    first_host.dies();
    second_host.dies();
    driver.release(&[first, second]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_that_waits_holds_up_only_those_that_want_as_much_of_everything() {
    let bed = Bed::new(1, &[1]);
    let mut driver = bed.driver();
    let class = |cpu, others: &[(u32, i64)]| TemplateSpec {
        demand: Demand {
            cpu,
            others: others.to_vec(),
        },
        ..plain()
    };
    let both = bed.template(class(UNIT, &[(0, 2 * UNIT)]));
    let less = bed.template(class(UNIT, &[(0, UNIT)]));
    let waiting = driver.create(both, &[]);
    driver.flush();
    assert_eq!(driver.news(), [], "there is one of the other, not two");
    let small = driver.create(less, &[]);
    driver.flush();
    let mut host = bed.host(needed(&mut driver));
    assert_eq!(host.begin().extra, small);
    driver.kill(waiting, false);
    host.dies();
    driver.release(&[waiting, small]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_killed_while_it_waits_for_resources_leaves_nothing_behind() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let holding = TemplateSpec {
        own_thread: true,
        ..plain()
    };
    let class_id = bed.template(holding);
    let (host, first) = alive(&bed, &mut driver, class_id);
    let waiting = driver.create(class_id, &[]);
    driver.kill(waiting, false);
    driver.release(&[waiting]);
    driver.flush();
    // An actor in the same cell, whose argument is missing: it must not be placed in the other's stead.
    let missing = driver.object();
    let other = driver.create(bed.template(class()), &[missing]);
    driver.kill(first, false);
    let news = driver.news();
    assert!(
        !news.iter().any(|news| matches!(news, News::NeedWorker { .. })),
        "{news:?}"
    );
    bed.node.fail_all("");
    host.dies();
    driver.release(&[first, other]);
    driver.flush();
    assert_eq!(bed.node.free_resources(), [UNIT]);
    assert_eq!(bed.node.live_tasks(), 0);
}
