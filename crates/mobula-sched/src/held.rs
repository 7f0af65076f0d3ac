//! What a thread's commands may name: checked in every build, as bytes decide here what is dereferenced.

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::{NONE, Object};
use crate::payload::Payload;
use crate::task::{Spec, Task, TaskId};
use crate::turn::Turn;
use crate::violation::Violation;

impl<'n> Turn<'n> {
    /// There is such an object, or has been.
    pub(crate) fn known(&self, object: u32) -> Result<&'n Object, Violation> {
        self.node.objects.find(object).ok_or(Violation::Object(object))
    }

    /// Counts one more reference to an object that a command names.
    pub(crate) fn retain(&self, object: u32) -> Result<&'n Object, Violation> {
        let cell = self.known(object)?;
        if cell.owner.load(Ordering::Relaxed) == u32::from(self.port) {
            // The thread has a handle.
            cell.retain();
        } else if !cell.try_retain() {
            return Err(Violation::Object(object));
        }
        Ok(cell)
    }

    /// The thread has made the object, and nothing settles it yet.
    pub(crate) fn open_object(&self, object: u32) -> Result<(), Violation> {
        self.node.check_fresh(self.port, object, 0)
    }

    /// The thread runs the task: a batch of its own brought it, or it goes on in the background.
    pub(crate) fn running(&self, task: u32) -> Result<&'n Task, Violation> {
        let cell = self.node.tasks.find(task).ok_or(Violation::Task(task))?;
        if self.node.is_at(task, self.port) {
            return Ok(cell);
        }
        Err(Violation::Runner(task))
    }

    /// What a task is made of exists; counts the references of its arguments and its actor.
    pub(crate) fn check_submit(&mut self, spec: &Spec, parent: u64) -> Result<(), Violation> {
        self.open_object(spec.result)?;
        if !spec.more_results.is_empty() {
            let mut results: Vec<u32> = spec.results().collect();
            results.sort_unstable();
            if let Some(twice) = results.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Violation::Settled(twice[0]));
            }
            results.iter().try_for_each(|&result| self.open_object(result))?;
        }
        if let Some(TaskId { index, .. }) = TaskId::unpack(parent) {
            self.node.tasks.find(index).ok_or(Violation::Task(index))?;
        }
        if spec.actor != NONE {
            let cell = self.retain(spec.actor)?;
            if cell.actor.load(Ordering::Acquire) == NONE {
                self.release(spec.actor);
                return Err(Violation::Actor(spec.actor));
            }
        }
        let deps = self.retain_all(&spec.deps);
        if deps.is_err() && spec.actor != NONE {
            self.release(spec.actor);
        }
        deps
    }

    /// Counts one more reference to each of `objects`, or to none.
    fn retain_all(&mut self, objects: &[u32]) -> Result<(), Violation> {
        for (i, &object) in objects.iter().enumerate() {
            if let Err(violation) = self.retain(object) {
                for &counted in &objects[..i] {
                    self.release(counted);
                }
                return Err(violation);
            }
        }
        Ok(())
    }

    /// Takes over a value that was read: counts references to the objects it names, and its buffers are its own from now on,
    /// even if the thread dies.
    pub(crate) fn take_over(&mut self, payload: Payload) -> Result<Payload, Violation> {
        let Some(links) = payload.links() else {
            return Ok(payload);
        };
        self.retain_all(&links.refs)?;
        for (i, &buffer) in links.buffers.iter().enumerate() {
            if !self.node.store.adopt(buffer, self.port) {
                for &adopted in &links.buffers[..i] {
                    self.node.store.release(adopted);
                }
                for &object in &links.refs {
                    self.release(object);
                }
                return Err(Violation::Buffer(buffer.id));
            }
        }
        Ok(payload)
    }
}

impl Node {
    /// The thread of `port` has made the object, and nothing settles it yet. `mark`: what it may be marked with.
    pub(crate) fn check_fresh(&self, port: u16, object: u32, mark: u64) -> Result<(), Violation> {
        let cell = self.objects.find(object).ok_or(Violation::Object(object))?;
        let own = cell.owner.load(Ordering::Relaxed) == u32::from(port);
        if own && cell.producer.load(Ordering::Relaxed) & !mark == 0 && !cell.waiters.is_done() {
            return Ok(());
        }
        Err(Violation::Settled(object))
    }
}
