use std::{fmt, io};

use crate::{BufferId, EnvId, ViewId};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The capacity is below one page, or above what a store can address.
    #[error("an object store cannot have a capacity of {capacity} bytes: at least {least}, at most {most}")]
    Capacity {
        /// What was asked for, in bytes.
        capacity: u64,
        /// The least possible, in bytes.
        least: u64,
        /// The most possible, in bytes.
        most: u64,
    },
    /// The operating system refused the arena.
    #[error("cannot reserve an arena for {capacity} bytes of objects")]
    Arena {
        /// What was asked for, in bytes.
        capacity: u64,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// Why a buffer could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is no room, and nothing that could be moved to disk.
    #[error(transparent)]
    Full(#[from] FullError),
    /// Room had to be made, and the disk did not take what was to go there. Nothing was lost.
    #[error("cannot make room for {needed} bytes: writing to the spill directory failed")]
    Spill {
        /// The size of the buffer to be made, in bytes.
        needed: u64,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused memory or a mapping.
    #[error("the operating system refused memory for a buffer of {needed} bytes")]
    Os {
        /// The size of the buffer to be made, in bytes.
        needed: u64,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// Why a buffer could not be sealed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The view is not that of an unsealed buffer: sealed, aborted or given back before, or only for reading.
    #[error("view {} is not a writer's view of an unsealed buffer", .0.0)]
    NotWriting(ViewId),
}

/// Why a buffer could not be mapped or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// No buffer has this id now.
    #[error("buffer {} does not exist", .0.0)]
    Unknown(BufferId),
    /// The buffer's writer has not sealed it yet.
    #[error("buffer {} is not sealed yet", .0.0)]
    NotSealed(BufferId),
    /// The buffer's writer gave it up, or its thread ended, before it was sealed.
    #[error("buffer {} was given up by its writer before it was sealed", .0.0)]
    Aborted(BufferId),
    /// The bytes asked for are not within the buffer.
    #[error("{length} bytes at {offset} are not within a buffer of {buffer_length} bytes")]
    OutOfRange {
        /// The first byte asked for.
        offset: u64,
        /// How many bytes were asked for.
        length: u64,
        /// How many bytes the buffer has.
        buffer_length: u64,
    },
    /// The buffer is on disk and there is no room to bring it back.
    #[error(transparent)]
    Full(#[from] FullError),
    /// The buffer is on disk, and making room for it failed. Nothing was lost.
    #[error("cannot make room for {needed} bytes: writing to the spill directory failed")]
    Spill {
        /// The size of the buffer to be brought back, in bytes.
        needed: u64,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The buffer's content on disk is gone or damaged.
    #[error("buffer {} is lost: its content in the spill file {problem}", .buffer.0)]
    Lost {
        /// The buffer.
        buffer: BufferId,
        /// What is wrong with it.
        problem: SpillProblem,
    },
    /// Reading the buffer's content from disk failed; trying again may succeed.
    #[error("cannot read buffer {} from the spill file", .buffer.0)]
    Restore {
        /// The buffer.
        buffer: BufferId,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// There are as many mappings as there may be. Views that nobody holds have them until garbage is collected.
    #[error(
        "buffer {} cannot be mapped: views in use, and those not collected yet, have {most} mappings, all that vm.max_map_count \
         leaves them",
        .buffer.0
    )]
    Mappings {
        /// The buffer.
        buffer: BufferId,
        /// How many there may be.
        most: u32,
    },
    /// The operating system refused memory or a mapping.
    #[error("the operating system refused to map buffer {}", .buffer.0)]
    Os {
        /// The buffer.
        buffer: BufferId,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// What is wrong with content on disk.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SpillProblem {
    /// The file ends before it: somebody has cut it off.
    Length,
    /// It is not what was written.
    Checksum,
}

impl fmt::Display for SpillProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "is cut off",
            Self::Checksum => "is damaged",
        })
    }
}

/// There is no room, and everything that could be moved to disk has been.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct FullError {
    /// What the buffer needs, in bytes, in whole pages.
    pub needed: u64,
    /// The store's capacity, in bytes.
    pub capacity: u64,
    /// How much buffers hold in memory, in bytes.
    pub used: u64,
    /// What stands in the way.
    pub bound: Bound,
    /// The largest buffers that cannot be moved to disk, the largest first; at most [`Self::HOLDERS`].
    pub holders: Vec<Holder>,
}

impl FullError {
    /// How many holders the error names at most.
    pub const HOLDERS: usize = 5;
}

/// Which bound a full store has reached.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Bound {
    /// The store's own capacity.
    Capacity,
    /// The memory limit of the process, in bytes: growing further would come within a tenth of it.
    Memory(u64),
}

/// A buffer that cannot be moved to disk, and who keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The buffer.
    pub buffer: BufferId,
    /// Its length in bytes.
    pub bytes: u64,
    /// Who has it mapped, each once, in order of id.
    pub envs: Vec<EnvId>,
    /// Whether it is still being written.
    pub writing: bool,
}

impl fmt::Display for FullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            needed,
            capacity,
            used,
            ..
        } = self;
        write!(
            f,
            "the object store is full: {needed} bytes needed, {used} of {capacity} bytes in use"
        )?;
        if let Bound::Memory(limit) = self.bound {
            write!(f, ", and the memory limit of {limit} bytes forbids growing")?;
        }
        if self.holders.is_empty() {
            return Ok(());
        }
        f.write_str("; what cannot be moved to disk, the largest first:")?;
        for (index, holder) in self.holders.iter().enumerate() {
            let state = if holder.writing { "being written" } else { "in use" };
            let comma = if index == 0 { "" } else { "," };
            write!(
                f,
                "{comma} buffer {} ({} bytes, {state}",
                holder.buffer.0, holder.bytes
            )?;
            for env in &holder.envs {
                write!(f, " by environment {}", env.0)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}
