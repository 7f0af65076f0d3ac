//! Crews: the threads of one job, and the tasks that wait for them. A thread runs tasks of no other job, as module caches and
//! globals would mix.

use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_queue::IdleList;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

use crate::cancel::How;
use crate::failure::Failure;
use crate::lanes::Lanes;
use crate::node::{MAX_PORTS, Node};
use crate::object::NONE;
use crate::offers::Sorted;
use crate::policy::{self, Queue};
use crate::port::Event;
use crate::resources::{Demand, UNIT};
use crate::task::{State, TaskId};
use crate::turn::Turn;

/// The threads that run the tasks of one job, and the tasks that are ready for them. Resources are the node's: crews share them.
#[derive(Debug)]
pub(crate) struct Crew {
    /// The number of the job; 0: the process's own program.
    pub(crate) job: u32,
    pub(crate) lanes: Lanes,
    /// The oldest plain tasks, where the node offers them to others.
    pub(crate) sorted: Sorted,
    /// Threads without tasks.
    pub(crate) idle: IdleList,
    /// Threads that sleep while a task in the background has their CPU; see [`crate::port::Port::is_occupied`].
    pub(crate) occupied: IdleList,
    /// Threads that are attached; of the process's own program they are not counted.
    threads: AtomicU32,
    /// Whether the main thread was asked for threads.
    asked: AtomicBool,
    /// Whether the job has ended: what would become ready is cancelled.
    over: AtomicBool,
    /// Whether CPU is reserved for its plain tasks. Written by the watchdog.
    reserved: AtomicBool,
    /// Since when the watchdog has seen its plain tasks wait, and none of its threads hold CPU.
    denied_since: Mutex<Option<u64>>,
}

impl Crew {
    pub(crate) fn new(job: u32) -> Self {
        Self {
            job,
            lanes: Lanes::new(),
            sorted: Sorted::default(),
            idle: IdleList::new(MAX_PORTS),
            occupied: IdleList::new(MAX_PORTS),
            threads: AtomicU32::new(0),
            asked: AtomicBool::new(false),
            over: AtomicBool::new(false),
            reserved: AtomicBool::new(false),
            denied_since: Mutex::default(),
        }
    }

    /// There are no other crews: nobody else has its CPU.
    pub(crate) fn is_alone(&self) {
        if self.has_reserved() {
            self.reserved.store(false, Ordering::Relaxed);
        }
        *self.denied_since.lock() = None;
    }

