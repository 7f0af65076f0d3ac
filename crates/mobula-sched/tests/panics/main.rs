//! The core is made to panic at every point of the scheduler: the thread that was there is lost, others go on, and every ref
//! settles. `cargo test -p mobula-sched --features failpoints --test panics`.
#![cfg(feature = "failpoints")]

#[path = "../node/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other tests use more of it")]
mod support;

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mobula_fault::{Action, POINTS, arm, disarm, fired};
use mobula_sched::{Blame, Demand, TemplateSpec, UNIT};

use support::{Bed, Call, News, OK, TaskNews, Thread, UNBEGUN, plain, value};

/// Points that only the store or the binding reaches, or a thread that comes up and has nothing yet.
fn is_elsewhere(name: &str) -> bool {
    let elsewhere = ["store.", "spill.", "native.", "attach.", "port.regions"];
    elsewhere.iter().any(|prefix| name.starts_with(prefix))
}

/// What `body` gives; nothing if the core panicked or refuses the thread.
fn tried<R>(body: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

fn half_a_cpu() -> Demand {
    Demand {
        cpu: UNIT / 2,
        others: Vec::new(),
    }
}

struct Scene {
    bed: Bed,
    driver: Option<Thread>,
    workers: Vec<Thread>,
    hosts: Vec<Thread>,
    open: HashMap<u32, &'static str>,
    templates: HashMap<&'static str, u32>,
    /// Tags of tasks whose first thread cannot load them, and `CREATION`.
    unloaded: HashSet<u8>,
}

/// Stands for the tag of the first creation of an actor.
const CREATION: u8 = b'!';

impl Scene {
    fn new() -> Self {
        let bed = Bed::new(2, &[1]);
        let mut templates = HashMap::new();
        let with = |demand: Demand| {
            let mut spec = plain();
            spec.max_retries = 3;
            spec.demand = demand;
            spec
        };
        let one_cpu = plain().demand;
        templates.insert("plain", bed.template(with(one_cpu)));
        let other = Demand {
            cpu: 0,
            others: vec![(0, UNIT)],
        };
        let mut special = with(other.clone());
        special.priority = 1;
        templates.insert("special", bed.template(special));
        let mut class = with(other);
        class.max_restarts = 3;
        templates.insert("class", bed.template(class));
        templates.insert("method", bed.template(with(Demand::default())));
        for (name, spec) in [
            ("job", plain()),
            ("over", plain()),
            ("special of a job", with(half_a_cpu())),
        ] {
            let job = if name == "over" { 2 } else { 1 };
            templates.insert(name, bed.template(TemplateSpec { job, ..spec }));
        }
        let driver = Some(bed.driver());
        let workers = vec![bed.worker(), bed.worker(), bed.worker_of(1)];
        Self {
            bed,
            driver,
            workers,
            hosts: Vec::new(),
            open: HashMap::new(),
            templates,
            unloaded: HashSet::from([b'u', b'g', CREATION]),
        }
    }

    /// Submits some of everything, and asks for all of it.
    fn submit(&mut self) {
        let Some(mut driver) = self.driver.take() else {
            return;
        };
        let open = &mut self.open;
        let templates = &self.templates;
        let submitted = tried(|| {
            let inner = driver.put(&value("inner").with_buffer(self.bed.buffers.make(1)));
            let first = driver.submit_tagged(templates["plain"], 1, &[inner]);
            let chained = driver.submit_tagged(templates["plain"], 2, &[first]);
            let parent = driver.submit_tagged(templates["plain"], b'p', &[]);
            let fails = driver.submit_tagged(templates["plain"], b'f', &[]);
            let failed = driver.submit_tagged(templates["plain"], 3, &[fails]);
            let special = driver.submit_tagged(templates["special"], 4, &[]);
            let actors = [0, 1].map(|_| driver.create(templates["class"], &[]));
            let calls = [5, b'c', 6].map(|tag| driver.call(templates["method"], actors[0], tag, &[]));
            let held = driver.call(templates["method"], actors[0], 7, &[chained]);
            let killed = driver.call(templates["method"], actors[1], 8, &[]);
            let unloaded = [b'u', b'g'].map(|tag| driver.submit_tagged(templates["plain"], tag, &[]));
            let cancelled = driver.submit_tagged(templates["plain"], 9, &[]);
            let of_job =
                ["job", "special of a job"].map(|name| driver.submit_tagged(templates[name], 1, &[]));
            let over = [1, 2].map(|tag| driver.submit_tagged(templates["over"], tag, &[]));
            for (name, object) in [
                ("put", inner),
                ("first", first),
                ("chained", chained),
                ("parent", parent),
                ("fails", fails),
                ("failed", failed),
                ("special", special),
                ("call", calls[0]),
                ("call that ends its thread", calls[1]),
                ("call after that", calls[2]),
                ("call with an argument", held),
                ("call of a killed actor", killed),
                ("cancelled", cancelled),
                ("plain one of a job", of_job[0]),
                ("special one of a job", of_job[1]),
                ("one of a job that ends", over[0]),
                ("another of a job that ends", over[1]),
                ("task that goes back", unloaded[0]),
                ("background task that goes back", unloaded[1]),
            ] {
                let token = driver.get(object);
                open.insert(token, name);
            }
            driver.cancel(cancelled, false, true);
            driver.kill(actors[1], false);
            driver.release(&[actors[0], actors[1]]);
            driver.release(&[inner, first, chained]);
            driver.flush();
        });
        if tried(|| self.bed.node.end_job(2)).is_none() {
            self.bed.node.end_job(2);
        }
        if submitted.is_some() {
            self.driver = Some(driver);
        } else {
            // The program's own thread is lost, and with it whoever waited.
            close(&self.bed, &driver);
            self.open.clear();
        }
    }

    /// Each thread has its turn once; true if anything came of it.
    fn round(&mut self) -> bool {
        let mut moved = self.drive();
        for slot in 0..self.workers.len() {
            let worker = &mut self.workers[slot];
            let template = self.templates["plain"];
            match tried(|| work(worker, template, &mut self.unloaded)) {
                Some(Turned::Slept) => {}
                Some(Turned::Worked) => moved = true,
                Some(Turned::Ended) | None => {
                    moved = true;
                    let next = if slot == 2 {
                        self.bed.worker_of(1)
                    } else {
                        self.bed.worker()
                    };
                    let worker = std::mem::replace(&mut self.workers[slot], next);
                    bury(&self.bed, &worker);
                }
            }
        }
        for mut host in std::mem::take(&mut self.hosts) {
            match tried(|| work(&mut host, self.templates["plain"], &mut self.unloaded)) {
                Some(Turned::Slept) => self.hosts.push(host),
                Some(Turned::Worked) => {
                    moved = true;
                    self.hosts.push(host);
                }
                Some(Turned::Ended) | None => {
                    moved = true;
                    bury(&self.bed, &host);
                }
            }
        }
        let _ = tried(|| self.bed.tick_later());
        moved
    }

    fn drive(&mut self) -> bool {
        let Some(mut driver) = self.driver.take() else {
            return false;
        };
        let Some(news) = tried(|| driver.news()) else {
            close(&self.bed, &driver);
            self.open.clear();
            return false;
        };
        self.driver = Some(driver);
        let moved = !news.is_empty();
        for news in news {
            match news {
                News::Value { token, .. } => {
                    self.open.remove(&token).expect("each is told once");
                }
                News::NeedWorker { host, .. } => {
                    // One that cannot come up is replaced.
                    let thread = tried(|| self.bed.host(host)).unwrap_or_else(|| self.bed.host(host));
                    self.hosts.push(thread);
                }
                _ => {}
            }
        }
        moved
    }
}

enum Turned {
    Slept,
    Worked,
    Ended,
}

/// The thread cannot load the task, and ends.
fn give_back(thread: &mut Thread, task: &TaskNews) -> Turned {
    if !task.creates && task.tag() == b'g' {
        thread.pending(task.task, false);
    }
    thread.result(task.task, UNBEGUN, &[]);
    thread.flush();
    thread.stops_taking();
    Turned::Ended
}

/// One batch.
fn work(thread: &mut Thread, template: u32, unloaded: &mut HashSet<u8>) -> Turned {
    let Some(news) = thread.step_once(false) else {
        return Turned::Slept;
    };
    for record in news {
        let News::Task(task) = record else { continue };
        if !thread.claim(&task) {
            continue;
        }
        if unloaded.remove(&if task.creates { CREATION } else { task.tag() }) {
            return give_back(thread, &task);
        }
        match task.tag() {
            b'p' => {
                // In the background, with a child.
                thread.pending(task.task, true);
                let call = Call {
                    parent: Some(&task),
                    arguments: value([1]),
                    ..Call::default()
                };
                let child = thread.submit(template, &call);
                thread.get(child);
                thread.block(task.task, false);
                thread.release(&[child]);
                thread.result(task.task, OK, &[value([1])]);
            }
            b'f' => thread.result(task.task, support::ERROR, &[value("thrown")]),
            // Once.
            b'c' if task.attempt == 1 => return Turned::Ended,
            tag => thread.result(task.task, OK, &[value([tag])]),
        }
        thread.forget(&task);
    }
    Turned::Worked
}

/// The thread's memory is about to go.
fn close(bed: &Bed, thread: &Thread) {
    if tried(|| bed.node.close_port(thread.id)).is_none() {
        bed.node.close_port(thread.id);
    }
}

fn bury(bed: &Bed, thread: &Thread) {
    close(bed, thread);
    if tried(|| bed.node.bury(thread.id, "it was lost", Blame::Unknown)).is_none() {
        bed.node.bury(thread.id, "it was lost", Blame::Unknown);
    }
    bed.node.forget_port(thread.id);
}

/// What never came, if the core panics at hit number `hit` of `point`; and whether it got there.
fn run(point: &str, hit: u32) -> (Vec<&'static str>, bool) {
    let mut scene = Scene::new();
    assert!(arm(point, hit, Action::Panic));
    scene.submit();
    let mut quiet = 0;
    while quiet < 3 {
        quiet = if scene.round() { 0 } else { quiet + 1 };
    }
    let reached = fired() > 0;
    disarm();
    // A driver that was refused is lost.
    scene.drive();
    let mut lost: Vec<&'static str> = scene.open.values().copied().collect();
    lost.sort_unstable();
    // And others go on.
    if let Some(mut driver) = scene.driver.take() {
        let probe = driver.submit_tagged(scene.templates["plain"], 1, &[]);
        let token = driver.get(probe);
        driver.flush();
        scene.driver = Some(driver);
        scene.open.clear();
        scene.open.insert(token, "a task after the panic");
        quiet = 0;
        while quiet < 3 {
            quiet = if scene.round() { 0 } else { quiet + 1 };
        }
        lost.extend(scene.open.values());
    } else {
        // What the lost driver waited for is of no use to anybody: the runtime ends.
        scene.bed.node.fail_all("");
        if scene.bed.node.live_tasks() > 0 {
            lost.push("tasks of a driver that was lost");
        }
    }
    (lost, reached)
}

#[test]
fn a_panic_at_any_point_loses_one_thread_and_every_ref_settles() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut problems = Vec::new();
    let mut reached = 0;
    for point in POINTS
        .iter()
        .filter(|point| !is_elsewhere(point.name) && !point.fails)
    {
        for hit in [1, 2, 3, 5, 8, 13] {
            let outcome = catch_unwind(|| run(point.name, hit));
            match outcome {
                Ok((lost, fired)) => {
                    reached += u32::from(fired);
                    if !lost.is_empty() {
                        problems.push(format!("{} at hit {hit}: {lost:?}", point.name));
                    }
                    if !fired {
                        break;
                    }
                }
                Err(panic) => {
                    disarm();
                    let why = panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
                    problems.push(format!("{} at hit {hit}: {why:?}", point.name));
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(
        problems.is_empty(),
        "of {reached} panics:\n{}",
        problems.join("\n")
    );
    assert!(reached > 150, "{reached} panics");
}
