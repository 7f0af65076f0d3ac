use std::io;

use mobula_fault::failpoint;
use mobula_shm::expect_reading;

use crate::meta::{Content, Place, View};
use crate::room::Reservation;
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
        Ok(self.update(|meta| {
            let extents = Self::keep(meta, &reservation);
            let buffer = meta.add(len, Content::Writing(extents), None);
            (buffer, meta.add_view(View::of_writer(buffer, env, ptr), len))
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
            .lock()
            .take_view(view, View::is_writer)
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
        let taken = self.lock().take_view(view, View::is_writer);
        if let Some(view) = taken {
            self.end_view(view, false);
        }
    }

    /// Ends a view that was taken out of the books, and gives back what it held. `spared`: if nobody has written to it, its
    /// mapping is kept for another view.
    pub(crate) fn end_view(&self, view: View, spared: bool) {
        failpoint!("store.unmap.before");
        let View { buffer, place, .. } = view;
        let is_writer = match place {
            Place::Arena(_) => true,
            Place::Own(mapped) => {
                // That its memory is not used any more is the contract of `Mapping`.
                drop(if spared {
                    self.spare(buffer, mapped)
                } else {
                    Some(mapped)
                });
                false
            }
        };
        failpoint!("store.unmap.after");
        self.update(|meta| {
            if is_writer {
                meta.abort(buffer);
            } else {
                meta.change(buffer, |buffer| buffer.pins -= 1);
            }
        });
    }
}
