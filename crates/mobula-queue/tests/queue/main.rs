//! The lock-free pieces by themselves, and under the load of real threads.
#![cfg(not(loom))]

mod bells;
mod queues;
mod waiters;
