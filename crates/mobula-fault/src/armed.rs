//! What is armed, and what happens at a point that is.

use std::cell::Cell;
use std::io;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mobula_sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use mobula_sync::{Mutex, thread};

use crate::points::POINTS;

/// What happens at an armed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process dies by SIGKILL.
    Kill,
    /// The worker's thread stays at the point until it has been told to end. Other threads pass.
    Stop,
    /// The call fails with this `errno`. Only at points that may fail.
    Error(i32),
    /// The thread panics.
    Panic,
    /// So many milliseconds pass, this time and the next [`DELAYS`] times.
    Delay(u32),
}

/// How often a point was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hits {
    /// By any thread.
    pub all: u32,
    /// By threads that can be told to end: those of workers.
    pub workers: u32,
}

/// How often time passes at a point that is armed with it.
const DELAYS: u32 = 16;

/// A thread that holds a lock which the driver needs cannot be told to end: it goes on after this.
const HOLD: Duration = Duration::from_millis(100);

const COUNT: usize = POINTS.len();

#[derive(Debug)]
struct Armed {
    point: usize,
    /// How many hits pass before something happens.
    before: u32,
    /// How often it happens.
    times: u32,
    action: Action,
}

static ARMED: LazyLock<Mutex<Option<Armed>>> = LazyLock::new(Mutex::default);
/// Which point is armed, so that all others cost one load.
static POINT: AtomicU64 = AtomicU64::new(u64::MAX);
static HITS: [AtomicU32; COUNT] = [const { AtomicU32::new(0) }; COUNT];
static WORKER_HITS: [AtomicU32; COUNT] = [const { AtomicU32::new(0) }; COUNT];
static FIRED: AtomicU32 = AtomicU32::new(0);
/// Whether the thread that is held may go on: it was told to end.
static RELEASED: AtomicBool = AtomicBool::new(false);
/// Has the thread of a port told to end.
type Stopper = fn(u32);

/// Who has a port's thread told to end.
static STOPPER: LazyLock<Mutex<Option<Stopper>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The port of the worker whose thread this is, or -1.
    static WORKER: Cell<i64> = const { Cell::new(-1) };
}

/// The calling thread is that of a worker.
pub fn enter(port: u32) {
    WORKER.set(i64::from(port));
}

/// Sets who has the thread of a port told to end. It may be called with any lock of the core held but those of
/// mail and bells.
pub fn set_stopper(stopper: fn(u32)) {
    *STOPPER.lock() = Some(stopper);
}

/// Arms a point: at hit number `hit` (the first is 1) from now on, `action` happens. Gives false, and arms nothing, if
/// there is no such point.
pub fn arm(name: &str, hit: u32, action: Action) -> bool {
    let Some(point) = POINTS.iter().position(|point| point.name == name) else {
        return false;
    };
    let times = if matches!(action, Action::Delay(_)) {
        DELAYS
    } else {
        1
    };
    *ARMED.lock() = Some(Armed {
        point,
        before: hit.saturating_sub(1),
        times,
        action,
    });
    FIRED.store(0, Ordering::SeqCst);
    RELEASED.store(false, Ordering::SeqCst);
    POINT.store(point as u64, Ordering::SeqCst);
    true
}

/// Nothing happens at any point.
pub fn disarm() {
    POINT.store(u64::MAX, Ordering::SeqCst);
    *ARMED.lock() = None;
    RELEASED.store(true, Ordering::SeqCst);
}

/// How often something has happened since a point was armed.
#[must_use]
pub fn fired() -> u32 {
    FIRED.load(Ordering::SeqCst)
}

/// How often each point was reached, in the order of [`POINTS`].
#[must_use]
pub fn hits() -> Vec<Hits> {
    let count = |point: usize| Hits {
        all: HITS[point].load(Ordering::Relaxed),
        workers: WORKER_HITS[point].load(Ordering::Relaxed),
    };
    (0..COUNT).map(count).collect()
}

/// The thread that is held has been told to end.
pub fn release() {
    RELEASED.store(true, Ordering::SeqCst);
}

/// A thread reaches a point that cannot fail.
///
/// # Panics
/// When the point is armed to.
pub fn reach(point: usize) {
    // Only points that may fail are armed with an error.
    let _ = try_reach(point);
}

/// A thread reaches a point that may fail.
///
/// # Errors
/// The one the point is armed with.
///
/// # Panics
/// When the point is armed to.
pub fn try_reach(point: usize) -> io::Result<()> {
    let worker = WORKER.try_with(Cell::get).unwrap_or(-1);
    HITS[point].fetch_add(1, Ordering::Relaxed);
    if worker >= 0 {
        WORKER_HITS[point].fetch_add(1, Ordering::Relaxed);
    }
    if POINT.load(Ordering::Relaxed) != point as u64 {
        return Ok(());
    }
    match due(point, worker) {
        None => Ok(()),
        Some(Action::Kill) => kill(),
        Some(Action::Panic) => panic!("armed to panic"),
        Some(Action::Error(number)) => Err(io::Error::from_raw_os_error(number)),
        Some(Action::Delay(milliseconds)) => {
            std::thread::sleep(Duration::from_millis(milliseconds.into()));
            Ok(())
        }
        Some(Action::Stop) => {
            hold(worker);
            Ok(())
        }
    }
}

/// What happens at this hit.
fn due(point: usize, worker: i64) -> Option<Action> {
    let mut armed = ARMED.lock();
    let armed = armed.as_mut()?;
    if armed.point != point || (armed.action == Action::Stop && worker < 0) {
        return None;
    }
    if armed.before > 0 {
        armed.before -= 1;
        return None;
    }
    armed.times = armed.times.checked_sub(1)?;
    FIRED.fetch_add(1, Ordering::SeqCst);
    Some(armed.action)
}

fn kill() -> ! {
    // SAFETY: sends a signal to this process, which does not come back from it.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    std::process::abort()
}

/// Has this thread told to end, and waits until it was.
fn hold(worker: i64) {
    let stopper = *STOPPER.lock();
    if let (Some(stopper), Ok(port)) = (stopper, u32::try_from(worker)) {
        stopper(port);
    }
    let end = Instant::now() + HOLD;
    while !RELEASED.load(Ordering::SeqCst) && Instant::now() < end {
        thread::yield_now();
    }
}
