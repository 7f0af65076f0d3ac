//! The side that needs objects: a thread for each node that is asked, which does what the plan says.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Arc;

use crc32fast::Hasher;
use mobula_fault::failpoint;
use mobula_store::{CreateError, Incoming, TakeError};

use crate::frame::{Answer, MOST, Request};
use crate::limits::{CHUNK, DIAL, SLOW};
use crate::link::Link;
use crate::plan::{Heard, NoRoom, Step};
use crate::pulled::Pulled;
use crate::ranges::Range;
use crate::shared::{Shared, State};
use crate::{LinkError, NodeId, PullError, Ticket};

/// Pulls from `peer` until there is nothing more to pull and no connection, or the data plane stops.
pub(crate) fn pull_from(shared: &Arc<Shared>, peer: NodeId) {
    let mut puller = Puller {
        shared,
        peer,
        link: None,
        slow: false,
        coming: HashMap::new(),
        scratch: vec![0; CHUNK],
    };
    while puller.turn() {}
}

struct Puller<'a> {
    shared: &'a Arc<Shared>,
    peer: NodeId,
    link: Option<Link>,
    /// Whether the peer was said not to answer.
    slow: bool,
    /// The buffers of pulls that have memory.
    coming: HashMap<Ticket, Vec<Incoming>>,
    scratch: Vec<u8>,
}

enum Job {
    Dial,
    HangUp,
    Step(Step),
    End,
}

