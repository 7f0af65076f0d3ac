//! What is told to the system of our sockets.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use crate::limits::UNREAD;

/// Seconds without a word after which a peer's host is asked whether it is there, and between such questions.
const ASK: libc::c_int = 5;

/// Small frames leave at once, and a host that is gone is noticed.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(UNREAD))?;
    set(stream, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    set(stream, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, ASK)?;
    set(stream, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, ASK)?;
    // So long without an answer, and it is not there. Linux then does not count the questions.
    set(
        stream,
        libc::IPPROTO_TCP,
        libc::TCP_USER_TIMEOUT,
        UNREAD.as_millis() as libc::c_int,
    )
}

fn set(stream: &TcpStream, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` is readable for its size, and the descriptor is open as long as `stream` is.
    let result =
        unsafe { libc::setsockopt(stream.as_raw_fd(), level, name, (&raw const value).cast(), size) };
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// `accept` on the listener returns, and always will.
pub(crate) fn shut(listener: &TcpListener) {
    // SAFETY: a system call on a descriptor that is open as long as `listener` is.
    unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Whether both ends are on this machine for sure.
pub(crate) fn is_local(stream: &TcpStream) -> io::Result<bool> {
    Ok(is_loopback(&stream.local_addr()?) && is_loopback(&stream.peer_addr()?))
}

/// Whether nobody outside of this machine can have this address.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback()
}
