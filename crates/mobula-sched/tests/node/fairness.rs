//! Nobody is starved: not by tasks that submit tasks without end, not by threads that are busy with something else.

use mobula_sched::{Demand, TemplateSpec, UNIT};

use super::support::{Bed, Call, News, OK, TaskNews, Thread, plain, value};

const MILLISECOND: u64 = 1_000_000;

/// Runs the tasks of one batch, of 1 ms each. A task of `chain` submits another like itself. Gives the other tasks' tags.
fn turn(bed: &Bed, worker: &mut Thread, chain: u32, turns: &mut u32) -> Vec<u8> {
    let mut others = Vec::new();
    for news in worker.step() {
        let News::Task(task) = news else {
            panic!("a task: {news:?}")
        };
        if !worker.claim(&task) {
            continue;
        }
        bed.advance(MILLISECOND);
        if task.template == chain {
            *turns += 1;
            resubmit(worker, chain, &task);
        } else {
            others.push(task.tag());
        }
        worker.result(task.task, OK, &[value("")]);
    }
    others
}

fn resubmit(worker: &mut Thread, chain: u32, parent: &TaskNews) {
    let next = worker.submit(
        chain,
        &Call {
            parent: Some(parent),
            ..Call::default()
        },
    );
    worker.release(&[next]);
}

/// Two workers that each run a task that goes on to submit itself, and a driver.
struct Chains {
    bed: Bed,
    driver: Thread,
    workers: [Thread; 2],
    chain: u32,
}

fn chains() -> Chains {
    let bed = Bed::new(2, &[1]);
    let mut driver = bed.driver();
    let mut workers = [bed.worker(), bed.worker()];
    let chain = bed.template(plain());
    let starts = [0, 1].map(|tag| driver.submit_tagged(chain, tag, &[]));
    driver.release(&starts);
    driver.flush();
    let mut turns = 0;
    // Until it is known how long a link takes.
    for _ in 0..8 {
        for worker in &mut workers {
            assert_eq!(turn(&bed, worker, chain, &mut turns), []);
        }
    }
    assert_eq!(turns, 16);
    Chains {
        bed,
        driver,
        workers,
        chain,
    }
}

/// In how many turns of the chains all of `tags` have begun.
fn turns_until(chains: &mut Chains, tags: &[u8]) -> u32 {
    let (mut turns, mut seen) = (0, Vec::new());
    while !tags.iter().all(|tag| seen.contains(tag)) {
        for worker in &mut chains.workers {
            seen.extend(turn(&chains.bed, worker, chains.chain, &mut turns));
        }
        assert!(turns < 1_000, "starved");
    }
    turns
}

#[test]
fn a_task_begins_although_every_cpu_has_tasks_that_go_on_to_submit_themselves() {
    let mut chains = chains();
    let other = chains.bed.template(plain());
    let result = chains.driver.submit_tagged(other, 7, &[]);
    chains.driver.release(&[result]);
    chains.driver.flush();
    let turns = turns_until(&mut chains, &[7]);
    assert!(turns <= 20, "after {turns} turns");
}

#[test]
fn tasks_of_every_kind_begin_although_plain_ones_never_cease() {
    let kinds: [(&str, TemplateSpec); 3] = [
        (
            "half a CPU",
            TemplateSpec {
                demand: Demand {
                    cpu: UNIT / 2,
                    others: vec![],
                },
                ..plain()
            },
        ),
        (
            "a GPU",
            TemplateSpec {
                demand: Demand {
                    cpu: UNIT,
                    others: vec![(0, UNIT)],
                },
                ..plain()
            },
        ),
        (
            "a limit",
            TemplateSpec {
                timeout_ms: 1_000,
                ..plain()
            },
        ),
    ];
    for (name, kind) in kinds {
        let mut chains = chains();
        let other = chains.bed.template(kind);
        let result = chains.driver.submit_tagged(other, 7, &[]);
        chains.driver.release(&[result]);
        chains.driver.flush();
        let turns = turns_until(&mut chains, &[7]);
        assert!(turns <= 20, "{name}: after {turns} turns");
    }
}

