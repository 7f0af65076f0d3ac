//! How far one object has come.

use crate::Ticket;
use crate::ranges::{Cursor, Range};

/// An object on its way.
#[derive(Debug)]
pub(crate) struct Moving {
    lengths: Vec<u64>,
    /// Up to here ranges have been asked for.
    asked: Cursor,
    /// Up to here they have come.
    whole: Cursor,
    /// What an earlier pull has left is compared with what the peer has: up to here the peer was asked, up to here it has
    /// answered, and up to here it is to be.
    check_asked: Cursor,
    checked: Cursor,
    check_to: Cursor,
    /// Checksums of the ranges that have come, by buffer.
    sums: Vec<Vec<u32>>,
    /// Rises when all begins anew: what was asked for before is nobody's.
    epoch: u32,
    /// The earlier pull that has the memory, until this one has.
    earlier: Option<Ticket>,
}

/// What a broken pull has left.
#[derive(Debug)]
pub(crate) struct Partial {
    ticket: Ticket,
    lengths: Vec<u64>,
    whole: Cursor,
    sums: Vec<Vec<u32>>,
}

impl Partial {
    /// That of the pull which has its memory.
    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(crate) fn lengths(&self) -> &[u64] {
        &self.lengths
    }

    /// How many bytes have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.whole.bytes(&self.lengths)
    }
}

impl Moving {
    pub(crate) fn new(lengths: Vec<u64>) -> Self {
        let start = Cursor::default();
        Self {
            sums: vec![Vec::new(); lengths.len()],
            lengths,
            asked: start,
            whole: start,
            check_asked: start,
            checked: start,
            check_to: start,
            epoch: 0,
            earlier: None,
        }
    }

    /// Goes on where an earlier pull has ended.
    pub(crate) fn go_on(
        Partial {
            ticket,
            lengths,
            whole,
            sums,
        }: Partial,
    ) -> Self {
        Self {
            asked: whole,
            whole,
            check_to: whole,
            sums,
            earlier: Some(ticket),
            ..Self::new(lengths)
        }
    }

    pub(crate) fn lengths(&self) -> &[u64] {
        &self.lengths
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn earlier(&self) -> Option<Ticket> {
        self.earlier
    }

    /// The memory of the earlier pull is this one's.
    pub(crate) fn has_memory(&mut self) {
        self.earlier = None;
    }

    /// The next range to be compared.
    pub(crate) fn next_check(&mut self) -> Option<Range> {
        let range = self.check_asked.range(&self.lengths)?;
        if Cursor::behind(range) > self.check_to {
            return None;
        }
        self.check_asked = Cursor::behind(range);
        Some(range)
    }

    /// The next range to be asked for.
    pub(crate) fn next_range(&mut self) -> Option<Range> {
        let range = self.asked.range(&self.lengths)?;
        self.asked = Cursor::behind(range);
        Some(range)
    }

    /// The peer's checksum of a range that is there: whether it is ours.
    pub(crate) fn checked(&mut self, range: Range, sum: u32) -> bool {
        self.checked = Cursor::behind(range);
        let sums = self.sums.get(range.buffer as usize);
        sums.and_then(|sums| sums.get(range.piece() as usize)) == Some(&sum)
    }

    /// Nothing that has come counts.
    pub(crate) fn restart(&mut self) {
        let epoch = self.epoch + 1;
        *self = Self {
            epoch,
            ..Self::new(std::mem::take(&mut self.lengths))
        };
    }

    /// A range has come.
    pub(crate) fn came(&mut self, range: Range, sum: u32) {
        self.whole = Cursor::behind(range);
        if let Some(sums) = self.sums.get_mut(range.buffer as usize) {
            sums.push(sum);
        }
    }

    /// Whether all has come, and what was there has been compared.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole.range(&self.lengths).is_none() && self.checked >= self.check_to
    }

    pub(crate) fn take_sums(&mut self) -> Vec<Vec<u32>> {
        std::mem::take(&mut self.sums)
    }

    /// What the pull `ticket`, which has the memory, leaves when it breaks.
    pub(crate) fn into_partial(self, ticket: Ticket) -> Option<Partial> {
        let Self {
            lengths, whole, sums, ..
        } = self;
        let partial = Partial {
            ticket,
            lengths,
            whole,
            sums,
        };
        (partial.bytes() > 0).then_some(partial)
    }

    /// What an earlier pull has left, where this one has not taken over the memory.
    pub(crate) fn into_earlier(self) -> Option<Partial> {
        let ticket = self.earlier?;
        self.into_partial(ticket)
    }
}
