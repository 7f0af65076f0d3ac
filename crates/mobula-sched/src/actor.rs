//! Actors: where they live, and the order of their calls.

mod calls;
mod life;
mod looks;
mod make;
mod names;
mod placing;
mod restart;
mod unplaced;
mod waits;

use std::collections::VecDeque;
use std::sync::Arc;

use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::object::NONE;
use crate::payload::Payload;
use crate::task::Spec;
use crate::template::Use;
use crate::turn::Turn;

pub(crate) use names::{ActorName, Names};
pub(crate) use unplaced::{Ticket, Unplaced};
pub(crate) use waits::Waits;

/// A thread that actors live on, attached or about to be.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) id: u32,
    /// Whether one actor has it to itself.
    pub(crate) own: bool,
    /// The port of its thread, or `NONE` while there is none.
    pub(crate) port: AtomicU32,
    /// The actors that live there.
    residents: Mutex<FxHashSet<u32>>,
    /// Actors with calls to run, and some that have left.
    runnable: Mutex<VecDeque<u32>>,
}

/// The hosts there are.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    by_id: FxHashMap<u32, Arc<Host>>,
    /// Those that actors share.
    shared: Vec<Arc<Host>>,
}

impl Hosts {
    pub(crate) fn find(&self, id: u32) -> Option<Arc<Host>> {
        self.by_id.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Host>> {
        self.by_id.values().cloned().collect()
    }

    fn add(&mut self, host: &Arc<Host>) {
        self.by_id.insert(host.id, Arc::clone(host));
        if !host.own {
            self.shared.push(Arc::clone(host));
        }
    }

    pub(crate) fn remove(&mut self, host: &Host) {
        self.by_id.remove(&host.id);
        self.close(host);
    }

    /// The host gets no more actors.
    fn close(&mut self, host: &Host) {
        if !host.own {
            self.shared.retain(|other| other.id != host.id);
        }
    }
}

/// How far an actor has come.
#[derive(Debug, Default)]
enum Life {
    /// Its constructor's arguments or resources are missing.
    #[default]
    Unmade,
    /// Its constructor is queued or runs.
    Making,
    /// It takes calls.
    Alive,
    /// Every call fails with this.
    Dead(Payload),
}

/// The cell of an actor. Its lock is taken after a port's and before any mail's; nothing is released
/// while it is held, because the last release of an actor's object retires the actor.
#[derive(Debug, Default)]
pub(crate) struct Actor(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    object: u32,
    template: Use,
    life: Life,
    host: Option<Arc<Host>>,
    /// Whether it holds its resources.
    holds: bool,
    /// Its place among those that wait for resources.
    waits: Option<Ticket>,
    /// Calls that may run, in order.
    queue: VecDeque<u32>,
    /// By [line](Content::line): calls that wait for an argument, and those behind them.
    held_back: FxHashMap<u64, VecDeque<u32>>,
    /// Calls handed to the thread, not ended yet.
    flying: Vec<u32>,
    /// Of these, how many went on in the background.
    pending: u32,
    /// Whether it stands in its host's list.
    listed: bool,
    restarts: u32,
    /// What to make it from again: arguments and the objects among them.
    recipe: Option<(Payload, Box<[u32]>)>,
    name: Option<ActorName>,
}

impl Content {
    fn lives_on(&self, host: &Arc<Host>) -> bool {
        self.host.as_ref().is_some_and(|at| Arc::ptr_eq(at, host))
    }

    fn lacks_resources(&self) -> bool {
        !self.holds && !self.template.spec.demand.is_nothing()
    }

    /// Which calls keep their order: those of one caller. Calls on an actor that runs several at once overtake each other
    /// anyway, so there each stands in a line of its own, and none waits for the argument of another.
    fn line(&self, task: u32, spec: &Spec) -> u64 {
        let in_order = self.template.spec.max_concurrency == 1;
        if in_order { spec.caller } else { u64::from(task) }
    }

    /// Whether the thread may be handed the next call.
    fn may_begin(&self) -> bool {
        let limit = match self.life {
            Life::Making if self.flying.is_empty() => 1,
            Life::Alive => self.template.spec.max_concurrency,
            _ => 0,
        };
        !self.queue.is_empty() && self.pending < limit
    }
}

impl Turn<'_> {
    fn actor(&self, index: u32) -> &Mutex<Content> {
        // The slab outlives the visit; this only frees `self` for other uses.
        &self.node.actors.get(index).0
    }

    fn actor_of(&self, object: u32) -> u32 {
        self.node.objects.get(object).actor.load(Ordering::Acquire)
    }
}

/// Whether an actor's constructor is at the head of its queue.
fn creation_is_next(node: &crate::node::Node, actor: &Content) -> bool {
    // SAFETY: the queue holds its tasks, and its lock is held.
    let creates = |&first: &u32| unsafe { node.tasks.get(first).spec() }.creates;
    actor.queue.front().is_some_and(creates)
}

/// Puts an actor that may run a call into its host's list, once.
fn list(node: &crate::node::Node, index: u32, actor: &mut Content) {
    if actor.listed || !actor.may_begin() {
        return;
    }
    let Some(host) = &actor.host else { return };
    actor.listed = true;
    host.runnable.lock().push_back(index);
    let port = host.port.load(Ordering::Acquire);
    if port != NONE {
        let port = node.port(port as u16);
        port.has_calls.store(true, Ordering::Release);
        port.wake();
    }
}
