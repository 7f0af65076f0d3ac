//! Reading an object that is there, without subscribing to it.

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::{NONE, Object, Producer, Status};
use crate::port::Inner;
use crate::turn::Turn;
use crate::wire::{Writer, event};

/// A value of more bytes than this, or one that refers to anything, is worth watching the ref of by itself.
const LIGHT_BYTES: usize = 1024;

/// What the value of an object keeps, as [`Node::weigh_objects`] says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Weight {
    /// It is not there yet.
    Unknown = 0,
    /// A few bytes.
    Light = 1,
    /// Many bytes, buffers, other objects, an actor, a template, or code.
    Heavy = 2,
}

/// Whether an object is there, as [`Node::are_there`] says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum There {
    /// It is not settled.
    No = 0,
    /// It is, and its value or error is here.
    Here = 1,
    /// It is, and its value is at another node.
    Elsewhere = 2,
}

impl Weight {
    fn of(object: &Object) -> Self {
        // What stands for a template, or holds code, keeps more than its bytes.
        if object.actor.load(Ordering::Relaxed) != NONE || !matches!(object.kind(), Producer::Other) {
            return Self::Heavy;
        }
        if !object.waiters.is_done() {
            return Self::Unknown;
        }
        let (status, payload) = object.outcome();
        if *status == Status::Away {
            return Self::Heavy;
        }
        if payload.links().is_some() || payload.bytes().len() > LIGHT_BYTES {
            Self::Heavy
        } else {
            Self::Light
        }
    }
}

impl Node {
    /// Which of `objects` are there, with a value or an error: each becomes a [`There`].
    pub fn are_there(&self, objects: &mut [u32]) {
        for object in objects {
            *object = if !self.objects.get(*object).waiters.is_done() {
                There::No
            } else if self.outcome_of(*object).0 == Status::Away {
                There::Elsewhere
            } else {
                There::Here
            } as u32;
        }
    }

    /// Puts in the place of each object in `objects` its [`Weight`]; the caller holds a reference to each. What is not an
    /// object (`NONE`) stays.
    pub fn weigh_objects(&self, objects: &mut [u32]) {
        for object in objects.iter_mut().filter(|object| **object != NONE) {
            *object = Weight::of(self.objects.get(*object)) as u32;
        }
    }

    /// Writes a VALUE record of `object` into the inbox, behind the news that the thread may be reading, and gives its
    /// place; nothing if the object is not there yet, or does not fit. The thread holds a ref to the object until it has
    /// read the record, and does so before its next call.
    pub fn look(&self, port: u16, object: u32) -> Option<u32> {
        let cell = self.objects.find(object)?;
        if !cell.waiters.is_done() {
            return None;
        }
        let port = self.port(port);
        let mut inner = port.inner.lock();
        // The thread has a ref; one that has not must not read what is being freed.
        let looked = self.visit(port, &mut inner, |turn, inner| {
            turn.retain(object)?;
            let at = turn.write_outcome(inner, object);
            turn.release(object);
            Ok(at)
        });
        looked.ok().flatten()
    }
}

impl Turn<'_> {
    /// Writes an object's outcome behind the news in the inbox, if it is there and fits.
    fn write_outcome(&mut self, inner: &mut Inner, object: u32) -> Option<u32> {
        let cell = self.node.objects.get(object);
        if !cell.waiters.is_done() {
            return None;
        }
        let (status, payload) = self.node.outcome_of(object);
        if *status == Status::Away {
            return None;
        }
        let at = inner.filled;
        if inner.regions.inbox().len() < at + 8 + Writer::size(payload) {
            return None;
        }
        self.lend_refs(payload);
        let mut writer = Writer::new(inner.regions.inbox(), at);
        writer.head(event::VALUE, *status as u8, 0);
        writer.u32(0);
        writer.payload(payload);
        Some(at as u32)
    }
}
