use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mobula_shm::Mapped;

use crate::error::{Bound, FullError, Holder};
use crate::huge::HugePages;
use crate::orphans::Orphans;
use crate::pin::Sums;
use crate::relief::Relief;
use crate::space::{Extent, Space};
use crate::spares::Spares;
use crate::spill::Spilled;
use crate::store::address_len;
use crate::{BufferId, EnvId, MapError, Mapping, Origin, ViewId};

/// What the store's lock guards.
///
/// Every change to a buffer ends with [`settle`](Self::settle), which keeps these:
/// 1. A buffer is in `evictable` exactly if it is `Resident`, has references, and neither pins nor borrows.
/// 2. A buffer's pages are given back only when it has no references, no pins and no borrows, or when it was
///    evictable and its content on disk is complete, or when it was never sealed and its writer's view is gone.
/// 3. Content is read and written without the lock only by whoever has a borrow (see [`Buffer::borrows`]) or a
///    view, or before the buffer is in `buffers`.
/// 4. `busy` operations hold pages and end without waiting for anyone. So whoever finds no room may wait as
///    long as there are any, and otherwise must fail.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) space: Space,
    pub(crate) buffers: Buffers,
    pub(crate) views: HashMap<ViewId, View>,
    next_view: u64,
    /// Least recently used first.
    evictable: BTreeMap<u64, BufferId>,
    evictable_pages: u32,
    next_stamp: u64,
    pub(crate) busy: u32,
    /// Threads that wait for a change.
    pub(crate) waiting: u32,
    /// Content of buffers that is only on disk, in bytes.
    pub(crate) on_disk: u64,
    pub(crate) spills: u64,
    pub(crate) restores: u64,
    /// Content on disk to be given up once the lock is released.
    pub(crate) trash: Vec<Arc<Spilled>>,
    pub(crate) huge: HugePages,
    pub(crate) orphans: Orphans,
    pub(crate) relief: Relief,
    pub(crate) spares: Spares,
}

#[derive(Debug)]
pub(crate) struct Buffer {
    /// In bytes.
    pub(crate) len: u64,
    pub(crate) refs: u32,
    /// Views.
    pub(crate) pins: u32,
    /// Operations within the store that are reading the content: all short, all counted in `busy`.
    pub(crate) borrows: u32,
    pub(crate) content: Content,
    /// The content on disk. It stays when the buffer is brought back, so that evicting it again is free.
    pub(crate) file: Option<Arc<Spilled>>,
    /// Whose the reference still is that `put` or `seal` gave: nobody else counts it yet.
    pub(crate) loose: Option<EnvId>,
    /// Views there have been.
    pub(crate) viewed: u32,
    /// Its checksums, once somebody has pinned it to read it.
    pub(crate) sums: Option<Arc<Sums>>,
    /// Pages it has among the orphans.
    pub(crate) orphaned: u32,
    /// Its key in `evictable`, if it is there.
    stamp: Option<u64>,
}

/// Where a buffer's content is. `put` skips `Writing`: its buffers come into being sealed.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// With the writer, who has the one view; nobody may read it.
    Writing(Vec<Extent>),
    /// In memory, never to change again.
    Resident(Vec<Extent>),
    /// In `file` only.
    OnDisk,
    /// In `file`; one thread is bringing it back.
    Restoring,
    /// Nowhere: the writer gave it up.
    Aborted,
}

#[derive(Debug)]
pub(crate) struct View {
    pub(crate) buffer: BufferId,
    pub(crate) env: EnvId,
    pub(crate) place: Place,
}

/// Where a view lies.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the arena's own mapping: the one view of an unsealed buffer, which begins there.
    Arena(*mut u8),
    /// In a mapping of its own.
    Own(Mapped),
}

// SAFETY: a mapping belongs to the process, not to a thread; this only says where it is.
unsafe impl Send for Place {}

impl View {
    pub(crate) fn of_reader(buffer: BufferId, env: EnvId, mapped: Mapped) -> Self {
        Self {
            buffer,
            env,
            place: Place::Own(mapped),
        }
    }

    pub(crate) fn of_writer(buffer: BufferId, env: EnvId, first: *mut u8) -> Self {
        Self {
            buffer,
            env,
            place: Place::Arena(first),
        }
    }

    pub(crate) fn is_writer(&self) -> bool {
        matches!(self.place, Place::Arena(_))
    }
}

/// Live buffers by id. Ids are reused.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    slots: Vec<Option<Buffer>>,
    vacant: Vec<u32>,
}

