//! Handles that threads get otherwise than with a value: the port counts them, as each is given back by itself.

use crate::node::Node;

impl Node {
    /// Gives the thread one more handle of an object of which it has one.
    pub fn share_object(&self, port: u16, object: u32) {
        self.objects.get(object).retain();
        self.lend(port, object);
    }

    /// A reference that the caller has counted becomes a handle of the thread.
    pub(crate) fn lend(&self, port: u16, object: u32) {
        *self.port(port).inner.lock().borrowed.entry(object).or_insert(0) += 1;
    }
}
