use proptest::prelude::*;

use super::*;
use crate::Refusal;
use crate::limits::RANGE;

const A: NodeId = NodeId([1; 8]);
const B: NodeId = NodeId([2; 8]);

fn name(number: u64) -> Name {
    Name::new(&number.to_le_bytes()).unwrap()
}

/// A peer that answers at once, and has every object as one buffer of `length` bytes.
fn answer(plan: &mut Plan, peer: NodeId, step: &Step, length: u64) -> Option<Heard> {
    let answer = match *step {
        Step::Open(ticket, _) => Answer::Opened {
            pull: ticket.0,
            lengths: vec![length],
        },
        Step::Bytes(ticket, range) => Answer::Bytes {
            pull: ticket.0,
            range,
        },
        Step::Sum(ticket, range) => Answer::Sum {
            pull: ticket.0,
            range,
            sum: 7,
        },
        _ => return None,
    };
    Some(plan.answered(peer, answer).unwrap())
}

/// Steps of a peer until it has nothing to do; asks and answers in turn.
fn serve(plan: &mut Plan, peer: NodeId, length: u64, most: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut due = VecDeque::new();
    for _ in 0..most {
        let step = plan.next(peer);
        match &step {
            Step::Idle => break,
            Step::Read => {
                let asked: Step = due.pop_front().unwrap();
                if let Some(Heard::Bytes(Some(ticket), range)) = answer(plan, peer, &asked, length) {
                    plan.arrived(ticket, range, 7);
                }
            }
            Step::Make(ticket, ..) => {
                plan.made(*ticket);
            }
            Step::Done(_) => {}
            asked => due.push_back(asked.clone()),
        }
        steps.push(step);
    }
    steps
}

fn opened(steps: &[Step]) -> Vec<u64> {
    let opened = steps.iter().filter_map(|step| match step {
        Step::Open(ticket, _) => Some(ticket.0),
        _ => None,
    });
    opened.collect()
}

#[test]
fn the_more_urgent_comes_first_and_one_object_is_pulled_once() {
    let mut plan = Plan::new(100 * RANGE);
    let tickets: Vec<_> = [9, 5, 5, URGENT]
        .iter()
        .zip(0..)
        .map(|(&priority, number)| plan.pull(A, name(number), RANGE, priority).unwrap())
        .collect();
    // Somebody needs the first one at once; from another place, but it is on its way already.
    assert_eq!(plan.pull(B, name(0), RANGE, URGENT).unwrap(), tickets[0]);
    assert!(matches!(
        plan.pull(A, name(0), RANGE + 1, URGENT),
        Err(PullError::Differs { .. })
    ));
    plan.connected(A);
    let steps = serve(&mut plan, A, RANGE, 1000);
    // Before it was connected, one was let in.
    assert_eq!(opened(&steps), [1, 4, 2, 3]);
    assert!(plan.end(A) && plan.pulls.is_empty() && plan.names.is_empty());
}

#[test]
fn a_large_one_that_waits_is_not_overtaken() {
    let mut plan = Plan::new(20 * RANGE);
    plan.pull(A, name(1), 8 * RANGE, 1).unwrap();
    plan.connected(A);
    plan.pull(A, name(2), 9 * RANGE, 1).unwrap();
    plan.pull(A, name(3), RANGE, 1).unwrap();
    assert_eq!(plan.peers[&A].ready.len(), 1);
    // Half of the room is kept for what tasks wait for that run.
    plan.pull(A, name(4), 12 * RANGE, URGENT).unwrap();
    assert_eq!(plan.peers[&A].ready.len(), 2);
}

#[test]
fn one_that_is_larger_than_the_bound_comes_alone() {
    let mut plan = Plan::new(2 * RANGE);
    plan.pull(A, name(1), 9 * RANGE, 1).unwrap();
    plan.pull(A, name(2), 1, 1).unwrap();
    plan.connected(A);
    assert_eq!(plan.peers[&A].ready.len(), 1);
    assert_eq!(opened(&serve(&mut plan, A, 9 * RANGE, 60)), [1, 2]);
}

