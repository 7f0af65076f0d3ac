use napi_derive::napi;

use crate::bytes::Bytes;
use crate::error::Result;
use crate::port::binding;

/// Names an actor. Gives -1, or the object of the actor that has the name already, with a reference.
#[napi(catch_unwind)]
pub fn name_actor(port: u32, object: u32, name: String) -> Result<i64> {
    let taken = binding(port)?.runtime.node.name_actor(port as u16, object, &name);
    Ok(taken.map_or(-1, i64::from))
}

/// Takes a name back from an object that did not become an actor.
#[napi(catch_unwind)]
pub fn forget_name(port: u32, object: u32, name: String) -> Result<()> {
    binding(port)?.runtime.node.forget_name(object, &name);
    Ok(())
}

/// Lets the actor answer to its name until it dies; its creation must have been flushed.
#[napi(catch_unwind)]
pub fn remember_name(port: u32, object: u32, name: String) -> Result<()> {
    binding(port)?.runtime.node.remember_name(object, &name);
    Ok(())
}

/// The object of the actor with this name, with a reference, or -1.
#[napi(catch_unwind)]
pub fn find_actor(port: u32, name: String) -> Result<i64> {
    let found = binding(port)?.runtime.node.find_actor(port as u16, &name);
    Ok(found.map_or(-1, i64::from))
}

/// Generation of an actor's object and its template, or nothing if there is no such actor.
#[napi(catch_unwind)]
pub fn actor_identity(port: u32, object: u32) -> Result<Vec<u32>> {
    let identity = binding(port)?.runtime.node.actor_identity(object);
    Ok(identity.map_or_else(Vec::new, |(generation, template)| vec![generation, template]))
}

/// How many calls an actor has queued or running.
#[napi(catch_unwind)]
pub fn pending_calls(port: u32, object: u32) -> Result<u32> {
    Ok(binding(port)?.runtime.node.pending_calls(object))
}

/// The tasks of the thread that have waited for long; see `Node::report_waits`.
#[napi(catch_unwind)]
pub fn report_waits(port: u32, records: Bytes) -> Result<()> {
    #[expect(clippy::cast_ptr_alignment, reason = "JavaScript passes a Uint32Array")]
    let records = match records.len {
        // An empty one may have no place.
        0 => &[],
        // SAFETY: a live Uint32Array that only this thread touches now.
        bytes => unsafe { std::slice::from_raw_parts(records.ptr.cast::<u32>(), bytes / 4) },
    };
    binding(port)?.runtime.node.report_waits(port as u16, records);
    Ok(())
}
