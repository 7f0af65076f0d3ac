//! Results that stay at other nodes: they are brought here when they are needed, and made again when they are lost.

use std::collections::{BTreeMap, HashMap};

use super::support::{
    Bed, CAPACITY, Call, ERROR, News, OK, Status, TaskNews, Thread, UNBEGUN, Value, elsewhere, plain, value,
};

/// A node with one thread for tasks, its driver and its agent, and a template of tasks that other nodes run.
struct Scene {
    bed: Bed,
    driver: Thread,
    agent: Thread,
    template: u32,
    /// What the agent was asked for, and told to drop.
    needs: Vec<(u32, u32)>,
    drops: Vec<u32>,
    last_place: u32,
    lines: Vec<u32>,
}

fn scene() -> Scene {
    let bed = Bed::new(1, &[]);
    let (driver, mut agent) = (bed.driver(), bed.agent());
    agent.sleeps();
    let template = bed.template(elsewhere(b"ask"));
    Scene {
        bed,
        driver,
        agent,
        template,
        needs: Vec::new(),
        drops: Vec::new(),
        last_place: 0,
        lines: Vec::new(),
    }
}

impl Scene {
    fn submit(&mut self, tag: u8, deps: &[u32]) -> u32 {
        self.driver.submit_tagged(self.template, tag, deps)
    }

    /// The tasks that the agent gets, which takes all.
    fn taken(&mut self) -> Vec<TaskNews> {
        self.driver.flush();
        let mut got = Vec::new();
        // Tasks that were given back are not told of.
        for &line in &self.lines {
            self.agent.open(line, 100);
        }
        while let Some(news) = self.agent.step_once(false) {
            for news in news {
                match news {
                    News::Task(task) => got.push(task),
                    News::Line { line, waiting, .. } if waiting > 0 => {
                        self.lines.push(line);
                        self.agent.open(line, waiting);
                    }
                    News::Need { place, object } => self.needs.push((place, object)),
                    News::Drop { place } => self.drops.push(place),
                    _ => {}
                }
            }
        }
        got
    }

    fn place(&mut self) -> u32 {
        self.last_place += 1;
        self.last_place
    }

    /// One task, whose result stays at the place that this gives.
    fn stays(&mut self) -> u32 {
        let tasks = self.taken();
        assert_eq!(tasks.len(), 1, "one task: {tasks:?}");
        let place = self.place();
        self.agent.stays(tasks[0].task, &[place]);
        self.taken();
        place
    }

    /// A task's ref, whose result stays at a place.
    fn away(&mut self, tag: u8, deps: &[u32]) -> (u32, u32) {
        let object = self.submit(tag, deps);
        (object, self.stays())
    }

    fn release(&mut self, objects: &[u32]) {
        self.driver.release(objects);
        self.taken();
    }

    /// What the agent was asked for since this was asked.
    fn needs(&mut self) -> Vec<(u32, u32)> {
        let tasks = self.taken();
        assert!(tasks.is_empty(), "no tasks: {tasks:?}");
        std::mem::take(&mut self.needs)
    }

    fn drops(&mut self) -> Vec<u32> {
        self.taken();
        std::mem::take(&mut self.drops)
    }

    fn outcome(&mut self, token: u32) -> (Status, Value) {
        self.driver.flush();
        self.driver.outcome(token)
    }

    fn end(mut self) {
        self.taken();
        self.agent.sleeps();
        self.bed.assert_balanced(0);
    }
}

