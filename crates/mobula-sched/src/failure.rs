use crate::payload::Payload;
use crate::template::Use;

/// Why the system, not user code, failed a task. The number is the first byte of the encoded error;
/// `src/core/values/failures.ts` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// Cancelled by its user.
    Cancelled = 1,
    /// An attempt ran longer than allowed.
    TimedOut = 2,
    /// The thread died under it, and no attempts are left.
    WorkerDied = 3,
    /// The actor was killed.
    ActorKilled = 4,
    /// The actor's thread died, and no restarts are left.
    ActorCrashed = 5,
    /// The actor's constructor threw; what it threw follows.
    ActorUnmade = 6,
    /// The runtime was shut down.
    Closed = 7,
    /// It is part of a cycle of waits; the names of those who wait follow, each after its length.
    Deadlock = 8,
    /// The core panicked while it had the task in hand.
    Broken = 9,
    /// Its record would need an inbox that is too large.
    TooLarge = 10,
    /// Another actor has the name that this one was to get; namespace and name follow.
    NameTaken = 11,
    /// Its remote function had ended before it was submitted.
    FunctionGone = 12,
    // 13 to 16 are the agent's: no node has what the task asks for; the node that it ran on, or was to run on, is dead; a
    // node has no room for its values; these are too large for the way to another node.
    /// A value was lost by the node that had it; details follow. The agent's too.
    Lost = 17,
}

/// Where the `NodeId` stands in an encoded failure: 8 bytes, zeros for this node. The agent of a node fills it in before the error leaves.
const NODE: [u8; 8] = [0; 8];

/// Encodes a failure of attempt `attempt` of a task of `template`, with details. The error may outlive the template, so it has all
/// that is to be said of it.
pub(crate) fn encode(failure: Failure, template: &Use, attempt: u32, details: &[u8]) -> Payload {
    let name = template.name();
    let timeout_ms = template.get().map_or(0, |template| template.spec.timeout_ms);
    let mut bytes = Vec::with_capacity(21 + name.len() + details.len());
    bytes.push(failure as u8);
    bytes.extend(attempt.to_le_bytes());
    bytes.extend(timeout_ms.to_le_bytes());
    bytes.extend(NODE);
    write_name(&mut bytes, &name);
    bytes.extend(details);
    Payload::new(&bytes)
}

/// The length of a name, and the name.
pub(crate) fn write_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(name.as_bytes());
}
