//! Tasks that go to another node behind those that make their arguments.

use mobula_sched::{Blame, TemplateSpec};

use super::support::{
    Bed, Call, ERROR, FAILED, LOST, Missing, News, OK, RETRY, Status, TaskNews, Thread, UNBEGUN, Value,
    elsewhere, value,
};

const FOLLOWERS: u32 = 0;

/// The node of a driver without CPUs, its agent, and a template of tasks that other nodes run.
struct Scene {
    bed: Bed,
    driver: Thread,
    agent: Thread,
    template: u32,
}

fn scene(max_retries: u32) -> Scene {
    let bed = Bed::new(0, &[]);
    let (driver, mut agent) = (bed.driver(), bed.agent());
    agent.open(FOLLOWERS, 100);
    agent.sleeps();
    let template = bed.template(TemplateSpec {
        max_retries,
        ..elsewhere(b"ask")
    });
    Scene {
        bed,
        driver,
        agent,
        template,
    }
}

impl Scene {
    fn submit(&mut self, tag: u8, deps: &[u32]) -> u32 {
        self.driver.submit_tagged(self.template, tag, deps)
    }

    /// The tasks that the agent gets once it takes `window` of the line.
    fn taken(&mut self, window: u32) -> Vec<TaskNews> {
        self.driver.flush();
        let mut got = Vec::new();
        while let Some(news) = self.agent.step_once(false) {
            for news in news {
                match news {
                    News::Task(task) => got.push(task),
                    News::Line { line, waiting, .. } if waiting > 0 => self.agent.open(line, window),
                    _ => {}
                }
            }
        }
        got
    }

    fn ends(mut self, refs: &[u32]) {
        self.driver.release(refs);
        self.driver.flush();
        self.agent.news();
        self.bed.assert_balanced(0);
    }
}

fn tags(tasks: &[TaskNews]) -> Vec<u8> {
    tasks.iter().map(TaskNews::tag).collect()
}

fn behind(task: &TaskNews, result: u32) -> Missing {
    Missing {
        position: 0,
        task: task.task,
        generation: task.generation,
        result,
    }
}

#[test]
fn a_chain_goes_at_once_and_each_names_what_it_waits_for() {
    let mut scene = scene(0);
    let mut refs = vec![scene.submit(0, &[])];
    for tag in 1..5 {
        refs.push(scene.submit(tag, &refs[refs.len() - 1..]));
    }
    let token = scene.driver.get(refs[4]);
    let tasks = scene.taken(1);
    assert_eq!(tags(&tasks), [0, 1, 2, 3, 4]);
    assert_eq!(tasks[0].missing, []);
    for pair in tasks.windows(2) {
        assert_eq!(pair[1].missing, [behind(&pair[0], 0)]);
        assert_eq!(pair[1].deps, []);
    }
    for task in &tasks {
        scene.agent.result(task.task, OK, &[value([task.tag()])]);
    }
    scene.agent.sleeps();
    assert_eq!(scene.driver.outcome(token), (Status::Value, value([4])));
    scene.ends(&refs);
}

#[test]
fn a_task_that_comes_when_its_maker_has_gone_follows_and_brings_the_values_that_are_there() {
    let mut scene = scene(0);
    let first = scene.submit(0, &[]);
    let made = scene.taken(1);
    let there = scene.driver.put(&value([9]));
    let second = scene.submit(1, &[there, first, there]);
    let got = scene.taken(1);
    let missing = Missing {
        position: 1,
        ..behind(&made[0], 0)
    };
    assert_eq!(got[0].missing, [missing]);
    assert_eq!(got[0].deps, [value([9]), value([9])]);
    scene.agent.result(made[0].task, OK, &[value([0])]);
    scene.agent.result(got[0].task, OK, &[value([1])]);
    scene.agent.sleeps();
    scene.ends(&[first, there, second]);
}

#[test]
fn no_more_follow_than_the_agent_takes_and_only_the_first_of_those_that_wait() {
    let mut scene = scene(0);
    scene.agent.open(FOLLOWERS, 1);
    let first = scene.submit(0, &[]);
    let waiting = [1, 2].map(|tag| scene.submit(tag, &[first]));
    let third = scene.submit(3, &waiting[..1]);
    let tasks = scene.taken(9);
    assert_eq!(
        tags(&tasks),
        [0, 1],
        "2 is not the first that waits, 3 is one too many"
    );
    scene.agent.open(FOLLOWERS, 1);
    let more = scene.taken(9);
    assert_eq!(tags(&more), [3]);
    scene.agent.result(tasks[0].task, OK, &[value([0])]);
    let late = scene.taken(9);
    assert_eq!((tags(&late), &late[0].missing[..]), (vec![2], &[][..]));
    assert_eq!(late[0].deps, [value([0])]);
    for task in [&tasks[1], &more[0], &late[0]] {
        scene.agent.result(task.task, OK, &[value([0])]);
    }
    scene.agent.sleeps();
    scene.ends(&[first, waiting[0], waiting[1], third]);
}

