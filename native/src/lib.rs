//! The door to Node: converts between JavaScript and the core, and decides nothing.
//!
//! The norms of this boundary are in `native/README.md`.

#![expect(
    unreachable_pub,
    reason = "napi-derive wants its items public, and nothing links this crate"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "napi-derive hands over owned values"
)]
#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "JavaScript has one kind of number; amounts, sizes and indices stay below 2^53 and are not negative"
)]

mod accounting;
mod actors;
mod begun;
mod bell;
mod bytes;
mod error;
#[cfg(feature = "failpoints")]
mod failpoints;
mod helper;
mod log;
mod machine;
mod net;
mod objects;
mod port;
mod reasons;
mod runtime;
mod tables;
mod tasks;
mod v8;
mod watchdog;
