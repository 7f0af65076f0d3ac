//! Objects whose values lie at other nodes: they are *settled*, and not *here*.
//!
//! 1. The outcome of such an object is [`Status::Away`], for good. Its entry says where the value is: at a *place*, a number of the
//!    agent's for it, or in the *next* object. An entry may have both: then the value was needed here.
//! 2. A next is given once, and kept with a reference. The agent settles it with the value, or the task that runs again since the
//!    place was lost (`lineage.rs`).
//! 3. The entry is there from before anybody knows that the object is settled until the object is freed.

use mobula_fault::failpoint;
use mobula_queue::{Subscribed, Waiter};
use mobula_sync::Mutex;
use rustc_hash::FxHashMap;

use crate::line::Near;
use crate::lineage::{Gone, Lineage, Made};
use crate::node::Node;
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::port::Event;
use crate::task::{Spec, State};
use crate::turn::Turn;
use crate::wire::{Writer, event};

/// The objects whose values are away.
#[derive(Debug, Default)]
pub(crate) struct Away(pub(crate) Mutex<Places>);

#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) entries: FxHashMap<u32, Entry>,
    /// Whose value is at a place.
    pub(crate) by_place: FxHashMap<u32, u32>,
    /// The objects that the agent settles, and whose next each is: with a reference, as that may be all that leads to what makes the
    /// value again.
    pub(crate) owed: FxHashMap<u32, u32>,
    pub(crate) lineage: Lineage,
}

/// Where the value of an object is.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Nothing: it is lost there.
    pub(crate) place: Option<Place>,
    pub(crate) next: Option<u32>,
    /// What can make it again.
    pub(crate) made: Option<Made>,
}

/// A value at another node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The agent's number for it.
    pub(crate) number: u32,
    /// The agent's number for its node.
    pub(crate) node: u32,
    pub(crate) bytes: u64,
}

/// What is known of the value of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is the outcome of this object.
    Here,
    /// This object is not settled, and will have it.
    Pending(u32),
    /// It is at this place.
    At(u32),
}

/// What the agent hears of a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlaceNews {
    /// Its value is needed here: this object is to be settled with it.
    Need { place: u32, object: u32 },
    /// Nothing needs its value any more.
    Drop { place: u32 },
}

impl PlaceNews {
    pub(crate) fn write(self, writer: &mut Writer<'_>) {
        match self {
            Self::Need { place, object } => {
                writer.head(event::NEED, 0, 0);
                writer.u32(place);
                writer.u32(object);
            }
            Self::Drop { place } => {
                writer.head(event::DROP, 0, 0);
                writer.u32(place);
            }
        }
    }
}

/// An argument of a task that lies at a place: which of its arguments, and the place.
pub(crate) type Elsewhere = (u32, u32);

impl Places {
    pub(crate) fn next(&self, object: u32) -> Option<u32> {
        self.entries.get(&object).and_then(|entry| entry.next)
    }

    /// The first that an entry has of what `of` gives, from that of a settled object on.
    fn first<T>(&self, object: u32, of: impl Fn(&Entry) -> Option<T>) -> Option<T> {
        let mut at = object;
        loop {
            let entry = self.entries.get(&at)?;
            if let Some(first) = of(entry) {
                return Some(first);
            }
            at = entry.next?;
        }
    }

    /// Where the value of a settled object is, if it is away and known not to be lost.
    fn place(&self, object: u32) -> Option<Place> {
        self.first(object, |entry| entry.place)
    }

    /// What has made the value of a settled object, if it is away and that is known.
    pub(crate) fn made(&self, object: u32) -> Option<Made> {
        self.first(object, |entry| entry.made)
    }
}

impl Node {
    /// The outcome of a settled object, or of the one that has its value. It is away if there is none here.
    pub(crate) fn outcome_of(&self, object: u32) -> &(Status, Payload) {
        let mut at = object;
        loop {
            let outcome = self.objects.get(at).outcome();
            if outcome.0 != Status::Away {
                return outcome;
            }
            let next = self.away.0.lock().next(at);
            match next.filter(|&next| self.objects.get(next).waiters.is_done()) {
                Some(next) => at = next,
                None => return outcome,
            }
        }
    }

