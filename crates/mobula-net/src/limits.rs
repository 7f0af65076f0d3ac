//! Every bound of the data plane, in one place.

use std::time::Duration;

/// The protocol that this version speaks. A peer with another one is refused.
pub(crate) const PROTOCOL: u8 = 1;

/// How many bytes are asked for, sent and checked as one: the pieces that the store has checksums for.
pub(crate) const RANGE: u64 = mobula_store::PIECE;

/// What is read from a peer that has not proven the token, in bytes.
pub(crate) const UNPROVEN_BYTES: usize = 1024;
/// How long a peer may take to prove the token.
pub(crate) const UNPROVEN: Duration = Duration::from_secs(5);
/// How many peers that have not proven the token a listener keeps. One more, and the oldest of them goes.
pub(crate) const UNPROVEN_PEERS: usize = 64;

/// How long a connection may take to come about.
pub(crate) const DIAL: Duration = Duration::from_secs(5);

/// Bytes that may have been asked of one peer and not come yet. Two ranges: while one comes, the peer has the next to do.
pub(crate) const WINDOW_BYTES: u64 = 2 * RANGE;
/// Requests that one peer may have before it has answered.
pub(crate) const WINDOW: usize = 64;
/// Objects that one peer may hold open for us, and that we hold open for one.
pub(crate) const OPEN: usize = 64;

/// Buffers that an object may have.
pub(crate) const BUFFERS: usize = 1 << 16;
/// The longest request, in bytes.
pub(crate) const REQUEST: usize = 128;
/// The longest answer without the bytes that follow it: the lengths of all buffers.
pub(crate) const ANSWER: usize = 64 + 8 * BUFFERS;
/// The longest text in a refusal, in bytes.
pub(crate) const TEXT: usize = 200;

/// How long a silent peer counts as one that serves us: what it holds up counts no more afterwards.
pub(crate) const SLOW: Duration = Duration::from_secs(1);
/// How long a peer may take nothing of what it has asked for.
pub(crate) const UNREAD: Duration = Duration::from_secs(30);

/// How much is received and checked at once, in bytes: little enough to be in the cache still.
pub(crate) const CHUNK: usize = 256 << 10;

/// The stack of our threads, in bytes.
pub(crate) const STACK: usize = 256 << 10;
