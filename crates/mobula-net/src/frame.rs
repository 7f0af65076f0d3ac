//! What travels on a stream: frames of `u32` length, `u8` kind and fields, little-endian. Bytes of an object follow their frame
//! and are not part of it.

use crate::limits::{ANSWER, BUFFERS, REQUEST, TEXT};
use crate::ranges::Range;
use crate::{Name, Refusal};

/// Length and kind.
pub(crate) const HEAD: usize = 5;

/// A frame that is not one of this protocol.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What the side that dialled asks for. `pull`: its number for an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// Hold this object, and say how long its buffers are.
    Open { pull: u64, name: Name },
    /// Send these bytes.
    Bytes { pull: u64, range: Range },
    /// Say what checksum these bytes have.
    Sum { pull: u64, range: Range },
    /// The object is held no more.
    Done { pull: u64 },
}

/// What the side that accepted answers, in the order of the requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Lengths of the buffers.
    Opened { pull: u64, lengths: Vec<u64> },
    /// The bytes follow, and their crc32.
    Bytes { pull: u64, range: Range },
    /// A crc32.
    Sum { pull: u64, range: Range, sum: u32 },
    /// Instead of any of these. The object is held no more.
    Refused { pull: u64, why: Refusal, text: String },
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Open { pull, ref name } => frame(1, |out| {
                out.extend(pull.to_le_bytes());
                out.extend(name.as_bytes());
            }),
            Self::Bytes { pull, range } => frame(2, |out| put_range(out, pull, range)),
            Self::Sum { pull, range } => frame(3, |out| put_range(out, pull, range)),
            Self::Done { pull } => frame(4, |out| out.extend(pull.to_le_bytes())),
        }
    }

    pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(body);
        let pull = fields.u64()?;
        let request = match kind {
            1 => Self::Open {
                pull,
                name: Name::new(fields.rest()).ok_or(Malformed("a name has at most 32 bytes"))?,
            },
            2 => Self::Bytes {
                pull,
                range: fields.range()?,
            },
            3 => Self::Sum {
                pull,
                range: fields.range()?,
            },
            4 => Self::Done { pull },
            _ => return Err(Malformed("no request has this number")),
        };
        fields.end()?;
        Ok(request)
    }
}

impl Answer {
    /// Which request it answers.
    pub(crate) fn pull(&self) -> u64 {
        match *self {
            Self::Opened { pull, .. }
            | Self::Bytes { pull, .. }
            | Self::Sum { pull, .. }
            | Self::Refused { pull, .. } => pull,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Opened { pull, ref lengths } => frame(17, |out| {
                out.extend(pull.to_le_bytes());
                for len in lengths {
                    out.extend(len.to_le_bytes());
                }
            }),
            Self::Bytes { pull, range } => frame(18, |out| put_range(out, pull, range)),
            Self::Sum { pull, range, sum } => frame(19, |out| {
                put_range(out, pull, range);
                out.extend(sum.to_le_bytes());
            }),
            Self::Refused { pull, why, ref text } => frame(20, |out| {
                out.extend(pull.to_le_bytes());
                out.push(why as u8);
                out.extend(short(text).as_bytes());
            }),
        }
    }

    pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(body);
        let pull = fields.u64()?;
        let answer = match kind {
            17 => {
                let (lengths, odd) = fields.rest().as_chunks::<8>();
                if !odd.is_empty() || lengths.len() > BUFFERS {
                    return Err(Malformed("a list of lengths that is none"));
                }
                let lengths = lengths.iter().map(|&len| u64::from_le_bytes(len)).collect();
                Self::Opened { pull, lengths }
            }
            18 => Self::Bytes {
                pull,
                range: fields.range()?,
            },
            19 => Self::Sum {
                pull,
                range: fields.range()?,
                sum: fields.u32()?,
            },
            20 => Self::Refused {
                pull,
                why: Refusal::of(fields.u8()?).ok_or(Malformed("no refusal has this number"))?,
                text: String::from_utf8_lossy(fields.rest()).into_owned(),
            },
            _ => return Err(Malformed("no answer has this number")),
        };
        fields.end()?;
        Ok(answer)
    }
}

