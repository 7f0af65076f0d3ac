use napi_derive::napi;

use crate::bytes::Bytes;
use crate::error::Result;
use crate::port::binding;

/// Object and template of the actor with this name, with a reference to the object; nothing if there is none.
#[napi(catch_unwind)]
pub fn find_actor(port: u32, namespace: String, name: String) -> Result<Vec<u32>> {
    let found = binding(port)?
        .runtime
        .node
        .find_actor(port as u16, &namespace, &name);
    Ok(found.map_or_else(Vec::new, |(object, template)| vec![object, template]))
}

/// Whether an actor has got the name it was created with; the creation must have been flushed.
#[napi(catch_unwind)]
pub fn has_name(port: u32, object: u32) -> Result<bool> {
    Ok(binding(port)?.runtime.node.has_name(object))
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
