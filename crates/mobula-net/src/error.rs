use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mobula_store::CreateError;

use crate::NodeId;

/// Why a node's data plane could not be brought up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Others than this machine could reach it, and nothing would be encrypted.
    #[error("the data plane serves {0} with TLS only: hand in a key pair, or listen on a loopback address")]
    Unprotected(SocketAddr),
    /// The key pair is none, or not of a kind that TLS 1.3 has.
    #[error("the key pair of the data plane cannot be used: {0}")]
    Identity(String),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// What was asked for.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused a thread.
    #[error("no thread for the data plane: {0}")]
    Thread(#[source] io::Error),
}

/// Why the node that was asked does not send an object.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It has no object of this name.
    Unknown = 1,
    /// It had it, and its bytes are lost or damaged on its disk.
    Lost = 2,
    /// The object is on its disk, and it has no room to bring it back now.
    Full = 3,
    /// It holds as many objects for us as it does for one node.
    Busy = 4,
}

impl Refusal {
    pub(crate) fn of(number: u8) -> Option<Self> {
        [Self::Unknown, Self::Lost, Self::Full, Self::Busy]
            .into_iter()
            .find(|&why| why as u8 == number)
    }
}

/// Why a connection has ended, or did not come about.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The peer has closed it, or has died.
    #[error("the connection has ended")]
    Ended,
    /// The system says so.
    #[error("{0}")]
    Io(#[source] Arc<io::Error>),
    /// Nothing at all can be asked over it: it is neither loopback nor TLS.
    #[error("{0} is no loopback address, and the data plane has no key pair for TLS")]
    Unprotected(SocketAddr),
    /// The peer does not know the token, or has another.
    #[error("the token is not that of this cluster: see MOBULA_AUTH_TOKEN")]
    Unauthorized,
    /// The peer speaks another protocol.
    #[error(
        "the peer speaks protocol {theirs} of the data plane, this node {ours}: both need one version of mobula"
    )]
    Version {
        /// This node's.
        ours: u8,
        /// The peer's.
        theirs: u8,
    },
    /// Another node has the address now.
    #[error("node {found} is at this address, not {expected}")]
    OtherNode {
        /// The one that was to be asked.
        expected: NodeId,
        /// The one that is there.
        found: NodeId,
    },
    /// What came is not of the protocol.
    #[error("the peer does not keep to the protocol: {0}")]
    Protocol(&'static str),
    /// The token was not proven in time.
    #[error("the token was not proven within 5 s")]
    Slow,
    /// The peer has taken nothing of what it asked for.
    #[error("the peer has read nothing for 30 s")]
    Unread,
    /// This node has closed it.
    #[error("this node has closed the connection")]
    Closed,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::Ended
            }
            _ => Self::Io(Arc::new(error)),
        }
    }
}

impl From<crate::frame::Malformed> for LinkError {
    fn from(error: crate::frame::Malformed) -> Self {
        Self::Protocol(error.0)
    }
}

/// Why an object was not pulled. Nothing of it is in the store then, but for what [`Broken`](Self::Broken) says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// No connection came about.
    #[error("cannot reach node {peer} at {address}: {cause}")]
    Unreachable {
        /// The node.
        peer: NodeId,
        /// Where it was to be.
        address: SocketAddr,
        /// Why.
        #[source]
        cause: LinkError,
        /// Bytes that an earlier pull has left in whole ranges, and that still wait to be continued.
        got: u64,
    },
    /// The connection has ended in the middle. What had come waits for the next pull of the same name, or for
    /// [`forget`](crate::DataPlane::forget).
    #[error("the connection to node {peer} broke after {got} bytes: {cause}")]
    Broken {
        /// The node.
        peer: NodeId,
        /// Bytes that have come, in whole ranges.
        got: u64,
        /// Why.
        #[source]
        cause: LinkError,
    },
    /// The peer does not send it.
    #[error("the object is not sent: {text}")]
    Refused {
        /// Why.
        why: Refusal,
        /// What the peer says.
        text: String,
    },
    /// The object is not as long as the caller knows it to be.
    #[error("an object of {expected} bytes was asked for, and {offered} are offered")]
    Differs {
        /// What the caller has said, in bytes.
        expected: u64,
        /// What the peer, or an earlier caller, says, in bytes.
        offered: u64,
    },
    /// What came is not what the peer has, by its checksum. The copy is dropped.
    #[error("bytes {offset} and on of buffer {buffer} came with a wrong checksum")]
    Corrupt {
        /// Which buffer of the object.
        buffer: u32,
        /// Where the range begins in it, in bytes.
        offset: u64,
    },
    /// There is no room, and no other pull is about to end.
    #[error(transparent)]
    NoRoom(#[from] CreateError),
    /// The system had no memory for bytes that came.
    #[error("no memory for what came: {0}")]
    Memory(#[source] io::Error),
    /// The data plane has been stopped.
    #[error("the data plane has been stopped")]
    Closed,
}
