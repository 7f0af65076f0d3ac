//! Drives a node through the records that JavaScript writes and reads.

mod actor_ends;
mod actors;
mod cancel;
mod deaths;
mod fairness;
mod limits;
mod queues;
mod resources;
mod stress;
mod support;
mod tasks;
mod wakeups;
