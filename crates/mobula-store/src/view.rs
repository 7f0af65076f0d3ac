use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_shm::{Mapped, map};

use crate::meta::{Content, View};
use crate::room::RoomError;
use crate::space::Extent;
use crate::spill::{ReadError, Spilled};
use crate::store::address_len;
use crate::{BufferId, EnvId, MapError, Mapping, Origin, Store, ViewId};

/// A sealed buffer in memory that stays there until this is dropped.
#[derive(Debug)]
pub(crate) struct Borrowed<'a> {
    store: &'a Store,
    id: BufferId,
    len: u64,
    extents: Vec<Extent>,
}

impl Borrowed<'_> {
    pub(crate) fn extents(&self) -> &[Extent] {
        &self.extents
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.store.update(|meta| meta.end_borrow(self.id));
    }
}

impl Store {
    /// Maps the buffer, readable and writable; what is written through the view is seen through it alone. The
    /// view keeps the buffer in memory, whoever gives references back.
    ///
    /// Takes a few microseconds whatever the size, unless the buffer is on disk: then it blocks until it is back.
    ///
    /// # Errors
    /// See [`MapError`].
    pub fn map(&self, id: BufferId, env: EnvId) -> Result<Mapping, MapError> {
        if let Some(mapping) = self.map_spare(id, env) {
            return Ok(mapping);
        }
        let borrowed = self.borrow(id)?;
        failpoint!("store.map.borrowed");
        let mapped = self.map_anew(&borrowed)?;
        failpoint!("store.map.mapped");
        let view = View::of_reader(id, env, mapped);
        let (mut mapping, again) = self.update(|meta| {
            let mapping = meta.add_view(view, borrowed.len);
            let again = meta.buffers.get(id).is_some_and(|buffer| buffer.viewed > 1);
            (mapping, again)
        });
        if again && self.pagemap.tells() {
            mapping.origin = Origin::Missed;
        }
        Ok(mapping)
    }

    fn map_anew(&self, borrowed: &Borrowed<'_>) -> Result<Mapped, MapError> {
        let parts = self.parts(&borrowed.extents);
        let mapped = map(&parts, &self.mappings).or_else(|_| {
            // There may be too many mappings: those are the first to go that nobody uses.
            self.update(|meta| meta.spares.end_all());
            map(&parts, &self.mappings)
        });
        mapped.map_err(|source| {
            let buffer = borrowed.id;
            if self.mappings.are_used_up(parts.len() as u32) {
                let most = self.mappings.most();
                MapError::Mappings { buffer, most }
            } else {
                MapError::Os { buffer, source }
            }
        })
    }

    /// Copies `out.len()` bytes from `offset` on, of a sealed buffer. Blocks when the buffer is on disk, until it
    /// is back.
    ///
    /// # Errors
    /// See [`MapError`]; `out` is unchanged then.
    pub fn read(&self, id: BufferId, offset: u64, out: &mut [u8]) -> Result<(), MapError> {
        let borrowed = self.borrow(id)?;
        let length = out.len() as u64;
        if offset.checked_add(length).is_none_or(|end| end > borrowed.len) {
            return Err(MapError::OutOfRange {
                offset,
                length,
                buffer_length: borrowed.len,
            });
        }
        let (mut skip, mut out) = (usize::try_from(offset).unwrap_or(usize::MAX), out);
        // SAFETY: the buffer is sealed, so nobody writes it, and the borrow keeps its pages.
        for part in unsafe { self.content(&borrowed.extents, borrowed.len) } {
            let part = &part[skip.min(part.len())..];
            skip = skip.saturating_sub(part.len());
            let (now, later) = out.split_at_mut(out.len().min(part.len()));
            now.copy_from_slice(&part[..now.len()]);
            out = later;
        }
        Ok(())
    }

    /// Ends a view. Does nothing when it has ended before. The view of an unsealed buffer ends as in
    /// [`abort`](Self::abort).
    pub fn unmap(&self, view: ViewId) {
        let (view, spared) = {
            let mut meta = self.lock();
            let Some(view) = meta.take_view(view, |_| true) else {
                return;
            };
            let spared = meta.may_be_spared(&view);
            (view, spared)
        };
        self.end_view(view, spared);
    }

