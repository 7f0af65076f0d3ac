//! Tasks that have waited for long, and the calls they wait for: what [`crate::deadlock`] is asked about.

use std::collections::HashMap;
use std::sync::Arc;

use mobula_sync::Mutex;
use mobula_sync::atomic::Ordering;

use super::{Content, Life};
use crate::cancel::How;
use crate::deadlock::{Party, cycle};
use crate::failure::{Failure, write_name};
use crate::node::Node;
use crate::task::{PENDING, State, TaskId};

/// A task that runs and has waited for objects for long.
#[derive(Debug)]
struct Waiting {
    task: TaskId,
    attempt: u32,
    name: Arc<str>,
    /// Each with the generation it had when the wait was told.
    objects: Vec<(u32, u32)>,
}

/// The long waits, by the port that told of them. What is over is left here until its port tells anew: its objects have
/// settled, so nothing comes of it.
#[derive(Debug, Default)]
pub(crate) struct Waits(Mutex<HashMap<u16, Vec<Waiting>>>);

impl Waits {
    pub(crate) fn forget(&self, port: u16) {
        self.0.lock().remove(&port);
    }
}

/// The parties of a snapshot, and what each is.
#[derive(Default)]
struct Graph {
    parties: Vec<Party>,
    members: Vec<Member>,
    by_task: HashMap<u32, usize>,
}

#[derive(Clone)]
struct Member {
    task: TaskId,
    name: Arc<str>,
    /// Whether it has not begun.
    queued: bool,
}

impl Graph {
    fn add(&mut self, task: TaskId, name: Arc<str>, queued: bool) -> usize {
        let place = self.parties.len();
        self.parties.push(Party::default());
        self.members.push(Member { task, name, queued });
        self.by_task.insert(task.index, place);
        place
    }

    /// The party that a task is; none, if it is not known to wait.
    fn find(&self, task: TaskId) -> Option<usize> {
        let place = *self.by_task.get(&task.index)?;
        (self.members[place].task == task).then_some(place)
    }
}

impl Node {
    /// The tasks of `port` that have waited for long, as records: index, generation, attempt, template, count of objects,
    /// and as many objects, none of which has come yet. If they wait in a cycle, one call of it is failed.
    pub fn report_waits(&self, port: u16, mut records: &[u32]) {
        let mut waits = Vec::new();
        while let [index, generation, attempt, template, count, rest @ ..] = records {
            let (objects, rest) = rest.split_at((*count as usize).min(rest.len()));
            let generation_of = |object: u32| self.objects.get(object).generation.load(Ordering::Relaxed);
            waits.push(Waiting {
                task: TaskId {
                    index: *index,
                    generation: *generation,
                },
                attempt: *attempt,
                name: self.template_name(*template),
                objects: objects
                    .iter()
                    .filter(|&&object| object < self.objects.made())
                    .map(|&object| (object, generation_of(object)))
                    .collect(),
            });
            records = rest;
        }
        let asked: Vec<TaskId> = waits.iter().map(|wait| wait.task).collect();
        let mut all = self.waits.0.lock();
        all.insert(port, waits);
        let graph = self.wait_graph(&all);
        drop(all);
        for task in asked {
            let Some(place) = graph.find(task) else { continue };
            let found = cycle(&graph.parties, place);
            if !found.is_empty() {
                self.break_cycle(&graph, &found);
                return;
            }
        }
    }

    fn wait_graph(&self, all: &HashMap<u16, Vec<Waiting>>) -> Graph {
        let mut graph = Graph::default();
        let still = |wait: &&Waiting| {
            let cell = self.tasks.get(wait.task.index);
            cell.state() == (State::Taken, wait.task.generation) && cell.attempt() == wait.attempt
        };
        let waiting: Vec<&Waiting> = all.values().flatten().filter(still).collect();
        for wait in &waiting {
            if graph.find(wait.task).is_none() {
                graph.add(wait.task, Arc::clone(&wait.name), false);
            }
        }
        for index in 0..self.actors.made() {
            self.add_calls(&mut graph, &self.actors.get(index).0.lock());
        }
        for wait in waiting {
            let unsettled = wait.objects.iter().filter_map(|&(object, generation)| {
                let cell = self.objects.get(object);
                let same = cell.generation.load(Ordering::Relaxed) == generation && !cell.waiters.is_done();
                let producer = TaskId::unpack(cell.producer.load(Ordering::Relaxed));
                producer.filter(|_| same).and_then(|task| graph.find(task))
            });
            let needs: Vec<Vec<usize>> = unsettled.map(|party| vec![party]).collect();
            if let Some(place) = graph.find(wait.task) {
                graph.parties[place].needs.extend(needs);
            }
        }
        graph
    }

    /// Calls that cannot begin because their actor is at its limit with calls that wait.
    fn add_calls(&self, graph: &mut Graph, actor: &Content) {
        let limit = match actor.life {
            Life::Alive => actor.template.spec.max_concurrency,
            Life::Making => 1,
            Life::Unmade | Life::Dead(_) => return,
        };
        let begun = actor
            .flying
            .iter()
            .filter(|&&task| self.tasks.get(task).has(PENDING));
        let begun: Vec<usize> = begun
            .filter_map(|&task| {
                let (_, generation) = self.tasks.get(task).state();
                let id = TaskId {
                    index: task,
                    generation,
                };
                graph.find(id)
            })
            .collect();
        // One that is begun and not known to wait may end at any time.
        if actor.pending < limit || begun.len() < actor.pending as usize {
            return;
        }
        let held_back = actor.held_back.values().flatten();
        for &task in actor.queue.iter().chain(held_back) {
            let cell = self.tasks.get(task);
            let (state, generation) = cell.state();
            if !matches!(state, State::Ready | State::Waiting) {
                continue;
            }
            // SAFETY: the actor's lists hold their calls, and its lock is held.
            let name = unsafe { cell.spec() }.template.name();
            let id = TaskId {
                index: task,
                generation,
            };
            let place = graph.add(id, name, true);
            graph.parties[place].needs.push(begun.clone());
        }
    }

    /// Fails one call of a cycle: one that has not begun, if there is any.
    fn break_cycle(&self, graph: &Graph, found: &[usize]) {
        let members: Vec<Member> = found.iter().map(|&party| graph.members[party].clone()).collect();
        let Some(victim) = members.iter().find(|member| member.queued).or(members.first()) else {
            return;
        };
        let mut details = Vec::new();
        for Member { name, .. } in &members {
            write_name(&mut details, name);
        }
        self.alone(0, |turn| {
            turn.stop_because(victim.task, Failure::Deadlock, &details, How::default())
        });
    }
}
