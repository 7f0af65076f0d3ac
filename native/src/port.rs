use std::ptr;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sched::{Blame, CONTROL_WORDS, MAX_INBOX, MAX_PORTS, PortKind, Regions, Step};
use mobula_store::EnvId;
use mobula_sync::atomic::{AtomicPtr, Ordering};
use napi::JsValue;
use napi::bindgen_prelude::{Env, Function, Unknown};
use napi_derive::napi;

use crate::accounting::Pressure;
use crate::bell::UvBell;
use crate::bytes::Bytes;
use crate::error::{Code, Result, fail, refused};
use crate::runtime::{Runtime, current, end_of_driver};
use crate::v8;

/// A thread's connection to the runtime.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) runtime: Arc<Runtime>,
    port: u32,
    pub(crate) env: EnvId,
    bell: Arc<UvBell>,
    pub(crate) pressure: Pressure,
    /// Where the end of the environment finds this; null once it is closed.
    mine: Arc<AtomicPtr<Binding>>,
}

/// By port. An entry is written, read and freed by the port's own thread only.
static BINDINGS: [AtomicPtr<Binding>; MAX_PORTS] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_PORTS];

/// The connection of `port`, whose thread is calling.
pub(crate) fn binding(port: u32) -> Result<&'static Binding> {
    let entry = BINDINGS
        .get(port as usize)
        .map_or(ptr::null_mut(), |entry| entry.load(Ordering::Relaxed));
    if entry.is_null() {
        return fail(Code::Closed, "this thread is not attached");
    }
    // SAFETY: the entry is freed only by `detach` on this same thread, never while a call of it runs.
    Ok(unsafe { &*entry })
}

/// Attaches the calling thread: `kind` 0 = driver, 1 = tasks, 2 = actors, 3 = agent; `serves`: for a thread of actors the number of
/// the need-worker event, for one of tasks the job, or -1. `on_bell` is called on the thread's loop when there is news and the thread slept. Gives the port.
#[napi(catch_unwind)]
pub fn attach(
    env: Env,
    kind: u32,
    serves: i32,
    on_bell: Function<'_, Unknown<'_>, Unknown<'_>>,
) -> Result<u32> {
    let runtime = current()?;
    let kind = match kind {
        0 => PortKind::Driver,
        1 => PortKind::Worker,
        3 => PortKind::Agent,
        _ => PortKind::Host,
    };
    // Which binding ends with the environment; the same port may be another thread's by then, of a later runtime.
    let mine: Arc<AtomicPtr<Binding>> = Arc::new(AtomicPtr::new(ptr::null_mut()));
    let ending = Arc::clone(&mine);
    let driven = (kind == PortKind::Driver).then(|| Arc::downgrade(&runtime));
    let on_end = Box::new(move || {
        close(ending.load(Ordering::Relaxed));
        if let Some(runtime) = driven {
            end_of_driver(&runtime);
        }
    });
    failpoint!("native.attach");
    let bell = UvBell::new(env.raw(), on_bell.value().value, on_end)?;
    let Some(port) = runtime
        .node
        .attach(kind, u32::try_from(serves).ok(), Arc::clone(&bell) as _)
    else {
        return fail(
            Code::Invalid,
            format_args!("more than {MAX_PORTS} threads are attached"),
        );
    };
    let port = u32::from(port);
    #[cfg(feature = "failpoints")]
    if kind != PortKind::Driver {
        mobula_fault::enter(port);
    }
    let binding = Box::into_raw(Box::new(Binding {
        runtime,
        port,
        env: EnvId(port),
        bell,
        pressure: Pressure::default(),
        mine: Arc::clone(&mine),
    }));
    mine.store(binding, Ordering::Relaxed);
    BINDINGS[port as usize].store(binding, Ordering::Relaxed);
    Ok(port)
}

/// The calling thread lets go of its shared memory. What ran there is settled by `bury`.
#[napi(catch_unwind)]
pub fn detach(port: u32) {
    if let Some(entry) = BINDINGS.get(port as usize) {
        close(entry.load(Ordering::Relaxed));
    }
}

/// Ends a binding. It is the calling thread's own; null if it has ended already.
fn close(binding: *mut Binding) {
    if binding.is_null() {
        return;
    }
    // Gone from the table already if the number is another thread's by now, of a later runtime.
    for entry in &BINDINGS {
        if entry.load(Ordering::Relaxed) == binding {
            entry.store(ptr::null_mut(), Ordering::Relaxed);
            break;
        }
    }
    // SAFETY: made by `attach`. Both ways here, the table and `mine`, are of this thread and lose it now.
    let binding = unsafe { Box::from_raw(binding) };
    failpoint!("native.detach");
    binding.mine.store(ptr::null_mut(), Ordering::Relaxed);
    binding.bell.forget_control();
    binding.runtime.node.close_port(binding.port as u16);
}

/// A job of another process has ended: its tasks on this node are cancelled, and the main thread is told to end its threads.
#[napi(catch_unwind)]
pub fn end_job(port: u32, job: u32) -> Result<()> {
    binding(port)?.runtime.node.end_job(job);
    Ok(())
}

/// The thread of `port` was told to end and hangs in foreign code: its tasks run elsewhere or fail. What that code may
/// still read, the thread's views, stays until `bury`.
#[napi(catch_unwind)]
pub fn abandon(port: u32, details: String) -> Result<()> {
    current()?.node.bury(port as u16, &details, Blame::Nobody);
    Ok(())
}

