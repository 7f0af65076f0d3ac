use mobula_sched::{Demand, TaskId, TemplateSpec};
use napi::bindgen_prelude::{Buffer, Env};
use napi_derive::napi;

use crate::bytes::Bytes;
use crate::error::{Code, Result, fail};
use crate::port::binding;
use crate::runtime::current;

/// What all calls of one remote function share; see `TemplateSpec` in `mobula-sched`.
/// Amounts in ten-thousandths; -1 = without end.
#[napi(object)]
#[derive(Debug)]
pub struct TemplateOptions {
    /// What errors call a task of it.
    pub name: String,
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
    /// The job of another process that its tasks belong to; 0: that of the thread that registers it.
    pub job: u32,
    /// What an agent finds another node by; absent for what runs on this node alone.
    pub forward: Option<String>,
    /// Whether this node runs its tasks too.
    pub keeps: bool,
}

/// Registers a template for as long as `object`, a fresh object of the thread's, has references. `meta` is what
/// `template_meta` gives to every thread; `code` the object that holds its code, or -1; `group` a template that its code may
/// name, and the other way round, or -1.
#[napi(catch_unwind)]
pub fn add_template(
    port: u32,
    object: u32,
    options: TemplateOptions,
    meta: Bytes,
    code: f64,
    group: f64,
) -> Result<u32> {
    let others = options
        .others
        .chunks_exact(2)
        .map(|pair| (pair[0] as u32, pair[1] as i64))
        .collect();
    let spec = TemplateSpec {
        name: options.name.into(),
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
        job: options.job,
        forward: options.forward.map(|ask| ask.into_bytes().into()),
        keeps: options.keeps,
    };
    // SAFETY: the caller's thread is here, and copies before it goes on.
    let meta = unsafe { meta.as_slice() };
    let number = |number: f64| (number >= 0.0).then_some(number as u32);
    let node = &binding(port)?.runtime.node;
    let added = node.add_template(port as u16, Some(object), spec, meta, number(code), number(group));
    match added {
        Ok(Some(number)) => Ok(number),
        Ok(None) => fail(
            Code::Invalid,
            "4 billion remote functions and sets of options have been: there is no number left. Start the process anew, and \
             keep functions and options(...) of them instead of making them for each call",
        ),
        Err(violation) => fail(Code::Invalid, violation),
    }
}

/// Registers a template again, as `add_template` does; false if it has ended.
#[napi(catch_unwind)]
pub fn register_again(port: u32, object: u32, template: u32) -> Result<bool> {
    let node = &binding(port)?.runtime.node;
    node.register_again(port as u16, object, template)
        .or_else(|violation| fail(Code::Invalid, violation))
}

/// Tells V8 how many templates there are that the thread has registered, so that it collects remote functions that nobody holds.
#[napi(catch_unwind)]
pub fn settle_templates(env: Env, port: u32, count: u32) -> Result<()> {
    let pressure = &binding(port)?.pressure;
    pressure.count_templates(count);
    pressure.settle(env.raw());
    Ok(())
}

/// What `add_template` was given as `meta`; nothing if the template has ended. From now on the thread is told when it ends.
#[napi(catch_unwind)]
pub fn template_meta(port: u32, template: u32) -> Result<Option<Buffer>> {
    let meta = binding(port)?.runtime.node.template_meta(port as u16, template);
    Ok(meta.map(|meta| Vec::from(meta).into()))
}

/// The mean time of a template's attempts in nanoseconds; 0 if that is not known.
#[napi(catch_unwind)]
pub fn template_mean(port: u32, template: u32) -> Result<u32> {
    Ok(binding(port)?.runtime.node.template_mean(template))
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