#[test]
fn a_peer_that_stalls_does_not_hold_up_others() {
    let mut plan = Plan::new(4 * RANGE);
    plan.pull(A, name(1), 2 * RANGE, 1).unwrap();
    plan.connected(A);
    plan.pull(A, name(2), 2 * RANGE, 1).unwrap();
    plan.pull(B, name(3), 2 * RANGE, 1).unwrap();
    plan.connected(B);
    assert!(matches!(plan.next(A), Step::Open(..)) && plan.next(B) == Step::Idle);
    plan.answers(A, false);
    assert_eq!(opened(&serve(&mut plan, B, 2 * RANGE, 99)), [3]);
    // The other object of the one that stalls has waited.
    assert_eq!(plan.peers[&A].waiting.len(), 1);
}

#[test]
fn at_most_two_ranges_are_asked_for_before_they_come() {
    let mut plan = Plan::new(100 * RANGE);
    let ticket = plan.pull(A, name(1), 5 * RANGE, 1).unwrap();
    plan.connected(A);
    let open = plan.next(A);
    assert_eq!(plan.next(A), Step::Read);
    answer(&mut plan, A, &open, 5 * RANGE);
    assert!(matches!(plan.next(A), Step::Make(..)));
    plan.made(ticket);
    let asked = [plan.next(A), plan.next(A), plan.next(A)];
    assert!(matches!(asked, [Step::Bytes(..), Step::Bytes(..), Step::Read]));
}

#[test]
fn a_broken_pull_goes_on_at_another_place_from_its_whole_ranges() {
    let mut plan = Plan::new(100 * RANGE);
    let first = plan.pull(A, name(1), 5 * RANGE, 1).unwrap();
    plan.connected(A);
    serve(&mut plan, A, 5 * RANGE, 9);
    let came = plan.broken(A);
    assert_eq!(came, [(first, 2 * RANGE)]);
    assert!(plan.end(A));
    let second = plan.pull(B, name(1), 5 * RANGE, 1).unwrap();
    plan.connected(B);
    let steps = serve(&mut plan, B, 5 * RANGE, 99);
    let make = Step::Make(second, vec![5 * RANGE], Some(first));
    assert!(steps.contains(&make), "{steps:?}");
    let count = |what: fn(&Step) -> bool| steps.iter().filter(|step| what(step)).count();
    assert_eq!(count(|step| matches!(step, Step::Sum(..))), 2);
    assert_eq!(count(|step| matches!(step, Step::Bytes(..))), 3);
    assert_eq!(plan.take_dropped(), []);
    assert!(plan.pulls.is_empty());
}

#[test]
fn what_had_come_of_another_value_comes_again() {
    let mut plan = Plan::new(100 * RANGE);
    let ticket = plan.pull(A, name(1), 3 * RANGE, 1).unwrap();
    plan.connected(A);
    serve(&mut plan, A, 3 * RANGE, 7);
    plan.broken(A);
    plan.end(A);
    let ticket = Ticket(ticket.0 + 1);
    assert_eq!(plan.pull(B, name(1), 3 * RANGE, 1).unwrap(), ticket);
    plan.connected(B);
    let open = plan.next(B);
    answer(&mut plan, B, &open, 3 * RANGE);
    plan.next(B);
    plan.made(ticket);
    let Step::Sum(_, range) = plan.next(B) else {
        panic!("the first range is compared")
    };
    let mut asked = Vec::new();
    while let step @ (Step::Sum(..) | Step::Bytes(..)) = plan.next(B) {
        asked.push(step);
    }
    let sum = Answer::Sum {
        pull: ticket.0,
        range,
        sum: 8,
    };
    assert!(matches!(plan.answered(B, sum), Ok(Heard::Rewind(_))));
    for step in &asked {
        // What was asked for before the value was found to be another is nobody's.
        let heard = answer(&mut plan, B, step, 0).unwrap();
        assert!(
            matches!(heard, Heard::Nothing | Heard::Bytes(None, _)),
            "{heard:?}"
        );
    }
    let steps = serve(&mut plan, B, 3 * RANGE, 99);
    assert_eq!(
        steps
            .iter()
            .filter(|step| matches!(step, Step::Bytes(..)))
            .count(),
        3
    );
    assert!(plan.pulls.is_empty());
}