    /// Whether the value of a settled object is at a place.
    pub(crate) fn is_at_place(&self, object: u32) -> bool {
        let is_away = self.objects.get(object).outcome().0 == Status::Away;
        is_away && self.away.0.lock().place(object).is_some()
    }

    /// Whether an object is settled, and its value can be made again should it be lost: it lies at another node, and all specs are kept
    /// that this needs.
    #[must_use]
    pub fn is_recoverable(&self, object: u32) -> bool {
        let cell = self.objects.get(object);
        if !cell.waiters.is_done() || cell.outcome().0 != Status::Away {
            return false;
        }
        let places = self.away.0.lock();
        places
            .made(object)
            .is_some_and(|made| places.lineage.is_whole(made))
    }

    /// The node that has most of the arguments of a task that stay at nodes, if that is much.
    pub(crate) fn nearest(&self, spec: &Spec) -> Option<Near> {
        let is_away = |&&dep: &&u32| self.objects.get(dep).outcome().0 == Status::Away;
        let mut away = spec.deps.iter().filter(is_away).peekable();
        away.peek()?;
        let places = self.away.0.lock();
        let mut bytes: FxHashMap<u32, u64> = FxHashMap::default();
        for &dep in away {
            if let Some(place) = places.place(dep) {
                *bytes.entry(place.node).or_default() += place.bytes;
            }
        }
        let (node, most) = bytes.into_iter().max_by_key(|&(node, bytes)| (bytes, node))?;
        Near::new(node, most)
    }
}

