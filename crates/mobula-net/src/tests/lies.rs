//! Peers that know the token and do not keep to the protocol.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::support::{LOCAL, Node, dial, name, node_id, peer};
use crate::frame::{Answer, MOST, Request, frame};
use crate::limits::{OPEN, RANGE};
use crate::link::Link;
use crate::ranges::Range;
use crate::{LinkError, PullError, Refusal};

const MIB: u64 = 1 << 20;

fn request(link: &mut Link) -> Option<Request> {
    let (kind, body) = link.frame(MOST.0, || {}).ok()?;
    Some(Request::decode(kind, &body).unwrap())
}

fn answer(link: &mut Link) -> Result<Answer, LinkError> {
    let (kind, body) = link.frame(MOST.1, || {})?;
    Ok(Answer::decode(kind, &body).unwrap())
}

/// What a pull of 3 ranges gets from a peer that answers each request for bytes as `lie` does.
fn pulled_from(lie: impl Fn(&mut Link, u64, Range) + Send + 'static) -> Result<(), PullError> {
    let node = Node::new(1, 64 * MIB);
    let address = peer(2, move |link| {
        while let Some(request) = request(link) {
            match request {
                Request::Open { pull, .. } => {
                    let lengths = vec![3 * RANGE];
                    link.write(&Answer::Opened { pull, lengths }.encode()).unwrap();
                }
                Request::Bytes { pull, range } => lie(link, pull, range),
                Request::Sum { .. } | Request::Done { .. } => {}
            }
        }
    });
    let end = node
        .pull(&Node::wanted_at(node_id(2), address, 1, 3 * RANGE))
        .map(drop);
    node.plane.forget(name(1));
    node.assert_empty();
    // It serves on.
    let honest = Node::new(3, 64 * MIB);
    honest.make(1, &[5]);
    node.pull(&honest.wanted(1, 5)).unwrap();
    end
}

fn send(link: &mut Link, pull: u64, range: Range, bytes: u64, sum: Option<u32>) {
    let data = vec![7; bytes as usize];
    let sum = sum.unwrap_or_else(|| crc32fast::hash(&data));
    let _ = link.write(&Answer::Bytes { pull, range }.encode());
    let _ = link.write(&data);
    let _ = link.write(&sum.to_le_bytes());
}

#[test]
fn an_honest_peer_is_believed() {
    pulled_from(|link, pull, range| send(link, pull, range, range.length.into(), None)).unwrap();
}

#[test]
fn bytes_with_a_wrong_checksum_are_not_taken() {
    let end = pulled_from(|link, pull, range| {
        let wrong = (range.offset == RANGE).then_some(1);
        send(link, pull, range, range.length.into(), wrong);
    });
    let corrupt = matches!(
        end,
        Err(PullError::Corrupt {
            buffer: 0,
            offset: RANGE
        })
    );
    assert!(corrupt, "{end:?}");
}

#[test]
fn too_many_bytes_are_no_next_answer() {
    let end = pulled_from(|link, pull, range| send(link, pull, range, u64::from(range.length) + 9, Some(0)));
    assert!(
        matches!(
            end,
            Err(PullError::Corrupt { .. } | PullError::Broken { got: 0, .. })
        ),
        "{end:?}"
    );
}

#[test]
fn too_few_bytes_are_waited_for_until_the_connection_ends() {
    let end = pulled_from(|link, pull, range| {
        if range.offset == 0 {
            return send(link, pull, range, range.length.into(), None);
        }
        send(link, pull, range, 100, None);
        link.socket().unwrap().shutdown(std::net::Shutdown::Both).unwrap();
    });
    let broken = matches!(
        end,
        Err(PullError::Broken {
            got: RANGE,
            cause: LinkError::Ended,
            ..
        })
    );
    assert!(broken, "{end:?}");
}

#[test]
fn answers_to_other_requests_end_the_connection() {
    let other = |change: fn(&mut Range)| {
        pulled_from(move |link, pull, mut range| {
            change(&mut range);
            send(link, pull, range, 10, None);
        })
    };
    for change in [
        (|range| range.length -= 1) as fn(&mut Range),
        |range| range.length = u32::MAX,
        |range| range.offset += RANGE,
        |range| range.offset = u64::MAX,
        |range| range.buffer = 1,
    ] {
        let end = other(change);
        let protocol = matches!(
            end,
            Err(PullError::Broken {
                got: 0,
                cause: LinkError::Protocol(_),
                ..
            })
        );
        assert!(protocol, "{end:?}");
    }
    let end = pulled_from(|link, pull, range| send(link, pull + 1, range, 10, None));
    assert!(
        matches!(
            end,
            Err(PullError::Broken {
                cause: LinkError::Protocol(_),
                ..
            })
        ),
        "{end:?}"
    );
}

#[test]
fn garbage_ends_the_connection() {
    for garbage in [
        vec![0xff; 100],
        frame(99, |out| out.extend([0; 20])),
        frame(18, |_| {}),
        frame(17, |out| out.extend([0; 11])),
        frame(20, |out| out.extend([9; 9])),
    ] {
        let end = pulled_from(move |link, _, _| {
            let _ = link.write(&garbage);
        });
        assert!(
            matches!(
                end,
                Err(PullError::Broken {
                    cause: LinkError::Protocol(_),
                    ..
                })
            ),
            "{end:?}"
        );
    }
}

