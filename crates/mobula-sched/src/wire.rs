//! The records between a thread's JavaScript and the core, little-endian. `docs/core-protocol.md` has the table.

use crate::payload::{Links, Payload};
use crate::ports::Buffer;
use crate::violation::Violation;

/// Set in a value's length word when lists of refs and buffers follow its bytes.
pub(crate) const LINKED: u32 = 1 << 31;

/// Commands: the first byte of a record from JavaScript.
pub(crate) mod op {
    pub(crate) const SUBMIT: u8 = 1;
    pub(crate) const SUBSCRIBE: u8 = 2;
    pub(crate) const RELEASE: u8 = 3;
    pub(crate) const RESULT: u8 = 4;
    pub(crate) const PUT: u8 = 5;
    pub(crate) const YIELD: u8 = 6;
    pub(crate) const PENDING: u8 = 7;
    pub(crate) const BLOCK: u8 = 8;
    pub(crate) const CANCEL: u8 = 9;
    pub(crate) const CREDIT: u8 = 10;
    pub(crate) const KILL: u8 = 11;
    pub(crate) const RUN: u8 = 12;
    pub(crate) const LINE: u8 = 13;
    pub(crate) const HERE: u8 = 14;
    pub(crate) const LOSE: u8 = 15;
    pub(crate) const BRING: u8 = 16;
    pub(crate) const TAKE_BACK: u8 = 17;
}

/// Flags of a SUBMIT record.
pub(crate) mod submit {
    /// Lists of top-level refs follow.
    pub(crate) const DEPS: u8 = 1;
    /// Further return objects follow.
    pub(crate) const MULTI: u8 = 2;
    /// The task creates an actor.
    pub(crate) const CREATE: u8 = 4;
    /// The task is a call on an actor.
    pub(crate) const CALL: u8 = 8;
    /// The submitting task follows.
    pub(crate) const PARENT: u8 = 16;
    /// The task yields a stream; the consumer's token follows.
    pub(crate) const STREAM: u8 = 32;
    /// The actor that the task creates has a name: namespace and name follow.
    pub(crate) const NAMED: u8 = 64;
    /// The task is cancelled already: it is never placed.
    pub(crate) const CANCELLED: u8 = 128;
}

/// How a task ended, in a RESULT record.
pub(crate) mod outcome {
    pub(crate) const OK: u8 = 0;
    pub(crate) const RETRY: u8 = 2;
    /// It has not begun: its thread could not load its code. No values.
    pub(crate) const UNBEGUN: u8 = 3;
    /// An error of the system's, as [`crate::failure`] encodes it.
    pub(crate) const FAILED: u8 = 4;
    /// The attempt was lost with what ran it. The error, as for `FAILED`, is for when no attempt is left.
    pub(crate) const LOST: u8 = 5;
    /// Values, some of which stay where they were made: each is a byte, and then the value if that is 0, else its place: number, node,
    /// and bytes.
    pub(crate) const STAYS: u8 = 6;
}

/// What has become of a value that was needed here, in a HERE record.
pub(crate) mod here {
    pub(crate) const VALUE: u8 = 0;
    /// An error of the system's in its place.
    pub(crate) const ERROR: u8 = 1;
    /// It was lost on the way: it is to be made again. No value.
    pub(crate) const LOST: u8 = 2;
}

/// Events: the first byte of a record to JavaScript.
pub(crate) mod event {
    pub(crate) const TASK: u8 = 1;
    pub(crate) const VALUE: u8 = 2;
    pub(crate) const READY: u8 = 3;
    pub(crate) const ITEM: u8 = 4;
    pub(crate) const STOP_TASK: u8 = 5;
    pub(crate) const CREDIT: u8 = 6;
    pub(crate) const STOP_ACTOR: u8 = 7;
    pub(crate) const NEED_WORKER: u8 = 8;
    pub(crate) const IDLE: u8 = 10;
    pub(crate) const RETIRE_HOST: u8 = 11;
    pub(crate) const KILL_PORT: u8 = 12;
    pub(crate) const COLLECT: u8 = 13;
    pub(crate) const SLOW_WAITS: u8 = 14;
    pub(crate) const STOP_ACTORS: u8 = 15;
    pub(crate) const FORGET: u8 = 16;
    pub(crate) const LINE: u8 = 17;
    pub(crate) const NEED_CREW: u8 = 18;
    pub(crate) const CREW_OVER: u8 = 19;
    pub(crate) const NEED: u8 = 20;
    pub(crate) const DROP: u8 = 21;
}

