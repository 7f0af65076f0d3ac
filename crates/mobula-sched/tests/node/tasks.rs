//! Tasks, their arguments and results.

use super::support::{Bed, Call, ERROR, News, OK, RETRY, Status, plain, value};

#[test]
fn a_task_runs_and_its_value_reaches_who_asked() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    assert_eq!(bed.node.template_meta(0, template).as_deref(), Some(&b"meta"[..]));
    let result = driver.submit_tagged(template, 7, &[]);
    let token = driver.get(result);
    driver.flush();
    let task = worker.begin();
    assert_eq!(
        (task.tag(), task.attempt, task.template, task.creates),
        (7, 1, template, false)
    );
    assert_eq!(bed.node.live_tasks(), 1);
    worker.result(task.task, OK, &[value("seven")]);
    worker.sleeps();
    assert_eq!(driver.outcome(token), (Status::Value, value("seven")));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn who_asks_late_and_who_wants_only_the_news_are_told_too() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let object = driver.object();
    let early = driver.subscribe(object, false);
    driver.flush();
    driver.sleeps();
    let stored = driver.put(&value("x"));
    let late = driver.get(stored);
    assert_eq!(driver.outcome(late), (Status::Value, value("x")));
    driver.release(&[stored]);
    driver.flush();
    assert_eq!(early, 0);
    bed.assert_balanced(1);
}

#[test]
fn a_subscription_to_a_task_brings_the_news_without_the_value() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    let token = driver.subscribe(result, false);
    driver.flush();
    assert_eq!(worker.run_all(), [1]);
    let status = Status::Value;
    assert_eq!(driver.news(), [News::Ready { status, token }]);
}

