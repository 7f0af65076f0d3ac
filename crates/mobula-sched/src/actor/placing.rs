//! Where actors live: their resources, their thread, and the wait for both.

use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering, fence};

use super::{Content, Host, Life, Ticket, creation_is_next, list};
use crate::node::Node;
use crate::object::NONE;
use crate::port::Event;
use crate::resources::Demand;
use crate::turn::Turn;

/// A list of so many entries may be looked through each time.
const FEW: usize = 64;

impl Turn<'_> {
    /// Gives an actor its resources and a thread, now or when the resources are free.
    pub(super) fn place_or_wait(&mut self, index: u32) {
        if !self.actor(index).lock().lacks_resources() {
            self.place_actor(index, None, &mut Vec::new());
            return;
        }
        failpoint!("actor.wait");
        // Behind those that wait: one that comes at the right moment must not overtake them.
        let node = self.node;
        let mut unplaced = node.unplaced.lock();
        let mut actor = node.actors.get(index).0.lock();
        // It may have died meanwhile.
        if matches!(actor.life, Life::Unmade) && actor.waits.is_none() {
            let ticket = unplaced.add(index, &actor.template.spec.demand);
            actor.waits = Some(ticket);
        }
        drop(actor);
        node.unplaced_count.store(unplaced.len(), Ordering::Relaxed);
        drop(unplaced);
        self.place_actors();
        if node.unplaced_count.load(Ordering::Relaxed) > 0 {
            // It looks at what waits.
            node.watch();
        }
    }

    /// Gives an actor its resources and a thread; false if the resources are not free, or some of `denied` wants no
    /// more than it and waits for longer. `ticket`: its place among those that wait.
    fn place_actor(&mut self, index: u32, ticket: Option<Ticket>, denied: &mut Vec<Demand>) -> bool {
        let node = self.node;
        let mut actor = node.actors.get(index).0.lock();
        // It may have died, and another, not ready yet, may have its cell.
        if actor.waits != ticket {
            return true;
        }
        if !matches!(actor.life, Life::Unmade) || !creation_is_next(node, &actor) {
            actor.waits = None;
            return true;
        }
        // Its creation, should this go wrong.
        self.in_hand = actor.queue.front().copied().unwrap_or(NONE);
        failpoint!("actor.place");
        let demand = Arc::clone(&actor.template.demand);
        if actor.lacks_resources() {
            if denied.iter().any(|less| demand.covers(less)) {
                return false;
            }
            if !node.resources.try_take(&demand) {
                denied.push(Demand::clone(&demand));
                return false;
            }
            actor.holds = true;
            node.actors_holding.fetch_add(1, Ordering::Relaxed);
        }
        actor.waits = None;
        actor.life = Life::Making;
        let (host, new) = self.choose_host(actor.template.spec.own_thread);
        host.residents.lock().insert(index);
        let event = new.then_some(Event::NeedWorker {
            host: host.id,
            own: host.own,
        });
        failpoint!("actor.hosted");
        actor.host = Some(host);
        list(node, index, &mut actor);
        drop(actor);
        if let Some(event) = event {
            self.post_main(event);
        }
        self.in_hand = NONE;
        true
    }

    fn choose_host(&self, own: bool) -> (Arc<Host>, bool) {
        let mut hosts = self.node.hosts.lock();
        if !own
            && hosts.shared.len() >= self.node.shared_hosts
            && let Some(host) = hosts.shared.iter().min_by_key(|host| host.residents.lock().len())
        {
            return (Arc::clone(host), false);
        }
        // As JavaScript has it: 31 bits. One that comes round is taken unless a host has it.
        let mut ids =
            std::iter::repeat_with(|| self.node.hosts_made.fetch_add(1, Ordering::Relaxed) & i32::MAX as u32);
        let id = ids
            .find(|&id| hosts.find(id).is_none())
            .expect("fewer hosts than numbers");
        let host = Arc::new(Host {
            id,
            own,
            port: AtomicU32::new(NONE),
            residents: Mutex::default(),
            runnable: Mutex::default(),
        });
        failpoint!("actor.host");
        hosts.add(&host);
        (host, true)
    }

    /// Places actors whose resources are free, those that wait longest first: one that has to wait holds up only those
    /// behind it that want as much.
    pub(crate) fn place_actors(&mut self) {
        let node = self.node;
        // Who gives resources back looks for actors after it, who adds an actor looks for resources after it.
        fence(Ordering::SeqCst);
        if node.unplaced_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut unplaced = node.unplaced.lock();
        let mut denied = Vec::new();
        let mut number = 0;
        while let Some((ticket, index)) = unplaced.first_from(number) {
            if self.place_actor(index, Some(ticket), &mut denied) {
                unplaced.remove(ticket);
            }
            number = ticket.number + 1;
        }
        node.unplaced_count.store(unplaced.len(), Ordering::Relaxed);
    }

    pub(super) fn forget_unplaced(&self, ticket: Ticket) {
        let mut unplaced = self.node.unplaced.lock();
        unplaced.remove(ticket);
        self.node.unplaced_count.store(unplaced.len(), Ordering::Relaxed);
    }

    pub(super) fn leave_host(&self, index: u32, actor: &mut Content) -> Option<Arc<Host>> {
        let host = actor.host.take()?;
        {
            let mut residents = host.residents.lock();
            residents.remove(&index);
            // It leaves the list of those with calls later, with others: each time that is a look at all.
            let mut runnable = host.runnable.lock();
            if runnable.len() > 2 * residents.len() + FEW {
                runnable.retain(|other| residents.contains(other));
            }
        }
        actor.listed = false;
        if host.own {
            self.node.hosts.lock().remove(&host);
        }
        Some(host)
    }

    pub(super) fn stop_on_host(&mut self, object: u32, host: Option<Arc<Host>>) {
        let Some(host) = host else { return };
        let port = host.port.load(Ordering::Acquire);
        if port != NONE {
            self.post(port as u16, Event::StopActor { actor: object });
        }
        if host.own {
            self.post_main(Event::RetireHost { host: host.id });
        }
    }

    /// Whether an actor of that number lives on `host`. News for its thread that one has ended are of an earlier life then,
    /// or of another actor that had the number, and overdue: they must not end this one.
    pub(crate) fn lives_on(&self, object: u32, host: Option<&Arc<Host>>) -> bool {
        let index = self.actor_of(object);
        index != NONE
            && host.is_some_and(|host| {
                let actor = self.actor(index).lock();
                actor.object == object && actor.lives_on(host)
            })
    }

    /// Actors that live on `host`, the oldest cells first.
    pub(crate) fn actors_on(host: &Arc<Host>) -> Vec<u32> {
        let mut actors: Vec<u32> = host.residents.lock().iter().copied().collect();
        actors.sort_unstable();
        actors
    }
}

impl Node {
    /// The actor that has waited longest for resources, and what it asks for.
    pub(crate) fn longest_waiting_actor(&self) -> Option<(u32, Arc<Demand>)> {
        if self.unplaced_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let (_, index) = self.unplaced.lock().first_from(0)?;
        let actor = self.actors.get(index).0.lock();
        // It may be gone by now.
        Some((index, Arc::clone(&actor.template.get()?.demand)))
    }
}