#[test]
fn a_task_follows_two_makers_and_the_second_result_of_one_and_the_same_argument_twice() {
    let mut scene = scene(0);
    let more = [scene.driver.object()];
    let call = Call {
        arguments: value([0]),
        more: &more,
        ..Call::default()
    };
    let two = scene.driver.submit(scene.template, &call);
    let one = scene.submit(1, &[]);
    let last = scene.submit(2, &[one, more[0], one]);
    let tasks = scene.taken(9);
    assert_eq!(tags(&tasks), [0, 1, 2]);
    let at = |position, maker: &TaskNews, result| Missing {
        position,
        ..behind(maker, result)
    };
    let expected = [at(0, &tasks[1], 0), at(1, &tasks[0], 1), at(2, &tasks[1], 0)];
    assert_eq!(tasks[2].missing, expected);
    scene.agent.result(tasks[0].task, OK, &[value([0]), value([1])]);
    scene.agent.result(tasks[1].task, OK, &[value([1])]);
    scene.agent.result(tasks[2].task, OK, &[value([2])]);
    scene.agent.sleeps();
    scene.ends(&[two, more[0], one, last]);
}

#[test]
fn what_follows_a_task_that_fails_fails_with_it() {
    for outcome in [ERROR, FAILED, RETRY, LOST] {
        let mut scene = scene(0);
        let first = scene.submit(0, &[]);
        let second = scene.submit(1, &[first]);
        let token = scene.driver.get(second);
        let tasks = scene.taken(1);
        scene.agent.result(tasks[0].task, outcome, &[value([7, 7])]);
        scene.agent.result(tasks[1].task, UNBEGUN, &[]);
        scene.agent.sleeps();
        let (status, error) = scene.driver.outcome(token);
        assert_ne!(status, Status::Value);
        assert_eq!(error, value([7, 7]));
        scene.ends(&[first, second]);
    }
}

#[test]
fn what_was_lost_with_its_maker_waits_for_the_next_attempt_and_may_follow_that() {
    let mut scene = scene(1);
    let first = scene.submit(0, &[]);
    let second = scene.submit(1, &[first]);
    let token = scene.driver.get(second);
    let tasks = scene.taken(1);
    scene.agent.result(tasks[0].task, LOST, &[value([7])]);
    scene.agent.result(tasks[1].task, LOST, &[value([7])]);
    let again = scene.taken(1);
    assert_eq!(tags(&again), [0, 1]);
    assert_eq!(again[1].missing, [behind(&again[0], 0)]);
    assert_eq!(
        [again[0].attempt, again[1].attempt],
        [2, 1],
        "the second had not begun"
    );
    for task in &again {
        scene.agent.result(task.task, OK, &[value([task.tag()])]);
    }
    scene.agent.sleeps();
    assert_eq!(scene.driver.outcome(token), (Status::Value, value([1])));
    scene.ends(&[first, second]);
}

#[test]
fn what_comes_back_unbegun_goes_with_its_arguments_and_a_result_before_they_are_there_does_not_count() {
    for (early, values) in [
        (UNBEGUN, &[][..]),
        (OK, &[value([3])][..]),
        (FAILED, &[value([3])][..]),
    ] {
        let mut scene = scene(0);
        let first = scene.submit(0, &[]);
        let second = scene.submit(1, &[first]);
        let token = scene.driver.get(second);
        let tasks = scene.taken(1);
        scene.agent.result(tasks[1].task, early, values);
        assert_eq!(scene.taken(1), [], "its maker is out");
        scene.agent.result(tasks[0].task, OK, &[value([0])]);
        let again = scene.taken(1);
        assert_eq!(tags(&again), [1], "not before its maker has ended");
        assert_eq!(again[0].deps, [value([0])]);
        scene.agent.result(again[0].task, OK, &[value([1])]);
        scene.agent.sleeps();
        assert_eq!(scene.driver.outcome(token), (Status::Value, value([1])));
        scene.ends(&[first, second]);
    }
}

#[test]
fn a_value_that_was_made_from_a_result_nobody_got_does_not_count() {
    // The maker is cancelled, but its node had ended it by then, and had run what followed.
    let mut scene = scene(0);
    let first = scene.submit(0, &[]);
    let second = scene.submit(1, &[first]);
    let token = scene.driver.get(second);
    let tasks = scene.taken(1);
    scene.driver.cancel(first, false, false);
    scene.agent.result(tasks[0].task, OK, &[value([0])]);
    scene.agent.result(tasks[1].task, OK, &[value([1])]);
    let _ = scene.agent.news();
    assert_eq!(scene.driver.outcome(token).0, Status::SystemError);
    scene.ends(&[first, second]);
}

