//! Drives a node through the records that JavaScript writes and reads.

mod actor_ends;
mod actors;
mod away;
mod cancel;
mod crew_offers;
mod crews;
mod deaths;
mod fairness;
mod follow;
mod forward;
mod generations;
mod limits;
mod offers;
mod queues;
mod resources;
mod scale;
mod stress;
mod support;
mod tasks;
mod templates;
mod unbegun;
mod waits;
mod wakeups;
mod wire;
