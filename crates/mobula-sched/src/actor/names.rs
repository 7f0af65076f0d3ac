//! Names of actors, and what others may ask about one.

use std::collections::{HashMap, VecDeque};

use mobula_sync::Mutex;
use mobula_sync::atomic::Ordering;

use super::Life;
use crate::node::Node;
use crate::object::NONE;
use crate::wire::Reader;

/// The name of an actor. Namespace and name are two texts: ("a", "b/c") is not ("a/b", "c").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ActorName {
    namespace: String,
    name: String,
}

impl ActorName {
    /// Reads a name from a SUBMIT record.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            namespace: reader.text(),
            name: reader.text(),
        }
    }

    /// The details of [`crate::Failure::NameTaken`]: the length of the namespace, namespace and name.
    pub(crate) fn to_details(&self) -> Vec<u8> {
        let length = self.namespace.len() as u32;
        [
            &length.to_le_bytes()[..],
            self.namespace.as_bytes(),
            self.name.as_bytes(),
        ]
        .concat()
    }
}

/// The actor that has a name. Its template is known as soon as its name is.
#[derive(Debug, Clone, Copy)]
struct Holder {
    object: u32,
    generation: u32,
    template: u32,
}

/// The names of a node.
///
/// A name is claimed when its actor gets a cell, and removed when the actor is dead for good: before its calls fail, and
/// before its object can be another's. The lock is the last that is taken, under that of a port or an actor.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<ActorName, Holder>>);

impl Node {
    /// Gives an actor its name; false if a live actor has it.
    pub(super) fn claim_name(&self, name: &ActorName, object: u32, template: u32) -> bool {
        let mut names = self.names.0.lock();
        if let Some(holder) = names.get(name)
            // Without references it is about to die.
            && self.objects.get(holder.object).refs.load(Ordering::Relaxed) > 0
        {
            return false;
        }
        let holder = Holder {
            object,
            generation: self.object_generation(object),
            template,
        };
        names.insert(name.clone(), holder);
        true
    }

    /// The actor is dead: its name is free, unless another has it by now.
    pub(super) fn forget_name(&self, name: &ActorName, object: u32) {
        let mut names = self.names.0.lock();
        if names.get(name).is_some_and(|holder| holder.object == object) {
            names.remove(name);
        }
    }

    /// Object and template of the actor with this name; a reference to the object is lent to `port`.
    pub fn find_actor(&self, port: u16, namespace: &str, name: &str) -> Option<(u32, u32)> {
        let key = ActorName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let names = self.names.0.lock();
        let holder = *names.get(&key)?;
        if !self.objects.get(holder.object).try_retain() {
            return None;
        }
        drop(names);
        debug_assert_eq!(
            holder.generation,
            self.object_generation(holder.object),
            "a name goes before its actor's object"
        );
        self.lend(port, holder.object);
        Some((holder.object, holder.template))
    }

    /// Whether an actor that was created with a name has got it. The creation must have been flushed.
    #[must_use]
    pub fn has_name(&self, object: u32) -> bool {
        let index = self.objects.get(object).actor.load(Ordering::Acquire);
        index != NONE && self.actors.get(index).0.lock().name.is_some()
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