#[test]
fn a_task_that_follows_is_cancelled_before_and_after_its_maker_ends() {
    for before in [true, false] {
        let mut scene = scene(0);
        let first = scene.submit(0, &[]);
        let second = scene.submit(1, &[first]);
        let tasks = scene.taken(1);
        if before {
            scene.agent.result(tasks[0].task, OK, &[value([0])]);
        }
        scene.driver.cancel(second, false, false);
        assert!(scene.agent.news().contains(&tasks[1].stopped()));
        scene.agent.result(tasks[1].task, FAILED, &[value([0])]);
        if !before {
            scene.agent.result(tasks[0].task, OK, &[value([0])]);
        }
        scene.agent.sleeps();
        scene.ends(&[first, second]);
    }
}

#[test]
fn an_agent_that_ends_lets_go_of_what_it_has() {
    let mut scene = scene(0);
    let mut refs = vec![scene.submit(0, &[])];
    for tag in 1..4 {
        refs.push(scene.submit(tag, &refs[refs.len() - 1..]));
    }
    assert_eq!(scene.taken(1).len(), 4);
    scene.bed.node.bury(scene.agent.id, "it ended", Blame::Nobody);
    scene.bed.node.fail_all("");
    let Scene { bed, mut driver, .. } = scene;
    driver.release(&refs);
    driver.flush();
    let _ = driver.news();
    drop(bed);
}

/// Numbers that look random, the same for each seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// A node that has the tasks which the agent was handed: it answers as nodes do.
struct Elsewhere {
    out: Vec<TaskNews>,
    /// Tasks that have ended there with a value, by cell and generation.
    made: Vec<(u32, u32)>,
}

impl Elsewhere {
    fn has(&self, missing: &Missing) -> bool {
        self.made.contains(&(missing.task, missing.generation))
    }

    fn is_out(&self, missing: &Missing) -> bool {
        let mut out = self.out.iter();
        out.any(|task| (task.task, task.generation) == (missing.task, missing.generation))
    }
}

#[test]
fn whatever_happens_to_tasks_that_follow_every_ref_settles_and_nothing_stays_behind() {
    for seed in 0..300 {
        let mut numbers = Numbers(seed * 7919 + 1);
        let mut scene = scene(2);
        let mut there = Elsewhere {
            out: Vec::new(),
            made: Vec::new(),
        };
        let (mut refs, mut tokens): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut steps = 0;
        while steps < 60 || !there.out.is_empty() || tokens.len() < 20 {
            steps += 1;
            assert!(steps < 5_000, "seed {seed}: it does not end");
            match numbers.below(8) {
                0..=2 if refs.len() < 40 => {
                    let count = numbers.below(3).min(refs.len());
                    let deps: Vec<u32> = (0..count)
                        .map(|_| refs[refs.len() - 1 - numbers.below(refs.len().min(4))])
                        .collect();
                    let object = scene.submit(refs.len() as u8, &deps);
                    tokens.push(scene.driver.get(object));
                    refs.push(object);
                }
                3 if !refs.is_empty() && numbers.below(4) == 0 => {
                    let victim = refs[numbers.below(refs.len())];
                    scene.driver.cancel(victim, false, false);
                }
                4 => scene.agent.open(FOLLOWERS, numbers.below(4) as u32),
                _ if there.out.is_empty() => {}
                _ => answer(&mut scene, &mut there, &mut numbers),
            }
            there.out.extend(scene.taken(numbers.below(4) as u32 + 1));
        }
        let news = scene.driver.news();
        let settled = news
            .iter()
            .filter(|news| matches!(news, News::Value { .. }))
            .count();
        assert!(settled <= tokens.len(), "seed {seed}");
        // All that is left waits for nothing that is out, so it is handed out and answered, until nothing is left.
        assert_eq!(scene.bed.node.live_tasks(), 0, "seed {seed}: tasks are left");
        scene.ends(&refs);
    }
}

/// One of the tasks that are out is answered: its makers come before it, unless it fails.
fn answer(scene: &mut Scene, there: &mut Elsewhere, numbers: &mut Numbers) {
    let at = numbers.below(there.out.len());
    if there.out[at].missing.iter().any(|missing| there.is_out(missing)) {
        return;
    }
    let task = there.out.remove(at);
    let (outcome, values): (u8, Vec<Value>) = if task.missing.iter().all(|missing| there.has(missing)) {
        match numbers.below(8) {
            0 => (ERROR, vec![value([1])]),
            1 => (RETRY, vec![value([1])]),
            2 => (LOST, vec![value([1])]),
            3 => (UNBEGUN, vec![]),
            _ => (OK, vec![value([task.tag()])]),
        }
    } else {
        (UNBEGUN, vec![])
    };
    if outcome == OK {
        there.made.push((task.task, task.generation));
    }
    scene.agent.result(task.task, outcome, &values);
}
