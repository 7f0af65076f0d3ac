//! What others may see of actors.

use std::sync::Arc;

use super::Life;
use crate::node::Node;
use crate::template::Template;

/// What is seen of one actor.
#[derive(Debug, Clone)]
pub(crate) struct ActorLook {
    /// What it is called.
    pub(crate) name: Arc<str>,
    /// Whether it waits for resources.
    pub(crate) waits: bool,
    /// How many calls are before a given one, and it; 1 for none.
    pub(crate) place: u32,
    /// The call that it is at, or its creation if it is not made yet.
    pub(crate) at: Option<u32>,
}

impl Node {
    /// Looks at the actor in a cell, and at the place of `call` among its calls.
    pub(crate) fn look_at_actor(&self, index: u32, call: u32) -> ActorLook {
        let actor = self.actors.get(index).0.lock();
        let queued = actor.queue.iter().position(|&other| other == call);
        let before = actor.flying.len() + queued.unwrap_or(actor.queue.len());
        let made = matches!(actor.life, Life::Alive);
        let creation = actor
            .queue
            .front()
            .copied()
            .filter(|&first| !made && first != call);
        ActorLook {
            name: actor.template.name(),
            waits: actor.waits.is_some(),
            place: before as u32 + 1,
            at: actor.flying.first().copied().or(creation),
        }
    }

    /// The templates of the actors that hold resources, one for each actor.
    pub(crate) fn actors_that_hold(&self) -> Vec<Arc<Template>> {
        let hosts = self.hosts.lock().all();
        let residents = hosts.iter().flat_map(|host| {
            let residents = host.residents.lock();
            residents.iter().copied().collect::<Vec<u32>>()
        });
        residents
            .filter_map(|index| {
                let actor = self.actors.get(index).0.lock();
                actor.holds.then(|| actor.template.share())
            })
            .collect()
    }
}
