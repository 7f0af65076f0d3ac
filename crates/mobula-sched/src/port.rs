use std::collections::VecDeque;
use std::sync::Arc;

use mobula_queue::{Doorbell, Waiter};
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use rustc_hash::FxHashMap;

use crate::actor::Host;
use crate::away::PlaceNews;
use crate::batch::Kinds;
use crate::cancel::How;
use crate::crew::Crew;
use crate::local::LocalQueue;
use crate::ports::Bell;
use crate::pruned::PrunedVec;
use crate::region::Regions;
use crate::slab::IndexCache;
use crate::task::TaskId;
use crate::template::Template;
use crate::templates::Change;
use crate::violation::PortError;

/// Most tasks in a batch; as many claim words follow the control words.
pub const BATCH: usize = 128;

/// What a thread is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortKind {
    /// The program's own thread: submits, runs nothing.
    Driver,
    /// Runs tasks.
    Worker,
    /// Runs actors.
    Host,
    /// Has other nodes run tasks, and runs theirs.
    Agent,
}

/// News for a thread.
#[derive(Debug)]
pub(crate) enum Event {
    /// An object the thread subscribed to is there.
    Settled {
        object: u32,
        life: u16,
        token: u32,
        value: bool,
    },
    /// A stream of the thread has one more item.
    Item { life: u16, token: u32, object: u32 },
    /// A running task was cancelled or ran out of time.
    StopTask { task: TaskId, how: How },
    /// A paused generator may yield more.
    Credit { task: TaskId, items: u32 },
    /// An actor of this thread is gone.
    StopActor { actor: u32 },
    /// Something of a value that lies at another node.
    Place(PlaceNews),
    /// A job has its first tasks: it needs threads.
    NeedCrew { job: u32 },
    /// A job has ended: its threads are to end.
    CrewOver { job: u32 },
    /// The node needs a thread for actors.
    NeedWorker { host: u32, own: bool },
    /// A thread that one actor had to itself is not needed any more.
    RetireHost { host: u32 },
    /// A thread is to be stopped: a task that it has begun was cancelled by force, or, without a task, it cannot be served.
    KillPort {
        port: u16,
        life: u16,
        task: Option<TaskId>,
    },
    /// The object store is full: views that nobody holds are to be collected.
    Collect,
    /// Something has waited for resources for long.
    SlowWaits,
    /// A template has ended.
    ForgetTemplate { template: u32 },
    /// The object that held code which the thread may have loaded is gone.
    ForgetCode { object: u32, generation: u32 },
    /// The last task in flight has ended.
    Idle,
    /// The node closes: all actors of this thread are gone.
    StopActors,
}

/// A thread's end of the core.
///
/// Lock order: `inner`, then an actor, then `mail` of any port. No two `inner` locks at once.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) id: u16,
    /// How often it was opened; below [`Waiter::LIVES`].
    life: AtomicU32,
    pub(crate) inner: Mutex<Inner>,
    pub(crate) mail: Mutex<Mail>,
    pub(crate) doorbell: Doorbell,
    bell: Mutex<Option<Arc<dyn Bell>>>,
    /// Whether `mail` holds anything; a hint for the spinning owner.
    pub(crate) has_mail: AtomicBool,
    /// Whether the thread has been asked to collect garbage and not read it yet: once is enough.
    asked_to_collect: AtomicBool,
    /// Whether an actor of this thread has calls to run.
    pub(crate) has_calls: AtomicBool,
    /// Whether the thread runs tasks.
    pub(crate) runs_tasks: AtomicBool,
    /// Tasks in the background that hold a CPU or more. Written by whoever holds `inner`, or buries the thread.
    occupants: AtomicU32,
    /// Of these, those that have ended since one had the CPU and none before it.
    background_ended: AtomicU32,
    /// At a node of a cluster, what the first of them is of, and since when it has the CPU.
    pub(crate) occupant: Mutex<Option<(Arc<Template>, u64)>>,
    /// Plain tasks that tasks of this thread have submitted: it runs them itself, unless others have nothing to do.
    pub(crate) local: LocalQueue,
}

/// News that the thread has not read yet.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    pub(crate) open: bool,
    pub(crate) events: Vec<Event>,
}

