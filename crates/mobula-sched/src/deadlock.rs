//! Who waits for whom, and for ever.

use std::collections::HashMap;

/// Somebody who may have to wait. It goes on once each of its needs is met; a need is met when any of the parties it
/// names, by their places in the list, has gone on. Without needs it goes on by itself.
#[derive(Debug, Default)]
pub(crate) struct Party {
    pub(crate) needs: Vec<Vec<usize>>,
}

/// A cycle of parties each of which waits for the next, and the last for the first; none, if `from` can go on.
pub(crate) fn cycle(parties: &[Party], from: usize) -> Vec<usize> {
    let stuck = stuck(parties);
    let mut way = Vec::new();
    let mut seen = HashMap::new();
    let mut at = from;
    while stuck[at] {
        if let Some(&first) = seen.get(&at) {
            return way.split_off(first);
        }
        seen.insert(at, way.len());
        way.push(at);
        let unmet = |need: &&Vec<usize>| need.iter().all(|&party| stuck[party]);
        match parties[at].needs.iter().find(unmet).and_then(|need| need.first()) {
            Some(&next) => at = next,
            None => break,
        }
    }
    Vec::new()
}

/// Who will never go on: all but those who can, and those whose needs these meet.
fn stuck(parties: &[Party]) -> Vec<bool> {
    let mut unmet: Vec<usize> = parties.iter().map(|party| party.needs.len()).collect();
    let mut named_in: Vec<Vec<(usize, usize)>> = vec![Vec::new(); parties.len()];
    for (party, Party { needs }) in parties.iter().enumerate() {
        for (need, members) in needs.iter().enumerate() {
            for &member in members {
                named_in[member].push((party, need));
            }
        }
    }
    let mut met: Vec<Vec<bool>> = parties
        .iter()
        .map(|party| vec![false; party.needs.len()])
        .collect();
    let mut stuck = vec![true; parties.len()];
    let mut free: Vec<usize> = (0..parties.len()).filter(|&party| unmet[party] == 0).collect();
    while let Some(party) = free.pop() {
        stuck[party] = false;
        for &(other, need) in &named_in[party] {
            if !std::mem::replace(&mut met[other][need], true) {
                unmet[other] -= 1;
                if unmet[other] == 0 {
                    free.push(other);
                }
            }
        }
    }
    stuck
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties(needs: &[&[&[usize]]]) -> Vec<Party> {
        let party = |needs: &&[&[usize]]| Party {
            needs: needs.iter().map(|need| need.to_vec()).collect(),
        };
        needs.iter().map(party).collect()
    }

    #[test]
    fn two_that_wait_for_each_other_are_a_cycle_and_so_is_one_that_waits_for_itself() {
        assert_eq!(cycle(&parties(&[&[&[1]], &[&[0]]]), 0), [0, 1]);
        assert_eq!(cycle(&parties(&[&[&[0]]]), 0), [0]);
    }

    #[test]
    fn who_waits_for_a_cycle_is_told_of_the_cycle() {
        assert_eq!(cycle(&parties(&[&[&[1]], &[&[2]], &[&[3]], &[&[2]]]), 0), [2, 3]);
    }

    #[test]
    fn who_waits_for_somebody_who_can_go_on_is_in_no_cycle() {
        assert_eq!(cycle(&parties(&[&[&[1]], &[&[2]], &[]]), 0), []);
        // One of two slots is enough.
        assert_eq!(cycle(&parties(&[&[&[1, 2]], &[&[0]], &[]]), 0), []);
    }

    #[test]
    fn all_slots_taken_by_those_who_wait_is_a_cycle() {
        assert_eq!(cycle(&parties(&[&[&[1, 2]], &[&[0]], &[&[0]]]), 0), [0, 1]);
    }

    #[test]
    fn one_need_of_several_that_is_never_met_is_enough() {
        assert_eq!(cycle(&parties(&[&[&[1], &[2]], &[], &[&[0]]]), 0), [0, 2]);
    }
}