/// Length of the body and kind, where the body is no longer than `most`.
pub(crate) fn head(bytes: [u8; HEAD], most: usize) -> Result<(usize, u8), Malformed> {
    let [a, b, c, d, kind] = bytes;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > most {
        return Err(Malformed("a frame is too long"));
    }
    Ok((length, kind))
}

/// The longest bodies of both.
pub(crate) const MOST: (usize, usize) = (REQUEST, ANSWER);

pub(crate) fn frame(kind: u8, fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0, kind];
    fill(&mut out);
    let length = (out.len() - HEAD) as u32;
    out[..4].copy_from_slice(&length.to_le_bytes());
    out
}

/// As much of a text as a refusal may have.
fn short(text: &str) -> &str {
    let end = (0..=TEXT.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

fn put_range(out: &mut Vec<u8>, pull: u64, range: Range) {
    out.extend(pull.to_le_bytes());
    out.extend(range.buffer.to_le_bytes());
    out.extend(range.offset.to_le_bytes());
    out.extend(range.length.to_le_bytes());
}

/// Fields that are read one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Malformed("a frame is too short"))?;
        self.0 = rest;
        Ok(*field)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn range(&mut self) -> Result<Range, Malformed> {
        Ok(Range {
            buffer: self.u32()?,
            offset: self.u64()?,
            length: self.u32()?,
        })
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Malformed("a frame is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range() -> impl Strategy<Value = Range> {
        any::<(u32, u64, u32)>().prop_map(|(buffer, offset, length)| Range {
            buffer,
            offset,
            length,
        })
    }

    fn request() -> impl Strategy<Value = Request> {
        let name = proptest::collection::vec(any::<u8>(), 0..=32);
        prop_oneof![
            (any::<u64>(), name).prop_map(|(pull, name)| Request::Open {
                pull,
                name: Name::new(&name).unwrap()
            }),
            (any::<u64>(), range()).prop_map(|(pull, range)| Request::Bytes { pull, range }),
            (any::<u64>(), range()).prop_map(|(pull, range)| Request::Sum { pull, range }),
            any::<u64>().prop_map(|pull| Request::Done { pull }),
        ]
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let lengths = proptest::collection::vec(any::<u64>(), 0..9);
        prop_oneof![
            (any::<u64>(), lengths).prop_map(|(pull, lengths)| Answer::Opened { pull, lengths }),
            (any::<u64>(), range()).prop_map(|(pull, range)| Answer::Bytes { pull, range }),
            (any::<u64>(), range(), any::<u32>()).prop_map(|(pull, range, sum)| Answer::Sum {
                pull,
                range,
                sum
            }),
            (any::<u64>(), 1..=4_u8, "\\PC{0,40}").prop_map(|(pull, why, text)| Answer::Refused {
                pull,
                why: Refusal::of(why).unwrap(),
                text
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(request in request(), answer in answer()) {
            for (bytes, most) in [(request.encode(), MOST.0), (answer.encode(), MOST.1)] {
                let (length, _) = head(*bytes.first_chunk().unwrap(), most).unwrap();
                prop_assert_eq!(length, bytes.len() - HEAD);
            }
            let (asked, told) = (request.encode(), answer.encode());
            prop_assert_eq!(Request::decode(asked[4], &asked[HEAD..]), Ok(request));
            prop_assert_eq!(Answer::decode(told[4], &told[HEAD..]), Ok(answer));
        }

        #[test]
        fn any_bytes_are_a_frame_or_refused(kind in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..99)) {
            if let Ok(request) = Request::decode(kind, &body) {
                prop_assert_eq!(&request.encode()[HEAD..], &body[..]);
            }
            let _ = Answer::decode(kind, &body);
        }
    }

    #[test]
    fn long_frames_are_refused_before_they_are_read() {
        assert!(head([0xff, 0xff, 0xff, 0xff, 1], MOST.1).is_err());
        assert!(head([129, 0, 0, 0, 1], MOST.0).is_err());
        let refused = Answer::Refused {
            pull: 1,
            why: Refusal::Lost,
            text: "é".repeat(300),
        };
        assert!(refused.encode().len() <= HEAD + 9 + TEXT);
    }
}
