use mobula_sched::PortError;
use mobula_store::{CreateError, MapError, OpenError, SealError};

/// What JavaScript sees as `error.code`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code {
    StoreFull,
    ObjectLost,
    Closed,
    Taken,
    Connection,
    Invalid,
    Log,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Self::StoreFull => "ERR_MOBULA_OBJECT_STORE_FULL",
            Self::ObjectLost => "ERR_MOBULA_OBJECT_LOST",
            Self::Closed => "ERR_MOBULA_RUNTIME_CLOSED",
            Self::Taken => "ERR_MOBULA_ALREADY_INITIALIZED",
            Self::Connection => "ERR_MOBULA_CONNECTION",
            Self::Invalid => "ERR_MOBULA_INTERNAL",
            Self::Log => "ERR_MOBULA_DATA_DIRECTORY",
        }
    }
}

pub(crate) type Result<T> = napi::Result<T, Code>;

pub(crate) fn fail<T>(code: Code, reason: impl std::fmt::Display) -> Result<T> {
    Err(napi::Error::new(code, reason.to_string()))
}

/// The core does not serve the thread.
pub(crate) fn refused(error: PortError) -> napi::Error<Code> {
    let code = match error {
        PortError::Closed => Code::Closed,
        PortError::Violation(_) | PortError::Panicked => Code::Invalid,
    };
    napi::Error::new(code, error.to_string())
}

pub(crate) fn open_failed(error: &OpenError) -> napi::Error<Code> {
    napi::Error::new(Code::StoreFull, error.to_string())
}

pub(crate) fn create_failed(error: &CreateError) -> napi::Error<Code> {
    napi::Error::new(Code::StoreFull, with_source(error))
}

pub(crate) fn map_failed(error: &MapError) -> napi::Error<Code> {
    // Nothing is lost where room is missing, on the disk or among the process's mappings: garbage may make some.
    let code = match error {
        MapError::Full(_) | MapError::Spill { .. } | MapError::Mappings { .. } | MapError::Os { .. } => {
            Code::StoreFull
        }
        _ => Code::ObjectLost,
    };
    napi::Error::new(code, with_source(error))
}

/// An error, and what the operating system said.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

pub(crate) fn seal_failed(error: SealError) -> napi::Error<Code> {
    napi::Error::new(Code::Invalid, error.to_string())
}

/// Checks a raw Node-API status.
pub(crate) fn check(status: napi_sys::napi_status, what: &str) -> Result<()> {
    if status == napi_sys::Status::napi_ok {
        return Ok(());
    }
    fail(
        Code::Invalid,
        format_args!("{what} failed with Node-API status {status}"),
    )
}
