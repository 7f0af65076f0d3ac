//! Threads that step for real, and a driver that submits, cancels and waits at random.

use std::sync::Arc;
use std::thread;

use mobula_sched::{Demand, TemplateSpec, UNIT};
use mobula_sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::actors::{class, method};
use super::support::{Bed, Call, ERROR, News, OK, RETRY, TaskNews, Thread, UNBEGUN, plain, value};

/// A small random source: the seed of a failed run is in its message.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 33) as usize % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

fn seed() -> u64 {
    std::env::var("MOBULA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            std::time::UNIX_EPOCH
                .elapsed()
                .map_or(1, |time| time.as_nanos() as u64)
        })
}

/// What a thread of the stress test does with its tasks.
struct Runner {
    thread: Thread,
    /// Where it gets another thread from, if it is one of tasks.
    bed: Option<Bed>,
    random: Random,
    background: Vec<u32>,
    templates: Templates,
}

#[derive(Debug, Clone)]
struct Templates {
    tasks: Vec<u32>,
    class: u32,
    method: u32,
}

impl Runner {
    fn run(&mut self, task: &TaskNews) {
        if !self.thread.claim(task) {
            return;
        }
        self.thread.forget(task);
        // A constructor that goes on in the background is none of this test's.
        if !task.creates && self.random.one_in(8) {
            let lent = self.random.one_in(2);
            self.thread.pending(task.task, lent);
            self.background.push(task.task);
            return;
        }
        // Its code cannot be loaded. A method has none of its own.
        if (task.creates || self.templates.tasks.contains(&task.template)) && self.random.one_in(16) {
            self.thread.result(task.task, UNBEGUN, &[]);
            return;
        }
        if self.random.one_in(16) {
            let template = self.templates.tasks[self.random.below(self.templates.tasks.len())];
            let call = Call {
                parent: Some(task),
                ..Call::default()
            };
            let child = self.thread.submit(template, &call);
            self.thread.get(child);
            self.thread.release(&[child]);
        }
        self.end(task.task);
    }

    fn end(&mut self, task: u32) {
        let outcome = match self.random.below(100) {
            0 => ERROR,
            1..=6 => RETRY,
            _ => OK,
        };
        let inner = self.thread.put(&value("inner"));
        let result = if self.random.one_in(4) {
            value("r").with_refs(&[inner])
        } else {
            value("r")
        };
        self.thread.result(task, outcome, &[result]);
        self.thread.release(&[inner]);
    }

    /// Some of what goes on in the background ends, between two turns of the event loop.
    fn turn(&mut self) {
        let ending = self.background.len().div_ceil(2);
        for task in self.background.drain(..ending).collect::<Vec<u32>>() {
            if self.random.one_in(3) {
                self.thread.block(task, true);
                self.thread.flush();
                self.thread.block(task, false);
            }
            self.end(task);
        }
        self.thread.flush();
    }

    /// The event loop: steps while there is news, sleeps until it is rung.
    fn until(mut self, stop: &AtomicBool) -> Option<Thread> {
        let mut rings = 0;
        loop {
            if self.random.one_in(40) && !stop.load(Ordering::Relaxed) {
                self.thread.dies();
                self.background.clear();
                self.thread = self.bed.as_ref()?.worker();
                rings = 0;
            }
            let spin = self.random.one_in(2);
            if let Some(news) = self.thread.step_once(spin) {
                for record in news {
                    match record {
                        News::Task(task) => self.run(&task),
                        News::Value { value, .. } if !value.refs.is_empty() => {
                            self.thread.release(&value.refs);
                        }
                        _ => {}
                    }
                }
                if self.random.one_in(4) {
                    self.turn();
                }
                continue;
            }
            self.turn();
            // Asleep: only the bell (or the end) gets it up. A missing ring makes the test hang.
            while self.thread.rings() == rings && self.background.is_empty() && !stop.load(Ordering::Relaxed)
            {
                thread::yield_now();
            }
            rings = self.thread.rings();
            if stop.load(Ordering::Relaxed) {
                while !self.background.is_empty() {
                    self.turn();
                }
                return Some(self.thread);
            }
        }
    }
}

/// Submits at random, until every task has been told of.
struct Driver {
    thread: Thread,
    random: Random,
    templates: Templates,
    /// By token: how often it was told of.
    told: Vec<u32>,
    held: Vec<u32>,
    actors: Vec<u32>,
    runners: Vec<thread::JoinHandle<Option<Thread>>>,
    stop: Arc<AtomicBool>,
    bed: Bed,
}

impl Driver {
    fn some_held(&mut self, most: usize) -> Vec<u32> {
        let count = self.random.below(most + 1).min(self.held.len());
        (0..count)
            .map(|_| self.held[self.random.below(self.held.len())])
            .collect()
    }

    fn submit(&mut self) {
        // Failures spread along arguments: too many of those, and nothing runs.
        let deps = if self.random.one_in(3) {
            self.some_held(2)
        } else {
            Vec::new()
        };
        let refs = self.some_held(1);
        let call = Call {
            arguments: value([1]).with_refs(&refs),
            deps: &deps,
            ..Call::default()
        };
        let result = if self.random.one_in(3) && !self.actors.is_empty() {
            let actor = self.actors[self.random.below(self.actors.len())];
            let call = Call {
                actor: Some(actor),
                ..call
            };
            self.thread.submit(self.templates.method, &call)
        } else {
            let template = self.templates.tasks[self.random.below(self.templates.tasks.len())];
            self.thread.submit(template, &call)
        };
        self.thread.get(result);
        self.told.push(0);
        self.held.push(result);
    }

