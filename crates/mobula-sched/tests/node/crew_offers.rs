//! Tasks of several jobs wait for long at a node of a cluster: what is offered of each, taken and cancelled is its own.

use std::sync::Barrier;

use super::support::{Bed, News, OK, Status, TaskNews, Thread, UNBEGUN, anywhere, value};

const MILLISECOND: u64 = 1_000_000;

/// A node of one CPU, with a thread of each of two jobs. The first is at a task of 20 ms; of each job, four more wait: with the tags
/// 10 to 13, and 20 to 23.
struct Scene {
    bed: Bed,
    driver: Thread,
    agent: Thread,
    threads: [Thread; 2],
    templates: [u32; 2],
    running: TaskNews,
    refs: Vec<u32>,
}

fn scene() -> Scene {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut agent) = (bed.driver(), bed.agent());
    agent.sleeps();
    let templates = [1, 2].map(|job| bed.template(anywhere(job)));
    let mut threads = [1, 2].map(|job| bed.worker_of(job));
    let mut refs = Vec::new();
    for (thread, &template) in threads.iter_mut().zip(&templates) {
        // After seven it is known what they take.
        for _ in 0..7 {
            let object = driver.submit_tagged(template, 0, &[]);
            driver.release(&[object]);
            driver.flush();
            let task = thread.begin();
            bed.advance(20 * MILLISECOND);
            thread.result(task.task, OK, &[value("")]);
            thread.sleeps();
        }
    }
    refs.push(driver.submit_tagged(templates[0], 0, &[]));
    driver.flush();
    let running = threads[0].begin();
    for tag in [10, 11, 12, 13, 20, 21, 22, 23] {
        let template = templates[usize::from(tag >= 20)];
        refs.push(driver.submit_tagged(template, tag, &[]));
    }
    driver.flush();
    let _ = driver.news();
    Scene {
        bed,
        driver,
        agent,
        threads,
        templates,
        running,
        refs,
    }
}

impl Scene {
    /// What the agent is told when the watchdog has looked: how many tasks of which lines.
    fn told(&mut self) -> Vec<(u32, u32)> {
        self.bed.node.tick();
        let line = |news| match news {
            News::Line { line, waiting, .. } => (line, waiting),
            other => panic!("a line: {other:?}"),
        };
        self.agent.news().into_iter().map(line).collect()
    }

    /// The agent takes one task of a line.
    fn take(&mut self, line: u32) -> TaskNews {
        self.agent.open(line, 1);
        let news = self.agent.news();
        let task = news.into_iter().find_map(|news| match news {
            News::Task(task) => Some(task),
            _ => None,
        });
        task.expect("a task")
    }

    /// Runs what is left here; gives the tags that each thread had.
    fn run_here(&mut self) -> [Vec<u8>; 2] {
        let [first, second] = &mut self.threads;
        first.result(self.running.task, OK, &[value("")]);
        [first.run_all(), second.run_all()]
    }

    fn ends(mut self) {
        let _ = self.told();
        self.driver.release(&self.refs);
        self.driver.flush();
        let _ = (self.driver.news(), self.agent.news());
        self.bed.assert_balanced(0);
    }
}

#[test]
fn each_job_has_a_line_of_its_own_and_its_threads_take_what_is_its_own() {
    let mut scene = scene();
    let [(first, 4), (second, 4)] = scene.told()[..] else {
        panic!("two lines of four")
    };
    let gone = [first, second].map(|line| scene.take(line));
    assert_eq!(gone.each_ref().map(TaskNews::tag), [10, 20]);
    assert_eq!(gone.each_ref().map(|task| task.template), scene.templates);
    for task in &gone {
        scene.agent.result(task.task, OK, &[value("")]);
    }
    scene.agent.flush();
    let _ = scene.agent.news();
    assert_eq!(scene.run_here(), [vec![11, 12, 13], vec![21, 22, 23]]);
    assert_eq!(
        scene.told(),
        [(first, 0), (second, 0)],
        "nothing is offered any more"
    );
    scene.ends();
}

