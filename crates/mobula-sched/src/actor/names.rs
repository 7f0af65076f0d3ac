//! Names of actors, and what others may ask about one.

use std::collections::VecDeque;

use mobula_sync::atomic::Ordering;

use super::Life;
use crate::node::Node;
use crate::object::NONE;

impl Node {
    /// Gives an actor a name. If the name is taken: the object of the actor that has it, with a
    /// reference lent to `port`, and nothing changes.
    pub fn name_actor(&self, port: u16, object: u32, name: &str) -> Option<u32> {
        let mut names = self.names.lock();
        if let Some(&taken) = names.get(name)
            && self.objects.get(taken).try_retain()
        {
            drop(names);
            self.lend(port, taken);
            return Some(taken);
        }
        names.insert(name.to_owned(), object);
        None
    }

    /// Takes a name back from an object that did not become an actor.
    pub fn forget_name(&self, object: u32, name: &str) {
        let mut names = self.names.lock();
        if names.get(name) == Some(&object) {
            names.remove(name);
        }
    }

    /// The object of the actor with this name, with a reference lent to `port`.
    pub fn find_actor(&self, port: u16, name: &str) -> Option<u32> {
        let names = self.names.lock();
        let object = *names.get(name)?;
        if !self.objects.get(object).try_retain() {
            return None;
        }
        drop(names);
        self.lend(port, object);
        Some(object)
    }

    fn lend(&self, port: u16, object: u32) {
        *self.port(port).inner.lock().borrowed.entry(object).or_insert(0) += 1;
    }

    /// Generation of an object and template of its actor.
    #[must_use]
    pub fn actor_identity(&self, object: u32) -> Option<(u32, u32)> {
        let cell = self.objects.get(object);
        let index = cell.actor.load(Ordering::Acquire);
        let template = (index != NONE).then(|| self.actors.get(index).0.lock().template)?;
        Some((cell.generation.load(Ordering::Relaxed), template))
    }

    /// Lets the actor answer to `name` until it dies. The actor must exist: its creation was flushed.
    pub fn remember_name(&self, object: u32, name: &str) {
        let index = self.objects.get(object).actor.load(Ordering::Acquire);
        if index == NONE {
            return;
        }
        let mut actor = self.actors.get(index).0.lock();
        if !matches!(actor.life, Life::Dead(_)) {
            actor.name = Some(name.to_owned());
            return;
        }
        drop(actor);
        self.forget_name(object, name);
    }

    /// How many calls an actor has queued or running.
    #[must_use]
    pub fn pending_calls(&self, object: u32) -> u32 {
        let index = self.objects.get(object).actor.load(Ordering::Acquire);
        if index == NONE {
            return 0;
        }
        let actor = self.actors.get(index).0.lock();
        let held_back: usize = actor.held_back.values().map(VecDeque::len).sum();
        // Until the actor is alive its creation is among them.
        let creation = usize::from(!matches!(actor.life, Life::Alive | Life::Dead(_)));
        (actor.queue.len() + held_back + actor.flying.len()).saturating_sub(creation) as u32
    }
}
