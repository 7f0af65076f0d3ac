//! The claim words: a task of a batch is begun by the thread or taken back by the core, never both.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{Claim, Ring};
use mobula_sync::atomic::AtomicU32;
use mobula_sync::cell::UnsafeCell;

/// What a thread and the core share for one task.
#[derive(Debug, Default)]
struct Slot {
    word: AtomicU32,
    /// The task's record: written before it is offered, read by whoever gets the task.
    record: UnsafeCell<u32>,
}

// SAFETY: the claim word keeps the accesses to `record` apart; loom checks that it does.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

impl Slot {
    fn offer(&self, task: u32) {
        // SAFETY: nobody has the task yet.
        self.record.with_mut(|record| unsafe { *record = task });
        Claim(&self.word).offer();
    }

    fn record(&self) -> u32 {
        // SAFETY: the caller has won the task.
        self.record.with(|record| unsafe { *record })
    }
}

#[test]
fn a_task_is_begun_or_taken_back_but_not_both() {
    loom::model(|| {
        let slot = Arc::new(Slot::default());
        slot.offer(1);
        let other = Arc::clone(&slot);
        let thread = thread::spawn(move || Claim(&other.word).claim());
        let taken_back = Claim(&slot.word).reclaim();
        assert_ne!(taken_back, thread.join().unwrap());
    });
}

#[test]
fn watchdog_and_thread_share_a_batch_and_each_task_has_one_winner() {
    loom::model(|| {
        let slots = Arc::new([Slot::default(), Slot::default()]);
        for (task, slot) in slots.iter().enumerate() {
            slot.offer(task as u32);
        }
        let other = Arc::clone(&slots);
        // The thread goes on in order, as long as it gets tasks or not.
        let thread = thread::spawn(move || -> Vec<u32> {
            let claimed = other.iter().filter(|slot| Claim(&slot.word).claim());
            claimed.map(Slot::record).collect()
        });
        let reclaimed = slots.iter().filter(|slot| Claim(&slot.word).reclaim());
        let mut all: Vec<u32> = reclaimed.map(Slot::record).collect();
        all.extend(thread.join().unwrap());
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn a_task_that_the_watchdog_hands_to_another_thread_is_begun_once() {
    loom::model(|| {
        let slot = Arc::new(Slot::default());
        let queue = Arc::new(Ring::new(2));
        slot.offer(7);
        let other = Arc::clone(&slot);
        let busy = thread::spawn(move || Claim(&other.word).claim().then(|| other.record()));
        // Gets the task in a step of its own, which offers it, if the queue has it by then.
        let other = Arc::clone(&queue);
        let idle = thread::spawn(move || {
            let mine = Slot::default();
            mine.offer(other.pop()?);
            Claim(&mine.word).claim().then(|| mine.record())
        });
        if Claim(&slot.word).reclaim() {
            queue.push(slot.record()).unwrap();
        }
        let begun = [busy, idle]
            .into_iter()
            .filter_map(|thread| thread.join().unwrap());
        let all: Vec<u32> = begun.chain(queue.pop()).collect();
        assert_eq!(all, [7], "begun once, or still in the queue");
    });
}
