//! Specs of tasks that have ended, and whose results lie at other nodes: what is lost there is made again.
//!
//! 1. A kept spec is used by each entry of an object that is away (`away.rs`), and by each kept spec that has one of its results as an
//!    argument. It goes with its last use. So a value may be gone, and can still be made again for what was made of it.
//! 2. An argument that is not away is kept with the spec: its object, or its bytes.
//! 3. Specs take so much memory at most: the oldest go first. What they have made cannot be made again then, nor what was made of
//!    that.
//!
//! The two counts are those of the OSDI paper's lineage, as Ray keeps it: values, and specs that name them.

use std::collections::VecDeque;

use mobula_sync::atomic::Ordering;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::away::Places;
use crate::payload::Payload;
use crate::task::Spec;
use crate::template::Use;
use crate::turn::Turn;

/// Bytes that specs may take on the heap.
const MOST_BYTES: u64 = 64 << 20;
/// The part of the store's capacity that specs may take, and buffers which they name.
const PART: u64 = 4;
/// About what a spec takes beside its arguments.
const SPEC_BYTES: usize = 256;

/// A result of a kept spec.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) kept: u64,
    /// Which of its results.
    pub(crate) result: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Lineage {
    pub(crate) kept: FxHashMap<u64, Kept>,
    last: u64,
    /// Those that have a spec, oldest first. They may be gone.
    oldest: VecDeque<u64>,
    /// What specs take on the heap, and buffers that they name.
    bytes: usize,
    buffers: u64,
    /// Objects that are arguments of kept specs.
    held: FxHashMap<u32, Held>,
}

#[derive(Debug)]
pub(crate) struct Kept {
    /// Nothing: it has gone to make room.
    pub(crate) spec: Option<KeptSpec>,
    /// The objects that were made last, and their generations. They may be gone.
    pub(crate) results: Box<[(u32, u32)]>,
    uses: u32,
}

#[derive(Debug)]
pub(crate) struct KeptSpec {
    pub(crate) template: Use,
    pub(crate) arguments: Payload,
    pub(crate) deps: Box<[Argument]>,
}

/// An object that is an argument of kept specs: of how many, and what it takes on the heap and in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    specs: u32,
    bytes: usize,
    buffers: u64,
}

/// An argument that was a ref.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument {
    /// Its value is here, or cannot be made again: one reference.
    Object(u32),
    /// A result that may be made again: one use.
    Result(Made),
}

/// What nobody uses any more, for the visit to give back.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    pub(crate) objects: Vec<u32>,
    specs: Vec<(Use, Payload)>,
}

impl Lineage {
    /// Keeps a spec of that number of uses, which comes later.
    fn begin(&mut self, results: Box<[(u32, u32)]>, uses: u32) -> u64 {
        self.last += 1;
        let kept = Kept {
            spec: None,
            results,
            uses,
        };
        self.kept.insert(self.last, kept);
        self.last
    }

    pub(crate) fn use_again(&mut self, made: Made) {
        if let Some(kept) = self.kept.get_mut(&made.kept) {
            kept.uses += 1;
        }
    }

    pub(crate) fn unuse(&mut self, made: Made, gone: &mut Gone) {
        self.end_uses(vec![made.kept], gone);
    }

    /// Uses end, one of each kept spec that is named, and with a last one others: a list, as what was made of one another may be
    /// long.
    fn end_uses(&mut self, mut ended: Vec<u64>, gone: &mut Gone) {
        while let Some(number) = ended.pop() {
            let Some(kept) = self.kept.get_mut(&number) else {
                continue;
            };
            kept.uses -= 1;
            if kept.uses > 0 {
                continue;
            }
            if let Some(Kept { spec: Some(spec), .. }) = self.kept.remove(&number) {
                self.drop_spec(spec, gone, &mut ended);
            }
        }
        self.tidy();
    }

    /// Names of specs that are gone are not kept for long.
    fn tidy(&mut self) {
        if self.oldest.len() > 64 + 2 * self.kept.len() {
            let kept = &self.kept;
            self.oldest.retain(|number| kept.contains_key(number));
        }
    }

    fn drop_spec(&mut self, spec: KeptSpec, gone: &mut Gone, ended: &mut Vec<u64>) {
        self.bytes -= bytes_of(&spec);
        self.buffers -= buffers_of(&spec.arguments);
        for argument in &spec.deps {
            match *argument {
                Argument::Result(made) => ended.push(made.kept),
                Argument::Object(object) => {
                    gone.objects.push(object);
                    if let Some(held) = self.held.get_mut(&object) {
                        held.specs -= 1;
                        if held.specs == 0 {
                            self.bytes -= held.bytes;
                            self.buffers -= held.buffers;
                            self.held.remove(&object);
                        }
                    }
                }
            }
        }
        gone.specs.push((spec.template, spec.arguments));
    }