#[test]
fn who_waits_hears_of_it_and_who_needs_the_value_has_it_brought() {
    let mut scene = scene();
    let object = scene.submit(7, &[]);
    let (waits, gets) = (scene.driver.subscribe(object, false), scene.driver.get(object));
    let place = scene.stays();
    let news = scene.driver.news();
    let ready = News::Ready {
        status: Status::Value,
        token: waits,
    };
    assert_eq!(news, [ready], "settled, and not here");
    let needs = std::mem::take(&mut scene.needs);
    assert_eq!(needs.iter().map(|need| need.0).collect::<Vec<_>>(), [place]);
    // Once: others wait for the same.
    let again = scene.driver.get(object);
    assert!(scene.needs().is_empty());
    scene.agent.here(needs[0].1, Some(&value(b"value")));
    scene.agent.sleeps();
    scene.driver.flush();
    let mut tokens: Vec<u32> = (0..2)
        .flat_map(|_| scene.driver.news())
        .map(|news| match news {
            News::Value { token, value, status } => {
                assert_eq!((status, &value.bytes[..]), (Status::Value, &b"value"[..]));
                token
            }
            other => panic!("{other:?}"),
        })
        .collect();
    tokens.sort_unstable();
    assert_eq!(tokens, [gets, again]);
    let later = scene.driver.get(object);
    assert_eq!(scene.outcome(later).1.bytes, b"value");
    assert!(scene.drops().is_empty(), "as long as there is a ref");
    scene.release(&[object]);
    assert_eq!(scene.drops(), [place]);
    scene.end();
}

#[test]
fn a_task_for_other_nodes_goes_with_the_place_and_one_for_this_node_waits_for_the_value() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    let here = scene.driver.put(&value([9]));
    let next = scene.submit(2, &[here, object]);
    let tasks = scene.taken();
    assert_eq!(tasks[0].elsewhere, [(1, place)]);
    assert_eq!(tasks[0].deps, [value([9])]);
    assert!(scene.needs().is_empty());
    scene.agent.result(tasks[0].task, OK, &[value([3])]);
    let local = scene.bed.template(plain());
    let mut worker = scene.bed.worker();
    let kept = scene.driver.submit_tagged(local, 4, &[object, next]);
    let needs = scene.needs();
    assert_eq!(needs.len(), 1);
    worker.sleeps();
    scene.agent.here(needs[0].1, Some(&value([5])));
    scene.agent.sleeps();
    let task = worker.begin();
    assert_eq!(task.deps, [value([5]), value([3])]);
    worker.result(task.task, OK, &[value([6])]);
    worker.sleeps();
    scene.release(&[object, here, next, kept]);
    scene.end();
}

#[test]
fn what_is_lost_is_made_again_when_it_is_needed_its_arguments_first() {
    let mut scene = scene();
    // x = f(x), each dropped.
    let (mut object, mut place) = scene.away(0, &[]);
    for tag in 1..4 {
        let (next, at) = scene.away(tag, &[object]);
        scene.release(&[object]);
        assert_eq!(scene.drops(), [place], "the value goes, what made it stays");
        (object, place) = (next, at);
    }
    scene.agent.lose(place);
    assert!(scene.taken().is_empty(), "nothing needs it");
    let token = scene.driver.get(object);
    for tag in 0..4 {
        let task = scene.taken().remove(0);
        assert_eq!(task.tag(), tag);
        if tag == 1 {
            // Small this time.
            scene.agent.result(task.task, OK, &[value(b"small")]);
        } else {
            let at = scene.place();
            scene.agent.stays(task.task, &[at]);
        }
    }
    let needs = scene.needs();
    assert_eq!(needs.len(), 1);
    scene.agent.here(needs[0].1, Some(&value(b"again")));
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token), (Status::Value, value(b"again")));
    scene.release(&[object]);
    scene.end();
}

#[test]
fn a_get_whose_ref_goes_meanwhile_has_the_value_of_the_first_run() {
    let mut scene = scene();
    // Before the task has ended, and while its value is on its way.
    for early in [true, false] {
        let object = scene.submit(1, &[]);
        let token = scene.driver.get(object);
        let task = scene.taken().remove(0);
        if early {
            scene.release(&[object]);
        }
        let place = scene.place();
        scene.agent.stays(task.task, &[place]);
        let needs = scene.needs();
        if !early {
            scene.release(&[object]);
        }
        assert_eq!(needs.len(), 1);
        assert!(scene.drops().is_empty(), "it is being fetched");
        scene.agent.here(needs[0].1, Some(&value(b"once")));
        scene.taken();
        assert_eq!(scene.outcome(token), (Status::Value, value(b"once")));
        assert_eq!(scene.drops(), [place]);
    }
    scene.end();
}

