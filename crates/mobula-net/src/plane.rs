use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mobula_store::Store;

use crate::link::{Link, Own};
use crate::proof::Token;
use crate::pulled::Pulled;
use crate::puller::pull_from;
use crate::serve::{Serve, serve};
use crate::shared::{Caller, Shared};
use crate::tls::Tls;
use crate::{Identity, LinkError, ListenError, Name, NodeId, PullError, Ticket, socket};

/// How long nobody is let in after the system has refused a connection: it has no descriptor, most often.
const PAUSE: Duration = Duration::from_millis(50);

/// What a data plane is brought up with.
#[derive(Clone)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// Where to listen; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// The token of the cluster.
    pub token: Vec<u8>,
    /// The key pair that all nodes have. Without it only this machine can be served and asked.
    pub identity: Option<Identity>,
    /// How many bytes of objects that are on their way may take room in the store, at least 1. Half of it is kept for
    /// what is [`URGENT`](crate::URGENT). A single object may be larger.
    pub most: u64,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// An object to be pulled.
#[derive(Copy, Clone, Debug)]
pub struct Wanted {
    /// The node that has it.
    pub peer: NodeId,
    /// Where that node's data plane listens.
    pub address: SocketAddr,
    /// What it is called there.
    pub name: Name,
    /// How many bytes its buffers have together.
    pub bytes: u64,
    /// The lowest number comes first: [`URGENT`](crate::URGENT) is what a running task waits for.
    pub priority: u64,
}

/// Copies objects from the stores of other nodes into this one's, and serves those of this one.
#[derive(Debug)]
pub struct DataPlane {
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    address: SocketAddr,
}

impl DataPlane {
    /// Begins to listen. `objects` finds what others ask for; `report` is told how each pull has ended, on a thread of the
    /// data plane, and does not block it.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn listen(
        config: &Config,
        store: Arc<Store>,
        objects: Arc<dyn Serve>,
        report: impl Fn(Ticket, Result<Pulled, PullError>) + Send + Sync + 'static,
    ) -> Result<Self, ListenError> {
        if config.identity.is_none() && !socket::is_loopback(&config.address) {
            return Err(ListenError::Unprotected(config.address));
        }
        let tls = config.identity.as_ref().map(Tls::new).transpose();
        let own = Own {
            node: config.node,
            token: Token::new(&config.token),
            tls: tls.map_err(|error| ListenError::Identity(error.to_string()))?,
        };
        let address = |source| ListenError::Address {
            address: config.address,
            source,
        };
        let listener = Arc::new(TcpListener::bind(config.address).map_err(address)?);
        let plane = Self {
            shared: Arc::new(Shared::new(own, store, objects, config.most, Box::new(report))),
            address: listener.local_addr().map_err(address)?,
            listener: Arc::clone(&listener),
        };
        plane
            .shared
            .spawn("mobula-net", move |shared| accept(shared, &listener))
            .map_err(ListenError::Thread)?;
        Ok(plane)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Pulls an object: `report` is told of its end, once. An object that is being pulled already is not pulled twice, and
    /// has one end: the ticket is the same, and the more urgent of both priorities counts.
    ///
    /// # Errors
    /// [`PullError::Differs`]: it is being pulled, with another length. [`PullError::Closed`]. [`PullError::Unreachable`]: the
    /// system has no thread.
    pub fn pull(&self, wanted: &Wanted) -> Result<Ticket, PullError> {
        let Wanted { peer, address, .. } = *wanted;
        let shared = &self.shared;
        let (ticket, new) = shared.change(|state| {
            if state.stopped {
                return Err(PullError::Closed);
            }
            let ticket = state
                .plan
                .pull(peer, wanted.name, wanted.bytes, wanted.priority)?;
            let owner = state.plan.peer_of(ticket).unwrap_or(peer);
            if owner != peer {
                return Ok((ticket, false));
            }
            let new = !state.callers.contains_key(&peer);
            let caller = state.callers.entry(peer).or_insert_with(|| Caller {
                address,
                socket: None,
                hung: false,
            });
            caller.address = address;
            Ok((ticket, new))
        })?;
        if new && let Err(source) = shared.spawn("mobula-net-pull", move |shared| pull_from(shared, peer)) {
            let ended = shared.change(|state| {
                state.callers.remove(&peer);
                state.plan.unreachable(peer)
            });
            let cause = LinkError::from(source);
            let error = |got| PullError::Unreachable {
                peer,
                address,
                cause: cause.clone(),
                got,
            };
            for &(other, got) in ended.iter().filter(|(other, _)| *other != ticket) {
                shared.report(other, Err(error(got)));
            }
            return Err(error(0));
        }
        Ok(ticket)
    }

    /// Nobody wants this pull's object any more: what has come of it goes. Nothing is reported. False if it has ended:
    /// its end has been reported, or is being.
    #[must_use]
    pub fn cancel(&self, ticket: Ticket) -> bool {
        self.shared.change(|state| state.plan.leave(ticket))
    }

    /// Nobody will go on with what a broken pull of this name has left.
    pub fn forget(&self, name: Name) {
        self.shared.change(|state| state.plan.forget(name));
    }

    /// Ends all connections with a node, which is known to be dead: its pulls break, and it holds nothing here any more.
    pub fn hang_up(&self, node: NodeId) {
        self.shared.guests.hang_up(node);
        self.shared.change(|state| {
            if let Some(caller) = state.callers.get_mut(&node) {
                caller.hung = true;
                caller.shut();
            }
        });
        self.shared.changed.notify_all();
    }

    /// Ends all connections and all pulls, with [`PullError::Closed`], and waits for the threads: afterwards nothing of
    /// the data plane uses the store. A thread that is just moving buffers to disk or back goes on until it has.
    pub fn stop(&self) {
        let ended = self.shared.change(|state| {
            state.stopped = true;
            state.callers.values().for_each(Caller::shut);
            (state.plan.stop(), std::mem::take(&mut state.partials))
        });
        self.shared.changed.notify_all();
        self.shared.guests.stop();
        socket::shut(&self.listener);
        for ticket in ended.0 {
            self.shared.report(ticket, Err(PullError::Closed));
        }
        drop(ended.1);
        self.shared.join();
    }
}

impl Drop for DataPlane {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets others in until the listener is shut.
fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    loop {
        match listener.accept() {
            Ok((socket, _)) => welcome(shared, socket),
            Err(_) if shared.state.lock().stopped => return,
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn welcome(shared: &Arc<Shared>, socket: TcpStream) {
    let Ok(other) = socket.try_clone() else {
        return;
    };
    let Some(number) = shared.guests.enter(other) else {
        return;
    };
    let spawned = shared.spawn("mobula-net-serve", move |shared| {
        if let Ok((mut link, node)) = Link::accepted(socket, &shared.own)
            && shared.guests.prove(number, node)
            && link.is_proven(None).is_ok()
        {
            serve(&mut link, &shared.store, &*shared.objects);
        }
        shared.guests.leave(number);
    });
    if spawned.is_err() {
        shared.guests.leave(number);
    }
}
