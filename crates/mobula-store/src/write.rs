use std::io;

use mobula_fault::failpoint;
use mobula_shm::{expect_reading, unmap};

use crate::meta::{Content, View};
use crate::room::Reservation;
use crate::store::address_len;
use crate::{BufferId, CreateError, EnvId, Mapping, SealError, Store, ViewId};

impl Store {
    /// Stores a copy of `bytes` as a sealed buffer, with one reference, which belongs to `env` until it is
    /// [adopted](Self::adopt).
    ///
    /// Blocks while buffers are written to disk to make room.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is stored then.
    pub fn put(&self, bytes: &[u8], env: EnvId) -> Result<BufferId, CreateError> {
        failpoint!("store.put.before");
        let len = bytes.len() as u64;
        let reservation = self
            .reserve(self.pages_for(len), true)
            .map_err(|error| error.into_create(len))?;
        failpoint!("store.put.reserved");
        expect_reading(bytes);
        if let Err(source) = self.fill(&reservation, bytes) {
            self.give_up(&reservation);
            return Err(CreateError::Os { needed: len, source });
        }
        failpoint!("store.put.filled");
        Ok(self.update(|meta| {
            let extents = Self::keep(meta, &reservation);
            meta.add(len, Content::Resident(extents), Some(env))
        }))
    }

    /// Takes memory for `bytes` ahead of need and keeps it for reuse, so that storing that much later costs a
    /// copy and nothing else. Blocks as long as the kernel takes, some 0.6 ms for each MiB: meant for a helper thread.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing has changed then.
    pub fn warm_up(&self, bytes: u64) -> Result<(), CreateError> {
        let os = |source| CreateError::Os {
            needed: bytes,
            source,
        };
        let reservation = self
            .reserve(self.pages_for(bytes), false)
            .map_err(|error| error.into_create(bytes))?;
        if let Err(error) = self.allocate(&reservation) {
            self.give_up(&reservation);
            return Err(os(error));
        }
        // SAFETY: all pages have memory now, and this is the only slice of them. It is not used: making it takes
        // the page faults.
        drop(unsafe { self.content_mut(&reservation) });
        self.update(|meta| {
            for extent in Self::keep(meta, &reservation) {
                meta.space.give(&extent);
            }
        });
        Ok(())
    }

    /// Makes a buffer of `len` zero bytes to be written in place, and a view for writing it. All of its memory
    /// is allocated, so that writing cannot fail. The view lies in the arena's own mapping: it costs no page faults
    /// where the pages are warm, and ending it costs nothing, where a mapping of its own would cost milliseconds.
    ///
    /// The buffer has one reference, which belongs to the view until [`seal`](Self::seal) hands it over; it goes
    /// with the view in [`abort`](Self::abort), [`unmap`](Self::unmap) and [`release_env`](Self::release_env).
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is made then.
    pub fn create(&self, len: u64, env: EnvId) -> Result<(BufferId, Mapping), CreateError> {
        let reservation = self
            .reserve(self.pages_for(len), false)
            .map_err(|error| error.into_create(len))?;
        failpoint!("store.create.reserved");
        if let Err(source) = self.allocate_all(&reservation) {
            self.give_up(&reservation);
            return Err(CreateError::Os { needed: len, source });
        }
        self.clear_warm(&reservation);
        // SAFETY: all pages have memory now, and this is the only slice of them, for the writer. Not split, they lie in
        // one arena.
        let content = unsafe { self.content_mut(&reservation) }.remove(0);
        let ptr = content.as_mut_ptr();
        failpoint!("store.create.mapped");
        let len_here = address_len(len);
        Ok(self.update(|meta| {
            let extents = Self::keep(meta, &reservation);
            let buffer = meta.add(len, Content::Writing(extents), None);
            let view = meta.add_view(View {
                buffer,
                env,
                ptr,
                len: len_here.max(1),
                writer: true,
            });
            (
                buffer,
                Mapping {
                    view,
                    ptr,
                    len: len_here,
                },
            )
        }))
    }

    fn allocate_all(&self, reservation: &Reservation) -> io::Result<()> {
        self.allocate(reservation)?;
        failpoint!(io "store.create.allocated");
        Ok(())
    }

    /// Ends the writing of a buffer: its content is what was written, for good. Nobody may write through the view any
    /// more. The reference of the view belongs to its `env` until it is [adopted](Self::adopt).
    ///
    /// # Errors
    /// See [`SealError`]; nothing has changed then.
    pub fn seal(&self, view: ViewId) -> Result<BufferId, SealError> {
        failpoint!("store.seal.before");
        let mapped = self
            .take_view(view, |view| view.writer)
            .ok_or(SealError::NotWriting(view))?;
        failpoint!("store.seal.taken");
        self.update(|meta| {
            meta.change(mapped.buffer, |buffer| {
                if let Content::Writing(extents) = &mut buffer.content {
                    buffer.content = Content::Resident(std::mem::take(extents));
                }
                buffer.pins -= 1;
                buffer.loose = Some(mapped.env);
            });
        });
        failpoint!("store.seal.after");
        Ok(mapped.buffer)
    }

    /// Gives up an unsealed buffer: its view ends and its reference is given back. Does nothing when `view`
    /// is not the view of an unsealed buffer any more.
    pub fn abort(&self, view: ViewId) {
        if let Some(mapped) = self.take_view(view, |view| view.writer) {
            self.end_view(&mapped);
        }
    }

    /// Takes a view out of the books, if it is there and `suits`. Its pin stays.
    pub(crate) fn take_view(&self, id: ViewId, suits: impl FnOnce(&View) -> bool) -> Option<View> {
        let mut meta = self.lock();
        meta.views
            .get(&id)
            .is_some_and(suits)
            .then(|| meta.views.remove(&id))?
    }

    /// Ends a view that was taken out of the books, and gives back what it held.
    pub(crate) fn end_view(&self, view: &View) {
        failpoint!("store.unmap.before");
        if !view.writer {
            // SAFETY: the view was taken out of the books, so this happens once; that its memory is not used any more
            // is the contract of `Mapping`.
            unsafe { unmap(view.ptr, view.len) };
        }
        failpoint!("store.unmap.after");
        self.update(|meta| {
            if view.writer {
                meta.abort(view.buffer);
            } else {
                meta.change(view.buffer, |buffer| buffer.pins -= 1);
            }
        });
    }
}
