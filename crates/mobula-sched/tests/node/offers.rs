//! Tasks that wait for long at a node of a cluster are offered to others.

use std::sync::Arc;

use mobula_sched::TemplateSpec;

use super::support::{Bed, Call, News, OK, TaskNews, Thread, UNBEGUN, anywhere, plain, value};

const MILLISECOND: u64 = 1_000_000;

/// A node of one CPU, with a worker that is at a task of a function that takes `mean`, and `waiting` more of them.
struct Scene {
    bed: Bed,
    driver: Thread,
    agent: Thread,
    worker: Thread,
    template: u32,
    refs: Vec<u32>,
    running: TaskNews,
}

fn scene(mean: u64, waiting: u8) -> Scene {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut agent, mut worker) = (bed.driver(), bed.agent(), bed.worker());
    agent.sleeps();
    let template = bed.template(anywhere(0));
    // After seven it is known what they take.
    for _ in 0..7 {
        let object = driver.submit_tagged(template, 255, &[]);
        driver.release(&[object]);
        driver.flush();
        let task = worker.begin();
        bed.advance(mean);
        worker.result(task.task, OK, &[value("")]);
        worker.sleeps();
    }
    let running = driver.submit_tagged(template, 254, &[]);
    driver.flush();
    let task = worker.begin();
    let mut refs = vec![running];
    refs.extend((0..waiting).map(|tag| driver.submit_tagged(template, tag, &[])));
    driver.flush();
    Scene {
        bed,
        driver,
        agent,
        worker,
        template,
        refs,
        running: task,
    }
}

impl Scene {
    /// How many tasks the agent is told of, if it is told anything, and in which line.
    fn offered(&mut self) -> Option<(u32, u32)> {
        self.bed.node.tick();
        let line = self.agent.news().into_iter().next_back()?;
        let News::Line { line, waiting, .. } = line else {
            panic!("a line: {line:?}")
        };
        Some((line, waiting))
    }

    /// Runs what is left here; gives the tags in order.
    fn run_here(&mut self) -> Vec<u8> {
        let running = self.running.task;
        self.worker.result(running, OK, &[value("")]);
        self.worker.run_all()
    }

    fn ends(mut self) {
        self.agent.sleeps();
        self.driver.release(&self.refs);
        self.driver.flush();
        let _ = self.agent.news();
        self.bed.assert_balanced(0);
    }
}

fn tasks(news: Vec<News>) -> Vec<TaskNews> {
    let task = |news| match news {
        News::Task(task) => Some(task),
        _ => None,
    };
    news.into_iter().filter_map(task).collect()
}

fn tags(tasks: &[TaskNews]) -> Vec<u8> {
    tasks.iter().map(TaskNews::tag).collect()
}

#[test]
fn what_waits_longer_than_five_milliseconds_is_offered_and_the_oldest_go_first() {
    let mut scene = scene(20 * MILLISECOND, 6);
    let (line, waiting) = scene.offered().expect("an offer");
    assert_eq!(waiting, 6);
    scene.agent.open(line, 2);
    let got = tasks(scene.agent.step());
    assert_eq!(tags(&got), [0, 1]);
    for task in &got {
        scene.agent.result(task.task, OK, &[value("")]);
    }
    scene.agent.sleeps();
    assert_eq!(scene.run_here(), [2, 3, 4, 5], "this node goes on with the rest");
    assert_eq!(scene.offered(), Some((line, 0)), "nothing is offered any more");
    scene.ends();
}

#[test]
fn what_does_not_fit_into_the_agents_inbox_waits_in_its_turn() {
    for takes_between in [false, true] {
        let mut scene = scene(20 * MILLISECOND, 4);
        let (line, _) = scene.offered().expect("an offer");
        // One task has room beside the news of the line.
        scene.agent.resize(64);
        scene.agent.open(line, 3);
        let first = tasks(scene.agent.step());
        assert_eq!(tags(&first), [0]);
        if takes_between {
            assert_eq!(scene.run_here(), [1, 2, 3]);
        }
        let rest = tasks(scene.agent.news());
        assert_eq!(rest.len(), if takes_between { 0 } else { 2 });
        for task in first.iter().chain(&rest) {
            scene.agent.result(task.task, OK, &[value("")]);
        }
        scene.agent.flush();
        if !takes_between {
            assert_eq!(scene.run_here(), [3]);
        }
        scene.offered();
        scene.ends();
    }
}