/// What only the port's thread touches, and the watchdog when that thread is stuck in user code.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) kind: PortKind,
    /// The crew of the thread; nothing for that of the process's own program.
    pub(crate) crew: Option<Arc<Crew>>,
    pub(crate) open: bool,
    /// Why the port is not served any more although it is open.
    pub(crate) poison: Option<PortError>,
    pub(crate) regions: Regions,
    /// Bytes of the command region already carried out.
    pub(crate) consumed: usize,
    /// Bytes of the inbox that the last step filled: the thread may still be reading them.
    pub(crate) filled: usize,
    /// The tasks of the current batch, by claim word.
    pub(crate) batch: Vec<u32>,
    pub(crate) batch_began: u64,
    /// Of which templates the tasks of the batch are.
    pub(crate) kinds: Kinds,
    /// Whether a task of the batch, or of one before it that had any, has a time limit.
    pub(crate) has_limits: bool,
    /// Counts batches of tasks: whose turn it is to be served first.
    pub(crate) turn: u32,
    /// The CPU that the port holds for the tasks of its batch that hold none themselves, in ten-thousandths.
    pub(crate) holds_cpu: i64,
    /// Counts visits of the thread.
    pub(crate) visits: u32,
    /// The visit after which the watchdog found commands that the thread has not passed on, and when.
    pub(crate) unflushed: Option<(u32, u64)>,
    /// A task that was taken but did not fit into the inbox, and those that were handed back.
    pub(crate) returned: VecDeque<u32>,
    pub(crate) tasks: IndexCache,
    pub(crate) objects: IndexCache,
    /// Handles of the thread beside those of objects it owns.
    pub(crate) borrowed: FxHashMap<u32, u32>,
    /// Beside the batch: tasks that the thread has begun, some of which have ended.
    pub(crate) begun: PrunedVec<u32>,
    /// Objects of which the thread holds or has held the first handle, each with its generation. The driver, which ends
    /// once, keeps none.
    pub(crate) owned: PrunedVec<(u32, u32)>,
    /// News taken from `mail`, not yet written to the inbox.
    pub(crate) unread: VecDeque<Event>,
    pub(crate) host: Option<Arc<Host>>,
    /// The template that the thread submitted last.
    pub(crate) template: Option<Arc<Template>>,
    /// Memory for what a visit changes; empty.
    pub(crate) changes: Vec<Change>,
    /// Objects whose outcomes stand in the inbox: JavaScript may map their buffers until the next step.
    pub(crate) delivered: Vec<u32>,
}

impl Port {
    pub(crate) fn new(id: u16) -> Self {
        Self {
            id,
            life: AtomicU32::new(0),
            inner: Mutex::new(Inner {
                kind: PortKind::Driver,
                crew: None,
                open: false,
                poison: None,
                regions: Regions::default(),
                consumed: 0,
                filled: 0,
                batch: Vec::new(),
                batch_began: 0,
                kinds: Kinds::default(),
                has_limits: false,
                turn: 0,
                holds_cpu: 0,
                visits: 0,
                unflushed: None,
                returned: VecDeque::new(),
                tasks: IndexCache::default(),
                objects: IndexCache::default(),
                borrowed: FxHashMap::default(),
                begun: PrunedVec::default(),
                owned: PrunedVec::default(),
                unread: VecDeque::new(),
                host: None,
                template: None,
                changes: Vec::new(),
                delivered: Vec::new(),
            }),
            mail: Mutex::default(),
            doorbell: Doorbell::default(),
            bell: Mutex::new(None),
            has_mail: AtomicBool::new(false),
            asked_to_collect: AtomicBool::new(false),
            has_calls: AtomicBool::new(false),
            runs_tasks: AtomicBool::new(false),
            occupants: AtomicU32::new(0),
            background_ended: AtomicU32::new(0),
            occupant: Mutex::default(),
            local: LocalQueue::default(),
        }
    }

    /// Whether a task in the background has the thread's CPU: then others run what needs one, which might never give the
    /// thread back. There are others: CPUs that are free, and no more CPUs than workers.
    pub(crate) fn is_occupied(&self) -> bool {
        // Relaxed: for the port's own thread a value of its own; for others a hint.
        self.occupants.load(Ordering::Relaxed) > 0
    }

