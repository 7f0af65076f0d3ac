//! The door to Node: converts between JavaScript and the core, and decides nothing.
//!
//! The norms of this boundary are in `native/README.md`.

#![expect(
    unreachable_pub,
    reason = "napi-derive wants its items public, and nothing links this crate"
)]
#![expect(clippy::needless_pass_by_value, reason = "napi-derive hands over owned values")]

mod accounting;
mod actors;
mod bell;
mod bytes;
mod error;
mod machine;
mod objects;
mod port;
mod runtime;
mod tables;
mod tasks;
mod watchdog;
