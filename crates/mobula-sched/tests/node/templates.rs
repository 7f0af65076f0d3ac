//! Templates: how long they stay, who is told of their end, and numbers that name none.

use mobula_sched::Violation;

use super::actors::{alive, class, method};
use super::support::{Bed, Call, ERROR, News, OK, RETRY, Thread, plain, value};

/// Registers a template; gives its number and the object that stands for it.
fn register(bed: &Bed, thread: &Thread, code: Option<u32>, with: Option<u32>) -> (u32, u32) {
    let object = thread.object();
    let added = bed
        .node
        .add_template(thread.id, Some(object), plain(), b"meta", code, with);
    let number = added.expect("a fresh object").expect("few templates");
    (number, object)
}

fn forgotten(news: &[News]) -> Vec<u32> {
    let number = |news: &News| match news {
        News::ForgetTemplate { template } => Some(*template),
        _ => None,
    };
    news.iter().filter_map(number).collect()
}

fn templates(bed: &Bed) -> usize {
    bed.node.templates_in_use().0
}

#[test]
fn a_template_ends_with_its_last_registration_and_its_last_task_and_those_who_know_it_are_told() {
    for handle_first in [true, false] {
        let bed = Bed::new(1, &[]);
        let (mut driver, mut worker) = (bed.driver(), bed.worker());
        let (number, object) = register(&bed, &driver, None, None);
        let result = driver.submit_tagged(number, 7, &[]);
        if handle_first {
            driver.release(&[object]);
        }
        driver.flush();
        let task = worker.begin();
        assert!(bed.node.template_meta(worker.id, task.template).is_some());
        assert_eq!(templates(&bed), 1, "it runs");
        worker.result(task.task, OK, &[value("7")]);
        worker.step_once(false);
        if !handle_first {
            assert_eq!(templates(&bed), 1, "it is registered");
            driver.release(&[object]);
            driver.flush();
        }
        assert_eq!(templates(&bed), 0);
        assert_eq!(forgotten(&driver.news()), [number]);
        assert_eq!(bed.node.template_meta(worker.id, number), None);
        driver.release(&[result]);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn a_template_submitted_and_let_go_of_in_one_go_lives_until_its_tasks_are_done() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let gate = driver.object();
    // More than a visit keeps apart.
    let registered: Vec<(u32, u32)> = (0..40).map(|_| register(&bed, &driver, None, None)).collect();
    let mut results = Vec::new();
    for round in 0..3 {
        for &(number, _) in &registered {
            let gates = [gate];
            let deps: &[u32] = if round == 1 { &gates } else { &[] };
            results.push(driver.submit_tagged(number, round, deps));
        }
    }
    let objects: Vec<u32> = registered.iter().map(|&(_, object)| object).collect();
    driver.release(&objects);
    driver.flush();
    assert_eq!(worker.run_all().len(), 80);
    assert_eq!(templates(&bed), 40, "tasks wait for an argument");
    driver.put_into(gate, &value("there"));
    driver.flush();
    assert_eq!(worker.run_all().len(), 40);
    worker.sleeps();
    assert_eq!(templates(&bed), 0);
    let mut told = forgotten(&driver.news());
    told.sort_unstable();
    assert_eq!(
        told,
        registered.iter().map(|&(number, _)| number).collect::<Vec<_>>()
    );
    driver.release(&results);
    driver.release(&[gate]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_number_that_was_never_given_is_refused_and_one_that_has_ended_fails_its_task() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let (number, object) = register(&bed, &driver, None, None);
    driver.release(&[object]);
    driver.flush();
    assert_eq!(forgotten(&driver.news()), [number]);
    let late = driver.submit_tagged(number, 1, &[]);
    driver.flush();
    let token = driver.get(late);
    driver.flush();
    let outcome = driver.outcome(token);
    assert_eq!(outcome.1.bytes[0], 12, "its function is gone");
    driver.release(&[late]);
    driver.flush();
    bed.assert_balanced(0);
    for forged in [number + 1, u32::MAX, 1 << 30] {
        let mut forger = bed.worker();
        forger.submit_tagged(forged, 1, &[]);
        assert_eq!(forger.refused(), Violation::Template(forged).into());
        forger.dies();
    }
    driver.news();
    bed.assert_balanced(0);
}

#[test]
fn a_template_is_there_for_a_task_that_is_tried_again_and_for_one_that_was_cancelled() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let spec = mobula_sched::TemplateSpec {
        max_retries: 1,
        ..plain()
    };
    let object = driver.object();
    let added = bed
        .node
        .add_template(driver.id, Some(object), spec, b"meta", None, None);
    let number = added.expect("a fresh object").expect("few templates");
    let retried = driver.submit_tagged(number, 1, &[]);
    let stopped = driver.submit_tagged(number, 2, &[]);
    driver.release(&[object]);
    driver.flush();
    let first = worker.begin();
    worker.result(first.task, RETRY, &[value("again")]);
    driver.cancel(stopped, false, false);
    driver.flush();
    assert_eq!(templates(&bed), 1);
    let again = worker.begin();
    assert_eq!((again.template, again.attempt), (number, 2));
    worker.result(again.task, ERROR, &[value("failed")]);
    worker.sleeps();
    assert_eq!(templates(&bed), 0);
    driver.release(&[retried, stopped]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn an_actor_keeps_its_template_until_nobody_can_call_it() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let object = driver.object();
    let added = bed
        .node
        .add_template(driver.id, Some(object), class(), b"meta", None, None);
    let number = added.expect("a fresh object").expect("few templates");
    let kept = bed.template(method());
    let (mut host, actor) = alive(&bed, &mut driver, number);
    driver.release(&[object]);
    driver.flush();
    assert_eq!(templates(&bed), 2);
    let call = driver.call(kept, actor, 1, &[]);
    driver.flush();
    host.run_all();
    driver.kill(actor, false);
    driver.flush();
    assert_eq!(templates(&bed), 2, "a handle may still be passed on");
    driver.release(&[actor, call]);
    driver.flush();
    assert_eq!(templates(&bed), 1);
    bed.assert_balanced(0);
}

#[test]
fn the_code_goes_with_its_last_template_and_those_who_may_have_loaded_it_are_told() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let code = driver.object();
    let generation = bed.node.object_generation(code);
    let (first, one) = register(&bed, &driver, Some(code), None);
    let (second, two) = register(&bed, &driver, Some(code), None);
    driver.put_into(code, &value("code"));
    driver.release(&[code]);
    driver.flush();
    assert_eq!(bed.node.templates_in_use(), (2, 1));
    assert!(bed.node.template_meta(worker.id, second).is_some());
    driver.release(&[one]);
    driver.flush();
    // The second has the code of the first, which may name it.
    assert_eq!(bed.node.templates_in_use(), (2, 1));
    driver.release(&[two]);
    driver.flush();
    assert_eq!(bed.node.templates_in_use(), (0, 0));
    let news = worker.news();
    assert_eq!(forgotten(&news), [second]);
    assert!(news.contains(&News::ForgetCode {
        object: code,
        generation
    }));
    assert!(forgotten(&driver.news()).contains(&first));
    bed.assert_balanced(0);
}

#[test]
fn templates_whose_code_names_one_another_end_together() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (even, one) = register(&bed, &driver, None, None);
    let (odd, two) = register(&bed, &driver, None, Some(even));
    driver.submit_tagged(odd, 1, &[]);
    driver.release(&[one, two]);
    driver.flush();
    let task = worker.begin();
    // It calls the other, which nobody has a handle of.
    let call = Call::default();
    let child = worker.submit(even, &call);
    worker.result(task.task, OK, &[value("1")]);
    assert_eq!(worker.run_all().len(), 1);
    worker.sleeps();
    assert_eq!(templates(&bed), 0);
    worker.release(&[child]);
    worker.sleeps();
}

#[test]
fn a_thread_that_dies_gives_back_its_registrations() {
    let bed = Bed::new(1, &[]);
    let (driver, mut worker) = (bed.driver(), bed.worker());
    let (number, _) = register(&bed, &driver, None, None);
    let again = worker.object();
    assert_eq!(bed.node.register_again(worker.id, again, number), Ok(true));
    let (_own, _) = register(&bed, &worker, None, None);
    worker.sleeps();
    assert_eq!(templates(&bed), 2);
    worker.dies();
    assert_eq!(templates(&bed), 1);
}

#[test]
fn only_a_fresh_object_of_the_threads_own_stands_for_a_template() {
    let bed = Bed::new(1, &[]);
    let (mut driver, worker) = (bed.driver(), bed.worker());
    let (number, object) = register(&bed, &driver, None, None);
    let others = worker.object();
    let put = driver.put(&value("there"));
    driver.flush();
    for wrong in [object, others, put, 1 << 20] {
        assert!(bed.node.register_again(driver.id, wrong, number).is_err());
    }
    // What stands for a template is no result, and has no value.
    driver.put_into(object, &value("forged"));
    assert_eq!(driver.refused(), Violation::Settled(object).into());
}
