//! What is pulled, from whom, in which order: decisions without sockets, clocks or memory.
//!
//! 1. Pulls are in order of their priority (the lowest number first), then of their tickets. None overtakes one that waits for
//!    room, but where that one's peer is slow.
//! 2. Bytes of admitted pulls are at most `limit`, half of it for those that are not [`URGENT`]; one alone may be larger.
//!    Those of slow peers do not count: a peer that stalls holds up nobody else.
//! 3. A peer's answers come in the order of its requests; `asked` has those that are due.
//! 4. Ranges of an object are asked for, and come, in order.
//! 5. Every pull ends once: it is removed in the step that gives its end.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::frame::Answer;
use crate::limits::{BUFFERS, OPEN, WINDOW, WINDOW_BYTES};
use crate::moving::{Moving, Partial};
use crate::ranges::{Range, total};
use crate::{Name, NodeId, PullError, Ticket};

/// The priority of what a task waits for that runs already.
pub const URGENT: u64 = 0;

/// A place in the order.
type Rank = (u64, Ticket);

#[derive(Debug)]
pub(crate) struct Plan {
    limit: u64,
    last: u64,
    pulls: HashMap<Ticket, Pull>,
    names: HashMap<Name, Ticket>,
    peers: HashMap<NodeId, Peer>,
    /// What broken pulls have left, the oldest first.
    partials: VecDeque<(Name, Partial)>,
    /// Partials to be dropped by whoever has their memory.
    dropped: Vec<Ticket>,
    /// Whether a thread that waits may have something to do.
    woken: bool,
}

#[derive(Debug)]
struct Pull {
    peer: NodeId,
    name: Name,
    bytes: u64,
    priority: u64,
    stage: Stage,
    /// Whether it has been begun anew because a connection that had been idle was gone.
    again: bool,
    partial: Option<Partial>,
}

#[derive(Debug)]
enum Stage {
    /// For room.
    Waiting,
    Admitted,
    /// The peer was asked to hold it.
    Opening,
    /// The peer holds it.
    Opened(Moving),
    /// Its room is being taken.
    Making(Moving),
    /// There was no room; others are to end.
    Starved(Moving),
    Moving(Moving),
}

#[derive(Debug, Default)]
struct Peer {
    waiting: BTreeSet<Rank>,
    /// All others.
    ready: BTreeSet<Rank>,
    /// Of those that are ready.
    bytes: u64,
    asked: VecDeque<Asked>,
    /// Of ranges that were asked for.
    window: u64,
    /// What the peer is to hold no more.
    done: Vec<Ticket>,
    /// Whether it is connected and answers.
    answers: bool,
    /// Whether it has answered since it was connected or idle.
    fresh: bool,
}

#[derive(Copy, Clone, Debug)]
struct Asked {
    ticket: Ticket,
    what: What,
    /// Of the [`Moving`] that asked.
    epoch: u32,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum What {
    Open,
    Bytes(Range),
    Sum(Range),
}

/// What a peer's thread is to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Open(Ticket, Name),
    /// Take room for buffers of these lengths, then say [`Plan::made`] or [`Plan::full`]. With a ticket: that partial's
    /// buffers are there already.
    Make(Ticket, Vec<u64>, Option<Ticket>),
    Bytes(Ticket, Range),
    Sum(Ticket, Range),
    Done(Ticket),
    /// Read an answer.
    Read,
    /// Wait.
    Idle,
}

/// What an answer means.
#[derive(Debug)]
pub(crate) enum Heard {
    Nothing,
    /// Bytes follow. They are this pull's, or nobody's any more.
    Bytes(Option<Ticket>, Range),
    /// What had come is of another value: it is to come again from the beginning.
    Rewind(Ticket),
    /// All has come.
    Whole(Ticket, Vec<Vec<u32>>),
    /// The pull has ended, without an object.
    Failed(Ticket, PullError),
}

/// What is to be done where there was no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The pull will be told to try again.
    Wait,
    /// Nothing of ours stands in the way: the pull has ended.
    Fail,
}

