//! What the threads of a data plane share.

use std::collections::HashMap;
use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mobula_store::{Incoming, Store};
use mobula_sync::{Condvar, Mutex};

use crate::guests::Guests;
use crate::limits::STACK;
use crate::link::Own;
use crate::plan::Plan;
use crate::pulled::Pulled;
use crate::serve::Serve;
use crate::{NodeId, PullError, Ticket};

/// Who is told of each pull's end.
pub(crate) type Report = dyn Fn(Ticket, Result<Pulled, PullError>) + Send + Sync;

pub(crate) struct Shared {
    pub(crate) own: Own,
    pub(crate) store: Arc<Store>,
    pub(crate) objects: Arc<dyn Serve>,
    pub(crate) report: Box<Report>,
    pub(crate) state: Mutex<State>,
    /// Notified when a thread that waits may have something to do.
    pub(crate) changed: Condvar,
    pub(crate) guests: Guests,
    /// Those that have not been waited for; among them some that have ended.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) plan: Plan,
    /// The nodes that are asked. Each has a thread as long as it is here.
    pub(crate) callers: HashMap<NodeId, Caller>,
    /// What broken pulls have left, by their tickets.
    pub(crate) partials: HashMap<Ticket, Vec<Incoming>>,
    pub(crate) stopped: bool,
}

/// A node that is asked.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) address: SocketAddr,
    /// While it is connected.
    pub(crate) socket: Option<TcpStream>,
    /// Whether nothing more may come from it.
    pub(crate) hung: bool,
}

impl Caller {
    pub(crate) fn shut(&self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        own: Own,
        store: Arc<Store>,
        objects: Arc<dyn Serve>,
        most: u64,
        report: Box<Report>,
    ) -> Self {
        let state = State {
            plan: Plan::new(most),
            callers: HashMap::new(),
            partials: HashMap::new(),
            stopped: false,
        };
        Self {
            own,
            store,
            objects,
            report,
            state: Mutex::new(state),
            changed: Condvar::new(),
            guests: Guests::default(),
            threads: Mutex::default(),
        }
    }

    /// Changes the state; then, without the lock, wakes who waits, and drops what nobody will go on with.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        let State { plan, partials, .. } = &mut *state;
        let dropped = plan.take_dropped();
        let dropped: Vec<_> = dropped.iter().map(|ticket| partials.remove(ticket)).collect();
        let woken = plan.take_woken();
        drop(state);
        if woken {
            self.changed.notify_all();
        }
        drop(dropped);
        result
    }

    /// Where a node that is asked is.
    pub(crate) fn address(&self, peer: NodeId) -> Option<SocketAddr> {
        Some(self.state.lock().callers.get(&peer)?.address)
    }

    /// Says how a pull has ended. Called without any lock.
    pub(crate) fn report(&self, ticket: Ticket, end: Result<Pulled, PullError>) {
        (self.report)(ticket, end);
    }

    /// Starts a thread of ours.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        name: &str,
        run: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let handle = builder.spawn(move || run(&shared))?;
        let mut threads = self.threads.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(handle);
        Ok(())
    }

    /// Waits for all threads, but the calling one.
    pub(crate) fn join(&self) {
        loop {
            let Some(thread) = self.threads.lock().pop() else {
                return;
            };
            if thread.thread().id() != thread::current().id() {
                // One that has panicked has said so.
                let _ = thread.join();
            }
        }
    }
}