#[test]
fn nothing_is_made_again_for_a_thread_that_is_gone() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    let local = scene.bed.template(plain());
    let mut worker = scene.bed.worker();
    let wants = scene.driver.submit_tagged(local, 2, &[]);
    scene.driver.flush();
    worker.begin();
    let own = worker.submit_tagged(scene.template, 3, &[]);
    worker.get(own);
    worker.flush();
    let second = scene.stays();
    let owed = std::mem::take(&mut scene.needs);
    assert_eq!(owed.len(), 1, "for the worker");
    worker.dies();
    scene.agent.lose(second);
    scene.agent.lose(place);
    assert!(scene.taken().is_empty());
    scene.release(&[object, wants]);
    scene.driver.news();
    let mut next = scene.bed.worker();
    next.run_all();
    for (_, object) in owed {
        scene.agent.here(object, None);
    }
    assert!(scene.taken().is_empty(), "nobody waits for it");
    next.dies();
    scene.end();
}

#[test]
fn a_value_that_is_lost_on_the_way_is_made_again() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    let token = scene.driver.get(object);
    let needs = scene.needs();
    scene.agent.lose(place);
    scene.agent.here(needs[0].1, None);
    let task = scene.taken().remove(0);
    scene.agent.result(task.task, OK, &[value(b"again")]);
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token), (Status::Value, value(b"again")));
    scene.release(&[object]);
    assert!(scene.drops().is_empty(), "that place was lost");
    scene.end();
}

#[test]
fn a_task_in_a_line_whose_argument_is_lost_waits_until_that_was_made_again() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    let next = scene.submit(2, &[object]);
    scene.driver.flush();
    // It is in a line, and not taken.
    let News::Line { line, .. } = scene.agent.step().remove(0) else {
        panic!("a line")
    };
    scene.agent.lose(place);
    scene.agent.open(line, 1);
    let tasks = scene.taken();
    assert_eq!(tasks.iter().map(TaskNews::tag).collect::<Vec<_>>(), [1]);
    let again = scene.place();
    scene.agent.stays(tasks[0].task, &[again]);
    let tasks = scene.taken();
    assert_eq!((tasks[0].tag(), &tasks[0].elsewhere[..]), (2, &[(0, again)][..]));
    // One that comes back unbegun, as the place is lost again.
    scene.agent.lose(again);
    scene.agent.result(tasks[0].task, UNBEGUN, &[]);
    let tasks = scene.taken();
    assert_eq!(tasks.iter().map(TaskNews::tag).collect::<Vec<_>>(), [1]);
    scene.agent.result(tasks[0].task, OK, &[value([8])]);
    let tasks = scene.taken();
    assert_eq!((tasks[0].tag(), &tasks[0].deps[..]), (2, &[value([8])][..]));
    scene.agent.result(tasks[0].task, OK, &[value([9])]);
    scene.agent.sleeps();
    scene.release(&[object, next]);
    scene.end();
}