impl Turn<'_> {
    pub(crate) fn is_away(&self, object: u32) -> bool {
        let cell = self.node.objects.get(object);
        cell.waiters.is_done() && cell.outcome().0 == Status::Away
    }

    fn any_away(&self, spec: &Spec) -> bool {
        spec.deps.iter().any(|&dep| self.is_away(dep))
    }

    /// Finds the value of an object, or what is to have it. `there`: it may also be at a place; else it is brought here from
    /// there. What is lost is made again.
    pub(crate) fn find_value(&mut self, object: u32, there: bool) -> Found {
        let mut at = object;
        loop {
            let cell = self.node.objects.get(at);
            if !cell.waiters.is_done() {
                return Found::Pending(at);
            }
            if cell.outcome().0 != Status::Away {
                return Found::Here;
            }
            match self.find_next(at, there) {
                Ok(next) => at = next,
                Err(place) => return Found::At(place),
            }
        }
    }

    /// The object that has, or is to have, the value of one that is away; or, if `there`, its place.
    fn find_next(&mut self, object: u32, there: bool) -> Result<u32, u32> {
        let node = self.node;
        let mut places = node.away.0.lock();
        let entry = places.entries.get_mut(&object).expect("rule 3");
        match (entry.place, entry.next) {
            (Some(place), _) if there => return Err(place.number),
            (_, Some(next)) => return Ok(next),
            _ => {}
        }
        // Its reference is the entry's.
        let next = node.take_object(&mut self.object_cells, NONE);
        entry.next = Some(next);
        if let Some(place) = entry.place {
            // That of who settles it.
            node.objects.get(next).retain();
            node.objects.get(object).retain();
            places.owed.insert(next, object);
            drop(places);
            // It is in flight.
            self.count_task();
            let place = place.number;
            self.post_agent(PlaceNews::Need { place, object: next });
        } else {
            let made = entry.made.take();
            drop(places);
            self.make_again(made, next);
        }
        Ok(next)
    }

    /// A thread waits for a value that is away: it waits for what will have it. Its reference goes along.
    pub(crate) fn wait_for_value(&mut self, waiter: Waiter, object: u32) {
        loop {
            let Found::Pending(next) = self.find_value(object, false) else {
                self.tell_port(waiter, object);
                return;
            };
            // Kept by the entries that lead to it, and so by `object`.
            let cell = self.node.objects.get(next);
            cell.retain();
            if cell.waiters.subscribe(waiter, &self.node.waiter_nodes) == Subscribed::Waiting {
                self.release(object);
                return;
            }
            let _last = cell.release();
        }
    }

    /// Has a task that waits go on waiting, if values of its arguments are still to come here, or to be made again. False: it
    /// has what it needs.
    pub(crate) fn waits_for_values(&mut self, task: u32) -> bool {
        let cell = self.node.tasks.get(task);
        // SAFETY: the caller holds the task.
        let spec = unsafe { cell.spec() };
        if !self.any_away(spec) {
            return false;
        }
        let there = goes_elsewhere(spec);
        let mut pending = Vec::new();
        for &dep in &spec.deps {
            if let Found::Pending(object) = self.find_value(dep, there) {
                pending.push(object);
            }
        }
        if pending.is_empty() {
            return false;
        }
        // What is made again was in hand meanwhile.
        self.in_hand = task;
        failpoint!("away.wait");
        // One more than there are: the visit's own, once all are registered.
        cell.missing.arm(pending.len() as u32 + 1);
        for object in pending {
            let waiters = &self.node.objects.get(object).waiters;
            if waiters.subscribe(Waiter::Task(task), &self.node.waiter_nodes) == Subscribed::Done {
                let last = cell.missing.arrive();
                debug_assert!(!last, "the visit arrives last");
            }
        }
        if cell.missing.arrive() {
            self.all_arguments_there(task);
        }
        true
    }

    /// The arguments of a task for the agent that lie at places; nothing if one is neither a value here nor there.
    pub(crate) fn elsewhere(&mut self, task: u32) -> Option<Vec<Elsewhere>> {
        // SAFETY: the caller holds the task.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        if !self.any_away(spec) {
            return Some(Vec::new());
        }
        let mut all = Vec::new();
        for (position, &dep) in spec.deps.iter().enumerate() {
            match self.find_value(dep, true) {
                Found::Here if is_value(self.node.outcome_of(dep).0) => {}
                Found::At(place) => all.push((position as u32, place)),
                Found::Here | Found::Pending(_) => return None,
            }
        }
        Some(all)
    }

    /// A task in no line, whose arguments are not all there any more, waits for them again.
    pub(crate) fn wait_again(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if !cell.shift(generation, State::Ready, State::Waiting) {
            self.holder_leaves(task);
        } else if !self.waits_for_values(task) {
            self.all_arguments_there(task);
        }
    }

    /// An object that is away is being freed, with its reference to the next.
    pub(crate) fn away_is_gone(&mut self, object: u32) {
        let mut places = self.node.away.0.lock();
        let Some(entry) = places.entries.remove(&object) else {
            return;
        };
        let mut gone = Gone::default();
        if let Some(made) = entry.made {
            places.lineage.unuse(made, &mut gone);
        }
        if let Some(place) = entry.place {
            places.by_place.remove(&place.number);
            self.post_agent(PlaceNews::Drop { place: place.number });
        }
        drop(places);
        self.let_go(gone);
        if let Some(next) = entry.next {
            self.release(next);
        }
    }

    pub(crate) fn post_agent(&mut self, news: PlaceNews) {
        if let Some(agent) = self.node.forwarding.agent() {
            self.post(agent, Event::Place(news));
        }
    }
}

/// Whether a task runs at another node, so that its arguments may be there.
pub(crate) fn goes_elsewhere(spec: &Spec) -> bool {
    spec.template.is_forwarded() && spec.origin.is_none() && spec.actor == NONE
}

/// Whether an outcome can be an argument.
pub(crate) fn is_value(status: Status) -> bool {
    matches!(status, Status::Value | Status::Away)
}

/// How a thread that waits for an object, and not for its value, hears of it.
pub(crate) fn as_told(status: Status) -> u8 {
    if is_value(status) {
        Status::Value as u8
    } else {
        status as u8
    }
}
