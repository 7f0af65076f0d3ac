//! Models of the lock-free pieces, run in every interleaving that loom can think of: `npm run test:loom`.
#![cfg(loom)]

mod bells;
mod claims;
mod queues;
mod waiters;
