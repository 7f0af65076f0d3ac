use napi_derive::napi;

/// CPUs this process may use: affinity and control-group quota.
#[napi(catch_unwind)]
#[must_use]
pub fn usable_cpus() -> u32 {
    mobula_shm::processors() as u32
}

/// Bytes of memory this process may use: the machine's, or its control group's limit.
#[napi(catch_unwind)]
#[must_use]
pub fn memory_limit() -> f64 {
    mobula_shm::memory()
        .iter()
        .map(|bound| bound.limit)
        .min()
        .unwrap_or(0) as f64
}
