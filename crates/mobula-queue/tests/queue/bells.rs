use std::sync::{Arc, mpsc};
use std::thread;

use mobula_queue::{Claim, Doorbell, IdleList};
use mobula_sync::atomic::{AtomicU32, Ordering};

#[test]
fn only_a_sleeper_has_to_be_rung_and_once() {
    let bell = Doorbell::default();
    assert!(!bell.ring());
    assert!(bell.sleep_unless(|| false));
    assert!(bell.ring());
    assert!(!bell.ring());
}

#[test]
fn a_consumer_that_finds_work_while_lying_down_stays_awake() {
    let bell = Doorbell::default();
    assert!(!bell.sleep_unless(|| true));
    assert!(!bell.ring());
}

#[test]
fn a_consumer_that_got_up_by_itself_is_not_rung() {
    let bell = Doorbell::default();
    assert!(bell.sleep_unless(|| false));
    bell.awake();
    assert!(!bell.ring());
}

#[test]
fn a_consumer_that_sleeps_for_real_is_always_rung_for_new_work() {
    const ITEMS: u32 = 20_000;
    let shared = Arc::new((Doorbell::default(), AtomicU32::new(0)));
    // The channel is the event loop: the test hangs if a ring is missing.
    let (sender, receiver) = mpsc::channel();
    let other = Arc::clone(&shared);
    let producer = thread::spawn(move || {
        let (bell, work) = &*other;
        for _ in 0..ITEMS {
            work.fetch_add(1, Ordering::Relaxed);
            if bell.ring() {
                sender.send(()).unwrap();
            }
        }
    });
    let (bell, work) = &*shared;
    let mut taken = 0;
    while taken < ITEMS {
        taken += work.swap(0, Ordering::Relaxed);
        if taken < ITEMS && bell.sleep_unless(|| work.load(Ordering::Relaxed) > 0) {
            receiver.recv().unwrap();
        }
    }
    producer.join().unwrap();
}

#[test]
fn a_claim_is_won_by_whoever_comes_first() {
    let word = AtomicU32::new(0);
    let claim = Claim(&word);
    assert!(!claim.claim(), "nothing is offered");
    claim.offer();
    assert!(claim.claim());
    assert!(!claim.reclaim());
    claim.offer();
    assert!(claim.reclaim());
    assert!(!claim.claim());
}

fn rung(idle: &IdleList, sleeps: impl Fn(u16) -> bool) -> Vec<u16> {
    let rung = std::cell::RefCell::new(Vec::new());
    idle.wake(|worker| {
        rung.borrow_mut().push(worker);
        sleeps(worker)
    });
    rung.into_inner()
}

#[test]
fn the_worker_that_lay_down_last_is_woken_first() {
    let idle = IdleList::new(3);
    for worker in [0, 1, 2, 1] {
        idle.list(worker);
    }
    assert_eq!(rung(&idle, |_| true), [2]);
    assert!(!idle.is_listed(2));
    assert!(idle.is_listed(1));
    assert_eq!(rung(&idle, |_| true), [1], "listed once");
}

#[test]
fn workers_that_do_not_sleep_are_passed_over() {
    let idle = IdleList::new(3);
    for worker in 0..3 {
        idle.list(worker);
    }
    assert_eq!(rung(&idle, |worker| worker == 0), [2, 1, 0]);
    assert_eq!(rung(&idle, |_| true), []);
}

#[test]
fn nobody_is_woken_while_a_worker_looks_for_work() {
    let idle = IdleList::new(2);
    idle.list(0);
    assert!(idle.look());
    assert!(!idle.look(), "one at a time");
    assert_eq!(rung(&idle, |_| true), []);
    idle.looked();
    assert_eq!(rung(&idle, |_| true), [0]);
}

#[test]
fn a_worker_that_is_gone_is_not_woken() {
    let idle = IdleList::new(2);
    idle.list(0);
    idle.list(1);
    idle.remove(1);
    assert!(!idle.is_listed(1));
    assert_eq!(rung(&idle, |_| true), [0]);
}
