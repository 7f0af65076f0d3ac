//! Two nodes prove to one another that they know the token; it never travels. As in `docs/transport.md`, with labels of its own:
//! a proof of one plane is none in the other.
//!
//! HELLO (from the side that dialled: a nonce, its node), CHALLENGE (the same of the other side), PROOF (an HMAC over both),
//! WELCOME (another one). Layout of HELLO and CHALLENGE up to the protocol's number never changes.

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::frame::{Fields, HEAD, Malformed, frame};
use crate::limits::{PROTOCOL, UNPROVEN_BYTES};
use crate::{LinkError, NodeId};

/// What a stream without TLS begins with; TLS begins with another byte.
pub(crate) const PREFACE: &[u8; 8] = b"mobula-d";

const HELLO: u8 = 32;
const CHALLENGE: u8 = 33;
const PROOF: u8 = 34;
const WELCOME: u8 = 35;
const REFUSED: u8 = 36;

/// The longest frame of the proof, in bytes. All that come from one peer are less than `UNPROVEN_BYTES`.
pub(crate) const LONGEST: usize = 256;

// One side sends at most two frames.
const _: () = assert!(PREFACE.len() + 2 * (HEAD + LONGEST) <= UNPROVEN_BYTES);

/// What proofs are keyed with.
#[derive(Clone, Debug)]
pub(crate) struct Token(hmac::Key);

impl Token {
    pub(crate) fn new(token: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, token))
    }
}

/// One side of a proof.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Side {
    nonce: [u8; 32],
    node: NodeId,
}

impl Side {
    fn new(node: NodeId) -> Result<Self, LinkError> {
        let mut nonce = [0; 32];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| std::io::Error::other("the system has no random bytes"))?;
        Ok(Self { nonce, node })
    }

    fn frame(&self, kind: u8) -> Vec<u8> {
        frame(kind, |out| {
            out.push(PROTOCOL);
            out.extend(self.nonce);
            out.extend(self.node.0);
        })
    }

    fn read(body: &[u8]) -> Result<Self, LinkError> {
        let mut fields = Fields(body);
        let theirs = fields.u8()?;
        if theirs != PROTOCOL {
            return Err(LinkError::Version {
                ours: PROTOCOL,
                theirs,
            });
        }
        let (nonce, node) = (fields.take()?, NodeId(fields.take()?));
        fields.end()?;
        Ok(Self { nonce, node })
    }
}

/// Both sides sign the same facts, in the order of their roles, under different names.
fn facts(prover: &str, dialer: &Side, acceptor: &Side) -> Vec<u8> {
    let mut facts = format!("mobula data {PROTOCOL} {prover}\n").into_bytes();
    for side in [dialer, acceptor] {
        facts.extend(side.nonce);
        facts.extend(side.node.0);
    }
    facts
}

/// What comes of a frame.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) send: Option<Vec<u8>>,
    /// Who has proven the token.
    pub(crate) proven: Option<NodeId>,
}

/// The proof as the side that dialled makes it.
#[derive(Debug)]
pub(crate) struct Dialer {
    own: Side,
    peer: Option<Side>,
}

impl Dialer {
    pub(crate) fn new(node: NodeId) -> Result<Self, LinkError> {
        let own = Side::new(node)?;
        Ok(Self { own, peer: None })
    }

    pub(crate) fn hello(&self) -> Vec<u8> {
        self.own.frame(HELLO)
    }

    pub(crate) fn receive(&mut self, token: &Token, kind: u8, body: &[u8]) -> Result<Next, LinkError> {
        match (kind, &self.peer) {
            (CHALLENGE, None) => {
                let peer = Side::read(body)?;
                let proof = hmac::sign(&token.0, &facts("dialer", &self.own, &peer));
                self.peer = Some(peer);
                let send = Some(frame(PROOF, |out| out.extend(proof.as_ref())));
                Ok(Next { send, proven: None })
            }
            (WELCOME, Some(peer)) => {
                hmac::verify(&token.0, &facts("acceptor", &self.own, peer), body)
                    .map_err(|_| LinkError::Unauthorized)?;
                let proven = Some(peer.node);
                Ok(Next { send: None, proven })
            }
            (REFUSED, _) => Err(refusal(body)),
            _ => Err(LinkError::Protocol("this is no proof of the token")),
        }
    }
}

/// The proof as the side that accepted makes it.
#[derive(Debug)]
pub(crate) struct Acceptor {
    node: NodeId,
    sides: Option<(Side, Side)>,
}

impl Acceptor {
    pub(crate) fn new(node: NodeId) -> Self {
        Self { node, sides: None }
    }