#[test]
fn a_refusal_in_the_middle_ends_the_pull_and_not_the_connection() {
    let end = pulled_from(|link, pull, range| {
        if range.offset == 0 {
            return send(link, pull, range, range.length.into(), None);
        }
        let text = "gone".to_owned();
        let refused = Answer::Refused {
            pull,
            why: Refusal::Lost,
            text,
        };
        link.write(&refused.encode()).unwrap();
    });
    assert!(
        matches!(
            end,
            Err(PullError::Refused {
                why: Refusal::Lost,
                ..
            })
        ),
        "{end:?}"
    );
}

/// How a connection ends that sends these bytes after its proof.
fn ends(node: &Node, bytes: &[u8]) -> bool {
    let mut link = dial(node, 9);
    link.write(bytes).unwrap();
    loop {
        match link.frame(MOST.1, || {}) {
            Ok(_) => {}
            Err(LinkError::Ended) => return true,
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_peer_that_asks_for_nonsense_is_sent_away_and_holds_nothing() {
    let node = Node::new(1, 64 * MIB);
    node.make(1, &[RANGE + 5, 0]);
    let open = |pull| Request::Open { pull, name: name(1) }.encode();
    let ask = |buffer, offset, length| {
        let range = Range {
            buffer,
            offset,
            length,
        };
        [open(1), Request::Bytes { pull: 1, range }.encode()].concat()
    };
    let asked: [Vec<u8>; 12] = [
        vec![0xff; 64],
        frame(0, |_| {}),
        frame(77, |out| out.extend([0; 30])),
        frame(1, |out| out.extend([0; 8 + 33])),
        frame(2, |out| out.extend([0; 8])),
        [open(1), open(1)].concat(),
        ask(0, 0, RANGE as u32 - 1),
        ask(0, RANGE, 6),
        ask(0, RANGE, 0),
        ask(0, u64::MAX / RANGE * RANGE, 5),
        ask(1, 0, 1),
        ask(2, 0, 1),
    ];
    for bytes in &asked {
        assert!(ends(&node, bytes));
    }
    node.assert_unpinned();
    node.unmake(1);
    node.assert_empty();
}

#[test]
fn a_peer_can_hold_so_many_objects_and_no_more() {
    let node = Node::new(1, 64 * MIB);
    node.make(1, &[5]);
    let mut link = dial(&node, 9);
    for pull in 0..=OPEN as u64 {
        link.write(&Request::Open { pull, name: name(1) }.encode())
            .unwrap();
        let busy = matches!(
            answer(&mut link),
            Ok(Answer::Refused {
                why: Refusal::Busy,
                ..
            })
        );
        assert_eq!(busy, pull == OPEN as u64);
    }
    // What is not open is refused, and done without harm.
    let range = Range {
        buffer: 0,
        offset: 0,
        length: 5,
    };
    link.write(&Request::Done { pull: 777 }.encode()).unwrap();
    link.write(&Request::Bytes { pull: 777, range }.encode()).unwrap();
    assert!(matches!(answer(&mut link), Ok(Answer::Refused { pull: 777, .. })));
    drop(link);
    node.unmake(1);
    node.assert_empty();
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let listener = TcpListener::bind(LOCAL).unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_other, _) = listener.accept().unwrap();
    let mut link = Link::plain(socket);
    link.socket()
        .unwrap()
        .set_write_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let bytes = vec![0; 1 << 20];
    let end = loop {
        if let Err(end) = link.write(&bytes) {
            break end;
        }
    };
    assert!(matches!(end, LinkError::Unread), "{end:?}");
}

#[test]
fn a_peer_that_stalls_in_the_middle_holds_up_nobody() {
    // Room for one of the objects at a time.
    let node = Node::with(1, 64 * MIB, 2 * 3 * RANGE, super::support::TOKEN);
    let stalls = peer(2, |link| {
        let Some(Request::Open { pull, .. }) = request(link) else {
            panic!()
        };
        let lengths = vec![3 * RANGE];
        link.write(&Answer::Opened { pull, lengths }.encode()).unwrap();
        let Some(Request::Bytes { pull, range }) = request(link) else {
            panic!()
        };
        link.write(&Answer::Bytes { pull, range }.encode()).unwrap();
        link.write(&[7; 100]).unwrap();
        thread::sleep(Duration::from_secs(3600));
    });
    let mut wanted = Node::wanted_at(node_id(2), stalls, 1, 3 * RANGE);
    wanted.priority = 1;
    let stalled = node.plane.pull(&wanted).unwrap();
    let honest = Node::new(3, 64 * MIB);
    honest.make(2, &[3 * RANGE]);
    wanted = honest.wanted(2, 3 * RANGE);
    wanted.priority = 2;
    drop(node.pull(&wanted).unwrap());
    node.plane.hang_up(node_id(2));
    let (ended, end) = node.end();
    assert_eq!(ended, stalled);
    assert!(
        matches!(
            end,
            Err(PullError::Broken {
                got: 0,
                cause: LinkError::Closed,
                ..
            })
        ),
        "{end:?}"
    );
    node.assert_empty();
}

#[test]
fn bytes_before_the_token_is_proven_are_no_request() {
    let node = Node::new(1, 64 * MIB);
    node.make(1, &[5]);
    let mut socket = TcpStream::connect(node.plane.address()).unwrap();
    let mut bytes = crate::proof::PREFACE.to_vec();
    bytes.extend(
        Request::Open {
            pull: 1,
            name: name(1),
        }
        .encode(),
    );
    socket.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut socket, &mut answer);
    assert!(answer.is_empty(), "{answer:?}");
}
