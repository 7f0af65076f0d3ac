//! The side that has objects: a thread for each connection, which answers one request after the other.

use std::collections::HashMap;
use std::sync::Arc;

use crc32fast::Hasher;
use mobula_fault::failpoint;
use mobula_store::{BufferId, MapError, Pin, Store};

use crate::frame::{Answer, MOST, Request};
use crate::limits::{BUFFERS, CHUNK, OPEN};
use crate::link::Link;
use crate::ranges::Range;
use crate::{LinkError, Name, Refusal};

/// Finds the objects of this node.
pub trait Serve: Send + Sync {
    /// The buffers of an object, in their order, with one more reference to each, which the data plane gives back.
    /// `None`: there is no such object here. Called on a thread of the data plane; it does not block.
    fn find(&self, name: &Name) -> Option<Vec<BufferId>>;
}

/// An object that a peer has opened: its references, until this is dropped.
#[derive(Debug)]
struct Held {
    store: Arc<Store>,
    buffers: Vec<BufferId>,
    /// The buffer that is being read.
    pin: Option<(u32, Pin)>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pin = None;
        for &buffer in &self.buffers {
            self.store.release(buffer);
        }
    }
}

impl Held {
    /// The pin of a buffer; the one before goes.
    fn pin(&mut self, buffer: u32) -> Result<&Pin, MapError> {
        if self.pin.as_ref().is_none_or(|(pinned, _)| *pinned != buffer) {
            self.pin = None;
            let pin = self.store.pin(self.buffers[buffer as usize])?;
            self.pin = Some((buffer, pin));
        }
        Ok(&self.pin.as_ref().expect("just pinned").1)
    }
}

/// Answers a peer until the connection ends.
pub(crate) fn serve(link: &mut Link, store: &Arc<Store>, objects: &dyn Serve) {
    let mut host = Host {
        link,
        store,
        objects,
        open: HashMap::new(),
    };
    while host.answer().is_ok() {}
}

struct Host<'a> {
    link: &'a mut Link,
    store: &'a Arc<Store>,
    objects: &'a dyn Serve,
    /// By the number of the peer's pull.
    open: HashMap<u64, Held>,
}

impl Host<'_> {
    fn answer(&mut self) -> Result<(), LinkError> {
        let (kind, body) = self.link.frame(MOST.0, || {})?;
        match Request::decode(kind, &body)? {
            Request::Open { pull, name } => self.open(pull, &name),
            Request::Bytes { pull, range } => self.send(pull, range),
            Request::Sum { pull, range } => self.sum(pull, range),
            Request::Done { pull } => {
                self.open.remove(&pull);
                Ok(())
            }
        }
    }

    fn open(&mut self, pull: u64, name: &Name) -> Result<(), LinkError> {
        if self.open.contains_key(&pull) {
            return Err(LinkError::Protocol("it opens two objects by one number"));
        }
        if self.open.len() >= OPEN {
            return self.refuse(pull, Refusal::Busy, &format!("{OPEN} objects are open already"));
        }
        let Some(buffers) = self.objects.find(name) else {
            return self.refuse(pull, Refusal::Unknown, "this node has no object of this name");
        };
        let held = Held {
            store: Arc::clone(self.store),
            buffers,
            pin: None,
        };
        if held.buffers.len() > BUFFERS {
            let text = format!("the object has more than {BUFFERS} buffers");
            return self.refuse(pull, Refusal::Unknown, &text);
        }
        let lengths = held
            .buffers
            .iter()
            .map(|&buffer| self.store.len(buffer))
            .collect();
        self.open.insert(pull, held);
        self.link.write(&Answer::Opened { pull, lengths }.encode())
    }

    /// The object, if the peer has opened it and the range is one of its own.
    fn held(&mut self, pull: u64, range: Range) -> Result<Option<&mut Held>, LinkError> {
        let Some(held) = self.open.get_mut(&pull) else {
            // It was refused already, and the peer could not know.
            return Ok(None);
        };
        let buffer = held.buffers.get(range.buffer as usize);
        if buffer.is_none_or(|&buffer| !range.is_of(held.store.len(buffer))) {
            return Err(LinkError::Protocol("it asks for a range that there is none of"));
        }
        Ok(Some(held))
    }

    fn send(&mut self, pull: u64, range: Range) -> Result<(), LinkError> {
        let Some(held) = self.held(pull, range)? else {
            return self.refuse(pull, Refusal::Unknown, "the object is not open");
        };
        if let Err(why) = held.pin(range.buffer) {
            return self.lost(pull, &why);
        }
        let Some((_, pin)) = self.open.get(&pull).and_then(|held| held.pin.as_ref()) else {
            return Err(LinkError::Protocol("it is open no more"));
        };
        self.link.write(&Answer::Bytes { pull, range }.encode())?;
        let known = pin.sum(range.piece());
        let mut hasher = Hasher::new();
        for slice in pin.bytes(range.offset..range.offset + u64::from(range.length)) {
            // The checksum leaves the bytes in the cache, from where they are sent.
            for chunk in slice.chunks(CHUNK) {
                if known.is_none() {
                    hasher.update(chunk);
                }
                failpoint!(io "net.serve.bytes");
                self.link.write(chunk)?;
            }
        }
        let sum = known.unwrap_or_else(|| hasher.finalize());
        pin.set_sum(range.piece(), sum);
        self.link.write(&sum.to_le_bytes())
    }

    fn sum(&mut self, pull: u64, range: Range) -> Result<(), LinkError> {
        let Some(held) = self.held(pull, range)? else {
            return self.refuse(pull, Refusal::Unknown, "the object is not open");
        };
        let pin = match held.pin(range.buffer) {
            Ok(pin) => pin,
            Err(why) => return self.lost(pull, &why),
        };
        let sum = pin.sum(range.piece()).unwrap_or_else(|| {
            let mut hasher = Hasher::new();
            for slice in pin.bytes(range.offset..range.offset + u64::from(range.length)) {
                hasher.update(slice);
            }
            hasher.finalize()
        });
        pin.set_sum(range.piece(), sum);
        self.link.write(&Answer::Sum { pull, range, sum }.encode())
    }

    /// The bytes are not to be had.
    fn lost(&mut self, pull: u64, why: &MapError) -> Result<(), LinkError> {
        let refusal = match why {
            MapError::Full(_) | MapError::Spill { .. } | MapError::Os { .. } => Refusal::Full,
            _ => Refusal::Lost,
        };
        self.refuse(pull, refusal, &why.to_string())
    }

    fn refuse(&mut self, pull: u64, why: Refusal, text: &str) -> Result<(), LinkError> {
        self.open.remove(&pull);
        let text = text.to_owned();
        self.link.write(&Answer::Refused { pull, why, text }.encode())
    }
}
