//! Huge pages for what is read again and again.
//!
//! A view of small pages takes a page fault for every 64 KiB that is read, in every view anew: for a large object, more
//! than reading it takes. In huge pages it is one fault for 2 MiB. Making them costs a copy and some, so it is done behind
//! the readers' backs, for buffers that are mapped repeatedly; pages stay huge when they are used for other buffers.

use std::io;

use mobula_shm::huge_pages;

use crate::meta::Buffer;
use crate::view::Borrowed;
use crate::{BufferId, Store};

/// How many views a buffer must have had: so many pay for making its pages huge. With twice as many, and so on, the pieces are
/// tried again that could not be made huge: a page may have been in use just then.
const VIEWS: u32 = 4;

/// What is to be done about huge pages.
#[derive(Debug, Default)]
pub(crate) struct HugePages {
    /// Buffers whose pages are to be made huge.
    queue: Vec<BufferId>,
    /// Whether the helper has not been told of the last of them.
    news: bool,
    /// Whether the kernel has said that it cannot.
    impossible: bool,
}

impl HugePages {
    /// Whether something came into the queue since this was last asked.
    pub(crate) fn has_work(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// A buffer gets one more view.
    pub(crate) fn viewed(&mut self, id: BufferId, buffer: &mut Buffer) {
        buffer.viewed = buffer.viewed.saturating_add(1);
        let pages = buffer
            .content
            .extents()
            .iter()
            .map(|extent| extent.pages.len())
            .sum::<usize>();
        let pays = buffer.viewed >= VIEWS && buffer.viewed.is_power_of_two();
        if pays && pages >= huge_pages() as usize && !self.impossible {
            self.queue.push(id);
            self.news = true;
        }
    }
}

impl Store {
    /// Makes the pages of one buffer huge that has been mapped repeatedly. False if there is none. May take a second: for a
    /// thread that has nothing else to do. Buffers can be mapped, read, released and put meanwhile.
    pub fn make_huge(&self) -> bool {
        let Some(id) = self.update(|meta| meta.huge.queue.pop()) else {
            return false;
        };
        // It may be gone, and another in its place: that one has huge pages, then. One on disk stays there.
        if !self.is_resident(id) {
            return true;
        }
        let Ok(borrowed) = self.borrow(id) else {
            return true;
        };
        let made = self.collapse(&borrowed);
        // Mappings of small pages do not become mappings of huge ones.
        self.update(|meta| meta.spares.end(id));
        if made.is_err_and(|error| is_final(&error)) {
            self.update(|meta| meta.huge.impossible = true);
        }
        true
    }

    /// Makes the buffer's pages huge, as far as that can be done now; an error is one for all of them.
    fn collapse(&self, borrowed: &Borrowed<'_>) -> io::Result<()> {
        for extent in borrowed.extents() {
            let arena = &self.arenas[extent.lane];
            let pieces = extent.pages.start.div_ceil(huge_pages())..extent.pages.end / huge_pages();
            for piece in pieces.filter(|&piece| !arena.is_huge(piece)) {
                match arena.collapse(piece) {
                    Ok(()) => {}
                    // Not there, or not now; it is tried again.
                    Err(error) if is_passing(&error) => {}
                    // No huge page to be had, or not from this kernel: so it will be with the others.
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// Whether something that used the piece was in the way.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY))
}

/// Whether the kernel does not know how, or is not to.
fn is_final(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}
