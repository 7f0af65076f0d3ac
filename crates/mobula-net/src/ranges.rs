//! Which ranges an object is made of: arithmetic on lengths, and nothing else.

use crate::limits::RANGE;

/// A part of one buffer: at most [`RANGE`] bytes, from a multiple of it on.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) buffer: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Range {
    /// Whether it is one of those that a buffer of `bytes` is made of.
    pub(crate) fn is_of(&self, bytes: u64) -> bool {
        self.offset.is_multiple_of(RANGE)
            && bytes
                .checked_sub(self.offset)
                .is_some_and(|rest| rest > 0 && u64::from(self.length) == rest.min(RANGE))
    }

    /// Its number in its buffer.
    pub(crate) fn piece(&self) -> u64 {
        self.offset / RANGE
    }
}

/// How many bytes the buffers have together; `None` if no number says it.
pub(crate) fn total(lengths: &[u64]) -> Option<u64> {
    lengths.iter().try_fold(0_u64, |sum, &len| sum.checked_add(len))
}

/// A place among the ranges of an object, which are taken in order.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Cursor {
    buffer: u32,
    offset: u64,
}

impl Cursor {
    /// The range here; `None` at the end. Empty buffers have none.
    pub(crate) fn range(self, lengths: &[u64]) -> Option<Range> {
        let mut at = self;
        loop {
            let len = *lengths.get(at.buffer as usize)?;
            if at.offset < len {
                return Some(Range {
                    buffer: at.buffer,
                    offset: at.offset,
                    length: (len - at.offset).min(RANGE) as u32,
                });
            }
            at = Self {
                buffer: at.buffer + 1,
                offset: 0,
            };
        }
    }

    /// The place behind `range`.
    pub(crate) fn behind(range: Range) -> Self {
        Self {
            buffer: range.buffer,
            offset: range.offset + u64::from(range.length),
        }
    }

    /// Bytes before it.
    pub(crate) fn bytes(self, lengths: &[u64]) -> u64 {
        lengths[..lengths.len().min(self.buffer as usize)]
            .iter()
            .sum::<u64>()
            + self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lengths: &[u64]) -> Vec<Range> {
        let mut at = Cursor::default();
        std::iter::from_fn(|| {
            let range = at.range(lengths)?;
            at = Cursor::behind(range);
            Some(range)
        })
        .collect()
    }

    #[test]
    fn empty_buffers_have_no_ranges() {
        assert_eq!(all(&[]), []);
        assert_eq!(all(&[0, 0]), []);
        assert_eq!(
            all(&[0, 1, 0]),
            [Range {
                buffer: 1,
                offset: 0,
                length: 1
            }]
        );
    }

    #[test]
    fn lengths_beyond_4_gib_are_counted_right() {
        let len = (5_u64 << 32) + 3;
        let last = Range {
            buffer: 1,
            offset: len / RANGE * RANGE,
            length: 3,
        };
        let at = Cursor {
            buffer: 1,
            offset: last.offset,
        };
        assert_eq!(at.range(&[7, len, 9]), Some(last));
        assert_eq!(at.bytes(&[7, len, 9]), 7 + last.offset);
        assert_eq!(Cursor::behind(last).range(&[7, len]), None);
        assert!(last.is_of(len) && !last.is_of(len + 1) && !last.is_of(last.offset));
        assert_eq!(last.piece(), 5 << 10);
        assert_eq!(total(&[u64::MAX, 1]), None);
        assert!(
            !Range {
                buffer: 0,
                offset: u64::MAX / RANGE * RANGE,
                length: 5
            }
            .is_of(4)
        );
    }

    proptest! {
        #[test]
        fn ranges_cover_every_byte_once_and_in_order(lengths in proptest::collection::vec(0..5 * RANGE, 0..6)) {
            let mut at = Cursor::default();
            let mut bytes = 0;
            for range in all(&lengths) {
                prop_assert!(range.is_of(lengths[range.buffer as usize]));
                let here = Cursor { buffer: range.buffer, offset: range.offset };
                prop_assert!(at <= here);
                at = Cursor::behind(range);
                bytes += u64::from(range.length);
                prop_assert_eq!(at.bytes(&lengths), bytes);
            }
            prop_assert_eq!(Some(bytes), total(&lengths));
        }
    }
}