/// Flag of a TASK record: what the task is at the node that has submitted it follows its numbers.
pub(crate) const ORIGIN: u8 = 2;
/// Flag of a TASK record for an agent: some arguments are not there yet. Their number and their makers come behind the numbers
/// of the task.
pub(crate) const FOLLOWS: u8 = 4;
/// Flag of a TASK record for an agent: some arguments lie at places. Their number, and which argument and which place each is, come
/// behind the numbers of the task.
pub(crate) const ELSEWHERE: u8 = 8;

/// Reads records. What lies past the end reads as 0, or as nothing, and `check` says so: nothing that was read may count
/// before it was asked.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    truncated: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            truncated: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether all that was read was there.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Violation> {
        if self.truncated {
            return Err(Violation::Truncated);
        }
        Ok(())
    }

    #[cold]
    fn cut(&mut self) {
        self.truncated = true;
        self.bytes = &[];
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> u8 {
        let [value] = self.array();
        value
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        if let Some((array, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            return *array;
        }
        self.cut();
        [0; N]
    }

    /// A count of things of at least `size` bytes each.
    fn count(&mut self, size: usize) -> usize {
        let count = self.u32() as usize;
        if count > self.bytes.len() / size {
            self.cut();
            return 0;
        }
        count
    }

    /// Text in UTF-8, after its length in bytes.
    pub(crate) fn text(&mut self) -> String {
        let len = self.count(1);
        let (bytes, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        str::from_utf8(bytes).map_or_else(
            |_| {
                self.cut();
                String::new()
            },
            str::to_owned,
        )
    }

    pub(crate) fn list(&mut self) -> Vec<u32> {
        let count = self.count(4);
        (0..count).map(|_| self.u32()).collect()
    }

    #[inline]
    pub(crate) fn payload(&mut self) -> Payload {
        let word = self.u32();
        let Some((bytes, rest)) = self.bytes.split_at_checked((word & !LINKED) as usize) else {
            self.cut();
            return Payload::default();
        };
        self.bytes = rest;
        if word & LINKED == 0 {
            return Payload::new(bytes);
        }
        let refs = self.list();
        let count = self.count(12);
        let buffers = (0..count)
            .map(|_| Buffer {
                id: self.u32(),
                len: self.u64(),
            })
            .collect();
        Payload::with_links(bytes, Links { refs, buffers })
    }
}

/// Writes records into a thread's inbox; what does not fit is left for the next round.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Bytes of a length that the reader knows.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// The four bytes every event starts with.
    #[inline]
    pub(crate) fn head(&mut self, kind: u8, flags: u8, extra: u16) {
        let extra = extra.to_le_bytes();
        self.bytes(&[kind, flags, extra[0], extra[1]]);
    }

    #[inline]
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Bytes that `value` takes.
    pub(crate) fn size(payload: &Payload) -> usize {
        let links = payload
            .links()
            .map_or(0, |links| 8 + 4 * links.refs.len() + 12 * links.buffers.len());
        4 + payload.bytes().len() + links
    }

    #[inline]
    pub(crate) fn payload(&mut self, payload: &Payload) {
        let bytes = payload.bytes();
        let Some(links) = payload.links() else {
            self.u32(bytes.len() as u32);
            self.bytes(bytes);
            return;
        };
        self.u32(bytes.len() as u32 | LINKED);
        self.bytes(bytes);
        self.u32(links.refs.len() as u32);
        for object in &links.refs {
            self.u32(*object);
        }
        self.u32(links.buffers.len() as u32);
        for buffer in &links.buffers {
            self.u32(buffer.id);
            self.bytes(&buffer.len.to_le_bytes());
        }
    }
}
