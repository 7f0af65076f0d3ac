//! What the agent says of values that stay at other nodes.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::away::{Entry, Place, PlaceNews};
use crate::failure::{self, Failure};
use crate::lineage::Made;
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::task::{FOLLOWS, State};
use crate::template::Use;
use crate::turn::Turn;
use crate::violation::Violation;
use crate::wire::{Reader, here, op};

/// A value of a task that another node has run.
enum Stay {
    Came(Payload),
    At(Place),
}

impl Turn<'_> {
    /// The value of a settled object is at a place from now on.
    fn settle_away(&mut self, object: u32, place: Place, made: Made) {
        self.settle(object, Status::Away, Payload::default());
        // Nobody is told before the visit propagates.
        let mut places = self.node.away.0.lock();
        let entry = Entry {
            place: Some(place),
            next: None,
            made: Some(made),
        };
        places.entries.insert(object, entry);
        places.by_place.insert(place.number, object);
    }

    /// A task has ended at another node, where some of its results stay.
    pub(crate) fn result_stays(
        &mut self,
        reader: &mut Reader<'_>,
        task: u32,
        count: u16,
    ) -> Result<(), Violation> {
        let stays: Vec<Stay> = (0..count)
            .map(|_| match reader.u8() {
                0 => Stay::Came(reader.payload()),
                _ => Stay::At(Place {
                    number: reader.u32(),
                    node: reader.u32(),
                    bytes: reader.u64(),
                }),
            })
            .collect();
        reader.check()?;
        let cell = self.running(task)?;
        // SAFETY: the port holds the task, as was just checked.
        let spec = unsafe { cell.spec() };
        if stays.len() != 1 + spec.more_results.len() || spec.actor != NONE || !self.are_new(&stays) {
            return Err(Violation::Results(task));
        }
        let mut values = Vec::with_capacity(stays.len());
        for stay in stays {
            let taken = match stay {
                Stay::Came(payload) => self.take_over(payload).map(Stay::Came),
                Stay::At(place) => Ok(Stay::At(place)),
            };
            match taken {
                Ok(stay) => values.push(stay),
                Err(violation) => {
                    self.discard_stays(values);
                    return Err(violation);
                }
            }
        }
        let (state, generation) = cell.state();
        if cell.has(FOLLOWS) && !self.has_caught_up(task) {
            self.discard_stays(values);
            self.unfollow(task);
            return Ok(());
        }
        failpoint!("result.before");
        self.release_resources(task);
        if state != State::Taken || !self.begin_settling(task, generation, State::Taken) {
            self.discard_stays(values);
            self.holder_leaves(task);
            return Ok(());
        }
        failpoint!("result.settling");
        let results: Vec<u32> = spec.results().collect();
        let kept = self.begin_keeping(
            &results,
            values.iter().filter(|stay| matches!(stay, Stay::At(_))).count(),
        );
        for (at, (&result, stay)) in results.iter().zip(values).enumerate() {
            match stay {
                Stay::Came(payload) => self.settle(result, Status::Value, payload),
                Stay::At(place) => {
                    let made = Made {
                        kept,
                        result: at as u32,
                    };
                    self.settle_away(result, place, made);
                }
            }
        }
        failpoint!("result.settled");
        self.task_ended(task);
        let spec = self.empty_cell(task);
        self.keep(kept, spec);
        Ok(())
    }

    /// Whether there are places, none of them known or named twice.
    fn are_new(&self, stays: &[Stay]) -> bool {
        let places = self.node.away.0.lock();
        let mut named: Vec<u32> = stays
            .iter()
            .filter_map(|stay| match stay {
                Stay::At(place) => Some(place.number),
                Stay::Came(_) => None,
            })
            .collect();
        named.sort_unstable();
        !named.is_empty()
            && named.windows(2).all(|two| two[0] != two[1])
            && !named.iter().any(|place| places.by_place.contains_key(place))
    }

    fn discard_stays(&mut self, values: Vec<Stay>) {
        for stay in values {
            match stay {
                Stay::Came(payload) => self.discard(payload),
                Stay::At(place) => self.post_agent(PlaceNews::Drop { place: place.number }),
            }
        }
    }

    /// The agent settles an object that it owes: with the value that was needed here, with an error, or as lost.
    pub(crate) fn settle_owed(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let kind = reader.u8();
        let object = reader.u32();
        let payload = (kind != here::LOST).then(|| reader.payload());
        reader.check()?;
        let status = match kind {
            here::VALUE => Status::Value,
            here::ERROR => Status::SystemError,
            here::LOST => Status::Away,
            unknown => return Err(Violation::Flags(unknown)),
        };
        let node = self.node;
        let is_owed = node.away.0.lock().owed.contains_key(&object);
        let payload = match payload {
            Some(payload) => self.take_over(payload)?,
            None => Payload::default(),
        };
        if !is_owed {
            self.discard(payload);
            // When the runtime closes, what is owed is settled (`fail_owed`).
            let closes = node.closing.load(Ordering::Relaxed);
            return if closes {
                Ok(())
            } else {
                Err(Violation::Object(object))
            };
        }
        self.pay(object, status, payload);
        Ok(())
    }

    /// Settles an object that is owed.
    fn pay(&mut self, object: u32, status: Status, payload: Payload) {
        let mut places = self.node.away.0.lock();
        let Some(of) = places.owed.remove(&object) else {
            drop(places);
            self.discard(payload);
            return;
        };
        if status == Status::Away {
            // What makes it again is what this one needs from now on.
            let made = places.entries.get_mut(&of).and_then(|entry| entry.made.take());
            let entry = Entry {
                place: None,
                next: None,
                made,
            };
            places.entries.insert(object, entry);
        }
        drop(places);
        self.settle(object, status, payload);
        self.uncount_task();
        self.release(of);
    }

    /// The runtime closes: nothing comes here any more.
    pub(crate) fn fail_owed(&mut self, details: &[u8]) {
        let owed: Vec<u32> = self.node.away.0.lock().owed.keys().copied().collect();
        for object in owed {
            let error = failure::encode(Failure::Closed, &Use::default(), 1, details);
            self.pay(object, Status::SystemError, error);
        }
    }

    /// What was at a place is lost, or is to come here: the place takes no more tasks in any case.
    pub(crate) fn place_news(&mut self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let place = reader.u32();
        reader.check()?;
        // What the record before has settled is known to be.
        self.propagate();
        if kind == op::BRING {
            self.bring(place);
        }
        self.lose_place(place);
        Ok(())
    }

    fn lose_place(&self, place: u32) {
        let mut places = self.node.away.0.lock();
        if let Some(object) = places.by_place.remove(&place)
            && let Some(entry) = places.entries.get_mut(&object)
        {
            entry.place = None;
        }
    }

    fn bring(&mut self, place: u32) {
        let places = self.node.away.0.lock();
        // Under the lock: what is being freed has its entry until then.
        let object = places.by_place.get(&place).copied();
        let object = object.filter(|&object| self.node.objects.get(object).try_retain());
        drop(places);
        if let Some(object) = object {
            self.find_value(object, false);
            self.release(object);
        }
    }
}
