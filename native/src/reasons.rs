use mobula_sched::Reason;
use napi_derive::napi;

use crate::error::Result;
use crate::port::binding;

/// Why something waits; see `Reason` in `mobula-sched`.
#[napi(object)]
#[derive(Debug)]
pub struct WaitReason {
    pub template: u32,
    pub cause: u32,
    pub count: u32,
    /// Resource, amount asked for and amount free, one after another.
    pub lacking: Vec<f64>,
    /// Template, 1 for actors, and how many, one after another.
    pub holders: Vec<u32>,
}

fn converted(reasons: Vec<Reason>) -> Vec<WaitReason> {
    let reasons = reasons.into_iter().map(|reason| WaitReason {
        template: reason.template,
        cause: reason.cause as u32,
        count: reason.count,
        lacking: reason
            .lacking
            .iter()
            .flat_map(|lack| [f64::from(lack.resource), lack.wanted as f64, lack.free as f64])
            .collect(),
        holders: reason
            .holders
            .iter()
            .flat_map(|holder| [holder.template, u32::from(holder.actors), holder.count])
            .collect(),
    });
    reasons.collect()
}

/// Why an object is not there; see `Node::explain`.
#[napi(catch_unwind)]
pub fn explain(port: u32, object: u32) -> Result<Vec<WaitReason>> {
    Ok(converted(binding(port)?.runtime.node.explain(object)))
}

/// Why what has waited for long does so; see `Node::slow_waits`.
#[napi(catch_unwind)]
pub fn slow_waits(port: u32) -> Result<Vec<WaitReason>> {
    Ok(converted(binding(port)?.runtime.node.slow_waits()))
}