#[test]
fn a_connection_that_was_gone_while_it_was_idle_costs_no_pull() {
    let mut plan = Plan::new(100 * RANGE);
    plan.pull(A, name(1), 1, 1).unwrap();
    plan.connected(A);
    serve(&mut plan, A, 1, 99);
    assert_eq!(plan.next(A), Step::Idle);
    let ticket = plan.pull(A, name(2), 1, 1).unwrap();
    assert!(matches!(plan.next(A), Step::Open(..)));
    assert_eq!(plan.broken(A), []);
    assert!(!plan.end(A));
    plan.connected(A);
    assert!(matches!(plan.next(A), Step::Open(..)));
    // Once.
    assert_eq!(plan.broken(A), [(ticket, 0)]);
}

#[test]
fn who_finds_no_room_waits_for_others_of_ours_and_fails_without_them() {
    let mut plan = Plan::new(100 * RANGE);
    let tickets = [1, 2].map(|number| plan.pull(A, name(number), RANGE, 1).unwrap());
    plan.connected(A);
    let opens = [plan.next(A), plan.next(A)];
    for open in &opens {
        answer(&mut plan, A, open, RANGE);
    }
    assert!(matches!(plan.next(A), Step::Make(..)));
    plan.made(tickets[0]);
    let ask = plan.next(A);
    assert!(matches!(plan.next(A), Step::Make(..)));
    assert_eq!(plan.full(tickets[1]), NoRoom::Wait);
    assert_eq!(plan.next(A), Step::Read);
    answer(&mut plan, A, &ask, RANGE);
    let Step::Bytes(_, range) = ask else {
        panic!("{ask:?}")
    };
    assert!(matches!(plan.arrived(tickets[0], range, 7), Heard::Whole(..)));
    assert_eq!(plan.next(A), Step::Done(tickets[0]));
    assert!(matches!(plan.next(A), Step::Make(..)));
    assert_eq!(plan.full(tickets[1]), NoRoom::Fail);
    assert_eq!(plan.next(A), Step::Done(tickets[1]));
    assert!(plan.end(A));
}

#[test]
fn answers_that_were_not_asked_for_are_refused() {
    let mut plan = Plan::new(100 * RANGE);
    let ticket = plan.pull(A, name(1), RANGE, 1).unwrap();
    let opened = |pull, lengths| Answer::Opened { pull, lengths };
    assert!(plan.answered(A, opened(ticket.0, vec![RANGE])).is_err());
    plan.connected(A);
    plan.next(A);
    assert!(plan.answered(A, opened(ticket.0 + 1, vec![RANGE])).is_err());
    plan.broken(A);
    let ticket = plan.pull(A, name(1), RANGE, 1).unwrap();
    plan.connected(A);
    plan.next(A);
    // Lengths whose sum is no number, and one that is another than the caller knows.
    let heard = plan.answered(A, opened(ticket.0, vec![u64::MAX, 2]));
    assert!(matches!(heard, Ok(Heard::Failed(_, PullError::Differs { .. }))));
    assert_eq!(plan.next(A), Step::Done(ticket));
}

#[derive(Clone, Debug)]
enum Event {
    Pull { peer: u8, name: u64, priority: u64 },
    Step { peer: u8 },
    Answer { peer: u8, refuse: bool, other: bool },
    Break { peer: u8, reach: bool },
    Stall { peer: u8, answers: bool },
    Cancel { which: u64 },
    Forget { name: u64 },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let peer = 1..4_u8;
    let event = prop_oneof![
        4 => (peer.clone(), 0..12_u64, 0..4_u64).prop_map(|(peer, name, priority)| Event::Pull { peer, name, priority }),
        12 => peer.clone().prop_map(|peer| Event::Step { peer }),
        12 => (peer.clone(), proptest::bool::weighted(0.05), proptest::bool::weighted(0.1))
            .prop_map(|(peer, refuse, other)| Event::Answer { peer, refuse, other }),
        1 => (peer.clone(), any::<bool>()).prop_map(|(peer, reach)| Event::Break { peer, reach }),
        1 => (peer, any::<bool>()).prop_map(|(peer, answers)| Event::Stall { peer, answers }),
        1 => any::<u64>().prop_map(|which| Event::Cancel { which }),
        1 => (0..12_u64).prop_map(|name| Event::Forget { name }),
    ];
    proptest::collection::vec(event, 1..400)
}