    /// Whether CPU is reserved for its plain tasks.
    pub(crate) fn has_reserved(&self) -> bool {
        // Relaxed: what is reserved is a hint; who takes CPU looks at what is free.
        self.reserved.load(Ordering::Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// A thread of the crew comes, or has gone.
    pub(crate) fn count_thread(&self, comes: bool) {
        if comes {
            self.threads.fetch_add(1, Ordering::Relaxed);
        } else {
            self.threads.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// `denied`: its plain tasks wait, and its threads hold no CPU. Gives since when that is so.
    fn denied(&self, denied: bool, now: u64) -> Option<u64> {
        let mut since = self.denied_since.lock();
        *since = denied.then(|| since.unwrap_or(now));
        *since
    }
}

/// The crews of the jobs of other processes. That of the process's own program is [`Node::home`], and is not among them.
#[derive(Debug, Default)]
pub(crate) struct Crews {
    all: Mutex<Arc<Vec<Arc<Crew>>>>,
    /// How many there are; written under the lock.
    count: AtomicU32,
}

impl Crews {
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: who has made tasks of a crew ready has seen it come.
        self.count.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn all(&self) -> Arc<Vec<Arc<Crew>>> {
        Arc::clone(&self.all.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Crew>>)) {
        let mut all = self.all.lock();
        let mut crews = Vec::clone(&all);
        change(&mut crews);
        self.count.store(crews.len() as u32, Ordering::Relaxed);
        *all = Arc::new(crews);
    }

    fn find(&self, job: u32) -> Option<Arc<Crew>> {
        self.all().iter().find(|crew| crew.job == job).cloned()
    }

    /// The crew of a job, made if need be.
    fn make(&self, job: u32) -> Arc<Crew> {
        if let Some(found) = self.find(job) {
            return found;
        }
        let mut made = Arc::new(Crew::new(job));
        self.change(|crews| match crews.iter().find(|crew| crew.job == job) {
            // Another thread was first.
            Some(found) => made = Arc::clone(found),
            None => crews.push(Arc::clone(&made)),
        });
        made
    }
}

/// What a visit has made ready for the threads of one crew.
#[derive(Debug)]
pub(crate) struct ForCrew {
    crew: Arc<Crew>,
    /// Plain tasks, which still are to be queued.
    ready: Vec<u32>,
    /// Whether special tasks were queued.
    special: bool,
}

impl ForCrew {
    pub(crate) fn has(&self, task: u32) -> bool {
        self.ready.contains(&task)
    }
}

impl Node {
    /// The crew of a thread that comes; nothing for that of the process's own program.
    pub(crate) fn crew_to_join(&self, job: u32) -> Option<Arc<Crew>> {
        let ended = || {
            let crew = Crew::new(job);
            crew.over.store(true, Ordering::SeqCst);
            Arc::new(crew)
        };
        (job != 0).then(|| self.crews.find(job).unwrap_or_else(ended))
    }

    /// The crew of the templates that the thread of `port` registers: its own, or that of a job that it names.
    pub(crate) fn crew_for_template(&self, port: u16, job: u32) -> Option<Arc<Crew>> {
        if job != 0 {
            return Some(self.crews.make(job));
        }
        let is_there = u32::from(port) < self.ports_made();
        is_there
            .then(|| self.port(port).inner.lock().crew.clone())
            .flatten()
    }

    /// The crew, where nothing stands for that of the process's own program.
    pub(crate) fn crew<'a>(&'a self, crew: Option<&'a Crew>) -> &'a Crew {
        crew.unwrap_or(&self.home)
    }

    /// Whether `test` holds for any crew.
    pub(crate) fn any_crew(&self, mut test: impl FnMut(&Crew) -> bool) -> bool {
        test(&self.home) || (!self.crews.is_empty() && self.crews.all().iter().any(|crew| test(crew)))
    }

    /// Wakes a thread of each crew that has work.
    pub(crate) fn wake_all_for_work(&self) -> bool {
        let mut any = false;
        self.any_crew(|crew| {
            if self.has_work(crew) {
                any = true;
                self.wake_for_work(crew);
            }
            false
        });
        any
    }

    /// The main thread is there: it is told which threads are missing.
    pub(crate) fn ask_again(&self, main: u16) {
        // Pairs with the fence in `Turn::ask_for_threads`: one of the two sees what the other has written.
        fence(Ordering::SeqCst);
        for crew in self.crews.all().iter() {
            if crew.asked.load(Ordering::Relaxed) {
                self.port(main).post(&mut vec![Event::NeedCrew { job: crew.job }]);
            }
        }
    }

    /// A job has ended: its tasks here are cancelled, as they become ready or their threads end, and the main thread is told to
    /// end these. Its number is never used again.
    pub fn end_job(&self, job: u32) {
        let Some(crew) = self.crews.find(job) else { return };
        crew.over.store(true, Ordering::SeqCst);
        failpoint!("crew.over");
        self.alone(0, |turn| {
            turn.cancel_queued(&crew);
            turn.cancel_forwarded(&crew);
            turn.post_main(Event::CrewOver { job });
        });
        self.crews.change(|crews| crews.retain(|each| each.job != job));
    }

    /// Reserves CPU for the plain tasks of the crew that has waited longest for it while others have it. `served`: the jobs whose
    /// threads hold CPU.
    pub(crate) fn reserve_for_crews(&self, now: u64, served: &[u32]) -> Option<i64> {
        let one = Demand {
            cpu: UNIT,
            others: Vec::new(),
        };
        let may = self.resources.may_come_free(&one);
        let mut longest: Option<(u64, u32)> = None;
        self.any_crew(|crew| {
            // Threads that are still to come could do nothing with it.
            let has_threads = crew.job == 0 || crew.threads.load(Ordering::Relaxed) > 0;
            let denied = has_threads && !served.contains(&crew.job) && self.has_plain(crew);
            let since = crew
                .denied(denied, now)
                .filter(|&since| may && policy::reserves(now - since));
            if let Some(since) = since
                && longest.is_none_or(|(other, _)| since < other)
            {
                longest = Some((since, crew.job));
            }
            false
        });
        self.any_crew(|crew| {
            let is_first = longest.is_some_and(|(_, job)| job == crew.job);
            crew.reserved.store(is_first, Ordering::Relaxed);
            false
        });
        longest.map(|_| UNIT)
    }
}

impl Turn<'_> {
    /// The job of the port's thread.
    pub(crate) fn job(&self) -> u32 {
        self.crew.as_ref().map_or(0, |crew| crew.job)
    }

    /// What this visit has for a crew.
    fn for_crew(&mut self, crew: &Arc<Crew>) -> &mut ForCrew {
        let place = self.crews.iter().position(|each| Arc::ptr_eq(&each.crew, crew));
        let place = place.unwrap_or_else(|| {
            self.crews.push(ForCrew {
                crew: Arc::clone(crew),
                ready: Vec::new(),
                special: false,
            });
            self.crews.len() - 1
        });
        &mut self.crews[place]
    }

    /// Puts a ready task that this node keeps where its crew finds it.
    pub(crate) fn enqueue_for(&mut self, crew: &Arc<Crew>, task: u32) {
        // SAFETY: the caller holds the task.
        let template = &unsafe { self.node.tasks.get(task).spec() }.template;
        if template.simple {
            self.for_crew(crew).ready.push(task);
        } else {
            failpoint!("crew.special");
            // That of the task may go with it: once it is queued, another thread may end it.
            let crew = Arc::clone(crew);
            crew.lanes.push_special(template, task);
            self.for_crew(&crew).special = true;
        }
    }

    /// Queues what became ready for crews, and wakes their threads.
    pub(crate) fn pass_on_to_crews(&mut self) {
        while let Some(last) = self.crews.last() {
            let crew = Arc::clone(&last.crew);
            let wake = self.queue_for(last);
            // Not before: until then nobody else has its tasks.
            self.crews.pop();
            if crew.is_over() {
                // Queued after the queues were emptied, perhaps. What its threads have in store ends with them.
                self.cancel_queued(&crew);
            } else if wake {
                self.ask_for_threads(&crew);
                if !self.node.resources.has_cpu(crew.has_reserved()) {
                    // It looks at what waits.
                    self.node.watch();
                }
                self.node.wake_for_work(&crew);
            }
        }
    }

    /// Queues plain tasks for a crew. Gives whether a thread is to be woken.
    fn queue_for(&self, ForCrew { crew, ready, special }: &ForCrew) -> bool {
        if ready.is_empty() {
            return *special;
        }
        failpoint!("crew.plain");
        let port = self.node.port(self.port);
        let is_own = self.crew.as_ref().is_some_and(|own| Arc::ptr_eq(own, crew));
        let runs_tasks = self.has_port && is_own && port.runs_tasks.load(Ordering::Relaxed);
        if policy::place(runs_tasks, port.is_occupied()) == Queue::Own {
            let wake = *special || self.is_worth_sharing(port.local.len(), ready);
            port.local.push_all(ready);
            // A background task may have submitted them while the thread's loop sleeps.
            port.wake();
            return wake;
        }
        crew.lanes.plain.push_all(ready);
        true
    }

    /// A crew has its first tasks: the main thread is asked for threads.
    fn ask_for_threads(&mut self, crew: &Crew) {
        if !crew.asked.load(Ordering::Relaxed) && !crew.asked.swap(true, Ordering::Relaxed) {
            // Pairs with the fence in `Node::ask_again`.
            fence(Ordering::SeqCst);
            self.post_main(Event::NeedCrew { job: crew.job });
        }
    }

    /// Cancels the tasks that wait for threads of a crew whose job has ended.
    pub(crate) fn cancel_queued(&mut self, crew: &Crew) {
        while let Some(task) = crew.lanes.plain.pop().or_else(|| crew.lanes.take_special()) {
            self.in_hand = task;
            failpoint!("crew.cancel");
            let (state, generation) = self.node.tasks.get(task).state();
            if state == State::Ready && self.begin_settling(task, generation, State::Ready) {
                self.fail_by_system(task, Failure::Cancelled, &[]);
                self.free_task(task);
            } else {
                self.holder_leaves(task);
            }
            self.in_hand = NONE;
        }
    }

    /// Cancels the tasks of a crew that wait for the agent.
    pub(crate) fn cancel_forwarded(&mut self, crew: &Arc<Crew>) {
        let node = self.node;
        let is_of = |task| {
            // SAFETY: the line holds the task, and its lock is held.
            let template = &unsafe { node.tasks.get(task).spec() }.template;
            template.crew.as_ref().is_some_and(|of| Arc::ptr_eq(of, crew))
        };
        let id = |index| TaskId {
            index,
            generation: node.tasks.get(index).state().1,
        };
        for task in node.forwarding.find_all(is_of, id) {
            self.stop(task, Failure::Cancelled, How::default());
        }
        self.sweep_lines(|line| line.job() == crew.job);
    }
}
