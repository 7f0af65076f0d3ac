//! Running tasks again whose results are lost: a plan is made under the lock of the places, and its tasks are placed after that.

use mobula_fault::failpoint;
use rustc_hash::FxHashMap;

use crate::away::Places;
use crate::failure::{self, Failure};
use crate::lineage::{Argument, Gone, Made};
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::task::Spec;
use crate::template::Use;
use crate::turn::Turn;

/// A task that is to run again.
struct Again {
    template: Use,
    arguments: Payload,
    deps: Box<[u32]>,
    results: Vec<u32>,
}

/// What is to run again, while that is found out.
#[derive(Default)]
struct Plan {
    /// Specs whose results are wanted, and their new objects.
    results: FxHashMap<u64, Vec<u32>>,
    next: Vec<u64>,
    again: Vec<Again>,
    /// New objects that cannot be made.
    lost: Vec<u32>,
    /// New objects, each with a reference that nothing else has.
    spare: Vec<u32>,
    /// Uses that end once the plan is made.
    unused: Vec<Made>,
}

impl Turn<'_> {
    /// Runs a task again whose result is lost, and first those that make its arguments, as far as these are lost too. `next` gets
    /// the result.
    pub(crate) fn make_again(&mut self, made: Option<Made>, next: u32) {
        // Should the visit panic, nobody else would settle these.
        let placing = self.placing.len();
        self.placing.push(next);
        failpoint!("lineage.again");
        let node = self.node;
        let mut gone = Gone::default();
        let mut plan = Plan::default();
        if let Some(made) = made {
            let mut places = node.away.0.lock();
            self.plan_results(&mut places, &mut plan, made, Some(next), &mut gone);
            while let Some(number) = plan.next.pop() {
                self.plan_task(&mut places, &mut plan, number, &mut gone);
            }
            for unused in std::mem::take(&mut plan.unused).into_iter().chain([made]) {
                places.lineage.unuse(unused, &mut gone);
            }
        } else {
            plan.lost.push(next);
        }
        let results = plan.again.iter().flat_map(|again| &again.results);
        self.placing.extend(results);
        // What makes an argument mostly goes first: then the other may follow it. Else it waits.
        for Again {
            template,
            arguments,
            deps,
            results,
        } in plan.again.into_iter().rev()
        {
            let spec = Spec {
                template,
                result: results[0],
                more_results: results[1..].into(),
                arguments,
                deps,
                ..Spec::default()
            };
            self.place(spec, 0);
        }
        for object in plan.lost {
            node.objects.get(object).retain();
            let error = lost();
            self.settle(object, Status::SystemError, error);
        }
        self.placing.truncate(placing);
        for object in plan.spare {
            self.release(object);
        }
        self.let_go(gone);
    }

    /// New objects for all results of a kept spec. What is lost of the old ones, and still wanted, has its value there.
    fn plan_results(
        &mut self,
        places: &mut Places,
        plan: &mut Plan,
        made: Made,
        next: Option<u32>,
        gone: &mut Gone,
    ) {
        let Some(old) = places
            .lineage
            .kept
            .get(&made.kept)
            .map(|kept| kept.results.clone())
        else {
            // Not while it is in use.
            plan.lost.extend(next);
            return;
        };
        let mut results = Vec::with_capacity(old.len());
        for (at, &name) in old.iter().enumerate() {
            if let Some(next) = next
                && at == made.result as usize
            {
                results.push(next);
                continue;
            }
            let new = self.node.take_object(&mut self.object_cells, NONE);
            results.push(new);
            if let Some(object) = self.retain_named(name, gone) {
                let entry = places.entries.get_mut(&object);
                if let Some(entry) = entry.filter(|entry| entry.place.is_none() && entry.next.is_none()) {
                    entry.next = Some(new);
                    plan.unused.extend(entry.made.take());
                } else {
                    plan.spare.push(new);
                }
                gone.objects.push(object);
            } else {
                plan.spare.push(new);
            }
        }
        let named = results.iter().map(|&result| (result, self.generation(result)));
        if let Some(kept) = places.lineage.kept.get_mut(&made.kept) {
            kept.results = named.collect();
        }
        plan.results.insert(made.kept, results);
        plan.next.push(made.kept);
    }

    fn plan_task(&mut self, places: &mut Places, plan: &mut Plan, number: u64, gone: &mut Gone) {
        let results = plan.results.get(&number).cloned().unwrap_or_default();
        let spec = places
            .lineage
            .kept
            .get(&number)
            .and_then(|kept| kept.spec.as_ref());
        let Some(spec) = spec else {
            plan.lost.extend(results);
            return;
        };
        let template = self.use_again(&spec.template);
        let arguments = self.copy(&spec.arguments);
        let all = spec.deps.clone();
        let mut deps = Vec::with_capacity(all.len());
        for argument in all {
            deps.push(match argument {
                Argument::Object(object) => {
                    self.node.objects.get(object).retain();
                    object
                }
                Argument::Result(made) => self.plan_argument(places, plan, made, gone),
            });
        }
        plan.again.push(Again {
            template,
            arguments,
            deps: deps.into(),
            results,
        });
    }

    /// An object that has, or will have, a result: with one more reference.
    fn plan_argument(&mut self, places: &mut Places, plan: &mut Plan, made: Made, gone: &mut Gone) -> u32 {
        let mut made = made;
        if !plan.results.contains_key(&made.kept) {
            let at = made.result as usize;
            let name = places.lineage.kept.get(&made.kept).map(|kept| kept.results[at]);
            if let Some(object) = name.and_then(|name| self.retain_named(name, gone)) {
                if self.has_value(places, object) {
                    return object;
                }
                // A later run may have made it: then the spec of that is what there is.
                made = places.made(object).unwrap_or(made);
                gone.objects.push(object);
            }
        }
        if !plan.results.contains_key(&made.kept) {
            self.plan_results(places, plan, made, None, gone);
        }
        // In use by the spec that names it, so it is there.
        let object = plan.results[&made.kept][made.result as usize];
        self.node.objects.get(object).retain();
        object
    }

    /// One more reference to the object of that name, unless it is gone. The lock of the places is held.
    fn retain_named(&self, (object, generation): (u32, u32), gone: &mut Gone) -> Option<u32> {
        if !self.node.objects.get(object).try_retain() {
            return None;
        }
        if self.generation(object) == generation {
            return Some(object);
        }
        // Another one has its cell.
        gone.objects.push(object);
        None
    }

    /// Whether an object is settled, or will be, with what is not lost.
    fn has_value(&self, places: &Places, object: u32) -> bool {
        let mut at = object;
        loop {
            let cell = self.node.objects.get(at);
            if !cell.waiters.is_done() || cell.outcome().0 != Status::Away {
                return true;
            }
            match places.entries.get(&at) {
                Some(entry) if entry.place.is_some() => return true,
                Some(entry) if entry.next.is_some() => at = entry.next.unwrap_or(at),
                _ => return false,
            }
        }
    }
}

fn lost() -> Payload {
    let details = b"its value was lost with the node that had it, and cannot be made again, as what made it is not kept any more";
    failure::encode(Failure::Lost, &Use::default(), 1, details)
}