#[test]
fn of_two_jobs_the_same_part_is_soon_come_to() {
    let mut scene = scene();
    // 400 ms of the first job, 80 ms of the second: 5 ms of 480 are not offered.
    for tag in 0..16 {
        let template = scene.templates[0];
        scene.refs.push(scene.driver.submit_tagged(template, tag, &[]));
    }
    scene.driver.flush();
    let [(_, first), (_, second)] = scene.told()[..] else {
        panic!("two lines")
    };
    assert_eq!((first, second), (20, 4));
    let [own, other] = scene.run_here();
    assert_eq!((own.len(), other), (20, vec![20, 21, 22, 23]));
    scene.ends();
}

#[test]
fn what_the_agent_gives_back_waits_for_its_own_job() {
    let mut scene = scene();
    let [(first, _), (second, _)] = scene.told()[..] else {
        panic!("two lines")
    };
    for line in [first, second] {
        let task = scene.take(line);
        scene.agent.result(task.task, UNBEGUN, &[]);
    }
    scene.agent.flush();
    let _ = scene.agent.news();
    assert_eq!(scene.run_here(), [vec![11, 12, 13, 10], vec![21, 22, 23, 20]]);
    scene.ends();
}

#[test]
fn what_threads_have_in_store_stays_with_their_job() {
    let mut scene = scene();
    let template = scene.templates[0];
    for tag in [14, 15] {
        let child = scene.threads[0].submit_tagged(template, tag, &[]);
        scene.threads[0].release(&[child]);
    }
    scene.threads[0].flush();
    // The thread's store is emptied, as the node is overloaded, and sorted the next time.
    scene.told();
    scene.told();
    assert_eq!(
        scene.run_here(),
        [(10..16).collect(), (20..24).collect::<Vec<u8>>()]
    );
    scene.ends();
}

#[test]
fn a_job_that_ends_takes_what_it_offers_along() {
    for has_sorted in [true, false] {
        let mut scene = scene();
        let lines = if has_sorted { scene.told() } else { Vec::new() };
        let out = lines.get(1).map(|&(line, _)| scene.take(line));
        let tokens: Vec<u32> = scene.refs[5..]
            .iter()
            .map(|&object| scene.driver.get(object))
            .collect();
        scene.driver.flush();
        scene.bed.node.end_job(2);
        if let Some(task) = out {
            // It went elsewhere before. What comes of it is the job's affair no more.
            scene.agent.result(task.task, OK, &[value("")]);
            scene.agent.flush();
        }
        let news = scene.driver.news();
        let is_cancelled = |each: &News| {
            matches!(each, News::Value { status: Status::SystemError, token, value }
            if tokens.contains(token) && value.bytes[0] == 1)
        };
        let cancelled = news.iter().filter(|news| is_cancelled(news)).count();
        assert_eq!(cancelled, if has_sorted { 3 } else { 4 });
        // The second tick sorts nothing of the job again.
        let told = [scene.told(), scene.told()].concat();
        let of_second: Vec<u32> = told
            .iter()
            .filter(|told| lines.get(1).is_some_and(|line| line.0 == told.0))
            .map(|told| told.1)
            .collect();
        assert_eq!(of_second, if has_sorted { vec![0] } else { vec![] });
        assert_eq!(scene.run_here(), [vec![10, 11, 12, 13], vec![]]);
        scene.ends();
    }
}

#[test]
fn a_job_that_ends_while_its_tasks_come_and_are_sorted_leaves_nothing() {
    for _ in 0..200 {
        let bed = Bed::new(1, &[]);
        let (mut driver, agent) = (bed.driver(), bed.agent());
        let template = bed.template(anywhere(1));
        let thread = bed.worker_of(1);
        let start = Barrier::new(3);
        let refs = std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                for _ in 0..10 {
                    bed.node.tick();
                }
            });
            scope.spawn(|| {
                start.wait();
                bed.node.end_job(1);
            });
            start.wait();
            let submit = |tag| {
                let object = driver.submit_tagged(template, tag, &[]);
                driver.flush();
                object
            };
            (0..20).map(submit).collect::<Vec<u32>>()
        });
        driver.release(&refs);
        driver.flush();
        let _ = driver.news();
        assert_eq!(bed.node.live_tasks(), 0);
        assert_eq!(bed.node.tasks_in_use(), 0);
        drop((agent, thread));
    }
}
