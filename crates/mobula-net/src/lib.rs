//! The data plane: objects copied from store to store between nodes, over TCP, by blocking threads.
//!
//! The node that needs an object pulls it. `docs/data-plane.md` has the whole picture. What is decided is in `plan.rs`, `moving.rs`,
//! `ranges.rs`, `proof.rs` and `frame.rs`, which know no socket, no thread and no clock.

mod error;
mod frame;
mod guests;
mod limits;
mod link;
mod moving;
mod name;
mod plan;
mod plane;
mod proof;
mod pulled;
mod puller;
mod ranges;
mod serve;
mod shared;
mod socket;
mod tls;

#[cfg(test)]
mod tests;

pub use error::{LinkError, ListenError, PullError, Refusal};
pub use name::{Name, NodeId};
pub use plan::URGENT;
pub use plane::{Config, DataPlane, Wanted};
pub use pulled::{Pulled, PulledBuffer};
pub use serve::Serve;
pub use tls::Identity;

/// A pull, until it has ended. Never used twice.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);
