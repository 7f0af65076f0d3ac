//! What the scheduler decides, as functions of what it knows. They take no lock and read no clock: times are handed in.
//!
//! `batch` fills batches by them, `turn` places tasks and wakes workers, `watch` looks after threads that are busy.

use crate::port::BATCH;

/// A batch is meant to take about this long. What a task takes that has not run yet, by assumption.
pub(crate) const BATCH_NANOSECONDS: u32 = 100_000;
/// How long a worker without tasks looks for new ones before it sleeps.
pub(crate) const SPIN_NANOSECONDS: u64 = 50_000;
/// Another worker is woken for a queue that holds at least this much work.
const WAKE_NANOSECONDS: u64 = 50_000;
/// A thread keeps less work than this to itself: waking another for it would take longer.
const SHARE_NANOSECONDS: u64 = 100_000;
/// A thread is busy when it is at one batch, or has not passed on its commands, for longer than this.
const BUSY_NANOSECONDS: u64 = 1_000_000;
/// How often the watchdog looks at threads with a batch.
pub(crate) const WATCH_NANOSECONDS: u64 = 2_000_000;

/// Who waits for CPU for longer than this may have it reserved.
const PATIENCE_NANOSECONDS: u64 = 10_000_000;
/// The longest that CPU is reserved for one who does not get it, times four.
const LONGEST_CYCLE_NANOSECONDS: u64 = 8_000_000_000;

/// Plain tasks that wait for longer than this at a node of a cluster are offered to others.
pub(crate) const OFFER_NANOSECONDS: u64 = 5_000_000;
/// The agent hears so late that fewer tasks are offered.
const TELL_NANOSECONDS: u64 = 10_000_000;
/// What the agents of both nodes do for a task that goes elsewhere: one that takes less CPU time than this stays.
const FORWARD_NANOSECONDS: u64 = 50_000;

/// Where the tasks of a batch come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Plain tasks that tasks of this thread have submitted.
    Own,
    /// Plain tasks of the node.
    Shared,
    /// Tasks of priority 0 that ask for something else than one CPU.
    Special,
}

/// In which order the queues are asked for a worker's next batch; `turn` counts its batches.
///
/// Each is first in its turn, so no queue waits for another to be empty: tasks may go on to submit tasks without end. The
/// worker's own queue is first more often than the shared one: what has begun ends sooner, and less is under way at once.
pub(crate) fn order(turn: u32) -> [Queue; 3] {
    use Queue::{Own, Shared, Special};
    match turn % 4 {
        0 => [Own, Shared, Special],
        1 => [Special, Own, Shared],
        2 => [Own, Special, Shared],
        _ => [Shared, Special, Own],
    }
}

/// Whether a batch takes one more task; `spent`: what its tasks will take by what is known.
pub(crate) fn has_room(tasks: usize, spent: u32) -> bool {
    tasks < BATCH && spent < BATCH_NANOSECONDS
}

/// Whether a worker that has just been handed `tasks` tasks of `spent` nanoseconds leaves another one something to do.
pub(crate) fn leaves_work(queued: usize, tasks: usize, spent: u32) -> bool {
    let work = queued as u64 * u64::from(spent);
    work / tasks.max(1) as u64 > WAKE_NANOSECONDS || (spent >= BATCH_NANOSECONDS && queued > 0)
}

/// Whether tasks that a thread has in store are more than it will soon have done itself; `average`: of one, if known.
pub(crate) fn is_worth_sharing(tasks: usize, average: Option<u32>) -> bool {
    average.is_none_or(|average| tasks as u64 * u64::from(average) > SHARE_NANOSECONDS)
}

/// Where tasks wait that became ready on a thread. `occupied`: a task in the background has the thread's CPU.
pub(crate) fn place(runs_tasks: bool, occupied: bool) -> Queue {
    if runs_tasks && !occupied {
        Queue::Own
    } else {
        Queue::Shared
    }
}

/// What the tasks of a batch took on average, by the number begun and the estimate of each kind: the time the batch took is
/// shared out in proportion to the estimates.
pub(crate) fn shares(took: u64, kinds: &[(u32, u32)]) -> impl Iterator<Item = u64> + '_ {
    let expected = kinds
        .iter()
        .map(|&(begun, estimate)| u64::from(begun) * u64::from(estimate))
        .sum::<u64>()
        .max(1);
    kinds
        .iter()
        .map(move |&(_, estimate)| (u128::from(took) * u128::from(estimate) / u128::from(expected)) as u64)
}

/// How a thread looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It has nothing that others may wait for.
    Clear,
    /// It has a batch, or commands it has not passed on, not for long.
    AtWork,
    /// It has not come to the core for long: what it has is passed on in its place.
    Busy,
}

/// `batch_since`: when its batch was handed out. `unflushed_since`: since when it is known to have commands that it has not
/// passed on.
pub(crate) fn sight(now: u64, batch_since: Option<u64>, unflushed_since: Option<u64>) -> Sight {
    let is_long =
        |since: Option<u64>| since.is_some_and(|since| now.saturating_sub(since) >= BUSY_NANOSECONDS);
    if is_long(batch_since) || is_long(unflushed_since) {
        Sight::Busy
    } else if batch_since.is_some() || unflushed_since.is_some() {
        Sight::AtWork
    } else {
        Sight::Clear
    }
}

