//! Tasks that the node does not keep, and tasks that its agent runs for another.

use mobula_sched::TemplateSpec;

use super::support::{
    Bed, Call, ERROR, FAILED, LOST, News, OK, RETRY, Status, TaskNews, Thread, UNBEGUN, Value, elsewhere,
    plain, value,
};

/// The node of a driver without CPUs, and its agent.
struct Scene {
    bed: Bed,
    driver: Thread,
    agent: Thread,
}

fn scene() -> Scene {
    let bed = Bed::new(0, &[]);
    let (driver, mut agent) = (bed.driver(), bed.agent());
    agent.sleeps();
    Scene { bed, driver, agent }
}

/// The only line that the agent is told of.
fn line(agent: &mut Thread) -> (u32, u32) {
    match &agent.step()[..] {
        [News::Line { line, waiting, .. }] => (*line, *waiting),
        other => panic!("not a line: {other:?}"),
    }
}

fn tasks(news: Vec<News>) -> Vec<TaskNews> {
    let task = |news| match news {
        News::Task(task) => Some(task),
        _ => None,
    };
    news.into_iter().filter_map(task).collect()
}

/// One task of `template` that the agent has.
fn taken(scene: &mut Scene, template: u32) -> (u32, TaskNews) {
    let result = scene.driver.submit_tagged(template, 7, &[]);
    scene.driver.flush();
    let (line, waiting) = line(&mut scene.agent);
    assert_eq!(waiting, 1);
    scene.agent.open(line, 1);
    let mut got = tasks(scene.agent.step());
    assert_eq!(got.len(), 1);
    (result, got.remove(0))
}

