use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::actor::{Actor, Hosts, Names, Unplaced, Waits};
use crate::away::Away;
use crate::crew::{Crew, Crews};
use crate::deadlines::Deadlines;
use crate::follow::Following;
use crate::forward::Forwarding;
use crate::object::{NONE, Object, WaiterNodes};
use crate::port::{Port, PortKind};
use crate::ports::{Bell, BufferStore, Clock};
use crate::region::Regions;
use crate::resources::Resources;
use crate::slab::{IndexCache, Slab};
use crate::starving::Starving;
use crate::task::{State, Task};
use crate::templates::Templates;
use crate::violation::PortError;

/// Ports that can be open at once. Their numbers are used again oldest first.
pub const MAX_PORTS: usize = 4096;

/// How many ports rest before the one that was shut first is opened again, unless there are no others. What can outlive a
/// thread names its life too ([`Port::life`]); resting is for what is only under way, such as a visit that posts to it.
const RESTING_PORTS: usize = 256;

/// The most generations of a cell: a task's has 31 bits.
pub const GENERATIONS: u32 = 1 << 31;

/// The most that JavaScript is told of in 31 bits; what is above says that few news are the last ([`Step::Last`]).
///
/// [`Step::Last`]: crate::Step::Last
pub const MAX_INBOX: usize = (1 << 31) - 4096;

/// What a node is made of.
#[derive(Debug)]
pub struct NodeConfig {
    /// CPUs, in ten-thousandths.
    pub cpu: i64,
    /// Other resources, in ten-thousandths.
    pub others: Vec<i64>,
    /// Threads that actors may share.
    pub shared_hosts: usize,
    /// How many tasks, objects or threads may have one number, one after another; at most [`GENERATIONS`]. A cell whose
    /// generations are used up is never used again.
    pub generations: u32,
    /// The largest inbox that a thread may be asked for, in bytes. A record that needs more is an error of its task or value.
    pub max_inbox: usize,
    /// The object store.
    pub store: Arc<dyn BufferStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The local scheduler of one node: all its threads share it.
#[derive(Debug)]
pub struct Node {
    pub(crate) tasks: Slab<Task>,
    pub(crate) objects: Slab<Object>,
    pub(crate) actors: Slab<Actor>,
    pub(crate) waiter_nodes: WaiterNodes,
    /// The threads of the process's own program, and what waits for them.
    pub(crate) home: Crew,
    pub(crate) crews: Crews,
    pub(crate) forwarding: Forwarding,
    pub(crate) following: Following,
    pub(crate) away: Away,
    pub(crate) resources: Resources,
    pub(crate) store: Arc<dyn BufferStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) templates: Templates,
    ports: Mutex<Vec<Arc<Port>>>,
    /// Shut ports, oldest first.
    shut_ports: Mutex<std::collections::VecDeque<u16>>,
    port_table: Box<[mobula_sync::cell::UnsafeCell<Option<Arc<Port>>>]>,
    /// Ports ever made.
    port_count: AtomicU32,
    open_ports: AtomicUsize,
    /// Threads of actors that look for calls right now.
    pub(crate) hosts_searching: AtomicU32,
    pub(crate) hosts: Mutex<Hosts>,
    /// Numbers given to hosts.
    pub(crate) hosts_made: AtomicU32,
    pub(crate) shared_hosts: usize,
    /// The last generation of a cell.
    pub(crate) last_generation: u32,
    /// See [`NodeConfig::max_inbox`].
    pub(crate) max_inbox: usize,
    pub(crate) names: Names,
    pub(crate) waits: Waits,
    pub(crate) starving: Starving,
    /// Held during visits on behalf of no thread, and while all visits stand still; taken before any port.
    pub(crate) alone: Mutex<()>,
    pub(crate) actor_cache: Mutex<IndexCache>,
    /// Actors that wait for resources.
    pub(crate) unplaced: Mutex<Unplaced>,
    pub(crate) unplaced_count: AtomicU32,
    /// Actors that hold resources.
    pub(crate) actors_holding: AtomicU32,
    /// Tasks that are not settled yet.
    pub(crate) live_tasks: AtomicUsize,
    /// The port that starts and stops threads.
    pub(crate) main_port: AtomicU32,
    pub(crate) closing: AtomicBool,
    /// When attempts have to end.
    pub(crate) deadlines: Deadlines,
    /// The actor that the watchdog has seen wait for resources longest, and since when.
    pub(crate) waiting_actor: Mutex<Option<(u32, u64)>>,
    /// Whether the watchdog is up.
    pub(crate) watching: AtomicBool,
    /// Whether the watchdog found nothing to look after when it looked last, and did not sleep for long after that.
    pub(crate) found_nothing: AtomicBool,
    watchdog: Mutex<Option<Arc<dyn Bell>>>,
    /// Nanoseconds of work that the watchdog saw wait last, at a node of a cluster.
    pub(crate) backlog: AtomicU64,
}

// SAFETY: entries of `port_table` are written once, under the lock of `ports`, before their number is
// given out; everything else in a node is Sync by itself.
unsafe impl Sync for Node {}

