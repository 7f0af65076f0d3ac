use crate::ports::{Buffer, BufferStore};

const INLINE: usize = 22;

/// An encoded value with what it refers to.
///
/// Small values, the common case, need no allocation. A payload holds one reference to each object and
/// buffer it names; they are given back by [`Payload::into_refs`], never by dropping.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    bytes: Bytes,
    links: Option<Box<Links>>,
}

/// What an encoded value refers to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Links {
    /// Objects whose refs sit in the value.
    pub(crate) refs: Vec<u32>,
    /// Buffers that belong to the value and live in the object store.
    pub(crate) buffers: Vec<Buffer>,
}

#[derive(Debug)]
enum Bytes {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Inline {
            len: 0,
            bytes: [0; INLINE],
        }
    }
}

impl Payload {
    /// A payload of `bytes` that refers to nothing.
    #[inline]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let bytes = if bytes.len() <= INLINE {
            let mut inline = [0; INLINE];
            inline[..bytes.len()].copy_from_slice(bytes);
            Bytes::Inline {
                len: bytes.len() as u8,
                bytes: inline,
            }
        } else {
            Bytes::Heap(bytes.into())
        };
        Self { bytes, links: None }
    }

    /// A payload that takes over one reference to each thing in `links`.
    pub(crate) fn with_links(bytes: &[u8], links: Links) -> Self {
        let mut payload = Self::new(bytes);
        if !links.refs.is_empty() || !links.buffers.is_empty() {
            payload.links = Some(Box::new(links));
        }
        payload
    }

    /// The encoded value.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Heap(bytes) => bytes,
        }
    }

    /// Bytes that it takes on the heap, buffers of the store aside.
    pub(crate) fn heap(&self) -> i64 {
        match &self.bytes {
            Bytes::Inline { .. } => 0,
            Bytes::Heap(bytes) => bytes.len().cast_signed() as i64,
        }
    }

    /// What the value refers to, if anything.
    #[inline]
    pub(crate) fn links(&self) -> Option<&Links> {
        self.links.as_deref()
    }

    /// Frees the payload; buffers are given back here, objects by the caller.
    #[must_use = "the references to objects are the caller's to give back"]
    pub(crate) fn into_refs(self, store: &dyn BufferStore) -> Vec<u32> {
        let Some(links) = self.links else {
            return Vec::new();
        };
        for buffer in &links.buffers {
            store.release(*buffer);
        }
        links.refs
    }
}