#[test]
fn the_agent_is_told_how_many_wait_and_gets_as_many_as_it_takes() {
    let Scene {
        bed,
        mut driver,
        mut agent,
    } = scene();
    let template = bed.template(elsewhere(b"ask"));
    let before = agent.rings();
    let refs: Vec<u32> = (0..5)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(agent.rings(), before + 1, "it slept");
    let [
        News::Line {
            line,
            waiting: 5,
            mean: None,
            ask,
            near: None,
            over: false,
        },
    ] = &agent.step()[..]
    else {
        panic!("one line of five")
    };
    assert_eq!(ask.as_deref(), Some(&b"ask"[..]));
    agent.sleeps();
    agent.open(*line, 3);
    let news = agent.step();
    let told = News::Line {
        line: *line,
        waiting: 2,
        mean: None,
        ask: None,
        near: None,
        over: false,
    };
    assert!(news.contains(&told), "{news:?}");
    let got = tasks(news);
    assert_eq!(got.iter().map(TaskNews::tag).collect::<Vec<_>>(), [0, 1, 2]);
    agent.sleeps();
    agent.open(*line, 9);
    let rest = tasks(agent.step());
    assert_eq!(rest.iter().map(TaskNews::tag).collect::<Vec<_>>(), [3, 4]);
    for task in got.iter().chain(&rest) {
        agent.result(task.task, OK, &[value([task.tag()])]);
    }
    let tokens: Vec<u32> = refs.iter().map(|&object| driver.get(object)).collect();
    agent.sleeps();
    driver.flush();
    assert_eq!(driver.news().len(), tokens.len());
    // More tasks flow at once while the window is open.
    let more = driver.submit_tagged(template, 9, &[]);
    driver.flush();
    let last = tasks(agent.step());
    agent.result(last[0].task, OK, &[value([9])]);
    agent.sleeps();
    driver.release(&refs);
    driver.release(&[more]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_line_that_is_closed_ends_unless_it_has_tasks_and_the_next_has_another_number() {
    let Scene {
        bed,
        mut driver,
        mut agent,
    } = scene();
    let template = bed.template(elsewhere(b"ask"));
    let mut numbers = Vec::new();
    for tag in 0..2 {
        let object = driver.submit_tagged(template, tag, &[]);
        driver.flush();
        let (number, _) = line(&mut agent);
        numbers.push(number);
        agent.close(number);
        agent.sleeps();
        agent.open(number, 1);
        let task = tasks(agent.step()).remove(0);
        agent.close(number);
        let over = News::Line {
            line: number,
            waiting: 0,
            mean: None,
            ask: None,
            near: None,
            over: true,
        };
        assert_eq!(agent.step(), [over]);
        agent.result(task.task, OK, &[value([])]);
        agent.sleeps();
        driver.release(&[object]);
        driver.flush();
    }
    assert_ne!(numbers[0], numbers[1]);
    bed.assert_balanced(0);
}

#[test]
fn tasks_of_one_kind_share_a_line_and_a_higher_priority_goes_first() {
    let Scene {
        bed,
        mut driver,
        mut agent,
    } = scene();
    let [a, b, other] = [&b"x"[..], b"x", b"y"].map(|ask| bed.template(elsewhere(ask)));
    let urgent = bed.template(TemplateSpec {
        priority: 1,
        ..elsewhere(b"x")
    });
    let refs = [a, b, other, urgent].map(|template| driver.submit_tagged(template, 0, &[]));
    driver.flush();
    let mut lines = Vec::new();
    for news in agent.step() {
        let News::Line { line, waiting, .. } = news else {
            panic!("lines")
        };
        lines.push((line, waiting));
        agent.open(line, 9);
    }
    let mut counts: Vec<u32> = lines.iter().map(|&(_, waiting)| waiting).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
    let got = tasks(agent.step());
    assert_eq!(got[0].template, urgent);
    for task in &got {
        agent.result(task.task, OK, &[value([])]);
    }
    agent.sleeps();
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn cancelled_tasks_do_not_count_and_leave_nothing_behind() {
    let Scene {
        bed,
        mut driver,
        mut agent,
    } = scene();
    let template = bed.template(elsewhere(b"ask"));
    let refs: Vec<u32> = (0..300).map(|_| driver.submit_tagged(template, 0, &[])).collect();
    driver.flush();
    let (number, waiting) = line(&mut agent);
    assert_eq!(waiting, 300);
    for &object in &refs[1..] {
        driver.cancel(object, false, false);
    }
    assert_eq!(line(&mut agent), (number, 1));
    assert!(bed.node.tasks_in_use() < 2 + 64, "cells of cancelled tasks go");
    agent.open(number, 1);
    let got = tasks(agent.step());
    assert_eq!(got.len(), 1);
    agent.result(got[0].task, OK, &[value([])]);
    agent.open(number, 64);
    let _ = agent.news();
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn the_agent_is_told_to_stop_a_task_and_its_thread_is_not_ended() {
    let mut scene = scene();
    let template = scene.bed.template(elsewhere(b"ask"));
    let (object, task) = taken(&mut scene, template);
    let token = scene.driver.get(object);
    scene.driver.cancel(object, true, true);
    let (status, _) = scene.driver.outcome(token);
    assert_eq!(status, Status::SystemError);
    let stop = News::StopTask {
        task: task.task,
        generation: task.generation,
        force: true,
        recursive: true,
    };
    assert!(scene.agent.step().contains(&stop));
    // What comes of it is nobody's.
    scene.agent.result(task.task, OK, &[value([1])]);
    scene.agent.sleeps();
    scene.driver.release(&[object]);
    scene.driver.flush();
    scene.bed.assert_balanced(0);
}

#[test]
fn attempts_that_are_lost_count_and_those_that_never_began_do_not() {
    let mut scene = scene();
    let template = scene.bed.template(TemplateSpec {
        max_retries: 1,
        ..elsewhere(b"ask")
    });
    let (object, mut task) = taken(&mut scene, template);
    let token = scene.driver.get(object);
    for (outcome, attempt) in [(UNBEGUN, 1), (UNBEGUN, 1), (LOST, 2), (UNBEGUN, 2)] {
        let values: &[Value] = if outcome == UNBEGUN { &[] } else { &[value([3, 3])] };
        scene.agent.result(task.task, outcome, values);
        scene.driver.flush();
        let (line, waiting) = line_again(&mut scene.agent);
        assert_eq!(waiting, 1);
        scene.agent.open(line, 1);
        task = tasks(scene.agent.step()).remove(0);
        assert_eq!(task.attempt, attempt);
    }
    scene.agent.result(task.task, LOST, &[value([3, 3])]);
    scene.agent.sleeps();
    let (status, error) = scene.driver.outcome(token);
    assert_eq!((status, error.bytes), (Status::SystemError, vec![3, 3]));
    scene.driver.release(&[object]);
    scene.driver.flush();
    scene.bed.assert_balanced(0);
}

/// A line that has a task again; the agent may have been told before that it had none.
fn line_again(agent: &mut Thread) -> (u32, u32) {
    let last = agent.news().pop();
    match last {
        Some(News::Line { line, waiting, .. }) => (line, waiting),
        other => panic!("not a line: {other:?}"),
    }
}

#[test]
fn errors_of_other_nodes_settle_refs_as_they_are() {
    for (outcome, expected) in [
        (ERROR, Status::UserError),
        (RETRY, Status::UserError),
        (FAILED, Status::SystemError),
    ] {
        let mut scene = scene();
        let template = scene.bed.template(elsewhere(b"ask"));
        let (object, task) = taken(&mut scene, template);
        let token = scene.driver.get(object);
        scene.driver.flush();
        scene.agent.result(task.task, outcome, &[value([9])]);
        scene.agent.sleeps();
        assert_eq!(scene.driver.outcome(token), (expected, value([9])));
        scene.driver.release(&[object]);
        scene.driver.flush();
        scene.bed.assert_balanced(0);
    }
}

#[test]
fn a_task_of_another_node_brings_its_origin_and_says_that_it_asks_for_another_attempt() {
    let bed = Bed::new(1, &[]);
    let (driver, mut agent, mut worker) = (bed.driver(), bed.agent(), bed.worker());
    let template = bed.template(plain());
    let origin = std::array::from_fn(|i| i as u8);
    for (outcome, expected) in [
        (OK, Status::Value),
        (RETRY, Status::RetryAsked),
        (ERROR, Status::UserError),
    ] {
        let arguments = value([5]);
        let call = Call {
            arguments,
            ..Call::default()
        };
        let result = agent.run(origin, template, &call);
        let token = agent.get(result);
        agent.flush();
        let task = worker.begin();
        assert_eq!(task.origin.as_deref(), Some(&origin[..]));
        worker.result(task.task, outcome, &[value([6])]);
        worker.sleeps();
        assert_eq!(agent.outcome(token), (expected, value([6])));
        agent.release(&[result]);
        agent.flush();
    }
    drop(driver);
    bed.assert_balanced(0);
}

#[test]
fn a_task_of_another_node_is_taken_back_only_while_no_thread_has_it() {
    let bed = Bed::new(1, &[]);
    let (driver, mut agent, mut worker) = (bed.driver(), bed.agent(), bed.worker());
    let template = bed.template(plain());
    let origin = [7; 24];
    let call = Call::default();
    let begun = agent.run(origin, template, &call);
    agent.flush();
    let task = worker.begin();
    // One waits for a CPU, and one for what the first makes.
    let ready = agent.run(origin, template, &call);
    let waiting = agent.run(
        origin,
        template,
        &Call {
            deps: &[begun],
            ..Call::default()
        },
    );
    let tokens = [begun, ready, waiting].map(|object| agent.get(object));
    agent.take_back(begun);
    for (object, token) in [ready, waiting].into_iter().zip(&tokens[1..]) {
        agent.take_back(object);
        let (status, error) = agent.outcome(*token);
        assert_eq!(status, Status::SystemError);
        assert_eq!(error.bytes[0], 1, "cancelled");
        // Nothing is left to take back.
        agent.take_back(object);
    }
    worker.result(task.task, OK, &[value([6])]);
    worker.sleeps();
    assert_eq!(agent.outcome(tokens[0]), (Status::Value, value([6])));
    agent.release(&[begun, ready, waiting]);
    agent.flush();
    drop(driver);
    bed.assert_balanced(0);
}

#[test]
fn what_a_dead_agent_had_goes_back() {
    let mut scene = scene();
    let template = scene.bed.template(TemplateSpec {
        max_retries: 1,
        ..elsewhere(b"ask")
    });
    let (object, _) = taken(&mut scene, template);
    scene.agent.dies();
    let mut agent = scene.bed.agent();
    let (line, _) = line_again(&mut agent);
    agent.open(line, 1);
    let task = tasks(agent.step()).remove(0);
    assert_eq!(task.attempt, 2);
    agent.result(task.task, OK, &[value([])]);
    agent.sleeps();
    scene.driver.release(&[object]);
    scene.driver.flush();
    scene.bed.assert_balanced(0);
}