#[test]
fn what_a_busy_thread_has_in_store_is_begun_by_others_that_have_tasks_of_their_own() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut busy, mut worker) = (bed.driver(), bed.worker(), bed.worker());
    let chain = bed.template(plain());
    let other = bed.template(plain());
    let long = driver.submit_tagged(other, 1, &[]);
    driver.flush();
    let task = busy.begin();
    let start = driver.submit_tagged(chain, 0, &[]);
    driver.flush();
    let mut turns = 0;
    assert_eq!(turn(&bed, &mut worker, chain, &mut turns), []);
    // It submits a task and computes on.
    let child = busy.submit_tagged(other, 7, &[]);
    bed.tick_later();
    let mut seen = Vec::new();
    while !seen.contains(&7) && turns < 100 {
        seen.extend(turn(&bed, &mut worker, chain, &mut turns));
    }
    assert!(turns <= 20, "after {turns} turns");
    busy.release(&[child]);
    busy.result(task.task, OK, &[value("")]);
    busy.flush();
    driver.release(&[long, start]);
    driver.flush();
}

#[test]
fn a_task_with_a_higher_priority_is_first_and_one_with_a_lower_is_last() {
    let bed = Bed::new(1, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let of = |priority| bed.template(TemplateSpec { priority, ..plain() });
    let (low, none, high, highest) = (of(-1), of(0), of(1), of(2));
    let results: Vec<u32> = [low, none, high, highest, low, none, high, highest]
        .into_iter()
        .zip(0..)
        .map(|(template, tag)| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(worker.run_all(), [3, 7, 2, 6, 1, 5, 0, 4]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn special_tasks_that_ask_for_the_same_cpu_come_in_batches_and_hold_it_once() {
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let template = bed.template(TemplateSpec {
        demand: Demand {
            cpu: UNIT / 2,
            others: vec![],
        },
        ..plain()
    });
    let warm = driver.submit_tagged(template, 0, &[]);
    driver.flush();
    assert_eq!(worker.run_all(), [0]);
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let batch = worker.tasks();
    assert_eq!(batch.len(), 3);
    assert_eq!(bed.node.free_resources(), [2 * UNIT - UNIT / 2]);
    // The first goes on in the background with the CPU of the batch; the others get one of their own.
    assert!(worker.claim(&batch[0]));
    worker.pending(batch[0].task, false);
    assert_eq!(worker.run_all(), [2, 3]);
    assert_eq!(bed.node.free_resources(), [2 * UNIT - UNIT / 2]);
    worker.result(batch[0].task, OK, &[value("")]);
    worker.sleeps();
    driver.release(&[warm]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn tasks_that_ask_for_more_than_cpu_hold_it_each() {
    let bed = Bed::new(2, &[2]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let template = bed.template(TemplateSpec {
        demand: Demand {
            cpu: 0,
            others: vec![(0, UNIT)],
        },
        ..plain()
    });
    let results = [1, 2, 3].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let (one, two) = (first.begin(), second.begin());
    assert_eq!(bed.node.free_resources(), [2 * UNIT, 0]);
    first.result(one.task, OK, &[value("")]);
    second.result(two.task, OK, &[value("")]);
    assert_eq!(first.run_all(), [3]);
    second.sleeps();
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_thread_that_submits_and_then_computes_does_not_hold_its_tasks_back() {
    // The driver had to come back to its event loop before anybody heard of its tasks.
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    worker.sleeps();
    let template = bed.template(plain());
    bed.watchdog_sleeps();
    let woken = bed.watchdog_rings();
    let results = [1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.leaves_to_the_watchdog();
    assert_eq!(bed.watchdog_rings(), woken + 1);
    let pause = bed.node.tick().expect("commands that nobody has passed on");
    assert_eq!(worker.rings(), 0, "it may pass them on itself at once");
    bed.advance(pause);
    bed.node.tick();
    assert_eq!(worker.rings(), 1);
    assert_eq!(worker.run_all(), [1, 2]);
    // It goes on, and writes one more behind what is done.
    let third = driver.submit_tagged(template, 3, &[]);
    driver.leaves_to_the_watchdog();
    for _ in 0..2 {
        bed.tick_later();
    }
    assert_eq!(worker.run_all(), [3]);
    driver.release(&results);
    driver.release(&[third]);
    driver.flush();
    worker.sleeps();
    bed.watchdog_sleeps();
    bed.assert_balanced(0);
}

#[test]
fn a_thread_that_comes_to_the_core_itself_is_left_alone() {
    let bed = Bed::new(1, &[]);
    let (mut driver, worker) = (bed.driver(), bed.worker());
    let template = bed.template(plain());
    let mut results = Vec::new();
    for tag in 0..5 {
        results.push(driver.submit_tagged(template, tag, &[]));
        driver.flush();
        results.push(driver.submit_tagged(template, tag, &[]));
        bed.tick_later();
        assert_eq!(
            bed.node.live_tasks(),
            usize::from(tag) * 2 + 1,
            "the second is not passed on"
        );
    }
    driver.release(&results);
    driver.flush();
    drop(worker);
    bed.node.fail_all("");
}

#[test]
fn a_ring_that_reaches_a_thread_whose_loop_is_busy_is_passed_on() {
    // Both sleep. One is rung, but a timer that a task has left there computes for long.
    let bed = Bed::new(2, &[]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    first.sleeps();
    second.sleeps();
    let result = driver.submit_tagged(bed.template(plain()), 1, &[]);
    driver.flush();
    assert_eq!((first.rings(), second.rings()), (0, 1));
    assert!(bed.tick_later());
    assert_eq!(first.rings(), 1);
    assert_eq!(first.run_all(), [1]);
    second.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.watchdog_sleeps();
    bed.assert_balanced(0);
}

#[test]
fn thieves_begin_behind_themselves() {
    let bed = Bed::new(8, &[]);
    let mut driver = bed.driver();
    let template = bed.template(plain());
    let mut rich: Vec<Thread> = (0..2).map(|_| bed.worker()).collect();
    let mut thieves: Vec<Thread> = Vec::new();
    let parents: Vec<u32> = (0..2)
        .map(|tag| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    let mut children = Vec::new();
    for (tag, worker) in (10..).step_by(10).zip(&mut rich) {
        worker.begin();
        for tag in tag..tag + 4 {
            children.push(tag);
            let child = worker.submit_tagged(template, tag, &[]);
            worker.release(&[child]);
        }
        worker.flush();
        thieves.push(bed.worker());
    }
    // The thief of the highest number begins anew at the lowest; so does the other, here.
    let stolen: Vec<u8> = thieves.iter_mut().map(|thief| thief.tasks()[0].tag()).collect();
    assert!(stolen.iter().all(|tag| children.contains(tag)), "{stolen:?}");
    let mut late = bed.worker();
    assert!(children.contains(&late.tasks()[0].tag()));
    drop((late, thieves, rich, parents));
    bed.node.fail_all("");
}

#[test]
fn special_tasks_of_one_priority_go_by_arrival_whatever_they_ask_for() {
    let bed = Bed::new(1, &[1]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let of = |cpu, others: &[(u32, i64)]| {
        bed.template(TemplateSpec {
            demand: Demand {
                cpu,
                others: others.to_vec(),
            },
            ..plain()
        })
    };
    let (tenth, half, gpu) = (of(UNIT / 10, &[]), of(UNIT / 2, &[]), of(UNIT, &[(0, UNIT)]));
    let results: Vec<u32> = [gpu, half, tenth, gpu, tenth, half]
        .into_iter()
        .zip(0..)
        .map(|(template, tag)| driver.submit_tagged(template, tag, &[]))
        .collect();
    driver.flush();
    assert_eq!(worker.run_all(), [0, 1, 2, 3, 4, 5]);
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_thousand_functions_that_wait_for_one_resource_stand_in_one_lane() {
    let bed = Bed::new(2, &[1]);
    let (mut driver, mut first, mut second) = (bed.driver(), bed.worker(), bed.worker());
    let gpu = || TemplateSpec {
        demand: Demand {
            cpu: UNIT,
            others: vec![(0, UNIT)],
        },
        ..plain()
    };
    let results: Vec<u32> = (0..1_000)
        .map(|_| driver.submit_tagged(bed.template(gpu()), 1, &[]))
        .collect();
    driver.flush();
    assert_eq!(bed.node.special_lanes(), 1);
    let holder = first.begin();
    second.sleeps();
    first.result(holder.task, OK, &[value("")]);
    assert_eq!(first.run_all().len(), 999);
    assert_eq!(bed.node.special_lanes(), 0, "nothing is left of them");
    second.sleeps();
    driver.release(&results);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_task_of_all_cpus_begins_although_plain_ones_never_cease() {
    let mut chains = chains();
    let both = chains.bed.template(TemplateSpec {
        demand: Demand {
            cpu: 2 * UNIT,
            others: vec![],
        },
        ..plain()
    });
    let result = chains.driver.submit_tagged(both, 7, &[]);
    chains.driver.release(&[result]);
    chains.driver.flush();
    let mut turns = 0;
    let mut begun = false;
    while !begun {
        for worker in &mut chains.workers {
            // One of them may have to sleep until the other has ended its turn.
            let Some(news) = worker.step_once(false) else {
                continue;
            };
            for news in news {
                let News::Task(task) = news else {
                    panic!("a task: {news:?}")
                };
                if !worker.claim(&task) {
                    continue;
                }
                chains.bed.advance(MILLISECOND);
                if task.template == both {
                    begun = true;
                    assert_eq!(chains.bed.node.free_resources()[0], 0, "it has all CPUs");
                } else {
                    turns += 1;
                    resubmit(worker, chains.chain, &task);
                }
                worker.result(task.task, OK, &[value("")]);
            }
        }
        chains.bed.node.tick();
        assert!(turns < 1_000, "starved");
    }
    // Afterwards the chains go on, on both.
    for _ in 0..20 {
        for worker in &mut chains.workers {
            worker.step_once(false);
            chains.bed.tick_later();
        }
    }
    assert_eq!(
        chains.bed.node.free_resources()[0],
        0,
        "nothing is reserved any more"
    );
}

#[test]
fn an_actor_gets_the_cpu_it_asks_for_although_plain_tasks_never_cease() {
    let mut chains = chains();
    let class = chains.bed.template(plain());
    let actor = chains.driver.create(class, &[]);
    chains.driver.flush();
    let mut turns = 0;
    let needed = loop {
        for worker in &mut chains.workers {
            if let Some(news) = worker.step_once(false) {
                for news in news {
                    let News::Task(task) = news else {
                        panic!("a task: {news:?}")
                    };
                    if worker.claim(&task) {
                        turns += 1;
                        chains.bed.advance(MILLISECOND);
                        resubmit(worker, chains.chain, &task);
                        worker.result(task.task, OK, &[value("")]);
                    }
                }
            }
        }
        chains.bed.node.tick();
        if let Some(News::NeedWorker { host, .. }) = chains.driver.news().first() {
            break *host;
        }
        assert!(turns < 1_000, "starved");
    };
    let mut host = chains.bed.host(needed);
    assert!(host.begin().creates);
    drop((host, actor));
}

#[test]
fn cpu_that_an_actor_holds_for_ever_is_not_waited_for() {
    // The actor has one of two CPUs; a task wants both. Plain tasks go on as if nobody waited.
    let bed = Bed::new(2, &[]);
    let (mut driver, mut worker) = (bed.driver(), bed.worker());
    let (host, actor) = super::actors::alive(&bed, &mut driver, bed.template(plain()));
    let both = bed.template(TemplateSpec {
        demand: Demand {
            cpu: 2 * UNIT,
            others: vec![],
        },
        ..plain()
    });
    let never = driver.submit_tagged(both, 9, &[]);
    let template = bed.template(plain());
    for tag in 0..100 {
        let result = driver.submit_tagged(template, tag, &[]);
        driver.release(&[result]);
        driver.flush();
        assert_eq!(worker.run_all(), [tag]);
        bed.tick_later();
    }
    driver.release(&[actor]);
    driver.flush();
    assert_eq!(worker.run_all(), [9], "the actor is gone");
    host.dies();
    driver.release(&[never]);
    driver.flush();
    bed.assert_balanced(0);
}