impl Puller<'_> {
    /// Does one thing. False at the end.
    fn turn(&mut self) -> bool {
        let done = match self.job() {
            Job::End => return false,
            Job::Dial => return self.dial(),
            Job::HangUp => {
                self.link = None;
                let peer = self.peer;
                self.lose(&|got| PullError::Broken {
                    peer,
                    got,
                    cause: LinkError::Closed,
                });
                return false;
            }
            Job::Step(step) => self.step(step),
        };
        if let Err(cause) = done {
            self.broken(&cause);
        }
        true
    }

    /// Waits for something to do.
    fn job(&mut self) -> Job {
        let mut state = self.shared.state.lock();
        // What was cancelled meanwhile; it goes once the lock is free.
        let ended: Vec<_> = self
            .coming
            .extract_if(|&ticket, _| !state.plan.has(ticket))
            .collect();
        let job = loop {
            let Some(caller) = state.callers.get(&self.peer).filter(|_| !state.stopped) else {
                break Job::End;
            };
            if caller.hung {
                break Job::HangUp;
            }
            if self.link.is_some() {
                match state.plan.next(self.peer) {
                    Step::Idle => {}
                    step => break Job::Step(step),
                }
            } else if state.plan.wants(self.peer) {
                break Job::Dial;
            } else if state.plan.end(self.peer) {
                state.callers.remove(&self.peer);
                break Job::End;
            }
            state = self.shared.changed.wait(state);
        };
        drop(state);
        drop(ended);
        job
    }

    fn dial(&mut self) -> bool {
        let Some(address) = self.shared.address(self.peer) else {
            return true;
        };
        let dialed = TcpStream::connect_timeout(&address, DIAL)
            .map_err(LinkError::from)
            .and_then(|socket| Link::dialed(socket, &self.shared.own, self.peer))
            .and_then(|link| {
                link.is_proven(Some(SLOW))?;
                let socket = link.socket()?;
                Ok((link, socket))
            });
        match dialed {
            Ok((link, socket)) => {
                self.link = Some(link);
                self.slow = false;
                self.shared.change(|state| {
                    if let Some(caller) = state.callers.get_mut(&self.peer) {
                        caller.socket = Some(socket);
                    }
                    state.plan.connected(self.peer);
                });
                true
            }
            Err(cause) => {
                let peer = self.peer;
                self.lose(&|got| PullError::Unreachable {
                    peer,
                    address,
                    cause: cause.clone(),
                    got,
                });
                false
            }
        }
    }

    fn step(&mut self, step: Step) -> Result<(), LinkError> {
        let request = match step {
            Step::Open(ticket, name) => Request::Open { pull: ticket.0, name },
            Step::Bytes(ticket, range) => Request::Bytes {
                pull: ticket.0,
                range,
            },
            Step::Sum(ticket, range) => Request::Sum {
                pull: ticket.0,
                range,
            },
            Step::Done(ticket) => Request::Done { pull: ticket.0 },
            Step::Make(ticket, lengths, earlier) => {
                self.make(ticket, &lengths, earlier);
                return Ok(());
            }
            Step::Read => return self.read(),
            Step::Idle => return Ok(()),
        };
        self.link()?.write(&request.encode())
    }

    fn link(&mut self) -> Result<&mut Link, LinkError> {
        self.link.as_mut().ok_or(LinkError::Ended)
    }

    /// Takes room for an object.
    fn make(&mut self, ticket: Ticket, lengths: &[u64], earlier: Option<Ticket>) {
        let made = match earlier {
            Some(earlier) => Ok(self
                .shared
                .change(|state| state.partials.remove(&earlier))
                .unwrap_or_default()),
            None => lengths
                .iter()
                .map(|&len| self.shared.store.receive(len))
                .collect(),
        };
        match made {
            Ok(bufs) => {
                self.coming.insert(ticket, bufs);
                let heard = self.shared.change(|state| state.plan.made(ticket));
                self.heard(heard);
            }
            Err(error @ CreateError::Full(_)) => {
                let has = |state: &mut State| state.plan.has(ticket).then(|| state.plan.full(ticket));
                if self.shared.change(has) == Some(NoRoom::Fail) {
                    self.shared.report(ticket, Err(PullError::NoRoom(error)));
                }
            }
            Err(error) => self.fail(ticket, PullError::NoRoom(error)),
        }
    }

    /// Reads an answer, and what follows it.
    fn read(&mut self) -> Result<(), LinkError> {
        let (kind, body) = self.waiting(|link, silent| link.frame(MOST.1, silent))?;
        let answer = Answer::decode(kind, &body)?;
        let heard = self.shared.change(|state| state.plan.answered(self.peer, answer));
        match heard.map_err(LinkError::Protocol)? {
            Heard::Bytes(ticket, range) => self.receive(ticket, range),
            heard => {
                self.heard(heard);
                Ok(())
            }
        }
    }

    /// Reads, and says meanwhile whether the peer answers.
    fn waiting<R>(
        &mut self,
        read: impl FnOnce(&mut Link, &mut dyn FnMut()) -> Result<R, LinkError>,
    ) -> Result<R, LinkError> {
        let (shared, peer) = (self.shared, self.peer);
        let mut slow = self.slow;
        let mut silent = || {
            if !std::mem::replace(&mut slow, true) {
                shared.change(|state| state.plan.answers(peer, false));
            }
        };
        let done = read(self.link.as_mut().ok_or(LinkError::Ended)?, &mut silent);
        if slow && done.is_ok() {
            shared.change(|state| state.plan.answers(peer, true));
            slow = false;
        }
        self.slow = slow;
        done
    }

    /// Bytes follow. Nobody may want them any more.
    fn receive(&mut self, ticket: Option<Ticket>, range: Range) -> Result<(), LinkError> {
        let mut bufs = ticket
            .and_then(|ticket| self.coming.remove(&ticket))
            .unwrap_or_default();
        let mut scratch = std::mem::take(&mut self.scratch);
        let done = self.receive_into(bufs.get_mut(range.buffer as usize), range, &mut scratch);
        self.scratch = scratch;
        let Some(ticket) = ticket else {
            return done.map(drop);
        };
        self.coming.insert(ticket, bufs);
        match done? {
            Ok((sum, told)) if sum == told => {
                let heard = self.shared.change(|state| state.plan.arrived(ticket, range, sum));
                self.heard(heard);
            }
            Ok(_) => {
                let Range { buffer, offset, .. } = range;
                self.fail(ticket, PullError::Corrupt { buffer, offset });
            }
            Err(error) => self.fail(ticket, PullError::Memory(error)),
        }
        Ok(())
    }

    /// Takes the bytes of a range and their checksum: gives what they have and what the peer says that they have, or why there is
    /// no memory for them.
    fn receive_into(
        &mut self,
        buffer: Option<&mut Incoming>,
        range: Range,
        scratch: &mut [u8],
    ) -> Result<Result<(u32, u32), std::io::Error>, LinkError> {
        let length = u64::from(range.length);
        let mut hasher = Hasher::new();
        let mut left = length;
        let mut refused = None;
        let mut buffer = buffer.filter(|buffer| buffer.at() == range.offset);
        let took = buffer.as_mut().map(|buffer| {
            buffer.take(length, scratch, |slice| {
                for chunk in slice.chunks_mut(CHUNK) {
                    self.waiting(|link, silent| link.read(chunk, silent))?;
                    left -= chunk.len() as u64;
                    hasher.update(chunk);
                }
                Ok(())
            })
        });
        match took {
            Some(Err(TakeError::Read(error))) => return Err(error),
            Some(Err(TakeError::Memory(error))) => refused = Some(error),
            Some(Ok(())) | None => {}
        }
        while left > 0 {
            let chunk = &mut scratch[..(left as usize).min(CHUNK)];
            self.waiting(|link, silent| link.read(chunk, silent))?;
            left -= chunk.len() as u64;
        }
        let mut told = [0; 4];
        let read = self.waiting(|link, silent| link.read(&mut told, silent));
        let (sum, told) = (hasher.finalize(), u32::from_le_bytes(told));
        // What is not known to be right has not come.
        if let Some(buffer) = buffer
            && (read.is_err() || sum != told)
            && refused.is_none()
        {
            buffer.rewind(range.offset);
        }
        read?;
        Ok(refused.map_or(Ok((sum, told)), Err))
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Nothing | Heard::Bytes(..) => {}
            Heard::Rewind(ticket) => {
                for incoming in self.coming.get_mut(&ticket).into_iter().flatten() {
                    incoming.rewind(0);
                }
            }
            Heard::Failed(ticket, error) => {
                self.coming.remove(&ticket);
                self.shared.report(ticket, Err(error));
            }
            Heard::Whole(ticket, sums) => {
                failpoint!("net.pull.whole");
                let bufs = self.coming.remove(&ticket).unwrap_or_default();
                let pulled = Pulled::seal(&self.shared.store, bufs, sums);
                self.shared.report(ticket, pulled);
            }
        }
    }

    /// A pull ends because of what this node found, unless it has ended.
    fn fail(&mut self, ticket: Ticket, error: PullError) {
        self.coming.remove(&ticket);
        if self.shared.change(|state| state.plan.leave(ticket)) {
            self.shared.report(ticket, Err(error));
        }
    }

    /// The connection is gone.
    fn broken(&mut self, cause: &LinkError) {
        self.link = None;
        let peer = self.peer;
        let (ended, hung) = self.shared.change(|state| {
            let caller = state.callers.get_mut(&peer);
            let hung = caller.is_some_and(|caller| {
                caller.socket = None;
                caller.hung
            });
            let ended = state.plan.broken(peer);
            self.keep(state, &ended);
            (ended, hung)
        });
        let cause = if hung { &LinkError::Closed } else { cause };
        self.drop_and_report(ended, &|got| PullError::Broken {
            peer,
            got,
            cause: cause.clone(),
        });
    }

    /// Nothing comes from this peer any more.
    fn lose(&mut self, error: &dyn Fn(u64) -> PullError) {
        let ended = self.shared.change(|state| {
            state.callers.remove(&self.peer);
            let ended = state.plan.unreachable(self.peer);
            self.keep(state, &ended);
            ended
        });
        self.drop_and_report(ended, error);
    }
}

impl Puller<'_> {
    /// What has come of broken pulls waits for the next ones.
    fn keep(&mut self, state: &mut State, ended: &[(Ticket, u64)]) {
        for &(ticket, got) in ended {
            if got > 0
                && let Some(bufs) = self.coming.remove(&ticket)
            {
                state.partials.insert(ticket, bufs);
            }
        }
    }

    fn drop_and_report(&mut self, ended: Vec<(Ticket, u64)>, error: &dyn Fn(u64) -> PullError) {
        for (ticket, got) in ended {
            self.coming.remove(&ticket);
            self.shared.report(ticket, Err(error(got)));
        }
    }
}
