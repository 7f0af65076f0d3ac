use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};

use mobula_log::{Log, LogError};
use mobula_sched::Bell;
use mobula_sync::Mutex;
use napi::JsValue;
use napi::bindgen_prelude::{Buffer, Env, Function, Unknown};
use napi_derive::napi;

use crate::bell::UvBell;
use crate::bytes::Bytes;
use crate::error::{Code, Result, fail};

/// The logs that are open, by number.
static OPEN: LazyLock<Mutex<Logs>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Logs {
    last: u32,
    logs: HashMap<u32, Arc<Log>>,
}

fn failed(error: &LogError) -> napi::Error<Code> {
    napi::Error::new(Code::Log, error.to_string())
}

fn log(id: u32) -> Result<Arc<Log>> {
    match OPEN.lock().logs.get(&id) {
        Some(log) => Ok(Arc::clone(log)),
        None => fail(Code::Invalid, "the log is closed"),
    }
}

/// What `log_open` found.
#[napi(object)]
#[derive(Debug)]
pub struct LogOpened {
    pub id: u32,
    pub epoch: u32,
    pub clean: bool,
}

/// Opens the log in a folder. `on_progress` is called on the calling thread's loop when there is progress.
#[napi(catch_unwind)]
pub fn log_open(
    env: Env,
    folder: String,
    on_progress: Function<'_, Unknown<'_>, Unknown<'_>>,
) -> Result<LogOpened> {
    let mut open = OPEN.lock();
    open.last += 1;
    let id = open.last;
    // The thread that has the log may end without closing it.
    let on_end = Box::new(move || drop(OPEN.lock().logs.remove(&id)));
    // A bell stays until the thread ends, so there is one only where the log could be opened. Nothing rings before the first batch.
    let bell = Arc::new(OnceLock::<Arc<UvBell>>::new());
    let ringer = Arc::clone(&bell);
    let ring = move || {
        if let Some(bell) = ringer.get() {
            bell.ring();
        }
    };
    let log = Log::open(Path::new(&folder), ring).map_err(|error| failed(&error))?;
    let _ = bell.set(UvBell::new(env.raw(), on_progress.value().value, on_end)?);
    let opened = LogOpened {
        id,
        epoch: log.epoch(),
        clean: log.is_clean(),
    };
    open.logs.insert(id, Arc::new(log));
    Ok(opened)
}

/// Hands a batch over. Its bytes are copied.
#[napi(catch_unwind)]
pub fn log_append(id: u32, first_seq: f64, last_seq: f64, bytes: Bytes, sync: bool) -> Result<()> {
    // SAFETY: the caller's thread is here, and copies before it goes on.
    let bytes = unsafe { bytes.as_slice() }.to_vec();
    log(id)?.append(first_seq as u64, last_seq as u64, bytes, sync);
    Ok(())
}

/// Batches from the one that begins with seq `from` on, about `most` bytes of them; none: there are no more.
#[napi(catch_unwind)]
pub fn log_read(id: u32, from: f64, most: u32) -> Result<Vec<Buffer>> {
    let batches = log(id)?
        .read(from as u64, most as usize)
        .map_err(|error| failed(&error))?;
    Ok(batches.into_iter().map(Buffer::from).collect())
}

/// The last seqs that are written and on the disk. Fails for good once the log has failed.
#[napi(catch_unwind)]
pub fn log_progress(id: u32) -> Result<Vec<f64>> {
    let progress = log(id)?.progress();
    match progress.failure {
        Some(error) => Err(failed(&error)),
        None => Ok(vec![progress.written as f64, progress.synced as f64]),
    }
}

/// Writes what was handed over, and closes the log.
#[napi(catch_unwind)]
pub fn log_close(id: u32) -> Result<()> {
    let log = OPEN.lock().logs.remove(&id);
    let Some(log) = log.and_then(Arc::into_inner) else {
        return Ok(());
    };
    match log.close().failure {
        Some(error) => Err(failed(&error)),
        None => Ok(()),
    }
}