    /// An object is an argument of one more spec. `bytes`, `buffers`: what it takes.
    fn hold(&mut self, object: u32, (bytes, buffers): (usize, u64)) -> Argument {
        let held = self.held.entry(object).or_insert_with(|| {
            self.bytes += bytes;
            self.buffers += buffers;
            Held {
                specs: 0,
                bytes,
                buffers,
            }
        });
        held.specs += 1;
        Argument::Object(object)
    }

    fn fill(&mut self, number: u64, spec: KeptSpec) {
        self.bytes += bytes_of(&spec);
        self.buffers += buffers_of(&spec.arguments);
        if let Some(kept) = self.kept.get_mut(&number) {
            kept.spec = Some(spec);
        }
        self.oldest.push_back(number);
    }

    /// Whether all specs are kept that make a result again, if nothing of what it was made of is left.
    pub(crate) fn is_whole(&self, made: Made) -> bool {
        let mut known = FxHashSet::from_iter([made.kept]);
        let mut next = vec![made.kept];
        while let Some(number) = next.pop() {
            let Some(spec) = self.kept.get(&number).and_then(|kept| kept.spec.as_ref()) else {
                return false;
            };
            for argument in &spec.deps {
                if let Argument::Result(made) = *argument
                    && known.insert(made.kept)
                {
                    next.push(made.kept);
                }
            }
        }
        true
    }

    /// The oldest specs go until the rest takes no more than it may.
    fn make_room(&mut self, capacity: u64, gone: &mut Gone) {
        let most = capacity / PART;
        while self.bytes as u64 > most.min(MOST_BYTES) || self.buffers > most {
            let Some(number) = self.oldest.pop_front() else {
                return;
            };
            let Some(spec) = self.kept.get_mut(&number).and_then(|kept| kept.spec.take()) else {
                continue;
            };
            let mut ended = Vec::new();
            self.drop_spec(spec, gone, &mut ended);
            self.end_uses(ended, gone);
        }
    }
}

fn bytes_of(spec: &KeptSpec) -> usize {
    SPEC_BYTES + spec.arguments.bytes().len() + spec.deps.len() * size_of::<Argument>()
}

fn buffers_of(payload: &Payload) -> u64 {
    let links = payload.links().into_iter();
    links
        .flat_map(|links| &links.buffers)
        .map(|buffer| buffer.len)
        .sum()
}

impl Turn<'_> {
    /// The results of a task will be away, so many of them: its spec is kept under the number that this gives.
    pub(crate) fn begin_keeping(&self, results: &[u32], away: usize) -> u64 {
        let named = results
            .iter()
            .map(|&result| (result, self.generation(result)))
            .collect();
        self.node.away.0.lock().lineage.begin(named, away as u32)
    }

    pub(crate) fn generation(&self, object: u32) -> u32 {
        self.node.objects.get(object).generation.load(Ordering::Relaxed)
    }

    /// Keeps the spec of a task that has ended.
    pub(crate) fn keep(&mut self, number: u64, spec: Spec) {
        let node = self.node;
        let mut gone = Gone::default();
        let mut places = node.away.0.lock();
        let mut deps = Vec::with_capacity(spec.deps.len());
        for &dep in &spec.deps {
            deps.push(if let Some(made) = places.made(dep) {
                places.lineage.use_again(made);
                gone.objects.push(dep);
                Argument::Result(made)
            } else {
                let size = self.size_of_value(dep, &places);
                places.lineage.hold(dep, size)
            });
        }
        // Counted again, as what the kept spec takes.
        self.heap += spec.arguments.heap();
        let kept = KeptSpec {
            template: spec.template,
            arguments: spec.arguments,
            deps: deps.into(),
        };
        places.lineage.fill(number, kept);
        places.lineage.make_room(node.store.capacity(), &mut gone);
        drop(places);
        self.let_go(gone);
    }

    /// What the value of a settled object takes here, on the heap and in the store.
    fn size_of_value(&self, object: u32, places: &Places) -> (usize, u64) {
        let mut at = object;
        while let Some(next) = places
            .next(at)
            .filter(|&next| self.node.objects.get(next).waiters.is_done())
        {
            at = next;
        }
        let payload = &self.node.objects.get(at).outcome().1;
        (payload.bytes().len(), buffers_of(payload))
    }

    /// Gives back what nobody uses any more.
    pub(crate) fn let_go(&mut self, gone: Gone) {
        for object in gone.objects {
            self.release(object);
        }
        for (template, arguments) in gone.specs {
            self.heap -= arguments.heap();
            self.discard(arguments);
            self.unuse(template);
        }
    }
}