impl Buffers {
    pub(crate) fn get(&self, id: BufferId) -> Option<&Buffer> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: BufferId) -> Option<&mut Buffer> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn count(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (BufferId, &Buffer)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((BufferId(index as u32), slot.as_ref()?)))
    }

    fn insert(&mut self, buffer: Buffer) -> BufferId {
        if let Some(index) = self.vacant.pop() {
            self.slots[index as usize] = Some(buffer);
            return BufferId(index);
        }
        let id =
            BufferId(u32::try_from(self.slots.len()).expect("each buffer takes a page, and pages are u32"));
        self.slots.push(Some(buffer));
        id
    }

    fn remove(&mut self, id: BufferId) -> Option<Buffer> {
        let buffer = self.slots.get_mut(id.0 as usize)?.take();
        self.vacant.extend(buffer.as_ref().map(|_| id.0));
        buffer
    }
}

impl Buffer {
    fn is_in_use(&self) -> bool {
        self.pins > 0 || self.borrows > 0
    }
}

impl Content {
    pub(crate) fn extents(&self) -> &[Extent] {
        match self {
            Self::Writing(extents) | Self::Resident(extents) => extents,
            Self::OnDisk | Self::Restoring | Self::Aborted => &[],
        }
    }
}

impl Meta {
    pub(crate) fn new(space: Space) -> Self {
        Self {
            space,
            buffers: Buffers::default(),
            views: HashMap::new(),
            next_view: 1,
            evictable: BTreeMap::new(),
            evictable_pages: 0,
            next_stamp: 0,
            busy: 0,
            waiting: 0,
            on_disk: 0,
            spills: 0,
            restores: 0,
            huge: HugePages::default(),
            orphans: Orphans::default(),
            relief: Relief::default(),
            spares: Spares::default(),
            trash: Vec::new(),
        }
    }

    /// Adds a buffer with one reference, which is that of `loose` until it is adopted.
    pub(crate) fn add(&mut self, len: u64, content: Content, loose: Option<EnvId>) -> BufferId {
        let buffer = Buffer {
            len,
            refs: 1,
            pins: 0,
            borrows: 0,
            content,
            file: None,
            loose,
            viewed: 0,
            sums: None,
            orphaned: 0,
            stamp: None,
        };
        let id = self.buffers.insert(buffer);
        self.settle(id);
        id
    }

    /// Registers a view of a buffer of `len` bytes, which it pins.
    pub(crate) fn add_view(&mut self, view: View, len: u64) -> Mapping {
        let id = ViewId(self.next_view);
        self.next_view += 1;
        if !view.is_writer()
            && let Some(buffer) = self.buffers.get_mut(view.buffer)
        {
            self.huge.viewed(view.buffer, buffer);
        }
        self.change(view.buffer, |buffer| buffer.pins += 1);
        let ptr = match &view.place {
            Place::Arena(first) => *first,
            Place::Own(mapped) => mapped.ptr(),
        };
        self.views.insert(id, view);
        Mapping {
            view: id,
            ptr,
            len: address_len(len),
            origin: Origin::New,
        }
    }

    /// Takes a view out of the books, if it is there and `suits`. Its pin stays.
    pub(crate) fn take_view(&mut self, id: ViewId, suits: impl FnOnce(&View) -> bool) -> Option<View> {
        self.views
            .get(&id)
            .is_some_and(suits)
            .then(|| self.views.remove(&id))?
    }

    /// Whether the mapping of a view, once that ends, may be of use to another: what was viewed twice is viewed again.
    pub(crate) fn may_be_spared(&self, view: &View) -> bool {
        let buffer = self.buffers.get(view.buffer);
        buffer.is_some_and(|buffer| buffer.viewed > 1 && buffer.refs > 0)
    }

    /// Changes a live buffer, and settles it.
    pub(crate) fn change<R>(&mut self, id: BufferId, change: impl FnOnce(&mut Buffer) -> R) -> Option<R> {
        let result = change(self.buffers.get_mut(id)?);
        self.settle(id);
        Some(result)
    }

    /// Begins to read the content of a resident buffer without the lock.
    pub(crate) fn borrow(&mut self, id: BufferId) {
        self.busy += 1;
        self.change(id, |buffer| buffer.borrows += 1);
    }

    /// Ends what [`borrow`](Self::borrow) began.
    pub(crate) fn end_borrow(&mut self, id: BufferId) {
        self.busy -= 1;
        self.change(id, |buffer| buffer.borrows -= 1);
    }

    /// The least recently used buffer that can go, borrowed.
    pub(crate) fn borrow_victim(&mut self) -> Option<BufferId> {
        let id = *self.evictable.first_key_value()?.1;
        self.borrow(id);
        Some(id)
    }

