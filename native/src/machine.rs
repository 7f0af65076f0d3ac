use napi_derive::napi;

/// The version of this binary, which the package that loads it must have too.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

/// CPUs this process may use: affinity and control-group quota.
#[napi(catch_unwind)]
#[must_use]
pub fn usable_cpus() -> u32 {
    mobula_shm::processors() as u32
}

/// CPUs that the quota of the control groups allows, rounded up; -1 without one.
#[napi(catch_unwind)]
#[must_use]
pub fn cpu_quota() -> f64 {
    mobula_shm::cpu_quota().map_or(-1.0, |cpus| cpus as f64)
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
