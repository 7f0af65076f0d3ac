//! How an actor gets its cell and its name.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use super::{ActorName, Content, Life};
use crate::failure::{self, Failure};
use crate::task::Spec;
use crate::turn::Turn;

impl Turn<'_> {
    /// Gives an actor its cell. One whose name is taken is dead from the start: its creation fails, and all its calls do.
    pub(crate) fn make_actor(&mut self, spec: &Spec, name: Option<ActorName>) {
        failpoint!("actor.create");
        let node = self.node;
        let index = node.actors.take(&mut node.actor_cache.lock());
        let used = self.use_again(&spec.template);
        let mut actor = node.actors.get(index).0.lock();
        *actor = Content {
            object: spec.actor,
            template: used,
            ..Content::default()
        };
        // Release: pairs with the Acquire in `actor_of`. Before the name is there: who finds it may call at once.
        node.objects.get(spec.actor).actor.store(index, Ordering::Release);
        if let Some(name) = name {
            if !node.claim_name(&name, spec.actor, spec.template.number) {
                actor.life = Life::Dead(failure::encode(
                    Failure::NameTaken,
                    &spec.template,
                    0,
                    &name.to_details(),
                ));
                return;
            }
            actor.name = Some(name);
        }
        let template = &spec.template.spec;
        actor.restarts = template.max_restarts;
        actor.recipe = (template.max_restarts > 0).then(|| {
            for &dep in &spec.deps {
                node.objects.get(dep).retain();
            }
            (self.copy(&spec.arguments), spec.deps.clone())
        });
        if template.detached {
            node.objects.get(spec.actor).retain();
        }
    }
}