#[test]
fn a_task_gets_the_values_of_its_arguments_once_all_are_there() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let first = driver.put(&value("a"));
    let second = driver.submit_tagged(template, 1, &[]);
    let third = driver.submit_tagged(template, 2, &[first, second, second]);
    let token = driver.get(third);
    driver.release(&[first, second]);
    driver.flush();
    let task = worker.begin();
    assert_eq!(task.tag(), 1);
    worker.result(task.task, OK, &[value("b")]);
    let task = worker.begin();
    assert_eq!(task.deps, [value("a"), value("b"), value("b")]);
    worker.result(task.task, OK, &[value("c")]);
    worker.sleeps();
    assert_eq!(driver.outcome(token).1, value("c"));
    driver.release(&[third]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_failed_argument_fails_all_that_depend_on_it_and_none_of_them_runs() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let failing = driver.submit_tagged(template, 1, &[]);
    let fine = driver.submit_tagged(template, 2, &[]);
    let child = driver.submit_tagged(template, 3, &[fine, failing]);
    let grandchild = driver.submit_tagged(template, 4, &[child]);
    let token = driver.get(grandchild);
    driver.flush();
    let tasks = worker.tasks();
    assert!(worker.claim(&tasks[0]));
    worker.result(tasks[0].task, ERROR, &[value("broken")]);
    assert_eq!(worker.run_all(), [2]);
    assert_eq!(driver.outcome(token), (Status::UserError, value("broken")));
    driver.release(&[failing, fine, child, grandchild]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_chain_of_100_000_tasks_needs_no_stack_to_succeed_or_to_fail() {
    const LENGTH: usize = 100_000;
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    for outcome in [OK, ERROR] {
        let mut chain = vec![driver.submit_tagged(template, 0, &[])];
        for _ in 1..LENGTH {
            chain.push(driver.submit_tagged(template, 0, &[chain[chain.len() - 1]]));
        }
        let token = driver.get(chain[LENGTH - 1]);
        driver.flush();
        let task = worker.begin();
        worker.result(task.task, outcome, &[value("end")]);
        let expected = if outcome == OK { LENGTH - 1 } else { 0 };
        assert_eq!(worker.run_all().len(), expected);
        let status = driver.outcome(token).0;
        assert_eq!(status == Status::Value, outcome == OK);
        driver.release(&chain);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn a_value_nested_100_000_deep_is_freed_without_using_the_stack() {
    let bed = Bed::new(1, &[]);
    let mut driver = bed.driver();
    let mut outer = driver.put(&value("innermost"));
    for _ in 0..100_000 {
        let next = driver.put(&value("").with_refs(&[outer]));
        driver.release(&[outer]);
        outer = next;
    }
    driver.flush();
    assert_eq!(bed.node.objects_in_use(), 100_001);
    driver.release(&[outer]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_with_several_results_settles_each() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    for fails in [false, true] {
        let more = [driver.object(), driver.object()];
        let call = Call {
            more: &more,
            ..Call::default()
        };
        let first = driver.submit(template, &call);
        let tokens = [first, more[0], more[1]].map(|object| driver.get(object));
        driver.flush();
        let task = worker.begin();
        if fails {
            worker.result(task.task, ERROR, &[value("e")]);
        } else {
            worker.result(task.task, OK, &[value("0"), value("1"), value("2")]);
        }
        worker.sleeps();
        let news = driver.news();
        for (place, token) in tokens.into_iter().enumerate() {
            let (status, value) = if fails {
                (Status::UserError, value("e"))
            } else {
                (Status::Value, value(place.to_string()))
            };
            assert!(news.contains(&News::Value { status, token, value }), "{news:?}");
        }
        driver.release(&[first, more[0], more[1]]);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn refs_and_buffers_in_values_live_as_long_as_the_values() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let inner = driver.put(&value("inner").with_buffer(bed.buffers.make(1)));
    let call = Call {
        arguments: value("args").with_refs(&[inner]).with_buffer(bed.buffers.make(2)),
        ..Call::default()
    };
    let result = driver.submit(bed.template(plain()), &call);
    driver.release(&[inner]);
    let token = driver.get(result);
    driver.flush();
    let task = worker.begin();
    assert_eq!(task.arguments.refs, [inner]);
    worker.result(task.task, OK, &[value("out").with_refs(&[inner])]);
    worker.forget(&task);
    worker.sleeps();
    assert_eq!((bed.buffers.count(1), bed.buffers.count(2)), (1, 0));
    let (_, out) = driver.outcome(token);
    assert_eq!(out.refs, [inner]);
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(1);
    let token = driver.get(inner);
    assert_eq!(driver.outcome(token).1.bytes, b"inner");
    driver.release(&[inner]);
    driver.flush();
    bed.assert_balanced(0);
    assert_eq!(bed.buffers.count(1), 0);
}

#[test]
fn a_failure_with_refs_and_buffers_is_copied_to_each_result() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let more = [driver.object()];
    let call = Call {
        more: &more,
        ..Call::default()
    };
    let first = driver.submit(template, &call);
    let child = driver.submit_tagged(template, 1, &[first]);
    driver.flush();
    let task = worker.begin();
    let cause = worker.put(&value("cause"));
    let error = value("e").with_refs(&[cause]).with_buffer(bed.buffers.make(1));
    worker.result(task.task, ERROR, &[error]);
    worker.release(&[cause]);
    worker.sleeps();
    assert_eq!(bed.buffers.count(1), 3);
    bed.assert_balanced(4);
    driver.release(&[first, more[0], child]);
    driver.flush();
    assert_eq!(bed.buffers.count(1), 0);
    bed.assert_balanced(0);
}

#[test]
fn a_task_that_asks_for_another_attempt_gets_those_it_has_left() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let mut spec = plain();
    spec.max_retries = 2;
    let result = driver.submit_tagged(bed.template(spec), 1, &[]);
    let token = driver.get(result);
    driver.flush();
    for attempt in 1..=3 {
        let task = worker.begin();
        assert_eq!(task.attempt, attempt);
        let error = value("again").with_buffer(bed.buffers.make(1));
        worker.result(task.task, RETRY, &[error]);
    }
    worker.sleeps();
    let (status, error) = driver.outcome(token);
    assert_eq!((status, error.bytes), (Status::UserError, b"again".to_vec()));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
    assert_eq!(bed.buffers.count(1), 0);
}

#[test]
fn a_record_larger_than_the_inbox_waits_for_a_larger_one() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    worker.resize(64);
    driver.resize(64);
    let call = Call {
        arguments: value([7; 5000]),
        ..Call::default()
    };
    let result = driver.submit(bed.template(plain()), &call);
    let token = driver.get(result);
    driver.flush();
    assert_eq!(worker.run_all(), [7]);
    assert_eq!(driver.outcome(token).1, value([7; 5000]));
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_stream_hands_out_items_and_passes_credit_to_its_generator() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let mut spec = plain();
    spec.max_retries = 1;
    let call = Call {
        stream: Some(77),
        ..Call::default()
    };
    let end = driver.submit(bed.template(spec), &call);
    driver.flush();
    let task = worker.begin();
    worker.yields(&task, &value("one"));
    worker.pending(task.task, false);
    worker.sleeps();
    let items = driver.news();
    let [News::Item { token: 77, object }] = items[..] else {
        panic!("one item: {items:?}")
    };
    let token = driver.get(object);
    assert_eq!(driver.outcome(token).1, value("one"));
    driver.credit(end, 3);
    driver.flush();
    let credit = News::Credit {
        task: task.task,
        generation: task.generation,
        items: 3,
    };
    assert_eq!(worker.step(), [credit]);
    worker.result(task.task, RETRY, &[value("again")]);
    let second = worker.begin();
    assert_eq!((second.attempt, second.extra), (2, 1), "one item is out already");
    worker.result(second.task, OK, &[value("end")]);
    worker.sleeps();
    driver.release(&[object, end]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn items_of_a_task_that_is_over_are_not_those_of_the_next_in_its_cell() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let stream = |token| Call {
        stream: Some(token),
        ..Call::default()
    };
    let first = driver.submit(template, &stream(1));
    driver.flush();
    let mut over = worker.begin();
    worker.result(over.task, OK, &[value("end")]);
    worker.sleeps();
    let second = driver.submit(template, &stream(2));
    driver.flush();
    let task = worker.begin();
    // As if the cell was used again.
    (over.task, over.generation) = (task.task, task.generation.wrapping_sub(1));
    worker.yields(&over, &value("too late"));
    worker.yields(&task, &value("in time"));
    worker.flush();
    let items = driver.news();
    let [News::Item { token: 2, object }] = items[..] else {
        panic!("one item: {items:?}")
    };
    let token = driver.get(object);
    assert_eq!(driver.outcome(token).1, value("in time"));
    worker.result(task.task, OK, &[value("end")]);
    worker.sleeps();
    driver.release(&[object, first, second]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn items_for_a_consumer_that_is_gone_are_given_back() {
    let bed = Bed::new(2, &[]);
    let (mut consumer, mut worker) = (bed.worker(), bed.worker());
    let call = Call {
        stream: Some(1),
        ..Call::default()
    };
    consumer.submit(bed.template(plain()), &call);
    consumer.flush();
    let task = worker.begin();
    worker.yields(&task, &value("read"));
    worker.flush();
    // One is in its mail, one arrives after its end.
    consumer.dies();
    worker.yields(&task, &value("too late"));
    worker.result(task.task, OK, &[value("end")]);
    worker.sleeps();
    bed.assert_balanced(0);
}

#[test]
fn a_thread_gives_back_each_handle_of_an_object_by_itself() {
    let bed = Bed::new(1, &[]);
    let (mut driver, worker) = (bed.driver(), bed.worker());
    let object = driver.put(&value("shared"));
    bed.node.share_object(driver.id, object);
    driver.flush();
    driver.release(&[object]);
    driver.flush();
    // The second handle keeps it.
    assert_eq!(bed.node.objects_in_use(), 1);
    driver.release(&[object]);
    driver.flush();
    bed.assert_balanced(0);
    drop(worker);
}