/// Peers as they would be, the memory that the threads would have, and what has ended.
#[derive(Default)]
struct World {
    due: HashMap<NodeId, VecDeque<Step>>,
    connected: BTreeSet<NodeId>,
    held: HashMap<NodeId, BTreeSet<Ticket>>,
    memory: BTreeSet<Ticket>,
    open: BTreeSet<Ticket>,
}

/// The length of an object, by its name.
fn length(number: u64) -> u64 {
    number * RANGE / 2
}

impl World {
    fn ended(&mut self, ticket: Ticket) {
        assert!(self.open.remove(&ticket), "{ticket:?} has ended twice");
    }

    fn step(&mut self, plan: &mut Plan, peer: NodeId) {
        if self.connected.insert(peer) {
            plan.connected(peer);
        }
        let held = self.held.entry(peer).or_default();
        match plan.next(peer) {
            Step::Make(ticket, _, earlier) => {
                if let Some(earlier) = earlier {
                    assert!(self.memory.remove(&earlier), "the memory of {earlier:?} is gone");
                }
                // Every third finds no room, unless it has it.
                if ticket.0 % 3 == 0 && earlier.is_none() {
                    if plan.full(ticket) == NoRoom::Fail {
                        self.ended(ticket);
                    }
                } else {
                    self.memory.insert(ticket);
                    let heard = plan.made(ticket);
                    self.heard(plan, &heard);
                }
            }
            Step::Done(ticket) => {
                held.remove(&ticket);
            }
            Step::Read | Step::Idle => {}
            step => {
                if let Step::Open(ticket, _) = step {
                    held.insert(ticket);
                    assert!(held.len() <= OPEN);
                }
                let due = self.due.entry(peer).or_default();
                due.push_back(step);
                let ranges = due.iter().filter(|step| matches!(step, Step::Bytes(..))).count();
                assert!(ranges as u64 <= 2 * WINDOW_BYTES / (RANGE / 2) && due.len() <= WINDOW);
            }
        }
    }

    fn answer(&mut self, plan: &mut Plan, peer: NodeId, refuse: bool, other: bool) {
        let Some(step) = self.due.get_mut(&peer).and_then(VecDeque::pop_front) else {
            return;
        };
        let (Step::Open(ticket, _) | Step::Bytes(ticket, _) | Step::Sum(ticket, _)) = step else {
            unreachable!()
        };
        if refuse && let Some(held) = self.held.get_mut(&peer) {
            held.remove(&ticket);
        }
        let answer = match step {
            _ if refuse => Answer::Refused {
                pull: ticket.0,
                why: Refusal::Lost,
                text: String::new(),
            },
            Step::Open(_, name) => Answer::Opened {
                pull: ticket.0,
                lengths: vec![0, length(u64::from(name.as_bytes()[0]))],
            },
            Step::Bytes(_, range) => Answer::Bytes {
                pull: ticket.0,
                range,
            },
            Step::Sum(_, range) => Answer::Sum {
                pull: ticket.0,
                range,
                sum: u32::from(other),
            },
            _ => unreachable!(),
        };
        let heard = plan.answered(peer, answer).unwrap();
        self.heard(plan, &heard);
    }