impl Plan {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            last: 0,
            pulls: HashMap::new(),
            names: HashMap::new(),
            peers: HashMap::new(),
            partials: VecDeque::new(),
            dropped: Vec::new(),
            woken: false,
        }
    }

    /// Somebody wants an object. One that is being pulled is not pulled twice: the ticket is the same.
    pub(crate) fn pull(
        &mut self,
        peer: NodeId,
        name: Name,
        bytes: u64,
        priority: u64,
    ) -> Result<Ticket, PullError> {
        if let Some(&ticket) = self.names.get(&name) {
            return self.join(ticket, bytes, priority);
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        let partial = self.partials.iter().position(|(of, _)| *of == name);
        let mut partial = partial
            .and_then(|at| self.partials.remove(at))
            .map(|(_, partial)| partial);
        if let Some(other) = partial.take_if(|partial| total(partial.lengths()) != Some(bytes)) {
            self.dropped.push(other.ticket());
        }
        self.names.insert(name, ticket);
        self.pulls.insert(
            ticket,
            Pull {
                peer,
                name,
                bytes,
                priority,
                stage: Stage::Waiting,
                again: false,
                partial,
            },
        );
        self.peers
            .entry(peer)
            .or_default()
            .waiting
            .insert((priority, ticket));
        self.admit();
        self.woken = true;
        Ok(ticket)
    }

    fn join(&mut self, ticket: Ticket, bytes: u64, priority: u64) -> Result<Ticket, PullError> {
        let Some(pull) = self.pulls.get_mut(&ticket) else {
            return Err(PullError::Closed);
        };
        if pull.bytes != bytes {
            let (expected, offered) = (bytes, pull.bytes);
            return Err(PullError::Differs { expected, offered });
        }
        if priority < pull.priority
            && let Some(peer) = self.peers.get_mut(&pull.peer)
        {
            let waits = matches!(pull.stage, Stage::Waiting);
            let list = if waits { &mut peer.waiting } else { &mut peer.ready };
            list.remove(&(pull.priority, ticket));
            list.insert((priority, ticket));
            pull.priority = priority;
            self.admit();
        }
        Ok(ticket)
    }

    /// Nobody will go on with what a broken pull has left.
    pub(crate) fn forget(&mut self, name: Name) {
        if let Some(at) = self.partials.iter().position(|(of, _)| *of == name) {
            let partial = self.partials.remove(at);
            self.dropped.extend(partial.map(|(_, partial)| partial.ticket()));
            self.admit();
        }
    }

    /// What the thread of `peer` does next.
    pub(crate) fn next(&mut self, id: NodeId) -> Step {
        let Some(peer) = self.peers.get_mut(&id) else {
            return Step::Idle;
        };
        if let Some(ticket) = peer.done.pop() {
            return Step::Done(ticket);
        }
        if peer.asked.len() < WINDOW && peer.window < WINDOW_BYTES {
            for &(_, ticket) in &peer.ready {
                let Some(pull) = self.pulls.get_mut(&ticket) else {
                    continue;
                };
                let stage = std::mem::replace(&mut pull.stage, Stage::Waiting);
                let (stage, step, asked) = pull.step(ticket, stage);
                pull.stage = stage;
                peer.asked.extend(asked);
                if let Some(Asked {
                    what: What::Bytes(range),
                    ..
                }) = asked
                {
                    peer.window += u64::from(range.length);
                }
                if let Some(step) = step {
                    return step;
                }
            }
        }
        if peer.asked.is_empty() {
            peer.fresh = false;
            return Step::Idle;
        }
        Step::Read
    }

    /// The room for a pull has been taken.
    pub(crate) fn made(&mut self, ticket: Ticket) -> Heard {
        let Some(pull) = self.pulls.get_mut(&ticket) else {
            return Heard::Nothing;
        };
        if let Stage::Making(mut moving) = std::mem::replace(&mut pull.stage, Stage::Admitted) {
            moving.has_memory();
            pull.stage = Stage::Moving(moving);
        }
        self.look(ticket)
    }

    /// There was no room for a pull.
    pub(crate) fn full(&mut self, ticket: Ticket) -> NoRoom {
        let partials = std::mem::take(&mut self.partials);
        let others = !partials.is_empty() || self.others_move(ticket);
        let again = !partials.is_empty();
        self.dropped
            .extend(partials.into_iter().map(|(_, partial)| partial.ticket()));
        let Some(pull) = self.pulls.get_mut(&ticket).filter(|_| others) else {
            self.remove_all(ticket, true);
            return NoRoom::Fail;
        };
        if let Stage::Making(moving) = std::mem::replace(&mut pull.stage, Stage::Admitted) {
            pull.stage = if again {
                Stage::Opened(moving)
            } else {
                Stage::Starved(moving)
            };
        }
        NoRoom::Wait
    }

    /// Whether another pull has memory, or is about to, and will give an end.
    fn others_move(&self, ticket: Ticket) -> bool {
        let answering = self.peers.values().filter(|peer| peer.answers);
        let mut others = answering
            .flat_map(|peer| &peer.ready)
            .filter(|(_, other)| *other != ticket);
        others.any(|(_, other)| {
            let stage = self.pulls.get(other).map(|pull| &pull.stage);
            matches!(stage, Some(Stage::Making(_) | Stage::Moving(_)))
        })
    }

    /// A peer has answered.
    ///
    /// # Errors
    /// It is no answer to what was asked; says why.
    pub(crate) fn answered(&mut self, id: NodeId, answer: Answer) -> Result<Heard, &'static str> {
        let peer = self.peers.get_mut(&id).ok_or("nothing was asked")?;
        let Asked { ticket, what, epoch } = peer.asked.pop_front().ok_or("nothing was asked")?;
        if let What::Bytes(range) = what {
            peer.window -= u64::from(range.length);
        }
        peer.fresh = true;
        if answer.pull() != ticket.0 {
            return Err("the answer is to another request");
        }
        let pull = self.pulls.get_mut(&ticket);
        match (what, answer) {
            (_, Answer::Refused { why, text, .. }) => {
                if pull.is_none() {
                    return Ok(Heard::Nothing);
                }
                self.remove_all(ticket, false);
                Ok(Heard::Failed(ticket, PullError::Refused { why, text }))
            }
            (What::Open, Answer::Opened { lengths, .. }) => Ok(self.opened(ticket, lengths)),
            (What::Bytes(asked), Answer::Bytes { range, .. }) if asked == range => {
                let theirs = pull.is_some_and(|pull| pull.is_of(epoch));
                Ok(Heard::Bytes(theirs.then_some(ticket), range))
            }
            (What::Sum(asked), Answer::Sum { range, sum, .. }) if asked == range => {
                let pull = pull.filter(|pull| pull.is_of(epoch));
                let Some(Stage::Moving(moving)) = pull.map(|pull| &mut pull.stage) else {
                    return Ok(Heard::Nothing);
                };
                if moving.checked(range, sum) {
                    return Ok(self.look(ticket));
                }
                moving.restart();
                Ok(Heard::Rewind(ticket))
            }
            _ => Err("the answer is not what was asked for"),
        }
    }

    fn opened(&mut self, ticket: Ticket, lengths: Vec<u64>) -> Heard {
        let Some(pull) = self.pulls.get_mut(&ticket) else {
            return Heard::Nothing;
        };
        let expected = pull.bytes;
        let offered = total(&lengths).unwrap_or(u64::MAX);
        if offered != expected || lengths.len() > BUFFERS {
            self.leave(ticket);
            return Heard::Failed(ticket, PullError::Differs { expected, offered });
        }
        let partial = pull.partial.take();
        let same = partial
            .as_ref()
            .is_some_and(|partial| partial.lengths() == lengths);
        let moving = match partial {
            Some(partial) if same => Moving::go_on(partial),
            Some(partial) => {
                self.dropped.push(partial.ticket());
                Moving::new(lengths)
            }
            None => Moving::new(lengths),
        };
        pull.stage = Stage::Opened(moving);
        Heard::Nothing
    }

    /// A range has come, and its checksum is right.
    pub(crate) fn arrived(&mut self, ticket: Ticket, range: Range, sum: u32) -> Heard {
        if let Some(Stage::Moving(moving)) = self.pulls.get_mut(&ticket).map(|pull| &mut pull.stage) {
            moving.came(range, sum);
        }
        self.look(ticket)
    }

    /// A pull ends because of what this node found, such as a wrong checksum or no memory, or as nobody wants it any more.
    /// False if it has ended before.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> bool {
        self.remove_all(ticket, true)
    }

    /// Whether a connection to the peer is needed.
    pub(crate) fn wants(&self, id: NodeId) -> bool {
        self.peers.get(&id).is_some_and(|peer| !peer.ready.is_empty())
    }

    /// Ends all pulls.
    pub(crate) fn stop(&mut self) -> Vec<Ticket> {
        let ended = self.pulls.drain().map(|(ticket, _)| ticket).collect();
        *self = Self::new(self.limit);
        ended
    }

    /// Who is asked for a pull.
    pub(crate) fn peer_of(&self, ticket: Ticket) -> Option<NodeId> {
        Some(self.pulls.get(&ticket)?.peer)
    }

    /// Whether a pull has not ended.
    pub(crate) fn has(&self, ticket: Ticket) -> bool {
        self.pulls.contains_key(&ticket)
    }

    /// As [`remove`](Self::remove); what an earlier pull has left goes too.
    fn remove_all(&mut self, ticket: Ticket, held: bool) -> bool {
        let pull = self.remove(ticket, held);
        self.dropped.extend(pull.as_ref().and_then(Pull::earlier));
        pull.is_some()
    }

    /// Whether all of a pull has come; it has ended then.
    fn look(&mut self, ticket: Ticket) -> Heard {
        let stage = self.pulls.get_mut(&ticket).map(|pull| &mut pull.stage);
        let Some(Stage::Moving(moving)) = stage else {
            return Heard::Nothing;
        };
        if !moving.is_whole() {
            return Heard::Nothing;
        }
        let sums = moving.take_sums();
        self.remove(ticket, true);
        Heard::Whole(ticket, sums)
    }

    /// The peer is connected.
    pub(crate) fn connected(&mut self, id: NodeId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            (peer.answers, peer.fresh) = (true, true);
            self.admit();
        }
    }

    /// The peer has not answered for a while, or does so again.
    pub(crate) fn answers(&mut self, id: NodeId, answers: bool) {
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.answers != answers
        {
            peer.answers = answers;
            self.admit();
        }
    }

    /// The peer's connection is gone. Gives the pulls that have ended by it, and how many bytes of each have come in whole
    /// ranges; those that had not begun go on with the next connection.
    pub(crate) fn broken(&mut self, id: NodeId) -> Vec<(Ticket, u64)> {
        let Some(peer) = self.peers.get_mut(&id) else {
            return Vec::new();
        };
        peer.asked.clear();
        peer.done.clear();
        peer.window = 0;
        peer.answers = false;
        let fresh = peer.fresh;
        let ready: Vec<Ticket> = peer.ready.iter().map(|&(_, ticket)| ticket).collect();
        let mut ended = Vec::new();
        for ticket in ready {
            let Some(pull) = self.pulls.get_mut(&ticket) else {
                continue;
            };
            if matches!(pull.stage, Stage::Admitted) {
                continue;
            }
            if !fresh && !pull.again && matches!(pull.stage, Stage::Opening) {
                (pull.again, pull.stage) = (true, Stage::Admitted);
                continue;
            }
            let Some(pull) = self.remove(ticket, false) else {
                continue;
            };
            let partial = match pull.stage {
                Stage::Moving(moving) => moving.into_partial(ticket),
                Stage::Opened(moving) | Stage::Making(moving) | Stage::Starved(moving) => {
                    moving.into_earlier()
                }
                _ => pull.partial,
            };
            ended.push((ticket, partial.as_ref().map_or(0, Partial::bytes)));
            self.partials.extend(partial.map(|partial| (pull.name, partial)));
        }
        self.admit();
        ended
    }

    /// The peer cannot be reached: gives all its pulls, which have ended, and what they have from earlier.
    pub(crate) fn unreachable(&mut self, id: NodeId) -> Vec<(Ticket, u64)> {
        // None of its own is let in meanwhile: what broken pulls have left would go for it.
        let waiting = self
            .peers
            .get_mut(&id)
            .map(|peer| std::mem::take(&mut peer.waiting));
        let mut ended = self.broken(id);
        let Some(peer) = self.peers.remove(&id) else {
            return ended;
        };
        for &(_, ticket) in waiting.iter().flatten().chain(&peer.ready) {
            if let Some(pull) = self.pulls.remove(&ticket) {
                self.names.remove(&pull.name);
                ended.push((ticket, pull.partial.as_ref().map_or(0, Partial::bytes)));
                self.partials
                    .extend(pull.partial.map(|partial| (pull.name, partial)));
            }
        }
        self.room_came();
        self.admit();
        ended
    }

    /// Whether there is nothing to be done with the peer; it is forgotten then.
    pub(crate) fn end(&mut self, id: NodeId) -> bool {
        let idle = |peer: &Peer| peer.waiting.is_empty() && peer.ready.is_empty();
        let ends = self.peers.get(&id).is_none_or(idle);
        if ends {
            self.peers.remove(&id);
        }
        ends
    }

    /// Partials that are to be dropped, each once.
    pub(crate) fn take_dropped(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.dropped)
    }

    /// Whether threads that wait are to look again; asked once.
    pub(crate) fn take_woken(&mut self) -> bool {
        std::mem::take(&mut self.woken)
    }

    /// Takes a pull out of everything. `held`: the peer may hold the object, and is told.
    fn remove(&mut self, ticket: Ticket, held: bool) -> Option<Pull> {
        let pull = self.pulls.remove(&ticket)?;
        self.names.remove(&pull.name);
        if let Some(peer) = self.peers.get_mut(&pull.peer) {
            let rank = (pull.priority, ticket);
            if peer.ready.remove(&rank) {
                peer.bytes -= pull.bytes;
            }
            peer.waiting.remove(&rank);
            if held && !matches!(pull.stage, Stage::Waiting | Stage::Admitted) {
                peer.done.push(ticket);
            }
        }
        self.room_came();
        self.admit();
        Some(pull)
    }

    /// Whoever found no room tries again.
    fn room_came(&mut self) {
        for pull in self
            .pulls
            .values_mut()
            .filter(|pull| matches!(pull.stage, Stage::Starved(_)))
        {
            if let Stage::Starved(moving) = std::mem::replace(&mut pull.stage, Stage::Admitted) {
                pull.stage = Stage::Opened(moving);
            }
        }
        self.woken = true;
    }

    /// Lets pulls begin, as many as rules 1 and 2 allow.
    fn admit(&mut self) {
        loop {
            let open = |peer: &&Peer| peer.ready.len() < OPEN && (peer.answers || peer.ready.is_empty());
            let first = self
                .peers
                .values()
                .filter(open)
                .filter_map(|peer| peer.waiting.first());
            let Some(&(priority, ticket)) = first.min() else {
                return;
            };
            let Some(pull) = self.pulls.get(&ticket) else {
                return;
            };
            let counted = self
                .peers
                .values()
                .filter(|peer| peer.answers)
                .map(|peer| peer.bytes);
            let counted: u64 = counted.sum();
            let left: u64 = self.partials.iter().map(|(_, partial)| partial.bytes()).sum();
            let limit = if priority == URGENT {
                self.limit
            } else {
                self.limit / 2
            };
            if counted.saturating_add(left).saturating_add(pull.bytes) > limit {
                if let Some((_, partial)) = self.partials.pop_front() {
                    self.dropped.push(partial.ticket());
                    continue;
                }
                if counted > 0 {
                    return;
                }
            }
            self.let_in(ticket);
        }
    }

    fn let_in(&mut self, ticket: Ticket) {
        let Some(pull) = self.pulls.get_mut(&ticket) else {
            return;
        };
        pull.stage = Stage::Admitted;
        if let Some(peer) = self.peers.get_mut(&pull.peer) {
            let rank = (pull.priority, ticket);
            peer.waiting.remove(&rank);
            peer.ready.insert(rank);
            peer.bytes += pull.bytes;
        }
        self.woken = true;
    }
}

