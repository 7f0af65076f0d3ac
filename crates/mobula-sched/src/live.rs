//! Counting tasks that are not settled, once per visit and not once per task: all threads share the count.

use mobula_sync::atomic::Ordering;

use crate::port::Event;
use crate::turn::Turn;

/// At most so many tasks are counted ahead.
const AHEAD: usize = 64;

/// What a visit has counted ahead: tasks that count as live, and that it has not made yet or has ended.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    count: usize,
    /// How many were counted last.
    last: usize,
}

impl Turn<'_> {
    /// One more task counts as live. To be called before anybody can find the task.
    pub(crate) fn count_task(&mut self) {
        if self.ahead.count == 0 {
            // A lone task costs one step; many cost few.
            let more = (self.ahead.last * 2).clamp(1, AHEAD);
            self.node.live_tasks.fetch_add(more, Ordering::Relaxed);
            self.ahead = Ahead {
                count: more,
                last: more,
            };
        }
        self.ahead.count -= 1;
    }

    /// A task of this visit does not count as live any more, at the latest when the visit passes on.
    pub(crate) fn uncount_task(&mut self) {
        self.ahead.count += 1;
    }

    /// Takes back what was counted ahead; true if there was anything.
    pub(crate) fn end_counting(&mut self) -> bool {
        let ahead = std::mem::take(&mut self.ahead).count;
        if ahead == 0 {
            return false;
        }
        // SeqCst, with `drain`: it sees the count of now, or this visit sees that the node closes.
        let before = self.node.live_tasks.fetch_sub(ahead, Ordering::SeqCst);
        if self.node.closing.load(Ordering::SeqCst) {
            if before == ahead {
                self.post_main(Event::Idle);
            } else {
                // What is left may be generators that wait for readers: the driver's thread knows.
                self.node.ring_main();
            }
        }
        true
    }
}