    fn heard(&mut self, plan: &mut Plan, heard: &Heard) {
        match *heard {
            Heard::Bytes(Some(ticket), range) => {
                assert!(self.memory.contains(&ticket));
                let heard = plan.arrived(ticket, range, 0);
                self.heard(plan, &heard);
            }
            Heard::Whole(ticket, _) => {
                assert!(self.memory.remove(&ticket), "{ticket:?} has no memory");
                self.ended(ticket);
            }
            Heard::Failed(ticket, _) => {
                self.memory.remove(&ticket);
                self.ended(ticket);
            }
            Heard::Rewind(ticket) => assert!(self.memory.contains(&ticket)),
            Heard::Nothing | Heard::Bytes(None, _) => {}
        }
    }

    fn broken(&mut self, plan: &mut Plan, peer: NodeId, reach: bool) {
        self.due.remove(&peer);
        self.held.remove(&peer);
        self.connected.remove(&peer);
        let ended = if reach {
            plan.broken(peer)
        } else {
            plan.unreachable(peer)
        };
        for (ticket, got) in ended {
            self.ended(ticket);
            if got == 0 {
                self.memory.remove(&ticket);
            }
        }
    }

    fn apply(&mut self, plan: &mut Plan, event: &Event) {
        let id = |peer: u8| NodeId([peer; 8]);
        match *event {
            Event::Pull {
                peer,
                name: number,
                priority,
            } => {
                let ticket = plan
                    .pull(id(peer), name(number), length(number), priority)
                    .unwrap();
                self.open.insert(ticket);
            }
            Event::Step { peer } => self.step(plan, id(peer)),
            Event::Answer { peer, refuse, other } => self.answer(plan, id(peer), refuse, other),
            Event::Break { peer, reach } => self.broken(plan, id(peer), reach),
            Event::Stall { peer, answers } if self.connected.contains(&id(peer)) => {
                plan.answers(id(peer), answers);
            }
            Event::Stall { .. } => {}
            Event::Cancel { which } => {
                let ticket = Ticket(which % (plan.last + 1));
                if plan.leave(ticket) {
                    self.ended(ticket);
                    self.memory.remove(&ticket);
                }
            }
            Event::Forget { name: number } => plan.forget(name(number)),
        }
        for ticket in plan.take_dropped() {
            assert!(
                self.memory.remove(&ticket),
                "{ticket:?} is dropped, and has no memory"
            );
        }
        self.check(plan);
    }

    fn check(&self, plan: &Plan) {
        assert_eq!(plan.pulls.keys().copied().collect::<BTreeSet<_>>(), self.open);
        // Memory is that of pulls that move, and of partials.
        for &ticket in &self.memory {
            let partial = plan
                .partials
                .iter()
                .any(|(_, partial)| partial.ticket() == ticket);
            let moves = plan.pulls.contains_key(&ticket);
            let taken = plan.pulls.values().any(|pull| pull.earlier() == Some(ticket));
            assert!(
                partial || moves || taken,
                "{ticket:?} is forgotten and has memory"
            );
        }
        let counted: u64 = plan
            .peers
            .values()
            .filter(|peer| peer.answers)
            .map(|peer| peer.bytes)
            .sum();
        let largest = length(11);
        assert!(counted <= plan.limit.max(largest) * 3, "{counted}");
        for peer in plan.peers.values() {
            let bytes: u64 = peer
                .ready
                .iter()
                .map(|(_, ticket)| plan.pulls[ticket].bytes)
                .sum();
            assert_eq!(peer.bytes, bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_pull_ends_once_whatever_happens(events in events()) {
        let mut plan = Plan::new(10 * RANGE);
        let mut world = World::default();
        for event in &events {
            world.apply(&mut plan, event);
        }
        // From now on all peers do their work.
        for peer in 1..4 {
            world.apply(&mut plan, &Event::Stall { peer, answers: true });
        }
        for _ in 0..4000 {
            for peer in 1..4 {
                world.apply(&mut plan, &Event::Step { peer });
                world.apply(&mut plan, &Event::Answer { peer, refuse: false, other: false });
            }
        }
        prop_assert!(world.open.is_empty(), "these wait for ever: {:?}", world.open);
        for number in 0..12 {
            world.apply(&mut plan, &Event::Forget { name: number });
        }
        prop_assert!(world.memory.is_empty());
        prop_assert!(world.held.values().all(BTreeSet::is_empty));
    }
}
