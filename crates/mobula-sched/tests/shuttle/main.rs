//! Under shuttle's scheduler: tasks that end while they are being queued (`queued.rs`), and actors' mailboxes: every call is told once,
//! in its caller's order, whatever dies.
#![cfg(shuttle)]

mod queued;
#[path = "../node/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other tests use more of it")]
mod support;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mobula_sched::{Bell, Demand, TemplateSpec};
use mobula_sync::atomic::{AtomicBool, Ordering};
use mobula_sync::explore::check;
use mobula_sync::{Mutex, thread};
use shuttle::thread::JoinHandle;

use support::{Bed, News, OK, Rings, Status, Thread, plain, value};

/// What ran, in the order in which it ran: the tag of each call that a thread began.
type Ledger = Arc<Mutex<Vec<u8>>>;

fn class(restarts: u32, retries: u32) -> TemplateSpec {
    TemplateSpec {
        demand: Demand::default(),
        max_restarts: restarts,
        max_retries: retries,
        ..plain()
    }
}

/// Threads that actors live on, started when the core asks for them.
struct Hosts {
    bed: Bed,
    ledger: Ledger,
    stop: Arc<AtomicBool>,
    rings: Vec<Arc<Rings>>,
    threads: Vec<JoinHandle<()>>,
    /// How many calls the first of them takes before it dies.
    dies_after: Option<usize>,
}

impl Hosts {
    fn new(bed: &Bed, dies_after: Option<usize>) -> Self {
        Self {
            bed: bed.clone(),
            ledger: Ledger::default(),
            stop: Arc::default(),
            rings: Vec::new(),
            threads: Vec::new(),
            dies_after,
        }
    }

    fn start(&mut self, host: u32) {
        let thread = self.bed.host(host);
        self.rings.push(Arc::clone(&thread.rings));
        let (ledger, stop) = (Arc::clone(&self.ledger), Arc::clone(&self.stop));
        let dies_after = self.dies_after.take();
        self.threads
            .push(thread::spawn(move || live(thread, &ledger, &stop, dies_after)));
    }

    /// Tells all to end, and waits until they have.
    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for rings in &self.rings {
            rings.ring();
        }
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// Runs what the thread is handed until it is told to end, or until `see`, which sees all news first, has it die there.
fn serve(mut thread: Thread, stop: &AtomicBool, mut see: impl FnMut(&mut Thread, &News) -> bool) {
    loop {
        let Some(news) = thread.step_once(false) else {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            thread.rings.wait();
            continue;
        };
        for record in news {
            if let News::Task(task) = &record
                && !thread.claim(task)
            {
                continue;
            }
            if see(&mut thread, &record) {
                thread.dies();
                return;
            }
            if let News::Task(task) = record {
                thread.result(task.task, OK, &[value(&task.arguments.bytes)]);
            }
        }
    }
    thread.dies();
}

/// An actor's thread: it may die in the midst of a call.
fn live(thread: Thread, ledger: &Ledger, stop: &AtomicBool, dies_after: Option<usize>) {
    let mut taken = 0;
    let mut made = HashSet::new();
    serve(thread, stop, |_, news| {
        match news {
            News::Task(task) if task.creates => {
                made.insert(task.extra);
            }
            News::Task(task) => {
                assert!(made.contains(&task.extra), "a call finds its actor");
                ledger.lock().push(task.tag());
                taken += 1;
                return dies_after == Some(taken);
            }
            News::StopActor { actor } => {
                made.remove(actor);
            }
            _ => {}
        }
        false
    });
}

/// A thread that calls actors, and how its calls turned out, by token.
struct Caller {
    thread: Thread,
    tokens: Vec<u32>,
    told: HashMap<u32, Status>,
}

impl Caller {
    fn new(thread: Thread) -> Self {
        Self {
            thread,
            tokens: Vec::new(),
            told: HashMap::new(),
        }
    }

    fn call(&mut self, method: u32, actor: u32, tag: u8) {
        let result = self.thread.call(method, actor, tag, &[]);
        let token = self.thread.get(result);
        self.tokens.push(token);
        self.thread.release(&[result]);
        self.thread.flush();
    }

