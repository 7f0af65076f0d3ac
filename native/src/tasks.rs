use mobula_sched::{Demand, TaskId, TemplateSpec};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::bytes::Bytes;
use crate::error::Result;
use crate::port::binding;
use crate::runtime::current;

/// What all calls of one remote function share; see `TemplateSpec` in `mobula-sched`.
/// Amounts in ten-thousandths; -1 = without end.
#[napi(object)]
#[derive(Debug)]
pub struct TemplateOptions {
    pub priority: i32,
    pub cpu: f64,
    /// Pairs of index and amount.
    pub others: Vec<f64>,
    pub max_retries: i32,
    pub max_kills: i32,
    pub timeout_ms: u32,
    pub max_restarts: i32,
    pub max_concurrency: u32,
    pub own_thread: bool,
    pub detached: bool,
}

/// Registers a template; `meta` is what `template_meta` gives to every thread.
#[napi(catch_unwind)]
pub fn add_template(port: u32, options: TemplateOptions, meta: Bytes) -> Result<u32> {
    let others = options
        .others
        .chunks_exact(2)
        .map(|pair| (pair[0] as u32, pair[1] as i64))
        .collect();
    let spec = TemplateSpec {
        priority: options.priority,
        demand: Demand {
            cpu: options.cpu as i64,
            others,
        },
        max_retries: u32::try_from(options.max_retries).unwrap_or(u32::MAX),
        max_kills: u32::try_from(options.max_kills).unwrap_or(u32::MAX),
        timeout_ms: options.timeout_ms,
        max_restarts: u32::try_from(options.max_restarts).unwrap_or(u32::MAX),
        max_concurrency: options.max_concurrency,
        own_thread: options.own_thread,
        detached: options.detached,
    };
    // SAFETY: the caller's thread is here, and copies before it goes on.
    let meta = unsafe { meta.as_slice() };
    Ok(binding(port)?.runtime.node.add_template(spec, meta))
}

/// What `add_template` was given as `meta`.
#[napi(catch_unwind)]
pub fn template_meta(port: u32, template: u32) -> Result<Buffer> {
    Ok(binding(port)?
        .runtime
        .node
        .template_meta(template)
        .to_vec()
        .into())
}

/// How often in a row the code of a template could not be loaded; see `Node::failed_loads`.
#[napi(catch_unwind)]
pub fn failed_loads(port: u32, template: u32) -> Result<u32> {
    Ok(binding(port)?.runtime.node.failed_loads(template))
}

/// The thread of `port` has loaded the code of a template, or failed to; see `Node::load_ended`.
#[napi(catch_unwind)]
pub fn load_ended(port: u32, template: u32, loaded: bool, before: u32) -> Result<()> {
    binding(port)?.runtime.node.load_ended(template, loaded, before);
    Ok(())
}

/// Whether the thread of `port` has to end for a task that was cancelled by force to end; see `Node::must_end`.
#[napi(catch_unwind)]
pub fn must_end(port: u32, index: u32, generation: u32) -> Result<bool> {
    Ok(current()?
        .node
        .must_end(port as u16, TaskId { index, generation }))
}