#[test]
fn a_task_in_a_line_whose_argument_cannot_be_made_again_fails_with_that_error() {
    let mut scene = scene();
    let other = scene.bed.template(elsewhere(b"other"));
    let (object, place) = scene.away(1, &[]);
    let next = scene.driver.submit_tagged(other, 2, &[object]);
    scene.driver.flush();
    let News::Line { line, .. } = scene.agent.step().remove(0) else {
        panic!("a line")
    };
    scene.agent.lose(place);
    scene.agent.sleeps();
    // Somebody else needs it first, and its second run throws.
    let token = scene.driver.get(object);
    let again = scene.taken().remove(0);
    scene.agent.result(again.task, ERROR, &[value(b"thrown")]);
    scene.taken();
    assert_eq!(scene.outcome(token), (Status::UserError, value(b"thrown")));
    scene.agent.open(line, 1);
    let tasks = scene.taken();
    assert!(tasks.is_empty(), "an error is no argument: {tasks:?}");
    let token = scene.driver.get(next);
    assert_eq!(scene.outcome(token), (Status::UserError, value(b"thrown")));
    scene.release(&[object, next]);
    scene.end();
}

#[test]
fn a_task_takes_a_value_from_its_place_though_it_could_not_come_here() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    let token = scene.driver.get(object);
    let needs = scene.needs();
    scene.agent.here_fails(needs[0].1, &value(b"no room"));
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token).0, Status::SystemError);
    let next = scene.submit(2, &[object]);
    let task = scene.taken().remove(0);
    assert_eq!(task.elsewhere, [(0, place)]);
    scene.agent.result(task.task, OK, &[value([3])]);
    scene.agent.sleeps();
    scene.release(&[object, next]);
    scene.end();
}

#[test]
fn a_place_may_be_brought_in_the_same_turn_in_which_it_came() {
    let mut scene = scene();
    let object = scene.submit(1, &[]);
    let task = scene.taken().remove(0);
    scene.agent.stays(task.task, &[1]);
    scene.agent.bring(1);
    let needs = scene.needs();
    assert_eq!(needs.len(), 1);
    scene.agent.here(needs[0].1, Some(&value([1])));
    scene.agent.sleeps();
    scene.release(&[object]);
    scene.end();
}

#[test]
fn a_value_on_its_way_is_in_flight_and_fails_when_the_runtime_closes() {
    let mut scene = scene();
    let (object, _) = scene.away(1, &[]);
    let token = scene.driver.get(object);
    let needs = scene.needs();
    assert!(!scene.bed.node.drain(), "it is waited for");
    scene.bed.node.fail_all("");
    assert_eq!(scene.bed.node.live_tasks(), 0);
    scene.driver.flush();
    let closed = |news: &News| matches!(news, News::Value { token: of, status: Status::SystemError, value } if *of == token && value.bytes[0] == 7);
    assert!(scene.driver.news().iter().any(closed));
    // Too late.
    scene.agent.here(needs[0].1, Some(&value([1])));
    scene.agent.sleeps();
    scene.release(&[object]);
    scene.end();
}

#[test]
fn what_was_made_of_an_earlier_run_is_made_again() {
    let mut scene = scene();
    let (a, at) = scene.away(1, &[]);
    let (s, _) = scene.away(2, &[a]);
    scene.agent.lose(at);
    scene.taken();
    let token = scene.driver.get(a);
    let at = scene.stays();
    let needs = std::mem::take(&mut scene.needs);
    assert_eq!(needs.len(), 1);
    scene.agent.lose(at);
    scene.agent.here(needs[0].1, None);
    // It runs a third time, and stays.
    let at = scene.stays();
    let needs = std::mem::take(&mut scene.needs);
    scene.agent.here(needs[0].1, Some(&value([9])));
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token).1, value([9]));
    scene.release(&[a]);
    assert!(scene.drops().contains(&at));
    // `s` is lost: it names the first run of `a`, and there were later ones.
    scene.agent.lose(2);
    scene.taken();
    let token = scene.driver.get(s);
    let task = scene.taken().remove(0);
    assert_eq!(task.tag(), 1);
    scene.agent.result(task.task, OK, &[value([1])]);
    let task = scene.taken().remove(0);
    assert_eq!((task.tag(), &task.deps[..]), (2, &[value([1])][..]));
    scene.agent.result(task.task, OK, &[value([2])]);
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token).1, value([2]));
    scene.release(&[s]);
    scene.end();
}