    /// Reads news until all calls are told; `hosts` starts the threads that the core asks for.
    fn until_told(&mut self, mut hosts: Option<&mut Hosts>) {
        while self.told.len() < self.tokens.len() {
            let Some(news) = self.thread.step_once(false) else {
                self.thread.rings.wait();
                continue;
            };
            for record in news {
                match record {
                    News::Value { token, status, .. } => {
                        assert!(self.told.insert(token, status).is_none(), "told once");
                    }
                    News::NeedWorker { host, .. } => {
                        if let Some(hosts) = &mut hosts {
                            hosts.start(host);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn of_one(ledger: &Ledger, first: u8) -> Vec<u8> {
    let ledger = ledger.lock();
    ledger
        .iter()
        .copied()
        .filter(|tag| tag / 10 == first / 10)
        .collect()
}

#[test]
fn calls_of_two_callers_run_once_each_in_its_callers_order() {
    check("actors: two callers", || {
        let bed = Bed::new(2, &[]);
        let mut driver = Caller::new(bed.driver());
        let (class, method) = (bed.template(class(0, 0)), bed.template(class(0, 0)));
        let mut hosts = Hosts::new(&bed, None);
        let actor = driver.thread.create(class, &[]);
        driver.thread.flush();
        let other = {
            let bed = bed.clone();
            thread::spawn(move || {
                let mut caller = Caller::new(bed.worker());
                for tag in 20..23 {
                    caller.call(method, actor, tag);
                }
                caller.until_told(None);
                assert!(caller.told.values().all(|&status| status == Status::Value));
                caller.thread.dies();
            })
        };
        for tag in 10..13 {
            driver.call(method, actor, tag);
        }
        driver.until_told(Some(&mut hosts));
        other.join().unwrap();
        assert!(driver.told.values().all(|&status| status == Status::Value));
        assert_eq!(of_one(&hosts.ledger, 10), [10, 11, 12]);
        assert_eq!(of_one(&hosts.ledger, 20), [20, 21, 22]);
        driver.thread.release(&[actor]);
        driver.thread.flush();
        hosts.end();
        driver.thread.news();
        bed.assert_balanced(0);
    });
}

/// An actor whose thread dies while it runs its second call.
fn dies(restarts: u32, retries: u32, calls: u8) -> (Vec<u8>, Vec<Status>) {
    let bed = Bed::new(2, &[]);
    let mut driver = Caller::new(bed.driver());
    let (class, method) = (bed.template(class(restarts, 0)), bed.template(class(0, retries)));
    let mut hosts = Hosts::new(&bed, Some(2));
    let actor = driver.thread.create(class, &[]);
    for tag in 0..calls {
        driver.call(method, actor, tag);
    }
    driver.until_told(Some(&mut hosts));
    let ran = hosts.ledger.lock().clone();
    let told = driver.tokens.iter().map(|token| driver.told[token]).collect();
    driver.thread.release(&[actor]);
    driver.thread.flush();
    hosts.end();
    driver.thread.news();
    bed.assert_balanced(0);
    (ran, told)
}

#[test]
fn an_actor_that_starts_again_loses_no_call_and_repeats_only_the_one_it_died_in() {
    check("actors: dies and starts again", || {
        let (ran, told) = dies(1, 1, 4);
        assert_eq!(ran, [0, 1, 1, 2, 3], "call 1 once more, all in order");
        assert_eq!(told, [Status::Value; 4]);
    });
}

#[test]
fn without_retries_the_call_that_an_actor_died_in_has_its_effect_once() {
    check("actors: no call twice", || {
        let (ran, told) = dies(1, 0, 4);
        assert_eq!(ran, [0, 1, 2, 3]);
        let failed = told
            .iter()
            .filter(|&&status| status == Status::SystemError)
            .count();
        assert_eq!((failed, told[1]), (1, Status::SystemError));
    });
}

#[test]
fn a_dead_actors_calls_all_fail_and_none_hangs() {
    check("actors: dies for good", || {
        let (ran, told) = dies(0, 0, 4);
        assert_eq!(ran, [0, 1]);
        assert_eq!(told[1..], [Status::SystemError; 3]);
    });
}

#[test]
fn a_kill_that_races_with_calls_settles_each_once() {
    check("actors: killed and called", || {
        let bed = Bed::new(2, &[]);
        let mut driver = Caller::new(bed.driver());
        let (class, method) = (bed.template(class(2, 0)), bed.template(class(0, 1)));
        let mut hosts = Hosts::new(&bed, None);
        let actor = driver.thread.create(class, &[]);
        driver.thread.flush();
        let killer = {
            let bed = bed.clone();
            thread::spawn(move || {
                let mut killer = bed.worker();
                killer.kill(actor, true);
                killer.kill(actor, false);
                killer.dies();
            })
        };
        for tag in 0..3 {
            driver.call(method, actor, tag);
        }
        driver.until_told(Some(&mut hosts));
        killer.join().unwrap();
        driver.thread.release(&[actor]);
        driver.thread.flush();
        // The core may have asked for a thread that nobody needs any more.
        hosts.end();
        driver.thread.news();
        bed.assert_balanced(0);
    });
}

/// Of two actors with one number, one after the other: the news that the first has ended may come when the second is made.
#[test]
fn an_actor_is_not_ended_in_place_of_one_that_had_its_number() {
    check("actors: one number", || {
        let bed = Bed::new(1, &[]);
        let mut driver = bed.driver();
        let class = bed.template(class(0, 0));
        let first = driver.create(class, &[]);
        driver.flush();
        let news = driver.news();
        let [News::NeedWorker { host, .. }] = news[..] else {
            panic!("a thread for the actor: {news:?}")
        };
        let mut host = bed.host(host);
        let creation = host.begin();
        host.result(creation.task, OK, &[value("")]);
        host.flush();
        let host = thread::spawn(move || {
            let mut news = Vec::new();
            loop {
                match host.step_once(false) {
                    Some(more) => news.extend(more),
                    None => host.rings.wait(),
                }
                if let Some(News::Task(creation)) = news.last() {
                    assert!(host.claim(creation));
                    host.result(creation.task, OK, &[value("")]);
                    news.extend(host.news());
                    return (host, news);
                }
            }
        });
        driver.release(&[first]);
        driver.flush();
        let second = driver.create(class, &[]);
        driver.flush();
        assert_eq!(second, first, "one number");
        let (host, news) = host.join().unwrap();
        let ended = |news: &News| matches!(news, News::StopActor { .. });
        assert!(!ended(&news[news.len() - 1]), "the second lives: {news:?}");
        driver.release(&[second]);
        driver.flush();
        host.dies();
        driver.news();
        bed.assert_balanced(0);
    });
}

#[test]
fn actors_that_want_the_same_get_it_in_the_order_in_which_they_came() {
    check("actors: in turn", || {
        let bed = Bed::new(1, &[]);
        let (mut driver, mut worker) = (bed.driver(), bed.worker());
        let template = bed.template(plain());
        let result = driver.submit_tagged(template, 1, &[]);
        driver.flush();
        let task = worker.begin();
        let busy = thread::spawn(move || {
            worker.result(task.task, OK, &[value("")]);
            worker.flush();
            worker.dies();
        });
        let actors = [(); 5].map(|()| {
            let actor = driver.create(template, &[]);
            driver.flush();
            actor
        });
        busy.join().unwrap();
        let news = driver.news();
        let [News::NeedWorker { host, .. }] = news[..] else {
            panic!("one CPU is free, for one actor: {news:?}")
        };
        let mut host = bed.host(host);
        assert_eq!(host.begin().extra, actors[0]);
        for &actor in &actors[1..] {
            driver.kill(actor, false);
        }
        driver.release(&[result]);
        driver.release(&actors);
        driver.flush();
        host.dies();
        driver.news();
        bed.assert_balanced(0);
    });
}

/// A worker. A task with tag 1 submits another one.
fn work(thread: Thread, template: u32, ledger: &Ledger, stop: &AtomicBool) {
    serve(thread, stop, |thread, news| {
        let News::Task(task) = news else { return false };
        ledger.lock().push(task.tag());
        if task.tag() == 1 {
            let inner = thread.submit_tagged(template, 50, &[]);
            thread.release(&[inner]);
        }
        false
    });
}

/// One worker that misses a ring hangs at once; of two, the other takes what is there.
#[test]
fn workers_that_sleep_are_woken_for_every_task_and_run_each_once() {
    check("tasks: one worker", sleepers::<1>);
    check("tasks: two workers", sleepers::<2>);
}

fn sleepers<const WORKERS: usize>() {
    let bed = Bed::new(2, &[]);
    let mut driver = Caller::new(bed.driver());
    let template = bed.template(plain());
    let (ledger, stop) = (Ledger::default(), Arc::<AtomicBool>::default());
    let workers: [Thread; WORKERS] = std::array::from_fn(|_| bed.worker());
    let rings: Vec<Arc<Rings>> = workers.iter().map(|worker| Arc::clone(&worker.rings)).collect();
    let threads = workers.map(|worker| {
        let (ledger, stop) = (Arc::clone(&ledger), Arc::clone(&stop));
        thread::spawn(move || work(worker, template, &ledger, &stop))
    });
    let watchdog = {
        let bed = bed.clone();
        thread::spawn(move || {
            for _ in 0..2 {
                bed.tick_later();
            }
        })
    };
    for tag in 0..3 {
        let result = driver.thread.submit_tagged(template, tag, &[]);
        let token = driver.thread.get(result);
        driver.tokens.push(token);
        driver.thread.release(&[result]);
        driver.thread.flush();
    }
    driver.until_told(None);
    // What a task submitted, nobody waits for.
    while bed.node.live_tasks() > 0 {
        thread::yield_now();
    }
    watchdog.join().unwrap();
    stop.store(true, Ordering::SeqCst);
    for rings in &rings {
        rings.ring();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    driver.thread.news();
    let mut ran = ledger.lock().clone();
    ran.sort_unstable();
    assert_eq!(ran, [0, 1, 2, 50]);
    bed.assert_balanced(0);
}
