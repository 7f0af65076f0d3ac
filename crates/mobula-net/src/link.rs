//! A connection whose peer has proven the token.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::frame::{HEAD, head};
use crate::limits::UNPROVEN;
use crate::proof::{Acceptor, Dialer, LONGEST, PREFACE, Token, refused};
use crate::tls::{Secured, Tls};
use crate::{LinkError, NodeId, socket};

/// The first byte of TLS; that of [`PREFACE`] is another.
const TLS_HANDSHAKE: u8 = 22;

/// Who this node is, and how it proves that it belongs here.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) node: NodeId,
    pub(crate) token: Token,
    pub(crate) tls: Option<Tls>,
}

#[derive(Debug)]
pub(crate) struct Link {
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<Secured>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(secured) => secured.socket(),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(secured) => secured.read(into),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(secured) => secured.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(secured) => secured.flush(),
        }
    }
}

impl Link {
    /// Proves the token to the peer at the other end, which has accepted, and has it proven.
    pub(crate) fn dialed(socket: TcpStream, own: &Own, expected: NodeId) -> Result<Self, LinkError> {
        let deadline = Instant::now() + UNPROVEN;
        socket::prepare(&socket)?;
        socket.set_read_timeout(Some(UNPROVEN))?;
        let stream = match &own.tls {
            _ if socket::is_local(&socket)? => Stream::Plain(socket),
            Some(tls) => Stream::Tls(Box::new(tls.dialed(socket, deadline)?)),
            None => return Err(LinkError::Unprotected(socket.peer_addr()?)),
        };
        let mut link = Self { stream };
        link.write(PREFACE)?;
        let mut proof = Dialer::new(own.node)?;
        link.write(&proof.hello())?;
        loop {
            let (kind, body) = link.unproven_frame(deadline)?;
            let next = proof.receive(&own.token, kind, &body)?;
            if let Some(frame) = next.send {
                link.write(&frame)?;
            }
            match next.proven {
                Some(found) if found == expected => return Ok(link),
                Some(found) => return Err(LinkError::OtherNode { expected, found }),
                None => {}
            }
        }
    }

    /// Has the token proven by the peer at the other end, which has dialled, and proves it.
    pub(crate) fn accepted(socket: TcpStream, own: &Own) -> Result<(Self, NodeId), LinkError> {
        let deadline = Instant::now() + UNPROVEN;
        socket::prepare(&socket)?;
        socket.set_read_timeout(Some(UNPROVEN))?;
        let mut first = [0];
        let _ = wait_for(|| socket.peek(&mut first), deadline, &socket)?;
        let stream = match &own.tls {
            Some(tls) if first == [TLS_HANDSHAKE] => Stream::Tls(Box::new(tls.accepted(socket, deadline)?)),
            _ if socket::is_local(&socket)? => Stream::Plain(socket),
            _ => return Err(LinkError::Unprotected(socket.peer_addr()?)),
        };
        let mut link = Self { stream };
        match link.prove(own, deadline) {
            Ok(node) => Ok((link, node)),
            Err(why) => {
                // Whoever speaks something else is not answered.
                if !matches!(why, LinkError::Protocol(_) | LinkError::Io(_) | LinkError::Ended) {
                    let _ = link.write(&refused(&why));
                }
                Err(why)
            }
        }
    }

    fn prove(&mut self, own: &Own, deadline: Instant) -> Result<NodeId, LinkError> {
        let mut preface = [0; PREFACE.len()];
        self.read_until(&mut preface, deadline)?;
        if preface != *PREFACE {
            return Err(LinkError::Protocol("it begins with other bytes"));
        }
        let mut proof = Acceptor::new(own.node);
        loop {
            let (kind, body) = self.unproven_frame(deadline)?;
            let next = proof.receive(&own.token, kind, &body)?;
            if let Some(frame) = next.send {
                self.write(&frame)?;
            }
            if let Some(node) = next.proven {
                return Ok(node);
            }
        }
    }

    fn unproven_frame(&mut self, deadline: Instant) -> Result<(u8, Vec<u8>), LinkError> {
        let mut start = [0; HEAD];
        self.read_until(&mut start, deadline)?;
        let (length, kind) = head(start, LONGEST)?;
        let mut body = vec![0; length];
        self.read_until(&mut body, deadline)?;
        Ok((kind, body))
    }

    fn read_until(&mut self, mut into: &mut [u8], deadline: Instant) -> Result<(), LinkError> {
        while !into.is_empty() {
            let socket = self.stream.socket().try_clone()?;
            let read = wait_for(|| self.stream.read(into), deadline, &socket)?;
            into = &mut into[read..];
        }
        Ok(())
    }

    /// The peer has proven the token. From now on [`read`](Self::read) wakes after `silence` without a byte.
    pub(crate) fn is_proven(&self, silence: Option<Duration>) -> Result<(), LinkError> {
        Ok(self.stream.socket().set_read_timeout(silence)?)
    }

    /// A connection as it is once the token is proven.
    #[cfg(test)]
    pub(crate) fn plain(socket: TcpStream) -> Self {
        Self {
            stream: Stream::Plain(socket),
        }
    }

    /// Another hold of the socket, to shut it.
    pub(crate) fn socket(&self) -> io::Result<TcpStream> {
        self.stream.socket().try_clone()
    }

    /// Fills all of `into`; `silent` is called whenever nothing has come for the time that was set.
    pub(crate) fn read(&mut self, mut into: &mut [u8], mut silent: impl FnMut()) -> Result<(), LinkError> {
        while !into.is_empty() {
            match self.stream.read(into) {
                Ok(0) => return Err(LinkError::Ended),
                Ok(read) => into = &mut into[read..],
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => silent(),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(())
    }

    /// Head and body of a frame whose body has at most `most` bytes.
    pub(crate) fn frame(
        &mut self,
        most: usize,
        mut silent: impl FnMut(),
    ) -> Result<(u8, Vec<u8>), LinkError> {
        let mut start = [0; HEAD];
        self.read(&mut start, &mut silent)?;
        let (length, kind) = head(start, most)?;
        let mut body = vec![0; length];
        self.read(&mut body, silent)?;
        Ok((kind, body))
    }

    /// Sends all of `bytes`.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(LinkError::Ended),
                Ok(wrote) => bytes = &bytes[wrote..],
                Err(error) => unless_interrupted(error)?,
            }
        }
        self.stream.flush().or_else(unless_interrupted)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Others hold the socket too, to shut it.
        let _ = self.stream.socket().shutdown(Shutdown::Both);
    }
}

/// A peer that takes nothing for as long as the socket waits is sent away.
fn unless_interrupted(error: io::Error) -> Result<(), LinkError> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(LinkError::Unread),
        _ => Err(error.into()),
    }
}

/// Reads something before `deadline`.
pub(crate) fn wait_for(
    mut read: impl FnMut() -> io::Result<usize>,
    deadline: Instant,
    socket: &TcpStream,
) -> Result<usize, LinkError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(LinkError::Slow);
        }
        socket.set_read_timeout(Some(left))?;
        match read() {
            Ok(0) => return Err(LinkError::Ended),
            Ok(read) => return Ok(read),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                _ => return Err(error.into()),
            },
        }
    }
}
