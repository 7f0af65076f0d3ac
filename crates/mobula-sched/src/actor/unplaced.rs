//! Actors that wait for resources, by what they ask for.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::resources::Demand;

/// An actor's place among those that wait: what it asks for, and its number, which no other gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    demand: u32,
    pub(crate) number: u64,
}

/// Actors that ask for the same, by their numbers.
#[derive(Debug)]
struct Line {
    demand: Demand,
    actors: BTreeMap<u64, u32>,
}

/// Actors that wait for resources. Those that ask for the same stand in one line: if its first cannot have what it asks
/// for, the others need not be looked at.
#[derive(Debug, Default)]
pub(crate) struct Unplaced {
    lines: FxHashMap<u32, Line>,
    by_demand: FxHashMap<Demand, u32>,
    /// The first of each line: number of the actor, and the line.
    heads: BTreeMap<u64, u32>,
    next_line: u32,
    next_number: u64,
    len: u32,
}

impl Unplaced {
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Puts an actor behind all others.
    pub(crate) fn add(&mut self, actor: u32, demand: &Demand) -> Ticket {
        let line = self
            .by_demand
            .get(demand)
            .copied()
            .unwrap_or_else(|| self.open(demand));
        let number = self.next_number;
        self.next_number += 1;
        self.len += 1;
        let actors = &mut self.lines.get_mut(&line).expect("an open line").actors;
        if actors.is_empty() {
            self.heads.insert(number, line);
        }
        actors.insert(number, actor);
        Ticket { demand: line, number }
    }

    fn open(&mut self, demand: &Demand) -> u32 {
        while self.lines.contains_key(&self.next_line) {
            self.next_line = self.next_line.wrapping_add(1);
        }
        let line = self.next_line;
        self.next_line = self.next_line.wrapping_add(1);
        let demand = demand.clone();
        self.by_demand.insert(demand.clone(), line);
        let actors = BTreeMap::new();
        self.lines.insert(line, Line { demand, actors });
        line
    }

    /// Takes an actor out, if it still waits.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        let Some(line) = self.lines.get_mut(&ticket.demand) else {
            return;
        };
        if line.actors.remove(&ticket.number).is_none() {
            return;
        }
        self.len -= 1;
        if self.heads.remove(&ticket.number).is_none() {
            return;
        }
        if let Some((&next, _)) = line.actors.first_key_value() {
            self.heads.insert(next, ticket.demand);
        } else {
            self.by_demand.remove(&line.demand);
            self.lines.remove(&ticket.demand);
        }
    }

    /// The first actor of some line whose number is at least `number`: the one that has waited for the longest.
    pub(crate) fn first_from(&self, number: u64) -> Option<(Ticket, u32)> {
        let (&number, &demand) = self.heads.range(number..).next()?;
        let actor = *self.lines.get(&demand)?.actors.get(&number)?;
        Some((Ticket { demand, number }, actor))
    }

    /// What is asked for, with the number and the cell of the actor that has waited for it the longest, and how many wait.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Demand, u64, u32, u32)> {
        self.heads.iter().filter_map(|(&number, line)| {
            let line = self.lines.get(line)?;
            Some((
                &line.demand,
                number,
                *line.actors.get(&number)?,
                line.actors.len() as u32,
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpus(cpu: i64) -> Demand {
        Demand {
            cpu,
            others: Vec::new(),
        }
    }

    #[test]
    fn the_first_of_each_line_come_in_the_order_of_their_arrival() {
        let mut unplaced = Unplaced::default();
        let tickets =
            [(10, 1), (11, 2), (12, 1), (13, 2)].map(|(actor, cpu)| unplaced.add(actor, &cpus(cpu)));
        let (first, actor) = unplaced.first_from(0).expect("actors wait");
        assert_eq!((first, actor), (tickets[0], 10));
        unplaced.remove(first);
        let (second, actor) = unplaced.first_from(first.number + 1).expect("actors wait");
        assert_eq!((second, actor), (tickets[1], 11));
        // The line of the second stays as it is: next is the other line's.
        assert_eq!(unplaced.first_from(second.number + 1), Some((tickets[2], 12)));
    }

    #[test]
    fn who_leaves_from_the_middle_is_not_found_and_an_empty_line_is_gone() {
        let mut unplaced = Unplaced::default();
        let tickets = [1, 2, 3].map(|actor| unplaced.add(actor, &cpus(1)));
        unplaced.remove(tickets[1]);
        unplaced.remove(tickets[1]);
        assert_eq!(unplaced.len(), 2);
        unplaced.remove(tickets[0]);
        assert_eq!(unplaced.first_from(0), Some((tickets[2], 3)));
        unplaced.remove(tickets[2]);
        assert_eq!((unplaced.first_from(0), unplaced.lines().count()), (None, 0));
        assert!(unplaced.lines.is_empty() && unplaced.by_demand.is_empty());
    }
}
