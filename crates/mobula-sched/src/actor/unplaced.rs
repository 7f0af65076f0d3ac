//! Actors that wait for resources, as the watchdog sees them.

use std::sync::Arc;

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::resources::Demand;

impl Node {
    /// The actor that has waited longest for resources, and what it asks for.
    pub(crate) fn longest_waiting_actor(&self) -> Option<(u32, Arc<Demand>)> {
        if self.unplaced_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let index = *self.unplaced.lock().front()?;
        let template = self.actors.get(index).0.lock().template;
        Some((index, Arc::clone(&self.template(template).demand)))
    }
}
