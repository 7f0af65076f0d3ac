//! Who does not know the token.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::identities::identities;
use super::support::{LOCAL, Node, TOKEN, content, store};
use crate::limits::{RANGE, UNPROVEN_PEERS};
use crate::proof::PREFACE;
use crate::tls::Tls;
use crate::{Config, DataPlane, LinkError, ListenError, PullError};

const MIB: u64 = 1 << 20;

struct Nothing;

impl crate::Serve for Nothing {
    fn find(&self, _: &crate::Name) -> Option<Vec<mobula_store::BufferId>> {
        None
    }
}

/// Reads until the peer has closed the connection.
fn is_closed(mut socket: &TcpStream) -> bool {
    let mut bytes = [0; 100];
    loop {
        match socket.read(&mut bytes) {
            Ok(0) | Err(_) => return true,
            Ok(_) => {}
        }
    }
}

#[test]
fn many_that_do_not_know_the_token_do_not_keep_out_one_that_does() {
    let [a, b] = [1, 2].map(|number| Node::new(number, 16 * MIB));
    a.make(1, &[5]);
    let strangers: Vec<_> = (0..UNPROVEN_PEERS + 20)
        .map(|_| TcpStream::connect(a.plane.address()).unwrap())
        .collect();
    // The oldest have made room.
    for socket in &strangers[..20] {
        assert!(is_closed(socket));
    }
    drop(b.pull(&a.wanted(1, 5)).unwrap());
    // The youngest are still there.
    let youngest = strangers.last().unwrap();
    youngest.set_nonblocking(true).unwrap();
    let waits = (&*youngest).read(&mut [0]).unwrap_err();
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
    youngest.set_nonblocking(false).unwrap();
    a.plane.stop();
    assert!(is_closed(youngest));
}

#[test]
fn who_says_nothing_or_goes_on_slowly_is_sent_away() {
    let node = Node::new(1, 16 * MIB);
    let began = Instant::now();
    let silent = TcpStream::connect(node.plane.address()).unwrap();
    let mut slow = TcpStream::connect(node.plane.address()).unwrap();
    slow.write_all(PREFACE).unwrap();
    let mut drip = slow.try_clone().unwrap();
    thread::spawn(move || {
        while drip.write_all(&[0]).is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    assert!(is_closed(&silent) && is_closed(&slow));
    assert!(began.elapsed() >= Duration::from_secs(4));
}

#[test]
fn garbage_is_closed_at_once_and_not_answered() {
    let node = Node::new(1, 16 * MIB);
    let mut long = PREFACE.to_vec();
    long.extend([0xff, 0xff, 0, 0, 32]);
    let mut no_hello = PREFACE.to_vec();
    no_hello.extend([1, 0, 0, 0, 77, 0]);
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[22; 600],
        &[0; 8],
        &long,
        &no_hello,
    ] {
        let mut socket = TcpStream::connect(node.plane.address()).unwrap();
        socket.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
    }
}

#[test]
fn another_token_is_refused_on_both_sides() {
    let a = Node::new(1, 16 * MIB);
    let b = Node::with(2, 16 * MIB, MIB, b"another token");
    a.make(1, &[5]);
    let end = b.pull(&a.wanted(1, 5));
    let refused = matches!(
        &end,
        Err(PullError::Unreachable {
            cause: LinkError::Unauthorized,
            ..
        })
    );
    assert!(refused, "{end:?}");
}

#[test]
fn without_a_key_pair_only_this_machine_is_served_and_asked() {
    let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let config = Config {
        node: super::support::node_id(1),
        address,
        token: TOKEN.to_vec(),
        identity: None,
        most: MIB,
    };
    let store = store(MIB);
    let refused = DataPlane::listen(&config, store, std::sync::Arc::new(Nothing), |_, _| {});
    assert!(
        matches!(refused, Err(ListenError::Unprotected(at)) if at == address),
        "{refused:?}"
    );
}

/// An address of this machine that others can reach, if it has one.
fn outside() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?;
    (!address.ip().is_loopback() && !address.ip().is_unspecified()).then(|| SocketAddr::new(address.ip(), 0))
}

#[test]
fn off_loopback_all_is_tls_with_the_one_certificate() {
    let Some(address) = outside() else {
        // This machine has loopback alone: the next test has TLS without sockets of the data plane.
        return;
    };
    let [ours, theirs] = identities();
    let node = |number, identity: &crate::Identity| {
        Node::at(number, 64 * MIB, address, 64 * MIB, TOKEN, Some(identity.clone()))
    };
    let (a, b, c) = (node(1, &ours), node(2, &ours), node(3, &theirs));
    let data = a.make(1, &[2 * RANGE + 7, 3]);
    let pulled = b.pull(&a.wanted(1, 2 * RANGE + 10)).unwrap();
    assert_eq!(content(&b.store, &pulled), data);
    let end = c.pull(&a.wanted(1, 2 * RANGE + 10));
    assert!(
        matches!(
            end,
            Err(PullError::Unreachable {
                cause: LinkError::Unauthorized,
                ..
            })
        ),
        "{end:?}"
    );
    // Without TLS nobody is answered.
    let mut plain = TcpStream::connect(a.plane.address()).unwrap();
    plain.write_all(PREFACE).unwrap();
    assert!(is_closed(&plain));
    let local = Node::new(4, MIB);
    let end = local.pull(&a.wanted(1, 2 * RANGE + 10));
    assert!(
        matches!(
            end,
            Err(PullError::Unreachable {
                cause: LinkError::Unprotected(_),
                ..
            })
        ),
        "{end:?}"
    );
}

/// Both ends of a connection as TLS makes them.
fn shake(dialer: &crate::Identity, acceptor: &crate::Identity) -> [Result<Vec<u8>, LinkError>; 2] {
    let listener = TcpListener::bind(LOCAL).unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let (dialer, acceptor) = (Tls::new(dialer).unwrap(), Tls::new(acceptor).unwrap());
    let accepting = thread::spawn(move || {
        let mut stream = acceptor.accepted(other, deadline)?;
        let mut bytes = vec![0; 5];
        let read = stream.read(&mut bytes)?;
        bytes.truncate(read);
        stream.write(b"back")?;
        stream.flush()?;
        Ok(bytes)
    });
    let dial = || {
        let mut stream = dialer.dialed(socket, deadline)?;
        stream.write(b"forth")?;
        stream.flush()?;
        let mut bytes = vec![0; 4];
        let read = stream.read(&mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    [dial(), accepting.join().unwrap()]
}

#[test]
fn tls_takes_the_one_certificate_on_both_sides() {
    let [ours, theirs] = identities();
    let [back, forth] = shake(&ours, &ours);
    assert_eq!(
        (&back.unwrap()[..], &forth.unwrap()[..]),
        (&b"back"[..], &b"forth"[..])
    );
    let [dialed, accepted] = shake(&ours, &theirs);
    assert!(matches!(dialed, Err(LinkError::Unauthorized)), "{dialed:?}");
    assert!(accepted.is_err());
    // A certificate alone is no proof: its key signs.
    let copied = crate::Identity {
        key: theirs.key.clone(),
        certificate: ours.certificate.clone(),
    };
    if Tls::new(&copied).is_ok() {
        let [dialed, accepted] = shake(&ours, &copied);
        assert!(dialed.is_err() && accepted.is_err());
    }
}
