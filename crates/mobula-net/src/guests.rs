//! Connections that others have made: who has proven the token, who has not, and how to end them.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};

use mobula_sync::Mutex;

use crate::NodeId;
use crate::limits::UNPROVEN_PEERS;

/// All of them. The oldest of those that have not proven the token makes room for another: who knows the token needs two round trips,
/// so many who do not know it cannot keep it out.
#[derive(Debug, Default)]
pub(crate) struct Guests(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    last: u64,
    /// By age.
    unproven: BTreeMap<u64, TcpStream>,
    proven: BTreeMap<u64, (NodeId, TcpStream)>,
    stopped: bool,
}

impl Guests {
    /// Somebody has come. Gives its number, unless nobody is let in any more.
    pub(crate) fn enter(&self, socket: TcpStream) -> Option<u64> {
        let mut inside = self.0.lock();
        if inside.stopped {
            return None;
        }
        if inside.unproven.len() >= UNPROVEN_PEERS
            && let Some((_, oldest)) = inside.unproven.pop_first()
        {
            shut(&oldest);
        }
        inside.last += 1;
        let number = inside.last;
        inside.unproven.insert(number, socket);
        Some(number)
    }

    /// It has proven the token. False if it was sent away meanwhile.
    pub(crate) fn prove(&self, number: u64, node: NodeId) -> bool {
        let mut inside = self.0.lock();
        let Some(socket) = inside.unproven.remove(&number) else {
            return false;
        };
        inside.proven.insert(number, (node, socket));
        true
    }

    /// It is gone.
    pub(crate) fn leave(&self, number: u64) {
        let mut inside = self.0.lock();
        inside.unproven.remove(&number);
        inside.proven.remove(&number);
    }

    /// Ends all connections of a node.
    pub(crate) fn hang_up(&self, node: NodeId) {
        let inside = self.0.lock();
        for (_, socket) in inside.proven.values().filter(|(of, _)| *of == node) {
            shut(socket);
        }
    }

    /// Ends all, and lets nobody in.
    pub(crate) fn stop(&self) {
        let mut inside = self.0.lock();
        inside.stopped = true;
        for socket in inside
            .unproven
            .values()
            .chain(inside.proven.values().map(|(_, socket)| socket))
        {
            shut(socket);
        }
    }
}

fn shut(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}
