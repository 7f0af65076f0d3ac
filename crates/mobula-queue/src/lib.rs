//! The lock-free pieces of the local scheduler.
//!
//! * [`Ring`]: a bounded queue of task indices, many producers, many consumers.
//! * [`ReadyQueue`]: the ring with an unbounded overflow behind it.
//! * [`WaiterWord`]: who waits for an object, in one word, and whether it is there.
//! * [`Doorbell`]: whether a sleeping consumer has to be rung.
//! * [`IdleList`]: which workers sleep, and whether one is looking for work.
//! * [`Claim`]: whether a task that was handed to a thread has been begun.
//! * [`ReadyCounter`]: how many arguments a task still lacks.
//!
//! All of them are model-checked: `npm run test:loom`.

mod claim;
mod counter;
mod doorbell;
mod idle;
mod ready;
mod ring;
mod waiters;

pub use claim::Claim;
pub use counter::ReadyCounter;
pub use doorbell::Doorbell;
pub use idle::IdleList;
pub use ready::ReadyQueue;
pub use ring::Ring;
pub use waiters::{NodePool, Subscribed, Waiter, WaiterWord, Waiters};
