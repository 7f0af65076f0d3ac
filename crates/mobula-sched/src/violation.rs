//! What is wrong with a thread's commands, and what becomes of its port then.

use thiserror::Error;

/// Why a record was refused: it breaks the protocol of `docs/core-protocol.md`, so it was not carried out, nor was what
/// came after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// It ends before all of its parts.
    #[error("a record is cut off")]
    Truncated,
    /// The first byte is no command.
    #[error("{0} is no command")]
    Command(u8),
    /// Flags that do not go together, or that do not exist.
    #[error("a record has flags {0:#x}")]
    Flags(u8),
    /// Commands that lie outside of the thread's memory.
    #[error("commands lie outside of their memory")]
    Region,
    /// There is no such template.
    #[error("there is no template {0}")]
    Template(u32),
    /// There is no such object.
    #[error("there is no object {0}")]
    Object(u32),
    /// The thread has not made the object, or has had it settled already.
    #[error("object {0} is not the thread's to settle")]
    Settled(u32),
    /// The thread has no handle of the object to give back.
    #[error("the thread holds no handle of object {0}")]
    Handle(u32),
    /// The object is not that of an actor.
    #[error("object {0} is no actor")]
    Actor(u32),
    /// There is no such task.
    #[error("there is no task {0}")]
    Task(u32),
    /// The thread does not run the task.
    #[error("the thread does not run task {0}")]
    Runner(u32),
    /// A task has another number of results.
    #[error("task {0} has another number of results")]
    Results(u32),
    /// The thread has not stored the buffer, or has handed it over already.
    #[error("buffer {0} is not the thread's to hand over")]
    Buffer(u32),
}

/// Why the core does not serve a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PortError {
    /// Its port is closed.
    #[error("the thread has left the runtime")]
    Closed,
    /// It broke the protocol. The thread is ended, and what it held is recovered as if it had died.
    #[error("a mistake in mobula: {0}")]
    Violation(#[from] Violation),
    /// The core panicked while it served the thread, which is ended as above.
    #[error("a mistake in mobula: its core panicked")]
    Panicked,
}