    /// An attempt ends that has gone on in the background.
    pub(crate) fn ends_background(&self) {
        // Relaxed: a figure for estimates.
        self.background_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have since this was asked last.
    pub(crate) fn take_background_ended(&self) -> u32 {
        self.background_ended.swap(0, Ordering::Relaxed)
    }

    /// A task begins or ends to have the thread's CPU in the background. Gives whether it is the first, or the last.
    pub(crate) fn occupy(&self, begins: bool) -> bool {
        let changes = if begins {
            self.occupants.fetch_add(1, Ordering::Relaxed) == 0
        } else {
            self.occupants.fetch_sub(1, Ordering::Relaxed) == 1
        };
        if changes {
            // A background task may do this while the thread's loop sleeps, for the wrong things from now on.
            self.wake();
        }
        changes
    }

    pub(crate) fn open(
        &self,
        kind: PortKind,
        host: Option<Arc<Host>>,
        crew: Option<Arc<Crew>>,
        bell: Arc<dyn Bell>,
    ) {
        self.local.begin(crew.as_ref().map_or(0, |crew| crew.job));
        *self.bell.lock() = Some(bell);
        self.doorbell.awake();
        self.life.fetch_add(1, Ordering::Relaxed);
        self.runs_tasks.store(kind == PortKind::Worker, Ordering::Relaxed);
        self.has_calls.store(kind == PortKind::Host, Ordering::Relaxed);
        {
            let mut inner = self.inner.lock();
            inner.kind = kind;
            inner.crew = crew;
            inner.open = true;
            inner.poison = None;
            inner.filled = 0;
            inner.kinds = Kinds::default();
            inner.has_limits = false;
            inner.unflushed = None;
            inner.host = host;
        }
        let mut mail = self.mail.lock();
        mail.open = true;
        // Under the lock: who asked before found the mail shut, and what it asked is lost.
        self.asked_to_collect.store(false, Ordering::Relaxed);
    }

    /// Which of the threads that have had the port has it now. What can outlive a thread names it with this, as others may
    /// have the number then.
    pub(crate) fn life(&self) -> u16 {
        // Relaxed: who names a thread has learned of it after it opened the port.
        self.life.load(Ordering::Relaxed) as u16
    }

    /// Whether the thread of that life is there, and takes news.
    pub(crate) fn hears(&self, life: u16) -> bool {
        self.life() == life && self.mail.lock().open
    }

    /// Whether there is a life left that no thread has had.
    pub(crate) fn may_open_again(&self, last: u32) -> bool {
        u32::from(self.life()) < last.min(u32::from(Waiter::LIVES) - 1)
    }

    /// Refuses further news; gives what was not read.
    pub(crate) fn shut(&self) -> Vec<Event> {
        *self.bell.lock() = None;
        let mut mail = self.mail.lock();
        mail.open = false;
        self.has_mail.store(false, Ordering::Relaxed);
        std::mem::take(&mut mail.events)
    }

    /// Delivers news, and wakes the thread if it sleeps. Gives the news back if the port is shut.
    pub(crate) fn post(&self, events: &mut Vec<Event>) {
        {
            let mut mail = self.mail.lock();
            if !mail.open {
                return;
            }
            mail.events.append(events);
        }
        self.has_mail.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn ask_to_collect(&self) {
        // Relaxed: a hint. The lock of the mail orders the rest.
        if !self.asked_to_collect.swap(true, Ordering::Relaxed) {
            self.post(&mut vec![Event::Collect]);
        }
    }

    /// The thread is about to collect.
    pub(crate) fn collects(&self) {
        self.asked_to_collect.store(false, Ordering::Relaxed);
    }

    /// Wakes the thread if it sleeps; true if it did.
    pub(crate) fn wake(&self) -> bool {
        if !self.doorbell.ring() {
            return false;
        }
        self.ring();
        true
    }

    /// Rings the thread's bell, whether or not it sleeps.
    pub(crate) fn ring(&self) {
        let bell = self.bell.lock().clone();
        if let Some(bell) = bell {
            bell.ring();
        }
    }
}