impl Node {
    /// A node without threads.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        Self {
            tasks: Slab::new(),
            objects: Slab::new(),
            actors: Slab::new(),
            waiter_nodes: WaiterNodes::new(),
            home: Crew::new(0),
            crews: Crews::default(),
            forwarding: Forwarding::new(),
            following: Following::default(),
            away: Away::default(),
            resources: Resources::new(config.cpu, config.others),
            store: config.store,
            clock: config.clock,
            templates: Templates::default(),
            ports: Mutex::default(),
            shut_ports: Mutex::default(),
            port_table: (0..MAX_PORTS)
                .map(|_| mobula_sync::cell::UnsafeCell::new(None))
                .collect(),
            port_count: AtomicU32::new(0),
            open_ports: AtomicUsize::new(0),
            hosts_searching: AtomicU32::new(0),
            hosts: Mutex::default(),
            hosts_made: AtomicU32::new(0),
            shared_hosts: config.shared_hosts,
            max_inbox: config.max_inbox.min(MAX_INBOX),
            last_generation: config.generations.clamp(1, GENERATIONS) - 1,
            names: Names::default(),
            waits: Waits::default(),
            starving: Starving::default(),
            alone: Mutex::default(),
            actor_cache: Mutex::default(),
            unplaced: Mutex::default(),
            unplaced_count: AtomicU32::new(0),
            actors_holding: AtomicU32::new(0),
            live_tasks: AtomicUsize::new(0),
            main_port: AtomicU32::new(NONE),
            closing: AtomicBool::new(false),
            deadlines: Deadlines::default(),
            waiting_actor: Mutex::default(),
            watching: AtomicBool::new(false),
            found_nothing: AtomicBool::new(false),
            watchdog: Mutex::new(None),
            backlog: AtomicU64::new(0),
        }
    }

    /// The mean time of a template's attempts in nanoseconds; 0 if that is not known, or the template has ended.
    #[must_use]
    pub fn template_mean(&self, template: u32) -> u32 {
        let found = self.templates.find(template);
        found.and_then(|template| template.cost.own()).unwrap_or(0)
    }

    /// How often in a row the code of a template could not be loaded, where threads that tried at once count once.
    #[must_use]
    pub fn failed_loads(&self, template: u32) -> u32 {
        self.templates
            .find(template)
            .map_or(0, |template| template.failed_loads())
    }

    /// A thread has loaded the code of a template, or failed to. `before`: what `failed_loads` said when it began.
    pub fn load_ended(&self, template: u32, loaded: bool, before: u32) {
        if let Some(template) = self.templates.find(template) {
            template.load_ended(loaded, before);
        }
    }

    /// Gives a thread its end of the core. `serves`: of a thread of actors the number from a `NEED_WORKER` event, of one of
    /// tasks that from a `NEED_CREW` event, or nothing for the process's own program.
    ///
    /// Gives nothing when too many threads are attached.
    pub fn attach(&self, kind: PortKind, serves: Option<u32>, bell: Arc<dyn Bell>) -> Option<u16> {
        let host = serves.filter(|_| kind == PortKind::Host);
        let host = host.and_then(|id| self.hosts.lock().find(id));
        let job = serves.filter(|_| kind == PortKind::Worker).unwrap_or(0);
        let crew = self.crew_to_join(job);
        let id = self.take_port()?;
        failpoint!("attach.open");
        if let Some(crew) = &crew {
            crew.count_thread(true);
        }
        self.port(id).open(kind, host.clone(), crew, bell);
        failpoint!("attach.opened");
        self.open_ports.fetch_add(1, Ordering::Relaxed);
        if let Some(host) = host {
            host.port.store(u32::from(id), Ordering::Release);
            self.port(id).has_calls.store(true, Ordering::Release);
        }
        if kind == PortKind::Agent {
            self.forwarding.has_agent(id);
        }
        if kind == PortKind::Driver {
            self.main_port.store(u32::from(id), Ordering::Release);
            self.ask_again(id);
        }
        Some(id)
    }

    /// A port that has rested long enough or has to do, or a new one.
    fn take_port(&self) -> Option<u16> {
        let mut ports = self.ports.lock();
        {
            let mut shut = self.shut_ports.lock();
            if shut.len() >= RESTING_PORTS || ports.len() == MAX_PORTS {
                return shut.pop_front();
            }
        }
        let id = ports.len() as u16;
        let port = Arc::new(Port::new(id));
        ports.push(Arc::clone(&port));
        // SAFETY: the number is new, so nobody reads the entry yet.
        self.port_table[usize::from(id)].with_mut(|entry| unsafe { *entry = Some(port) });
        self.port_count.store(u32::from(id) + 1, Ordering::Release);
        Some(id)
    }

    /// Ports there have been: their numbers are below this.
    pub(crate) fn ports_made(&self) -> u32 {
        // Acquire: pairs with the Release in `take_port`, after the entry was written.
        self.port_count.load(Ordering::Acquire)
    }

    pub(crate) fn port(&self, id: u16) -> &Port {
        // SAFETY: written before the number was given out, never again.
        let entry = self.port_table[usize::from(id)].with(|entry| unsafe { &*entry });
        entry.as_ref().expect("an attached port")
    }

    /// Whether `test` holds for any port there has been, shut ones included.
    pub(crate) fn any_port(&self, test: impl FnMut(&Port) -> bool) -> bool {
        self.any_port_from(0, test)
    }

    /// The same, beginning with port `first`.
    pub(crate) fn any_port_from(&self, first: u16, test: impl FnMut(&Port) -> bool) -> bool {
        let count = self.ports_made() as u16;
        (first..count)
            .chain(0..first.min(count))
            .map(|id| self.port(id))
            .any(test)
    }

    pub(crate) fn all_ports(&self) -> Vec<Arc<Port>> {
        self.ports.lock().clone()
    }

    /// The number of a thread that was buried, and that is gone with all it held outside of the core, is free for another,
    /// unless its lives are used up.
    pub fn forget_port(&self, id: u16) {
        let mut shut = self.shut_ports.lock();
        debug_assert!(!shut.contains(&id), "a thread is buried once");
        if self.port(id).may_open_again(self.last_generation) {
            shut.push_back(id);
        }
        drop(shut);
        self.open_ports.fetch_sub(1, Ordering::Relaxed);
    }

    /// Tells the core where the thread's shared memory is. Commands left in the old one are carried out first.
    ///
    /// # Errors
    /// When the port is closed, or its commands were wrong.
    pub fn set_regions(&self, port: u16, regions: Regions) -> Result<(), PortError> {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        self.visit(port, &mut inner, |turn, inner| {
            let published = inner.regions.published();
            turn.harvest(inner, published)?;
            failpoint!("port.regions");
            inner.regions = regions;
            // The thread rings once, or the watchdog is up and finds them.
            inner.regions.unwatch();
            inner.consumed = 0;
            Ok(())
        })
    }

    /// Makes `objects.len() / 2` objects for a thread: index and generation of each. It holds a reference to each.
    pub fn alloc_objects(&self, port: u16, objects: &mut [u32]) {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        for pair in objects.chunks_exact_mut(2) {
            let index = self.take_object(&mut inner.objects, u32::from(port.id));
            pair[0] = index;
            pair[1] = self.objects.get(index).generation.load(Ordering::Relaxed);
            self.remember_owned(&mut inner, port.id, (index, pair[1]));
        }
    }

    /// A fresh object with one reference, owned by `owner`.
    pub(crate) fn take_object(&self, cache: &mut IndexCache, owner: u32) -> u32 {
        let index = self.objects.take(cache);
        let object = self.objects.get(index);
        // Release: pairs with the Acquire in `try_retain`: who finds it by an old name sees the new generation.
        object.refs.store(1, Ordering::Release);
        object.owner.store(owner, Ordering::Relaxed);
        object.actor.store(NONE, Ordering::Relaxed);
        index
    }

    /// Which of the objects that have lived in its place an object is.
    #[must_use]
    pub fn object_generation(&self, object: u32) -> u32 {
        self.objects.get(object).generation.load(Ordering::Relaxed)
    }

    /// What is free: CPU, then the other resources in the order of the configuration.
    #[must_use]
    pub fn free_resources(&self) -> Vec<i64> {
        self.resources.free()
    }

    /// How many kinds of tasks of the process's own program wait that differ in priority or in what they ask for; plain ones
    /// apart.
    #[must_use]
    pub fn special_lanes(&self) -> usize {
        self.home.lanes.special_lanes()
    }

    /// How many tasks are not settled.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.live_tasks.load(Ordering::SeqCst)
    }

    /// How many tasks have a cell: those that are not settled, and those that somebody still has to come upon.
    #[must_use]
    pub fn tasks_in_use(&self) -> usize {
        let states = (0..self.tasks.made()).map(|index| self.tasks.get(index).state().0);
        states.filter(|&state| state != State::Free).count()
    }

    /// How many objects somebody refers to. Goes through all objects there have been.
    #[must_use]
    pub fn objects_in_use(&self) -> usize {
        let objects = (0..self.objects.made()).map(|index| self.objects.get(index));
        objects
            .filter(|object| object.refs.load(Ordering::Relaxed) > 0)
            .count()
    }

    /// How many threads are attached.
    #[must_use]
    pub fn open_ports(&self) -> usize {
        self.open_ports.load(Ordering::Relaxed)
    }

    /// Who calls [`Node::tick`] when it is rung, and then as `tick` says.
    pub fn set_watchdog(&self, watchdog: Option<Arc<dyn Bell>>) {
        *self.watchdog.lock() = watchdog;
    }

    /// Wakes the watchdog if it sleeps: there is something to look after.
    pub fn watch(&self) {
        if !self.watching.load(Ordering::Relaxed)
            && !self.watching.swap(true, Ordering::SeqCst)
            && let Some(watchdog) = &*self.watchdog.lock()
        {
            watchdog.ring();
        }
    }
}
