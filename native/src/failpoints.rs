//! What tests may do with the points of `mobula-fault`; only in the build that has them.

use mobula_fault::{Action, POINTS, arm, disarm, fired, hits, release, set_stopper};
use napi_derive::napi;

use crate::error::{Code, Result, fail};
use crate::runtime::current;

/// A point and how often it was reached.
#[napi(object)]
#[derive(Debug)]
pub struct FailpointHits {
    pub name: String,
    /// Whether it can be armed with an error.
    pub fails: bool,
    /// By any thread, and by those of workers.
    pub all: u32,
    pub workers: u32,
}

/// Arms a point at its hit number `hit`, counted from now: `kill`, `stop`, `panic`, `error` with an `errno`, or `delay` with
/// milliseconds.
#[napi(catch_unwind)]
pub fn failpoint_arm(name: String, hit: u32, action: String, value: u32) -> Result<()> {
    let action = match action.as_str() {
        "kill" => Action::Kill,
        "stop" => Action::Stop,
        "panic" => Action::Panic,
        "error" => Action::Error(value as i32),
        "delay" => Action::Delay(value),
        _ => return fail(Code::Invalid, format_args!("no action {action}")),
    };
    set_stopper(|port| {
        if let Ok(runtime) = current() {
            runtime.node.stop_thread(port as u16);
        }
    });
    if arm(&name, hit, action) {
        return Ok(());
    }
    fail(Code::Invalid, format_args!("no point {name}"))
}

/// Nothing happens at any point.
#[napi(catch_unwind)]
pub fn failpoint_disarm() {
    disarm();
}

/// The thread that is held at a point has been told to end.
#[napi(catch_unwind)]
pub fn failpoint_release() {
    release();
}

/// How often something has happened since a point was armed.
#[napi(catch_unwind)]
pub fn failpoint_fired() -> u32 {
    fired()
}

/// All points.
#[napi(catch_unwind)]
pub fn failpoint_hits() -> Vec<FailpointHits> {
    let points = POINTS.iter().zip(hits());
    points
        .map(|(point, hits)| FailpointHits {
            name: point.name.to_owned(),
            fails: point.fails,
            all: hits.all,
            workers: hits.workers,
        })
        .collect()
}
