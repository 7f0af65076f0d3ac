use std::io;
use std::thread;

use mobula_fault::failpoint;
use mobula_sync::atomic::{AtomicUsize, Ordering};

use crate::Store;
use crate::pages::Piece;
use crate::room::Reservation;
use crate::space::{HEAVY, Segment};

/// How many pages a thread takes on at once while two share the work: little enough that none waits long for
/// the other at the end, much enough for the kernel to work in one go.
const CHUNK: u32 = 256;

/// Pages and the bytes to be copied there, at most as many.
struct Chunk<'a> {
    segment: Segment,
    bytes: &'a [u8],
}

/// Half of the work of two threads; each chunk is taken once.
struct Half<'a> {
    chunks: &'a [Chunk<'a>],
    next: AtomicUsize,
}

impl<'a> Half<'a> {
    fn take(&self) -> Option<&'a Chunk<'a>> {
        // Only the count matters: what the chunks say was written before the threads began.
        self.chunks.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Store {
    /// Copies `bytes` into the pages. On failure the reservation is still to be given up.
    ///
    /// Two threads share the work when many pages need the kernel, for memory or for their first fault: they
    /// begin at the two halves, which [`Space`](crate::space::Space) has put in different arenas if it could,
    /// and the first to be done helps the other.
    pub(crate) fn fill(&self, reservation: &Reservation, bytes: &[u8]) -> io::Result<()> {
        let segments = &reservation.segments;
        let slow = segments.iter().filter(|Segment { lane, piece }| {
            !piece.warm || !self.arenas[*lane].is_populated(piece.pages.clone())
        });
        let slow: u32 = slow.map(|segment| segment.piece.pages.len() as u32).sum();
        if self.threads < 2 || slow < HEAVY {
            return self
                .chunks(segments, u32::MAX, bytes)
                .iter()
                .try_for_each(|chunk| self.fill_chunk(chunk));
        }
        let chunks = self.chunks(segments, CHUNK, bytes);
        let (first, second) = chunks.split_at(chunks.len() / 2);
        let [first, second] = [first, second].map(|chunks| Half {
            chunks,
            next: AtomicUsize::new(0),
        });
        let work = |halves: [&Half<'_>; 2]| {
            halves.iter().try_for_each(|half| {
                std::iter::from_fn(|| half.take()).try_for_each(|chunk| self.fill_chunk(chunk))
            })
        };
        thread::scope(|scope| {
            let helper = thread::Builder::new().name("mobula-fill".to_owned());
            // Where no thread can be had, this one does it all.
            let helper = helper.spawn_scoped(scope, || work([&second, &first]));
            let mine = work([&first, &second]);
            let theirs = helper.map_or(Ok(()), |helper| {
                helper
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            mine.and(theirs)
        })
    }

    fn fill_chunk(
        &self,
        Chunk {
            segment: Segment { lane, piece },
            bytes,
        }: &Chunk<'_>,
    ) -> io::Result<()> {
        failpoint!(io "store.copy");
        let (arena, pages) = (&self.arenas[*lane], piece.pages.clone());
        if !piece.warm && bytes.is_empty() {
            // The one page of an empty buffer.
            return arena.allocate(pages);
        }
        if !piece.warm {
            // SAFETY: the pages are the reservation's, and each is in one chunk.
            return unsafe { arena.write_fresh(pages, bytes) };
        }
        // SAFETY: as above, and the pages have memory.
        let into = unsafe { arena.bytes_mut(pages) };
        into[..bytes.len()].copy_from_slice(bytes);
        into[bytes.len()..].fill(0);
        Ok(())
    }

    /// Divides segments into chunks of at most `most` pages.
    fn chunks<'a>(&self, segments: &[Segment], most: u32, bytes: &'a [u8]) -> Vec<Chunk<'a>> {
        let mut chunks = Vec::new();
        let mut rest = bytes;
        for Segment {
            lane,
            piece: Piece { pages, warm },
        } in segments
        {
            let mut start = pages.start;
            while start < pages.end {
                let end = pages.end.min(start.saturating_add(most));
                let len = (end - start) as usize * self.page as usize;
                let (bytes, after) = rest.split_at(rest.len().min(len));
                rest = after;
                let piece = Piece {
                    pages: start..end,
                    warm: *warm,
                };
                chunks.push(Chunk {
                    segment: Segment { lane: *lane, piece },
                    bytes,
                });
                start = end;
            }
        }
        chunks
    }
}