#[test]
fn what_is_soon_done_here_is_not_offered() {
    // 200 tasks of 2 µs; four of 1 ms.
    for (mean, waiting) in [(2_000, 200), (MILLISECOND, 4)] {
        let mut scene = scene(mean, waiting);
        assert_eq!(scene.offered(), None);
        let all: Vec<u8> = (0..waiting).collect();
        assert_eq!(scene.run_here(), all, "in the order in which they came");
        assert_eq!(scene.offered(), None);
        scene.ends();
    }
}

#[test]
fn only_what_the_node_does_not_soon_come_to_is_offered() {
    let mut scene = scene(MILLISECOND, 30);
    assert_eq!(scene.offered().map(|(_, waiting)| waiting), Some(25));
    // Taken or not, they run here if nobody else does it.
    assert_eq!(scene.run_here().len(), 30);
    scene.offered();
    scene.ends();
}

#[test]
fn of_an_unknown_function_two_for_each_cpu_are_offered_until_one_has_run_for_long() {
    let mut scene = scene(20 * MILLISECOND, 0);
    let template = scene.bed.template(TemplateSpec {
        forward: Some(Arc::from(&b"unknown"[..])),
        ..anywhere(0)
    });
    let refs: Vec<u32> = (0..20)
        .map(|tag| scene.driver.submit_tagged(template, tag, &[]))
        .collect();
    scene.refs.extend(&refs);
    scene.driver.flush();
    let (line, waiting) = scene.offered().expect("an offer");
    assert_eq!(waiting, 2);
    scene.agent.open(line, 2);
    let gone = tasks(scene.agent.step());
    assert_eq!(gone.len(), 2);
    assert_eq!(scene.offered(), None, "no more, until one has ended");
    // One begins here.
    let running = scene.running.task;
    scene.worker.result(running, OK, &[value("")]);
    scene.running = scene.worker.begin();
    scene.bed.advance(49 * MILLISECOND);
    assert_eq!(scene.offered(), None, "its thread may have waited for a CPU");
    scene.bed.advance(2 * MILLISECOND);
    assert_eq!(scene.offered(), Some((line, 17)));
    assert_eq!(scene.run_here().len(), 17);
    for task in &gone {
        scene.agent.result(task.task, OK, &[value("")]);
    }
    scene.offered();
    scene.ends();
}

#[test]
fn a_task_that_looks_long_once_among_short_ones_has_none_offered() {
    let mut scene = scene(2_000, 200);
    for wait in [0, 8 * MILLISECOND, 0, 8 * MILLISECOND] {
        let running = scene.running.task;
        scene.bed.advance(2_000 + wait);
        scene.worker.result(running, OK, &[value("")]);
        let mut tasks = scene.worker.tasks();
        // The rest of the batch goes back.
        scene.running = tasks.remove(0);
        assert!(scene.worker.claim(&scene.running));
        assert_eq!(scene.offered(), None);
    }
    scene.run_here();
    scene.offered();
    scene.ends();
}

#[test]
fn tasks_of_other_nodes_and_those_bound_to_this_one_are_offered_to_nobody_and_keep_their_turn() {
    let mut scene = scene(20 * MILLISECOND, 2);
    let bound = scene.bed.template(plain());
    scene.refs.push(scene.driver.submit_tagged(bound, 10, &[]));
    scene.driver.flush();
    let call = Call {
        arguments: value([11]),
        ..Call::default()
    };
    let foreign = scene.agent.run([1; 24], scene.template, &call);
    scene.agent.flush();
    scene
        .refs
        .push(scene.driver.submit_tagged(scene.template, 2, &[]));
    scene.driver.flush();
    let (line, waiting) = scene.offered().expect("an offer");
    assert_eq!(waiting, 3);
    scene.agent.open(line, 9);
    let got = tasks(scene.agent.step());
    assert_eq!(tags(&got), [0, 1, 2]);
    for task in &got {
        scene.agent.result(task.task, UNBEGUN, &[]);
    }
    scene.agent.flush();
    // What came back is the youngest.
    assert_eq!(scene.run_here(), [10, 11, 0, 1, 2]);
    scene.agent.release(&[foreign]);
    scene.offered();
    scene.ends();
}

