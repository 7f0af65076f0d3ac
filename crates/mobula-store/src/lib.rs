//! Immutable objects ("buffers") in shared memory: references, pins, eviction to disk.
//!
//! A [`Store`] keeps the content of buffers in an arena of pages that every thread of the process can map.
//! [`Store::put`] copies bytes in; [`Store::create`] lets them be written in place, until [`Store::seal`].
//! [`Store::map`] gives a private copy-on-write view of exactly one buffer, so that a sealed buffer never
//! changes for anyone else. Whoever keeps a [`BufferId`] holds a reference; a buffer without references and
//! views is freed. Sealed buffers that nobody has mapped move to disk when memory is short, and come back when
//! they are asked for.
//!
//! The whole picture, and what holds at every step, is in `docs/object-store.md`.

mod ceiling;
mod error;
mod fill;
mod huge;
mod incoming;
mod medium;
mod meta;
mod orphans;
mod pages;
mod pin;
mod relief;
mod room;
mod runs;
mod space;
mod spares;
mod spill;
mod store;
mod types;
mod view;
mod write;

pub use error::{Bound, CreateError, FullError, Holder, MapError, OpenError, SealError, SpillProblem};
pub use incoming::{Incoming, TakeError};
pub use pin::Pin;
pub use store::Store;
pub use types::{BufferId, EnvId, Mapping, Origin, PIECE, Stats, StoreConfig, ViewId};
