use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Instant;

use mobula_sched::{Buffer, BufferStore, Clock, GENERATIONS, MAX_INBOX, Node, NodeConfig};
use mobula_store::{BufferId, EnvId, Store, StoreConfig};
use mobula_sync::Mutex;
use napi_derive::napi;

use crate::error::{Code, Result, fail, open_failed};
use crate::helper::Helper;
use crate::net::Net;
use crate::tables::Tables;
use crate::watchdog::Watchdog;

/// Everything one `init()` brings up.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) node: Arc<Node>,
    pub(crate) store: Arc<Store>,
    pub(crate) tables: Tables,
    pub(crate) net: Net,
    watchdog: Arc<Watchdog>,
    pub(crate) helper: Helper,
}

static CURRENT: std::sync::LazyLock<Mutex<Option<Arc<Runtime>>>> = std::sync::LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Buffers(Arc<Store>);

impl BufferStore for Buffers {
    fn adopt(&self, buffer: Buffer, port: u16) -> bool {
        self.0.adopt_from(BufferId(buffer.id), EnvId(u32::from(port)))
    }

    fn retain(&self, buffer: Buffer) {
        self.0.retain(BufferId(buffer.id));
    }

    fn release(&self, buffer: Buffer) {
        self.0.release(BufferId(buffer.id));
    }

    fn count_small(&self, change: i64) {
        self.0.count_small(change);
    }

    fn capacity(&self) -> u64 {
        self.0.capacity()
    }

    fn is_tight(&self) -> bool {
        self.0.is_tight()
    }
}

#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// The runtime that is up, for threads that attach to it.
pub(crate) fn current() -> Result<Arc<Runtime>> {
    match &*CURRENT.lock() {
        Some(runtime) => Ok(Arc::clone(runtime)),
        None => fail(Code::Closed, "no runtime is up"),
    }
}

/// What `start` needs; amounts of resources in ten-thousandths, memory in bytes.
#[napi(object)]
#[derive(Debug)]
pub struct StartOptions {
    pub cpu: f64,
    pub others: Vec<f64>,
    pub shared_hosts: u32,
    pub store_capacity: f64,
    pub spill_directory: String,
}

/// Brings a runtime up. There is at most one per process.
#[napi(catch_unwind)]
pub fn start(options: StartOptions) -> Result<()> {
    // Threads of ours may outlive every environment.
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
    let mut current = CURRENT.lock();
    if current.is_some() {
        return fail(
            Code::Taken,
            "Another thread of this process, or another realm of this thread, has a runtime, and there is one in a process. \
             Send what is to be done to the thread that has it, or call shutdown() there first.",
        );
    }
    let store = Store::open(StoreConfig {
        capacity: options.store_capacity as u64,
        spill_directory: PathBuf::from(options.spill_directory),
        memory_limit: None,
        max_mappings: None,
    })
    .map_err(|error| open_failed(&error))?;
    let store = Arc::new(store);
    let node = Arc::new(Node::new(NodeConfig {
        cpu: options.cpu as i64,
        others: options.others.iter().map(|&amount| amount as i64).collect(),
        shared_hosts: options.shared_hosts as usize,
        generations: GENERATIONS,
        max_inbox: MAX_INBOX,
        store: Arc::new(Buffers(Arc::clone(&store))),
        clock: Arc::new(Monotonic(Instant::now())),
    }));
    let watchdog = match Watchdog::start(Arc::downgrade(&node)) {
        Ok(watchdog) => Arc::new(watchdog),
        Err(error) => return fail(Code::Invalid, format_args!("no thread for the watchdog: {error}")),
    };
    let helper = match Helper::start(Arc::downgrade(&node), &store) {
        Ok(helper) => helper,
        Err(error) => return fail(Code::Invalid, format_args!("no thread for the store: {error}")),
    };
    node.set_watchdog(Some(Arc::clone(&watchdog) as _));
    *current = Some(Arc::new(Runtime {
        node,
        store,
        tables: Tables::default(),
        net: Net::default(),
        watchdog,
        helper,
    }));
    Ok(())
}

/// Takes the runtime down. Threads that are still attached keep its memory until they end.
#[napi(catch_unwind)]
pub fn stop() {
    if let Some(runtime) = CURRENT.lock().take() {
        runtime.end();
    }
}

impl Runtime {
    fn end(&self) {
        self.node.set_watchdog(None);
        self.watchdog.stop();
        self.helper.stop();
        self.net.stop();
    }
}

/// The driver's thread has ended. If it has not taken its runtime down, another thread must still be able to bring one up; the
/// workers, which were threads of the driver's, have ended before.
pub(crate) fn end_of_driver(runtime: &Weak<Runtime>) {
    let mut current = CURRENT.lock();
    if current
        .as_ref()
        .is_some_and(|current| runtime.ptr_eq(&Arc::downgrade(current)))
        && let Some(runtime) = current.take()
    {
        runtime.end();
    }
}

/// Refuses to wait for new work; true if nothing is in flight, otherwise the driver is told when.
#[napi(catch_unwind)]
pub fn drain() -> Result<bool> {
    Ok(current()?.node.drain())
}

/// Tells all threads that their actors are gone.
#[napi(catch_unwind)]
pub fn stop_actors() -> Result<()> {
    current()?.node.stop_actors();
    Ok(())
}

/// Rings the driver's bell. Without a runtime there is no driver, and nothing happens.
#[napi(catch_unwind)]
pub fn ring_driver() {
    if let Ok(runtime) = current() {
        runtime.node.ring_main();
    }
}

/// Fails every task that is not settled. `details` say why, if the user has not shut down; else they are empty.
#[napi(catch_unwind)]
pub fn fail_all(details: String) -> Result<()> {
    current()?.node.fail_all(&details);
    Ok(())
}

/// Free resources in ten-thousandths: CPU first, then the others in the order of `start`.
#[napi(catch_unwind)]
pub fn free_resources() -> Result<Vec<f64>> {
    Ok(current()?
        .node
        .free_resources()
        .iter()
        .map(|&amount| amount as f64)
        .collect())
}

/// What the node has to do: tasks of other nodes that threads have, tasks that wait for a worker, nanoseconds of work that wait;
/// then what would be free without the tasks of other nodes, as `free_resources` has it.
#[napi(catch_unwind)]
pub fn node_load() -> Result<Vec<f64>> {
    let load = current()?.node.load();
    let counts = [
        f64::from(load.foreign),
        f64::from(load.queued),
        load.backlog as f64,
    ];
    let lent = load.lent.iter();
    let lent = lent.flat_map(|&(template, cpu)| [f64::from(template), cpu as f64]);
    let available = load.available.iter().map(|&amount| amount as f64);
    let all = counts.into_iter().chain([load.lent.len() as f64]).chain(lent);
    Ok(all.chain(available).collect())
}

/// Templates there are, and objects with code that threads may have loaded.
#[napi(catch_unwind)]
pub fn templates_in_use() -> Result<Vec<u32>> {
    let (templates, codes) = current()?.node.templates_in_use();
    Ok(vec![templates as u32, codes as u32])
}

/// Tasks that are not settled.
#[napi(catch_unwind)]
pub fn live_tasks() -> Result<u32> {
    Ok(current()?.node.live_tasks() as u32)
}