#[test]
fn offered_tasks_can_be_cancelled_and_leave_nothing_behind() {
    let mut scene = scene(20 * MILLISECOND, 200);
    assert_eq!(scene.offered().map(|(_, waiting)| waiting), Some(200));
    let cancelled = scene.refs[1..151].to_vec();
    for object in cancelled {
        scene.driver.cancel(object, false, false);
    }
    scene.driver.flush();
    assert_eq!(scene.offered().map(|(_, waiting)| waiting), Some(50));
    assert_eq!(scene.run_here(), (150..200).collect::<Vec<u8>>());
    scene.offered();
    scene.ends();
}

#[test]
fn what_threads_have_in_store_is_offered_too() {
    let mut scene = scene(MILLISECOND / 2, 0);
    let parent = scene.running.task;
    let refs: Vec<u32> = (0..100)
        .map(|_| scene.worker.submit(scene.template, &Call::default()))
        .collect();
    scene.worker.release(&refs);
    scene.worker.result(parent, OK, &[value("")]);
    scene.running = scene.worker.begin();
    scene.bed.node.tick();
    let (_, waiting) = scene.offered().expect("an offer");
    // The parent took no time by the clock: 438 µs each, of eight.
    assert_eq!(waiting, 88);
    scene.run_here();
    scene.offered();
    scene.ends();
}

#[test]
fn time_in_the_background_counts() {
    let mut scene = scene(10_000, 0);
    let running = scene.running.task;
    scene.worker.pending(running, false);
    scene
        .refs
        .extend((0..5).map(|tag| scene.driver.submit_tagged(scene.template, tag, &[])));
    scene.driver.flush();
    scene.worker.sleeps();
    assert_eq!(scene.offered(), None, "nobody knows yet");
    // One of eight has gone to the background.
    scene.bed.advance(60 * MILLISECOND);
    assert_eq!(scene.offered().map(|(_, waiting)| waiting), Some(5));
    assert_eq!(scene.run_here(), [0, 1, 2, 3, 4]);
    scene.offered();
    scene.ends();
}

#[test]
fn a_node_without_an_agent_sorts_nothing() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(anywhere(0));
    let refs: Vec<u32> = (0..20)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    let task = worker.begin();
    bed.advance(20 * MILLISECOND);
    bed.node.tick();
    worker.result(task.task, OK, &[value("")]);
    assert_eq!(worker.run_all(), (1..20).collect::<Vec<u8>>());
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn short_tasks_are_offered_if_their_function_submits_others_that_are_many_together() {
    for says_so in [false, true] {
        let mut scene = scene(MILLISECOND / 50, 0);
        let parent = scene.running.clone();
        let call = Call {
            arguments: value([7]),
            parent: says_so.then_some(&parent),
            ..Call::default()
        };
        let refs: Vec<u32> = (0..1_000)
            .map(|_| scene.worker.submit(scene.template, &call))
            .collect();
        scene.worker.release(&refs);
        scene.bed.advance(MILLISECOND / 50);
        scene.worker.result(parent.task, OK, &[value("")]);
        let batch = scene.worker.tasks();
        // What the thread has in store is sorted first.
        scene.bed.node.tick();
        assert_eq!(scene.offered().is_some(), says_so);
        for task in batch {
            assert!(scene.worker.claim(&task));
            scene.worker.result(task.task, OK, &[value("")]);
        }
        scene.worker.run_all();
        scene.offered();
        scene.ends();
    }
}
