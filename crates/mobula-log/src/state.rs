use fjall::{Database, Keyspace, PersistMode};

use crate::LogError;

const KEY: &str = "mark";
const CLOSED: u8 = 1;

/// What the log says of itself: how often it was opened, and how it ended. As bytes: the epoch, low byte first, whether it was
/// closed, and the id of the running operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) epoch: u32,
    closed: bool,
    boot: [u8; 36],
}

impl Mark {
    /// The mark of a log that this process opens. One that was not clean is not clean again before it is closed.
    pub(crate) fn opened(epoch: u32, clean: bool) -> Self {
        Self {
            epoch,
            closed: false,
            boot: if clean { boot_id() } else { UNKNOWN },
        }
    }

    pub(crate) fn closed(self) -> Self {
        Self { closed: true, ..self }
    }

    /// Nothing was lost if the log was closed, or if the operating system that took the writes is still up.
    pub(crate) fn is_clean(&self) -> bool {
        self.closed || (self.boot != UNKNOWN && self.boot == boot_id())
    }

    pub(crate) fn read(marks: &Keyspace) -> Result<Option<Self>, LogError> {
        let Some(bytes) = marks.get(KEY)? else {
            return Ok(None);
        };
        let (Some(&epoch), Some(&closed), Some(boot)) =
            (bytes.first_chunk::<4>(), bytes.get(4), bytes.get(5..41))
        else {
            return Err(LogError::Unreadable("its mark is cut off".to_owned()));
        };
        let mut mark = Self {
            epoch: u32::from_le_bytes(epoch),
            closed: closed == CLOSED,
            boot: UNKNOWN,
        };
        mark.boot.copy_from_slice(boot);
        Ok(Some(mark))
    }

    /// On the disk when this returns.
    pub(crate) fn write(&self, database: &Database, marks: &Keyspace) -> Result<(), LogError> {
        let mut bytes = Vec::with_capacity(41);
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.push(u8::from(self.closed));
        bytes.extend_from_slice(&self.boot);
        marks.insert(KEY, bytes)?;
        database.persist(PersistMode::SyncAll)?;
        Ok(())
    }
}

const UNKNOWN: [u8; 36] = [0; 36];

/// The id that Linux gives itself at each start. Elsewhere there is none, and a log that was not closed is never clean.
fn boot_id() -> [u8; 36] {
    let mut id = UNKNOWN;
    if let Ok(text) = std::fs::read("/proc/sys/kernel/random/boot_id")
        && let Some(text) = text.get(..36)
    {
        id.copy_from_slice(text);
    }
    id
}