#[test]
fn results_of_one_task_that_are_lost_are_made_by_one_run() {
    let mut scene = scene();
    let more = scene.driver.object();
    let call = Call {
        more: &[more],
        ..Call::default()
    };
    let first = scene.driver.submit(scene.template, &call);
    let task = scene.taken().remove(0);
    scene.agent.stays(task.task, &[1, 2]);
    scene.agent.lose(1);
    scene.agent.lose(2);
    scene.taken();
    let tokens = [scene.driver.get(more), scene.driver.get(first)];
    let tasks = scene.taken();
    assert_eq!(tasks.len(), 1);
    scene.agent.result(tasks[0].task, OK, &[value([1]), value([2])]);
    scene.agent.sleeps();
    scene.driver.flush();
    let value_of = |news| match news {
        News::Value { token, value, .. } => (token, value.bytes[0]),
        other => panic!("{other:?}"),
    };
    let values: Vec<(u32, u8)> = scene.driver.news().into_iter().map(value_of).collect();
    assert_eq!(values, [(tokens[0], 2), (tokens[1], 1)]);
    scene.release(&[first, more]);
    scene.end();
}

#[test]
fn what_a_kept_spec_needs_is_kept_and_no_more_of_it_than_there_is_room_for() {
    let mut scene = scene();
    let buffer = |scene: &Scene, id: u32, len: u64| {
        let buffer = scene.bed.buffers.make(id);
        mobula_sched::Buffer { len, ..buffer }
    };
    let argument = buffer(&scene, 1, CAPACITY / 4);
    let put = scene.driver.put(&value([1]).with_buffer(argument));
    // Shared arguments count once.
    let objects: Vec<u32> = (0..3).map(|tag| scene.away(tag, &[put]).0).collect();
    scene.release(&[put]);
    assert_eq!(scene.bed.buffers.count(1), 1, "the specs name it");
    let more = buffer(&scene, 2, 1);
    let call = Call {
        arguments: value([4]).with_buffer(more),
        ..Call::default()
    };
    let last = scene.driver.submit(scene.template, &call);
    scene.stays();
    // One byte too many: the oldest specs go, until the rest has room.
    assert_eq!(scene.bed.buffers.count(1), 0);
    assert_eq!(scene.bed.buffers.count(2), 1);
    let recoverable = |scene: &Scene, object| scene.bed.node.is_recoverable(object);
    assert!(!recoverable(&scene, objects[0]) && recoverable(&scene, last));
    for place in 1..=4 {
        scene.agent.lose(place);
    }
    scene.taken();
    let token = scene.driver.get(objects[0]);
    assert!(scene.taken().is_empty());
    let (status, error) = scene.outcome(token);
    assert_eq!((status, error.bytes[0]), (Status::SystemError, 17), "it is lost");
    let token = scene.driver.get(last);
    let task = scene.taken().remove(0);
    assert_eq!(task.tag(), 4);
    scene.agent.result(task.task, OK, &[value([5])]);
    scene.agent.sleeps();
    assert_eq!(scene.outcome(token).1, value([5]));
    scene.release(&objects);
    scene.release(&[last]);
    assert_eq!(scene.bed.buffers.count(2), 0);
    scene.end();
}

#[test]
fn a_place_is_brought_when_its_node_leaves() {
    let mut scene = scene();
    let (object, place) = scene.away(1, &[]);
    scene.agent.bring(place);
    scene.agent.bring(77);
    let needs = scene.needs();
    assert_eq!(needs.len(), 1);
    // The place takes no more tasks.
    let next = scene.submit(2, &[object]);
    assert!(scene.taken().is_empty(), "it waits for the value");
    scene.agent.here(needs[0].1, Some(&value([1])));
    let task = scene.taken().remove(0);
    assert_eq!(task.deps, [value([1])]);
    scene.agent.result(task.task, OK, &[value([2])]);
    scene.agent.sleeps();
    scene.release(&[object, next]);
    scene.end();
}

