//! The local scheduler of one node: tasks, objects, actors and the threads that run them.
//!
//! A [`Node`] is shared by all threads of a process. Each thread has a *port*; its JavaScript writes
//! commands into memory it shares with the core and calls [`Node::step`], which carries them out and fills
//! an inbox with news and tasks. `docs/core-protocol.md` describes the records.
//!
//! The way of a task: `submit` places it, `turn` counts its arguments in and queues it, `lanes`
//! keeps it until `batch` hands it to a thread, `submit` takes its result, `turn` tells who waits.

mod actor;
mod again;
mod away;
mod batch;
mod burial;
mod cancel;
mod collection;
mod cost;
mod crew;
mod deadlines;
mod deadlock;
mod dispatch;
mod failure;
mod follow;
mod forward;
mod handles;
mod held;
mod lanes;
mod line;
mod lineage;
mod live;
mod load;
mod local;
mod look;
#[cfg(all(test, loom))]
mod models;
mod node;
mod object;
mod offers;
mod outlook;
mod payload;
mod per_attempt;
mod policy;
mod port;
mod ports;
mod pruned;
mod reason;
mod region;
mod rescue;
mod resources;
mod slab;
mod starving;
mod stays;
mod submit;
mod task;
mod template;
mod templates;
mod turn;
mod usual;
mod violation;
mod visit;
mod watch;
mod wire;

pub use burial::Blame;
pub use dispatch::Step;
pub use failure::Failure;
pub use load::Load;
pub use look::{There, Weight};
pub use node::{GENERATIONS, MAX_INBOX, MAX_PORTS, Node, NodeConfig};
pub use port::{BATCH, PortKind};
pub use ports::{Bell, Buffer, BufferStore, Clock};
pub use reason::{Cause, Holder, Lack, Reason};
pub use region::{CLAIMS, CONTROL_WORDS, KEPT, RINGING, Regions};
pub use resources::{Demand, UNIT};
#[cfg(debug_assertions)]
pub use slab::cells_looked_at;
pub use task::TaskId;
pub use template::TemplateSpec;
pub use violation::{PortError, Violation};