impl Pull {
    /// The earlier pull whose memory nobody has taken over yet.
    fn earlier(&self) -> Option<Ticket> {
        match &self.stage {
            Stage::Opened(moving) | Stage::Starved(moving) => moving.earlier(),
            _ => self.partial.as_ref().map(Partial::ticket),
        }
    }

    /// Whether what was asked for in `epoch` is still wanted.
    fn is_of(&self, epoch: u32) -> bool {
        matches!(&self.stage, Stage::Moving(moving) if moving.epoch() == epoch)
    }

    /// What is to be done for it, and what its peer owes then.
    fn step(&self, ticket: Ticket, stage: Stage) -> (Stage, Option<Step>, Option<Asked>) {
        let asked = |what, epoch| Some(Asked { ticket, what, epoch });
        match stage {
            Stage::Admitted => {
                let step = Step::Open(ticket, self.name);
                (Stage::Opening, Some(step), asked(What::Open, 0))
            }
            Stage::Opened(moving) => {
                let step = Step::Make(ticket, moving.lengths().to_vec(), moving.earlier());
                (Stage::Making(moving), Some(step), None)
            }
            Stage::Moving(mut moving) => {
                let epoch = moving.epoch();
                if let Some(range) = moving.next_check() {
                    let step = Step::Sum(ticket, range);
                    return (Stage::Moving(moving), Some(step), asked(What::Sum(range), epoch));
                }
                let Some(range) = moving.next_range() else {
                    return (Stage::Moving(moving), None, None);
                };
                let step = Step::Bytes(ticket, range);
                (
                    Stage::Moving(moving),
                    Some(step),
                    asked(What::Bytes(range), epoch),
                )
            }
            other => (other, None, None),
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