    /// Ends all views of `env`, gives up its unsealed buffers, and does what [`release_loose`](Self::release_loose) does.
    ///
    /// To be called when no call for `env` is under way any more; calling it again is harmless.
    pub fn release_env(&self, env: EnvId) {
        failpoint!("store.release_env.before");
        let ended: Vec<View> = {
            let mut meta = self.lock();
            meta.views
                .extract_if(|_, view| view.env == env)
                .map(|(_, view)| view)
                .collect()
        };
        failpoint!("store.release_env.taken");
        for view in ended {
            // Somebody may still have what JavaScript has passed on of it: it is not given to others.
            self.end_view(view, false);
        }
        self.release_loose(env);
    }

    /// Gives back the references of `env` that nobody has [adopted](Self::adopt). Other references stay: they belong to
    /// whoever counts them.
    ///
    /// To be called when no call for `env` is under way any more; calling it again is harmless.
    pub fn release_loose(&self, env: EnvId) {
        let loose: Vec<BufferId> = {
            let meta = self.lock();
            let loose = meta
                .buffers
                .iter()
                .filter(|(_, buffer)| buffer.loose == Some(env));
            loose.map(|(id, _)| id).collect()
        };
        for id in loose {
            self.adopt(id);
            self.release(id);
        }
    }

    /// Makes sure that a sealed buffer is in memory, and keeps it there.
    pub(crate) fn borrow(&self, id: BufferId) -> Result<Borrowed<'_>, MapError> {
        let mut meta = self.lock();
        loop {
            let buffer = meta.held(id)?;
            match &buffer.content {
                Content::Writing(_) => return Err(MapError::NotSealed(id)),
                Content::Aborted => return Err(MapError::Aborted(id)),
                Content::Resident(extents) => {
                    let borrowed = Borrowed {
                        store: self,
                        id,
                        len: buffer.len,
                        extents: extents.clone(),
                    };
                    meta.borrow(id);
                    return Ok(borrowed);
                }
                Content::Restoring => meta = self.wait(meta),
                Content::OnDisk => {
                    let (len, file) = (buffer.len, buffer.file.clone());
                    meta.change(id, |buffer| buffer.content = Content::Restoring);
                    drop(meta);
                    return self.bring_back(id, len, file.as_ref());
                }
            }
        }
    }

    /// Reads a buffer back whose content this thread has made `Restoring`.
    fn bring_back(
        &self,
        id: BufferId,
        len: u64,
        file: Option<&Arc<Spilled>>,
    ) -> Result<Borrowed<'_>, MapError> {
        failpoint!("store.restore.before");
        match self.read_back(id, len, file) {
            Ok(extents) => Ok(Borrowed {
                store: self,
                id,
                len,
                extents,
            }),
            Err(error) => {
                self.update(|meta| meta.change(id, |buffer| buffer.content = Content::OnDisk));
                Err(error)
            }
        }
    }

    /// Returns with the buffer resident and borrowed, or unchanged.
    fn read_back(
        &self,
        id: BufferId,
        len: u64,
        file: Option<&Arc<Spilled>>,
    ) -> Result<Vec<Extent>, MapError> {
        let file = file.ok_or(MapError::Unknown(id))?;
        let reservation = self
            .reserve(self.pages_for(len), false)
            .map_err(|error| match error {
                RoomError::Full(error) => MapError::Full(error),
                RoomError::Spill(source) => MapError::Spill { needed: len, source },
            })?;
        failpoint!("store.restore.reserved");
        let read = self
            .allocate(&reservation)
            .map_err(|source| MapError::Os { buffer: id, source });
        let read = read.and_then(|()| {
            // SAFETY: all pages have memory now, and this is the only slice of them.
            let mut parts = unsafe { self.content_mut(&reservation) };
            let mut rest = address_len(len);
            for part in &mut parts {
                let length = rest.min(part.len());
                let (content, tail) = std::mem::take(part).split_at_mut(length);
                tail.fill(0);
                rest -= content.len();
                *part = content;
            }
            file.read(&mut parts).map_err(|error| match error {
                ReadError::Lost(problem) => MapError::Lost { buffer: id, problem },
                ReadError::Io(source) => MapError::Restore { buffer: id, source },
            })
        });
        failpoint!("store.restore.read");
        if let Err(error) = read {
            self.give_up(&reservation);
            return Err(error);
        }
        Ok(self.update(|meta| {
            let extents = Self::keep(meta, &reservation);
            meta.on_disk -= len;
            meta.restores += 1;
            meta.busy += 1;
            meta.change(id, |buffer| {
                buffer.content = Content::Resident(extents.clone());
                buffer.borrows += 1;
            });
            extents
        }))
    }
}