#[test]
fn a_task_that_followed_a_maker_counts_when_the_result_of_that_stays() {
    let mut scene = scene();
    scene.agent.open(0, 10);
    let first = scene.submit(1, &[]);
    let next = scene.submit(2, &[first]);
    let mut tasks = scene.taken();
    tasks.extend(scene.taken());
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[1].missing.len(), 1);
    scene.agent.stays(tasks[0].task, &[1]);
    scene.agent.stays(tasks[1].task, &[2]);
    assert!(scene.taken().is_empty());
    let token = scene.driver.subscribe(next, false);
    scene.driver.flush();
    assert!(matches!(scene.driver.news()[..], [News::Ready { token: of, .. }] if of == token));
    scene.release(&[first, next]);
    let mut drops = scene.drops();
    drops.sort_unstable();
    assert_eq!(drops, [1, 2]);
    scene.end();
}

#[test]
fn a_result_that_stays_of_a_task_that_was_cancelled_is_dropped() {
    let mut scene = scene();
    let object = scene.submit(1, &[]);
    let task = scene.taken().remove(0);
    scene.driver.cancel(object, false, false);
    scene.taken();
    scene.agent.stays(task.task, &[1]);
    assert_eq!(scene.drops(), [1]);
    scene.release(&[object]);
    scene.end();
}

/// Nodes that have values at places, for random programs.
struct Nodes {
    /// Whether no value comes before it is asked for.
    all_stay: bool,
    values: BTreeMap<u32, Vec<u8>>,
    random: u64,
}

