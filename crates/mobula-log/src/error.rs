use std::fmt;
use std::io;

/// Why a log cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogError {
    /// Another process has it.
    Locked,
    /// The disk has no room.
    Full,
    /// The operating system refuses, in its words.
    Refused(String),
    /// What is on the disk is not what was written.
    Unreadable(String),
}

impl LogError {
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Self::Unreadable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<fjall::Error> for LogError {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Locked => Self::Locked,
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
                Self::from_io(&error)
            }
            other => Self::Unreadable(other.to_string()),
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another process uses it"),
            Self::Full => f.write_str("the disk is full"),
            Self::Refused(text) => f.write_str(text),
            Self::Unreadable(text) => write!(f, "it is damaged ({text})"),
        }
    }
}

impl std::error::Error for LogError {}
