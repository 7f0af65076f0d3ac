//! The data plane: objects copied from store to store between nodes, over TCP, by blocking threads.
//!
//! The node that needs an object pulls it. `docs/data-plane.md` has the whole picture. What is decided is in `plan.rs`, `moving.rs`,
//! `ranges.rs`, `proof.rs` and `frame.rs`, which know no socket, no thread and no clock.

mod error;
mod frame;
mod limits;
mod moving;
mod name;
mod plan;
mod proof;
mod ranges;

pub use error::{LinkError, ListenError, PullError, Refusal};
pub use name::{Name, NodeId};
pub use plan::URGENT;

/// A pull, until it has ended. Never used twice.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);