impl Nodes {
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// What a task makes of its arguments.
    fn made(tag: u8, arguments: &[Vec<u8>]) -> Vec<u8> {
        let sum = arguments.iter().flatten().fold(u32::from(tag), |sum, &byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        sum.to_le_bytes().to_vec()
    }

    fn arguments(&self, task: &TaskNews) -> Option<Vec<Vec<u8>>> {
        let count = task.deps.len() + task.elsewhere.len();
        let places: HashMap<u32, u32> = task.elsewhere.iter().copied().collect();
        let mut here = task.deps.iter();
        (0..count as u32)
            .map(|at| match places.get(&at) {
                Some(place) => self.values.get(place).cloned(),
                None => here.next().map(|value| value.bytes.clone()),
            })
            .collect()
    }
}

/// Random programs, with places that are lost at any time: each value that is read is the right one, each wait ends, and nothing is
/// left.
#[test]
fn random_programs_get_the_right_values_whatever_is_lost() {
    for seed in 1..=300 {
        random_program(seed);
    }
}

fn random_program(seed: u64) {
    let mut scene = scene();
    let local = scene.bed.template(plain());
    let mut worker = scene.bed.worker();
    let mut nodes = Nodes {
        all_stay: seed.is_multiple_of(2),
        values: BTreeMap::new(),
        random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
    };
    // Objects with the values that they are to have; 200 steps.
    let mut refs: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut gets: HashMap<u32, Vec<u8>> = HashMap::new();
    let mut out: Vec<TaskNews> = Vec::new();
    let mut needs: Vec<(u32, u32)> = Vec::new();
    for step in 0..200_u8 {
        let quiet = step > 150;
        match nodes.random(if quiet { 1 } else { 8 }) {
            1..=3 => {
                let count = nodes.random(3).min(refs.len() as u64);
                let chosen: Vec<usize> = (0..count)
                    .map(|_| nodes.random(refs.len() as u64) as usize)
                    .collect();
                let deps: Vec<u32> = chosen.iter().map(|&at| refs[at].0).collect();
                let values: Vec<Vec<u8>> = chosen.iter().map(|&at| refs[at].1.clone()).collect();
                let template = if nodes.random(4) == 0 {
                    local
                } else {
                    scene.template
                };
                let object = scene.driver.submit_tagged(template, step, &deps);
                refs.push((object, Nodes::made(step, &values)));
            }
            4 if !refs.is_empty() => {
                let at = nodes.random(refs.len() as u64) as usize;
                let token = scene.driver.get(refs[at].0);
                gets.insert(token, refs[at].1.clone());
            }
            5 if !refs.is_empty() => {
                let at = nodes.random(refs.len() as u64) as usize;
                scene.driver.release(&[refs.swap_remove(at).0]);
            }
            6 if !nodes.values.is_empty() => {
                // A node dies.
                let lost: Vec<u32> = nodes.values.keys().copied().collect();
                for place in lost {
                    if nodes.random(3) == 0 {
                        nodes.values.remove(&place);
                        scene.agent.lose(place);
                    }
                }
            }
            _ => {}
        }
        turn(&mut scene, &mut worker, &mut nodes, &mut out, &mut needs, quiet);
        check(&mut scene, &mut gets);
    }
    for _ in 0..1000 {
        if gets.is_empty() && out.is_empty() && scene.bed.node.live_tasks() == 0 {
            break;
        }
        turn(&mut scene, &mut worker, &mut nodes, &mut out, &mut needs, true);
        check(&mut scene, &mut gets);
    }
    assert!(gets.is_empty(), "seed {seed}: each wait ends");
    let objects: Vec<u32> = refs.iter().map(|each| each.0).collect();
    scene.release(&objects);
    for (_, object) in needs {
        scene.agent.here(object, None);
    }
    for _ in 0..3 {
        let mut none = Vec::new();
        turn(&mut scene, &mut worker, &mut nodes, &mut out, &mut none, true);
    }
    scene.drops();
    scene.end();
}

/// The agent does some of what it has to.
fn turn(
    scene: &mut Scene,
    worker: &mut Thread,
    nodes: &mut Nodes,
    out: &mut Vec<TaskNews>,
    needs: &mut Vec<(u32, u32)>,
    all: bool,
) {
    out.extend(scene.taken());
    needs.append(&mut scene.needs);
    for place in std::mem::take(&mut scene.drops) {
        nodes.values.remove(&place);
    }
    let mut later = Vec::new();
    for task in std::mem::take(out) {
        if !all && nodes.random(2) == 0 {
            later.push(task);
            continue;
        }
        let Some(arguments) = nodes.arguments(&task) else {
            scene.agent.result(task.task, UNBEGUN, &[]);
            continue;
        };
        let made = Nodes::made(task.tag(), &arguments);
        if !nodes.all_stay && nodes.random(3) == 0 {
            scene.agent.result(task.task, OK, &[value(made)]);
        } else {
            let place = scene.place();
            nodes.values.insert(place, made);
            scene.agent.stays(task.task, &[place]);
        }
    }
    *out = later;
    for (place, object) in std::mem::take(needs) {
        if !all && nodes.random(2) == 0 {
            needs.push((place, object));
            continue;
        }
        let bytes = nodes.values.get(&place).map(value);
        scene.agent.here(object, bytes.as_ref());
    }
    while let Some(news) = worker.step_once(false) {
        for news in news {
            let News::Task(task) = news else { continue };
            assert!(worker.claim(&task));
            let arguments: Vec<Vec<u8>> = task.deps.iter().map(|value| value.bytes.clone()).collect();
            worker.result(task.task, OK, &[value(Nodes::made(task.tag(), &arguments))]);
        }
    }
}

fn check(scene: &mut Scene, gets: &mut HashMap<u32, Vec<u8>>) {
    scene.driver.flush();
    for news in scene.driver.news() {
        if let News::Value { status, token, value } = news {
            assert_eq!(status, Status::Value);
            assert_eq!(gets.remove(&token), Some(value.bytes));
        }
    }
}