    pub(crate) fn receive(&mut self, token: &Token, kind: u8, body: &[u8]) -> Result<Next, LinkError> {
        match (kind, &self.sides) {
            (HELLO, None) => {
                let (peer, own) = (Side::read(body)?, Side::new(self.node)?);
                let send = Some(own.frame(CHALLENGE));
                self.sides = Some((peer, own));
                Ok(Next { send, proven: None })
            }
            (PROOF, Some((peer, own))) => {
                hmac::verify(&token.0, &facts("dialer", peer, own), body)
                    .map_err(|_| LinkError::Unauthorized)?;
                let proof = hmac::sign(&token.0, &facts("acceptor", peer, own));
                let send = Some(frame(WELCOME, |out| out.extend(proof.as_ref())));
                let proven = Some(peer.node);
                Ok(Next { send, proven })
            }
            _ => Err(LinkError::Protocol("this is no proof of the token")),
        }
    }
}

/// What the side that dialled is told when it is sent away.
pub(crate) fn refused(why: &LinkError) -> Vec<u8> {
    let number = match why {
        LinkError::Unauthorized => 1,
        LinkError::Version { .. } => 2,
        _ => 0,
    };
    frame(REFUSED, |out| {
        out.extend([number, PROTOCOL]);
    })
}

fn refusal(body: &[u8]) -> LinkError {
    match *body {
        [1, ..] => LinkError::Unauthorized,
        [2, theirs, ..] => LinkError::Version {
            ours: PROTOCOL,
            theirs,
        },
        [0, ..] => LinkError::Protocol("it has sent us away before we had proven the token"),
        _ => Malformed("a frame is too short").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::HEAD;

    const A: NodeId = NodeId([1; 8]);
    const B: NodeId = NodeId([2; 8]);

    /// Sends frames to and fro until one side has an end.
    fn run(
        theirs: &Token,
        ours: &Token,
        meddle: impl Fn(&mut Vec<u8>),
    ) -> (Option<NodeId>, Result<NodeId, LinkError>) {
        let (mut dialer, mut acceptor) = (Dialer::new(A).unwrap(), Acceptor::new(B));
        let mut to_acceptor = dialer.hello();
        let mut seen = None;
        loop {
            meddle(&mut to_acceptor);
            let answer = match acceptor.receive(ours, to_acceptor[4], &to_acceptor[HEAD..]) {
                Ok(next) => {
                    seen = next.proven;
                    next.send.unwrap()
                }
                Err(why) => refused(&why),
            };
            assert!(answer.len() <= LONGEST);
            match dialer.receive(theirs, answer[4], &answer[HEAD..]) {
                Ok(Next {
                    proven: Some(node), ..
                }) => return (seen, Ok(node)),
                Ok(next) => to_acceptor = next.send.unwrap(),
                Err(why) => return (seen, Err(why)),
            }
        }
    }

    #[test]
    fn who_knows_the_token_is_known_by_both() {
        let token = Token::new(b"secret");
        let (seen, proven) = run(&token, &token, |_| {});
        assert_eq!((seen, proven.unwrap()), (Some(A), B));
    }

    #[test]
    fn another_token_is_refused_by_the_side_that_accepted() {
        let (seen, proven) = run(&Token::new(b"a"), &Token::new(b"b"), |_| {});
        assert_eq!(seen, None);
        assert!(matches!(proven, Err(LinkError::Unauthorized)));
    }

    #[test]
    fn one_bit_changed_on_the_way_is_noticed() {
        let token = Token::new(b"secret");
        for bit in 0..32 * 8 {
            // Of the nonce in HELLO, of the code in PROOF.
            let (_, proven) = run(&token, &token, |frame| {
                let at = HEAD + usize::from(frame[4] == HELLO) + bit / 8;
                frame[at] ^= 1 << (bit % 8);
            });
            assert!(matches!(proven, Err(LinkError::Unauthorized)), "{proven:?}");
        }
    }

    #[test]
    fn the_side_that_accepted_has_to_prove_it_too() {
        let mut dialer = Dialer::new(A).unwrap();
        let challenge = Side::new(B).unwrap().frame(CHALLENGE);
        let token = Token::new(b"secret");
        let proof = dialer
            .receive(&token, CHALLENGE, &challenge[HEAD..])
            .unwrap()
            .send
            .unwrap();
        // What we have said ourselves is no proof of the other side.
        let reflected = dialer.receive(&token, WELCOME, &proof[HEAD..]);
        assert!(matches!(reflected, Err(LinkError::Unauthorized)));
    }

    #[test]
    fn another_protocol_is_named() {
        let token = Token::new(b"secret");
        let (_, proven) = run(&token, &token, |frame| {
            if frame[4] == HELLO {
                frame[HEAD] = 9;
            }
        });
        assert!(matches!(proven, Err(LinkError::Version { .. })), "{proven:?}");
    }

    #[test]
    fn garbage_is_an_error() {
        let token = Token::new(b"secret");
        for kind in 0..=255 {
            for length in [0, 1, 40, 41, 42, 200] {
                let body = vec![PROTOCOL; length];
                let _ = Acceptor::new(B).receive(&token, kind, &body);
                let _ = Dialer::new(A).unwrap().receive(&token, kind, &body);
            }
        }
    }
}