/// The thread of `port` has ended: its tasks run elsewhere or fail, and all it held is given back. `blame`: the task
/// that ended it, -1 if that is not known, -2 for none that still ran, -3 for the one that had the thread.
#[napi(catch_unwind)]
pub fn bury(port: u32, details: String, blame: i32) -> Result<()> {
    let runtime = current()?;
    let blame = match (u32::try_from(blame), blame) {
        (Ok(task), _) => Blame::Task(task),
        (_, -2) => Blame::Nobody,
        (_, -3) => Blame::Runner,
        _ => Blame::Unknown,
    };
    runtime.node.bury(port as u16, &details, blame);
    failpoint!("native.bury");
    if v8::is_open() {
        // The ArrayBuffers have given their views back, save those that were transferred to another thread.
        runtime.store.release_loose(EnvId(port));
    } else {
        runtime.store.release_env(EnvId(port));
    }
    // Last: what another thread of that number holds in the store is not this one's.
    runtime.node.forget_port(port as u16);
    runtime.helper.trim();
    Ok(())
}

/// Tells the core where the thread's shared memory is: control words, commands, inbox.
#[napi(catch_unwind)]
pub fn set_regions(port: u32, control: Bytes, commands: Bytes, inbox: Bytes) -> Result<()> {
    if control.len < CONTROL_WORDS * 4 {
        return fail(Code::Invalid, "too few control words");
    }
    // SAFETY: JavaScript keeps the three arrays alive until it detaches or sets others.
    let regions = unsafe { Regions::new(control.ptr, (commands.ptr, commands.len), (inbox.ptr, inbox.len)) };
    let binding = binding(port)?;
    // SAFETY: as above; `close` has the bell forget them.
    unsafe { binding.bell.set_control(control.ptr.cast()) };
    binding
        .runtime
        .node
        .set_regions(port as u16, regions)
        .map_err(refused)
}

/// Carries out the thread's commands, `commands` bytes of them.
#[napi(catch_unwind)]
pub fn flush(port: u32, commands: u32) -> Result<()> {
    let node = &binding(port)?.runtime.node;
    node.flush(port as u16, commands as usize).map_err(refused)
}

/// Carries out the thread's commands, `commands` bytes of them, and leaves them where they are: a record behind
/// them is being written.
#[napi(catch_unwind)]
pub fn advance(port: u32, commands: u32) -> Result<()> {
    let node = &binding(port)?.runtime.node;
    node.advance(port as u16, commands as usize).map_err(refused)
}

/// Carries out commands that are not in the thread's command region.
#[napi(catch_unwind)]
pub fn execute(port: u32, commands: Bytes) -> Result<()> {
    let node = &binding(port)?.runtime.node;
    // SAFETY: the caller's thread is here until they are carried out.
    let commands = unsafe { commands.as_slice() };
    node.execute(port as u16, commands).map_err(refused)
}

/// Carries out commands and fills the inbox. Positive: so many bytes of news; more than `MAX_INBOX`: what is above it, and
/// that is all there are, the bell will ring. 0: none, the bell will ring. Negative: an inbox of that many bytes is needed.
#[napi(catch_unwind)]
pub fn step(port: u32, commands: u32, spin: bool, take: bool) -> Result<i32> {
    let node = &binding(port)?.runtime.node;
    let step = node
        .step(port as u16, commands as usize, spin, take)
        .map_err(refused)?;
    // None is more than `MAX_INBOX`.
    Ok(match step {
        Step::Filled(bytes) => bytes as i32,
        // Few bytes: the sum fits.
        Step::Last(bytes) => MAX_INBOX as i32 + bytes as i32,
        Step::Asleep => 0,
        Step::NeedsInbox(bytes) => -(bytes as i32),
    })
}

/// The calling thread takes no more tasks; see `Node::stop_taking`.
#[napi(catch_unwind)]
pub fn stop_taking(port: u32) -> Result<()> {
    binding(port)?
        .runtime
        .node
        .stop_taking(port as u16)
        .map_err(refused)
}

/// The thread has written commands that it does not pass on at once, and the watchdog sleeps.
#[napi(catch_unwind)]
pub fn watch(port: u32) -> Result<()> {
    binding(port)?.runtime.node.watch();
    Ok(())
}

/// Where in the inbox the value of an object that is there was written, to be read at once; -1 if it is not there.
#[napi(catch_unwind)]
pub fn look(port: u32, object: u32) -> Result<i32> {
    let at = binding(port)?.runtime.node.look(port as u16, object);
    Ok(at.map_or(-1, |at| i32::try_from(at).unwrap_or(-1)))
}

/// Whether news for this thread keep its event loop alive is as its control word says. While the bell rings nobody has to
/// call this.
#[napi(catch_unwind)]
pub fn keep_alive(port: u32) -> Result<()> {
    binding(port)?.bell.keep_as_wanted();
    Ok(())
}

/// Whether the calling thread has been told to end, though its JavaScript goes on. Node first has its own native code refuse
/// to run JavaScript, and then has V8 end the thread: in between, `script.runInThisContext()` of `node:vm` gives nothing.
#[napi(catch_unwind)]
#[must_use]
pub fn is_ending(env: Env) -> bool {
    let mut global = ptr::null_mut();
    let mut value = ptr::null_mut();
    // SAFETY: `env` is the caller's and lives while it waits. Both calls only read, and an environment that ends refuses
    // the second, which might run JavaScript.
    unsafe {
        napi_sys::napi_get_global(env.raw(), &raw mut global) != napi_sys::Status::napi_ok
            || napi_sys::napi_get_named_property(env.raw(), global, c"Object".as_ptr(), &raw mut value)
                != napi_sys::Status::napi_ok
    }
}