/// Whether `work` nanoseconds of tasks are more than `cpus` CPUs will soon have done.
pub(crate) fn is_overloaded(work: u64, cpus: u64) -> bool {
    work > OFFER_NANOSECONDS * cpus
}

/// Of `work` nanoseconds of one crew's tasks, so many are more than `cpus` CPUs soon come to; `all`: those of all crews, which
/// share the CPUs, so of each the same part is soon come to.
pub(crate) fn excess(work: u64, all: u64, cpus: u64) -> u64 {
    if cpus == 0 {
        return u64::MAX;
    }
    let excess = all.saturating_sub(OFFER_NANOSECONDS * cpus);
    (u128::from(excess) * u128::from(work) / u128::from(all.max(1))) as u64
}

/// Whether other nodes may have tasks that usually take so long, if that is known.
pub(crate) fn is_worth_sending(usual: Option<u32>, cpus: u64) -> bool {
    usual.is_none_or(|usual| u64::from(usual) >= FORWARD_NANOSECONDS * cpus)
}

/// What is known of the time that a task takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    /// On average, in nanoseconds.
    pub(crate) mean: Option<u32>,
    /// Mostly, if enough have run to tell.
    pub(crate) usual: Option<u32>,
}

/// How many of `tasks` that wait at an overloaded node are offered to others. `excess`: nanoseconds of work that the node does
/// not soon come to; what is offered is taken from it. `sent`: how many like them have gone.
///
/// Nobody knows how long those of a new function take: two for each CPU show it, wherever they run.
pub(crate) fn offered(tasks: u32, sent: u32, takes: Takes, cpus: u64, excess: &mut u64) -> u32 {
    if !is_worth_sending(takes.usual, cpus) {
        return 0;
    }
    let each = takes.mean.map_or(OFFER_NANOSECONDS, u64::from);
    let few = (2 * cpus.max(1)).saturating_sub(u64::from(sent));
    let most = if takes.usual.is_some() { u64::MAX } else { few };
    let offered = u64::from(tasks).min(most).min(excess.div_ceil(each.max(1)));
    *excess = excess.saturating_sub(offered * each);
    offered as u32
}

/// Whether the agent is woken as `waiting` tasks of a line are offered, and it knows of `before`; it was last woken for the line
/// `since` nanoseconds ago. More are news at once, as another node may have nothing to do; that there are fewer can wait a little.
pub(crate) fn tells(before: u32, waiting: u32, since: u64) -> bool {
    waiting > before.saturating_mul(2) || (waiting.saturating_mul(2) < before && since >= TELL_NANOSECONDS)
}

/// Whether CPU is reserved for somebody who has waited for it for so long: others leave what comes free to that one.
///
/// The tasks that hold the rest may take long, or as long as the program does, so the others get their turn again: for three
/// times as long as it was reserved in vain. The time doubles with the wait, until it is long enough, or seconds.
pub(crate) fn reserves(waited: u64) -> bool {
    if waited < PATIENCE_NANOSECONDS {
        return false;
    }
    let doublings = (waited / PATIENCE_NANOSECONDS).ilog2();
    let cycle = (PATIENCE_NANOSECONDS << doublings).min(LONGEST_CYCLE_NANOSECONDS);
    waited % cycle < cycle / 4
}