    fn act(&mut self) {
        match self.random.below(24) {
            0 if !self.held.is_empty() => {
                let victim = self.held[self.random.below(self.held.len())];
                let recursive = self.random.one_in(2);
                self.thread.cancel(victim, false, recursive);
            }
            1 if self.actors.len() < 4 => {
                let actor = self.thread.create(self.templates.class, &[]);
                self.actors.push(actor);
            }
            2 if !self.actors.is_empty() => {
                let place = self.random.below(self.actors.len());
                let restart = self.random.one_in(2);
                self.thread.kill(self.actors[place], restart);
                if !restart {
                    let actor = self.actors.swap_remove(place);
                    self.thread.release(&[actor]);
                }
            }
            3..=6 if !self.held.is_empty() => {
                let place = self.random.below(self.held.len());
                let object = self.held.swap_remove(place);
                self.thread.release(&[object]);
            }
            7 => self.read(),
            _ => self.submit(),
        }
        if self.random.one_in(3) {
            self.thread.flush();
        }
    }

    /// A panic of a thread is the test's.
    fn check_threads(&mut self) {
        for runner in self.runners.extract_if(.., |runner| runner.is_finished()) {
            assert!(
                runner.join().unwrap().is_none(),
                "only dead threads end by themselves"
            );
        }
    }

    fn read(&mut self) {
        for news in self.thread.news() {
            match news {
                News::Value { token, value, .. } => {
                    self.told[token as usize] += 1;
                    if !value.refs.is_empty() {
                        self.thread.release(&value.refs);
                    }
                }
                News::NeedWorker { host, .. } => {
                    let runner = self.runner(self.bed.host(host), None);
                    self.runners.push(runner);
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    fn runner(&mut self, thread: Thread, bed: Option<Bed>) -> thread::JoinHandle<Option<Thread>> {
        self.random.below(2);
        let runner = Runner {
            thread,
            bed,
            random: Random(self.random.0),
            background: Vec::new(),
            templates: self.templates.clone(),
        };
        let stop = Arc::clone(&self.stop);
        thread::spawn(move || runner.until(&stop))
    }
}

fn run(seed: u64, actions: usize) {
    let bed = Bed::in_real_time(3, &[2]);
    let retried = TemplateSpec {
        max_retries: 2,
        ..plain()
    };
    let special = TemplateSpec {
        priority: 1,
        demand: Demand {
            cpu: UNIT / 2,
            others: vec![(0, UNIT)],
        },
        ..plain()
    };
    let templates = Templates {
        tasks: [plain(), retried, special]
            .map(|spec| bed.template(spec))
            .to_vec(),
        class: bed.template(TemplateSpec {
            max_restarts: 3,
            ..class()
        }),
        method: bed.template(TemplateSpec {
            max_retries: 1,
            ..method()
        }),
    };
    let mut driver = Driver {
        thread: bed.driver(),
        random: Random(seed),
        templates,
        told: Vec::new(),
        held: Vec::new(),
        actors: Vec::new(),
        runners: Vec::new(),
        stop: Arc::default(),
        bed: bed.clone(),
    };
    for _ in 0..3 {
        let worker = bed.worker();
        let runner = driver.runner(worker, Some(bed.clone()));
        driver.runners.push(runner);
    }
    let (node, stop) = (Arc::clone(&bed.node), Arc::clone(&driver.stop));
    let watchdog = thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            node.tick();
            thread::yield_now();
        }
    });
    for _ in 0..actions {
        driver.act();
    }
    driver.thread.flush();
    while driver.told.contains(&0) || bed.node.live_tasks() > 0 {
        driver.read();
        driver.check_threads();
        thread::yield_now();
    }
    driver.stop.store(true, Ordering::Relaxed);
    watchdog.join().unwrap();
    driver.read();
    let mut threads: Vec<Thread> = std::mem::take(&mut driver.runners)
        .into_iter()
        .filter_map(|runner| runner.join().unwrap())
        .collect();
    assert!(driver.told.iter().all(|&times| times == 1), "told twice");
    let held: Vec<u32> = driver.held.drain(..).chain(driver.actors.drain(..)).collect();
    driver.thread.release(&held);
    driver.thread.flush();
    // A task that was cancelled may have submitted another since.
    while bed.node.live_tasks() > 0 {
        for thread in &mut threads {
            thread.run_all();
        }
    }
    for thread in threads {
        thread.dies();
    }
    driver.thread.news();
    bed.assert_balanced(0);
}

#[test]
fn random_tasks_actors_and_cancels_settle_once_and_leave_nothing_behind() {
    static ROUND: AtomicU64 = AtomicU64::new(0);
    let seed = seed();
    for round in 0..40 {
        ROUND.store(seed.wrapping_add(round), Ordering::Relaxed);
        let result = thread::Builder::new()
            .name(format!("MOBULA_SEED={}", seed.wrapping_add(round)))
            .spawn(move || run(seed.wrapping_add(round), 2000))
            .unwrap()
            .join();
        assert!(
            result.is_ok(),
            "failed with MOBULA_SEED={}",
            ROUND.load(Ordering::Relaxed)
        );
    }
}