    /// Ends the borrow of a victim whose content is on disk. It stays if someone came to use it meanwhile.
    pub(crate) fn end_eviction(&mut self, id: BufferId) {
        self.busy -= 1;
        if let Some(buffer) = self.buffers.get_mut(id) {
            buffer.borrows -= 1;
            if !buffer.is_in_use() && buffer.refs > 0 {
                for extent in buffer.content.extents() {
                    self.space.give(extent);
                }
                buffer.content = Content::OnDisk;
                self.on_disk += buffer.len;
                self.spills += 1;
            }
        }
        self.settle(id);
    }

    /// A writer gives up: the pages, and the reference that came with the view, are given back.
    pub(crate) fn abort(&mut self, id: BufferId) {
        if let Some(buffer) = self.buffers.get_mut(id) {
            for extent in buffer.content.extents() {
                self.space.give(extent);
            }
            buffer.content = Content::Aborted;
            buffer.pins -= 1;
            buffer.refs = buffer.refs.saturating_sub(1);
        }
        self.settle(id);
    }

    /// Frees the buffer if nobody has it, and otherwise puts it among the evictable ones or takes it out.
    fn settle(&mut self, id: BufferId) {
        let Some(buffer) = self.buffers.get_mut(id) else {
            return;
        };
        let pages = buffer
            .content
            .extents()
            .iter()
            .map(|extent| extent.pages.len() as u32)
            .sum::<u32>();
        let resident = matches!(buffer.content, Content::Resident(_));
        if buffer.viewed > 1 && (buffer.refs == 0 || !resident) {
            self.spares.end(id);
        }
        let evictable = resident && buffer.refs > 0 && !buffer.is_in_use();
        match buffer.stamp {
            None if evictable => {
                buffer.stamp = Some(self.next_stamp);
                self.evictable.insert(self.next_stamp, id);
                self.next_stamp += 1;
                self.evictable_pages += pages;
            }
            Some(stamp) if !evictable => {
                buffer.stamp = None;
                self.evictable.remove(&stamp);
                self.evictable_pages -= pages;
            }
            _ => {}
        }
        self.orphans.settle(
            buffer,
            if resident && buffer.refs == 0 && buffer.pins > 0 {
                pages
            } else {
                0
            },
        );
        let restoring = matches!(buffer.content, Content::Restoring);
        if buffer.refs == 0 && !buffer.is_in_use() && !restoring {
            for extent in buffer.content.extents() {
                self.space.give(extent);
            }
            if matches!(buffer.content, Content::OnDisk) {
                self.on_disk -= buffer.len;
            }
            let freed = self.buffers.remove(id);
            self.trash.extend(freed.and_then(|buffer| buffer.file));
        }
    }

    /// Whether there is something new for the store's helper to do; asked once.
    pub(crate) fn has_chores(&mut self) -> bool {
        self.huge.has_work() | self.orphans.have_grown() | self.relief.is_due(self.space.held())
    }

    /// Pages of buffers in memory that could be evicted.
    pub(crate) fn evictable_pages(&self) -> u32 {
        self.evictable_pages
    }

    /// A live buffer with a reference.
    pub(crate) fn held(&self, id: BufferId) -> Result<&Buffer, MapError> {
        self.buffers.get(id).ok_or(MapError::Unknown(id))
    }

    /// The error that says why `needed` pages cannot be had.
    pub(crate) fn full(&self, needed: u32, bound: Bound, page: u64) -> FullError {
        let stuck = self.buffers.iter().filter(|(_, buffer)| {
            buffer.stamp.is_none() && matches!(buffer.content, Content::Resident(_) | Content::Writing(_))
        });
        let mut stuck: Vec<_> = stuck.collect();
        stuck.sort_by_key(|&(id, buffer)| (std::cmp::Reverse(buffer.len), id));
        let holders = stuck.into_iter().take(FullError::HOLDERS).map(|(id, buffer)| {
            let views = self.views.values().filter(|view| view.buffer == id);
            let mut envs: Vec<EnvId> = views.map(|view| view.env).collect();
            envs.sort_unstable();
            envs.dedup();
            let writing = matches!(buffer.content, Content::Writing(_));
            Holder {
                buffer: id,
                bytes: buffer.len,
                envs,
                writing,
            }
        });
        FullError {
            needed: u64::from(needed) * page,
            capacity: u64::from(self.space.capacity()) * page,
            used: u64::from(self.space.used() + self.space.small()) * page,
            bound,
            holders: holders.collect(),
        }
    }
}