/// How long the watchdog sleeps while there is something to look after. `fresh`: it has just seen a thread with commands that
/// it has not passed on, and will know in a moment whether that thread is busy.
pub(crate) fn pause(fresh: bool) -> u64 {
    if fresh {
        BUSY_NANOSECONDS
    } else {
        WATCH_NANOSECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each queue that has tasks is served in `batches` batches.
    fn served(has_tasks: &[Queue], batches: u32) -> Vec<u32> {
        let mut served = vec![0; has_tasks.len()];
        for turn in 0..batches {
            let first = order(turn)
                .into_iter()
                .find_map(|queue| has_tasks.iter().position(|&has| has == queue));
            served[first.expect("a queue with tasks")] += 1;
        }
        served
    }

    #[test]
    fn every_queue_is_served_whatever_the_others_hold() {
        use Queue::{Own, Shared, Special};
        assert_eq!(served(&[Own, Shared, Special], 8), [4, 2, 2]);
        assert_eq!(served(&[Own, Shared], 8), [6, 2]);
        assert_eq!(served(&[Own, Special], 8), [4, 4]);
        assert_eq!(served(&[Shared, Special], 8), [4, 4]);
        for alone in [Own, Shared, Special] {
            assert_eq!(served(&[alone], 8), [8]);
        }
    }

    #[test]
    fn a_batch_ends_with_its_time_or_its_places() {
        assert!(has_room(0, 0) && has_room(BATCH - 1, BATCH_NANOSECONDS - 1));
        assert!(!has_room(BATCH, 0) && !has_room(1, BATCH_NANOSECONDS));
    }

    #[test]
    fn another_worker_is_woken_for_as_much_work_as_waking_it_takes() {
        assert!(!leaves_work(0, 1, BATCH_NANOSECONDS), "nothing is left");
        assert!(
            leaves_work(1, 1, BATCH_NANOSECONDS),
            "a long task, and one behind it"
        );
        assert!(!leaves_work(50, 128, 128_000 / 2), "25 µs of work");
        assert!(leaves_work(200, 128, 128_000 / 2), "100 µs of work");
    }

    #[test]
    fn what_a_thread_makes_stays_there_unless_it_cannot_run_it() {
        assert_eq!(place(true, false), Queue::Own);
        assert_eq!(place(true, true), Queue::Shared);
        assert_eq!(place(false, false), Queue::Shared);
        assert!(is_worth_sharing(1, None), "nobody knows how long it takes");
        assert!(!is_worth_sharing(100, Some(1_000)));
        assert!(is_worth_sharing(101, Some(1_000)));
    }

    #[test]
    fn the_time_of_a_mixed_batch_is_shared_out_by_the_estimates() {
        assert_eq!(
            shares(1_000, &[(4, 7)]).collect::<Vec<_>>(),
            [250],
            "of one kind, evenly"
        );
        // One of 900 and ten of 10 took twice what they should have.
        assert_eq!(
            shares(2_000, &[(1, 900), (10, 10)]).collect::<Vec<_>>(),
            [1_800, 20]
        );
        assert_eq!(
            shares(5, &[(0, 10)]).collect::<Vec<_>>(),
            [50],
            "none begun: no division by zero"
        );
    }

    #[test]
    fn cpu_is_reserved_for_a_quarter_of_the_wait_in_spans_that_double() {
        let spans = |from: u64, to: u64| (from..to).filter(|&at| reserves(at * 100_000)).count();
        assert_eq!(spans(0, 100), 0, "10 ms of patience");
        assert_eq!(spans(100, 200), 25, "10 to 20 ms: 2.5 ms");
        assert_eq!(spans(200, 400), 50);
        assert_eq!(spans(12_800, 25_600), 3_200);
        // From then on 2 s of every 8.
        assert_eq!(spans(200_000, 1_000_000), 200_000);
        assert!(reserves(u64::MAX - u64::MAX % LONGEST_CYCLE_NANOSECONDS));
    }

    #[test]
    fn what_a_node_soon_comes_to_is_not_offered_nor_what_is_done_sooner_than_sent() {
        assert!(!is_overloaded(5_000_000, 1) && is_overloaded(5_000_001, 1) && is_overloaded(1, 0));
        assert_eq!(excess(20_000_000, 20_000_000, 1), 15_000_000);
        assert_eq!(excess(5_000_000, 20_000_000, 1), 3_750_000, "a quarter of it");
        assert_eq!((excess(0, 0, 1), excess(1, 1, 0)), (0, u64::MAX));
        let left = |tasks, mean, cpus, mut excess| {
            let takes = Takes { mean, usual: mean };
            (offered(tasks, 1, takes, cpus, &mut excess), excess)
        };
        assert_eq!(left(10_000, Some(2_000), 2, 10_000_000), (0, 10_000_000));
        assert_eq!(left(10, Some(20_000_000), 1, 195_000_000), (10, 0));
        assert_eq!(left(10, Some(20_000_000), 1, 95_000_000), (5, 0));
        assert_eq!(left(10, None, 2, u64::MAX), (3, u64::MAX - 15_000_000));
        assert_eq!(left(10, Some(1), 0, u64::MAX).0, 10, "actors have all CPUs");
    }

    #[test]
    fn of_more_tasks_the_agent_hears_at_once_and_of_fewer_a_little_later() {
        assert!(tells(0, 1, 0) && tells(1_000, 2_001, 0) && !tells(1_000, 2_000, u64::MAX));
        assert!(!tells(1_000, 0, TELL_NANOSECONDS - 1) && tells(1_000, 0, TELL_NANOSECONDS));
        assert!(!tells(1_000, 500, u64::MAX) && !tells(0, 0, u64::MAX) && tells(1, 0, u64::MAX));
    }

    #[test]
    fn a_thread_is_busy_once_its_batch_or_its_commands_are_a_millisecond_old() {
        assert_eq!(sight(5_000_000, None, None), Sight::Clear);
        assert_eq!(sight(5_000_000, Some(4_500_000), None), Sight::AtWork);
        assert_eq!(sight(5_000_000, None, Some(4_500_000)), Sight::AtWork);
        assert_eq!(sight(5_000_000, Some(4_000_000), None), Sight::Busy);
        assert_eq!(sight(5_000_000, Some(5_000_000), Some(3_000_000)), Sight::Busy);
        assert_eq!(
            sight(0, Some(10), None),
            Sight::AtWork,
            "a batch of a clock that is ahead"
        );
    }
}
