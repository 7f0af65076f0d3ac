use mobula_sched::Reason;
use napi_derive::napi;

use crate::error::Result;
use crate::port::binding;

/// Why something waits; see `Reason` in `mobula-sched`.
#[napi(object)]
#[derive(Debug)]
pub struct WaitReason {
    /// Empty for tasks of any kind.
    pub name: String,
    pub cause: u32,
    pub count: u32,
    /// Resource, amount asked for and amount free, one after another.
    pub lacking: Vec<f64>,
    pub holders: Vec<WaitHolder>,
}

/// Somebody who holds what others wait for.
#[napi(object)]
#[derive(Debug)]
pub struct WaitHolder {
    pub name: String,
    pub actors: bool,
    pub count: u32,
}

fn converted(reasons: Vec<Reason>) -> Vec<WaitReason> {
    let reasons = reasons.into_iter().map(|reason| WaitReason {
        name: reason.name.as_ref().to_owned(),
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
            .map(|holder| WaitHolder {
                name: holder.name.as_ref().to_owned(),
                actors: holder.actors,
                count: holder.count,
            })
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
