//! Random histories against a model that is a list of what should be there.

use std::convert::Infallible;
use std::sync::Arc;

use mobula_store::{BufferId, CreateError, EnvId, Incoming, MapError, Mapping, Pin, Store};
use proptest::prelude::*;

use crate::support::{Directory, assert_empty, bytes, content, page, pattern};

const CAPACITY: usize = 24;

#[derive(Clone, Debug)]
enum Step {
    Put {
        pages: usize,
        cut: usize,
        env: u32,
    },
    Create {
        pages: usize,
        env: u32,
    },
    Seal(usize),
    Abort(usize),
    /// And write into one of its bytes.
    Map {
        which: usize,
        env: u32,
        scribble: Option<usize>,
    },
    Unmap(usize),
    Read(usize),
    Retain(usize),
    Release(usize),
    ReleaseEnv(u32),
    Adopt(usize),
    Receive {
        pages: usize,
        cut: usize,
    },
    Take {
        which: usize,
        pages: usize,
        back: usize,
    },
    Finish {
        which: usize,
        env: u32,
    },
    Drop(usize),
    Pin(usize),
    Unpin(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (which, env) = (any::<usize>(), 0..3_u32);
    let step = prop_oneof![
        6 => (1..9_usize, 0..4096_usize, env.clone()).prop_map(|(pages, cut, env)| Step::Put { pages, cut, env }),
        2 => (1..9_usize, env.clone()).prop_map(|(pages, env)| Step::Create { pages, env }),
        2 => which.prop_map(Step::Seal),
        1 => which.prop_map(Step::Abort),
        7 => (which, env.clone(), proptest::option::of(any::<usize>()))
            .prop_map(|(which, env, scribble)| Step::Map { which, env, scribble }),
        6 => which.prop_map(Step::Unmap),
        3 => which.prop_map(Step::Read),
        1 => which.prop_map(Step::Adopt),
        1 => which.prop_map(Step::Retain),
        3 => which.prop_map(Step::Release),
        1 => env.clone().prop_map(Step::ReleaseEnv),
        2 => (1..9_usize, 0..4096_usize).prop_map(|(pages, cut)| Step::Receive { pages, cut }),
        5 => (which, 1..9_usize, 0..3_usize).prop_map(|(which, pages, back)| Step::Take { which, pages, back }),
        3 => (which, env).prop_map(|(which, env)| Step::Finish { which, env }),
        1 => which.prop_map(Step::Drop),
        2 => which.prop_map(Step::Pin),
        2 => which.prop_map(Step::Unpin),
    ];
    proptest::collection::vec(step, 1..100)
}

struct Object {
    id: BufferId,
    data: Vec<u8>,
    refs: u32,
    /// The environment whose reference it still is.
    loose: Option<u32>,
}

impl Object {
    fn adopt(&mut self, store: &Arc<Store>) {
        store.adopt(self.id);
        self.loose = None;
    }
}

struct Reader {
    mapping: Mapping,
    env: u32,
    /// What its holder sees.
    data: Vec<u8>,
    id: BufferId,
}

struct Writer {
    mapping: Mapping,
    env: u32,
    data: Vec<u8>,
}

struct Coming {
    incoming: Incoming,
    data: Vec<u8>,
}

struct Pinned {
    pin: Pin,
    id: BufferId,
    data: Vec<u8>,
}

#[derive(Default)]
struct Model {
    objects: Vec<Object>,
    readers: Vec<Reader>,
    writers: Vec<Writer>,
    coming: Vec<Coming>,
    pins: Vec<Pinned>,
    seed: u32,
}

impl Model {
    fn pattern(&mut self, len: usize) -> Vec<u8> {
        self.seed += 1;
        pattern(self.seed, len)
    }

    /// Pages that cannot be evicted.
    fn pinned(&self) -> usize {
        let mut read: Vec<_> = self
            .readers
            .iter()
            .map(|reader| (reader.id, reader.data.len()))
            .chain(self.pins.iter().map(|pinned| (pinned.id, pinned.data.len())))
            .collect();
        read.sort_unstable();
        read.dedup();
        let written = self.writers.iter().map(|writer| writer.data.len());
        let written = written.chain(self.coming.iter().map(|coming| coming.data.len()));
        read.iter()
            .map(|&(_, len)| len)
            .chain(written)
            .map(|len| len.div_ceil(page()))
            .sum()
    }

    fn apply(&mut self, store: &Arc<Store>, step: &Step) {
        match *step {
            Step::Put { pages, cut, env } => {
                let data = self.pattern(pages * page() - cut);
                match store.put(&data, EnvId(env)) {
                    Ok(id) => self.objects.push(Object {
                        id,
                        data,
                        refs: 1,
                        loose: Some(env),
                    }),
                    Err(CreateError::Full(_)) => assert!(self.pinned() + pages > CAPACITY),
                    Err(other) => panic!("{other:?}"),
                }
            }
            Step::Create { pages, env } => {
                let data = self.pattern(pages * page());
                match store.create(data.len() as u64, EnvId(env)) {
                    Ok((_, mapping)) => {
                        assert!(bytes(&mapping).iter().all(|&byte| byte == 0));
                        bytes(&mapping).copy_from_slice(&data);
                        self.writers.push(Writer { mapping, env, data });
                    }
                    Err(CreateError::Full(_)) => assert!(self.pinned() + pages > CAPACITY),
                    Err(other) => panic!("{other:?}"),
                }
            }
            Step::Seal(which) => {
                if let Some(Writer { mapping, env, data }) = take(&mut self.writers, which) {
                    let id = store.seal(mapping.view).unwrap();
                    self.objects.push(Object {
                        id,
                        data,
                        refs: 1,
                        loose: Some(env),
                    });
                }
            }
            Step::Abort(which) => {
                if let Some(writer) = take(&mut self.writers, which) {
                    store.abort(writer.mapping.view);
                }
            }
            Step::Map { which, env, scribble } => self.map(store, which, env, scribble),
            Step::Unmap(which) => {
                if let Some(reader) = take(&mut self.readers, which) {
                    store.unmap(reader.mapping.view);
                    store.unmap(reader.mapping.view);
                }
            }
            Step::Read(which) => self.read(store, which),
            Step::Adopt(which) => {
                if let Some(object) = pick(&mut self.objects, which) {
                    object.adopt(store);
                }
            }
            Step::Retain(which) => {
                if let Some(object) = pick(&mut self.objects, which) {
                    object.adopt(store);
                    store.retain(object.id);
                    object.refs += 1;
                }
            }
            Step::Release(which) => {
                if let Some(object) = pick(&mut self.objects, which) {
                    object.adopt(store);
                    store.release(object.id);
                    object.refs -= 1;
                    self.objects.retain(|object| object.refs > 0);
                }
            }
            Step::ReleaseEnv(env) => {
                store.release_env(EnvId(env));
                self.readers.retain(|reader| reader.env != env);
                self.writers.retain(|writer| writer.env != env);
                self.objects.retain(|object| object.loose != Some(env));
            }
            Step::Receive { pages, cut } => self.receive(store, pages * page() - cut),
            Step::Take { which, pages, back } => {
                if let Some(coming) = pick(&mut self.coming, which) {
                    coming.take(pages, back);
                }
            }
            Step::Finish { which, env } => self.finish(store, which, env),
            Step::Drop(which) => drop(take(&mut self.coming, which)),
            Step::Pin(which) => self.pin(store, which),
            Step::Unpin(which) => drop(take(&mut self.pins, which)),
        }
    }

    fn map(&mut self, store: &Arc<Store>, which: usize, env: u32, scribble: Option<usize>) {
        let pinned = self.pinned();
        let Some(object) = pick(&mut self.objects, which) else {
            return;
        };
        let resident = store.is_resident(object.id);
        match store.map(object.id, EnvId(env)) {
            Ok(mapping) => {
                assert_eq!(bytes(&mapping), object.data);
                let mut data = object.data.clone();
                if let Some(at) = scribble.map(|at| at % data.len()) {
                    bytes(&mapping)[at] ^= 0xff;
                    data[at] ^= 0xff;
                }
                self.readers.push(Reader {
                    mapping,
                    env,
                    data,
                    id: object.id,
                });
            }
            Err(MapError::Full(_)) => {
                assert!(!resident && pinned + object.data.len().div_ceil(page()) > CAPACITY);
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, store: &Arc<Store>, len: usize) {
        let data = self.pattern(len);
        match store.receive(len as u64) {
            Ok(incoming) => self.coming.push(Coming { incoming, data }),
            Err(CreateError::Full(_)) => assert!(self.pinned() + len.div_ceil(page()) > CAPACITY),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, store: &Arc<Store>, which: usize, env: u32) {
        let Some(mut coming) = take(&mut self.coming, which) else {
            return;
        };
        coming.take(usize::MAX / page(), 0);
        let Coming { incoming, data } = coming;
        let id = incoming.seal(vec![crc32fast::hash(&data)]).unwrap();
        store.hand_to(id, EnvId(env));
        self.objects.push(Object {
            id,
            data,
            refs: 1,
            loose: Some(env),
        });
    }

    fn pin(&mut self, store: &Arc<Store>, which: usize) {
        let pinned = self.pinned();
        let Some(object) = pick(&mut self.objects, which) else {
            return;
        };
        match store.pin(object.id) {
            Ok(pin) => {
                assert_eq!(pin.bytes(0..pin.len()).concat(), object.data);
                let sum = crc32fast::hash(&object.data);
                assert!(pin.sum(0).is_none_or(|known| known == sum));
                pin.set_sum(0, sum);
                self.pins.push(Pinned {
                    pin,
                    id: object.id,
                    data: object.data.clone(),
                });
            }
            Err(MapError::Full(_)) => assert!(pinned + object.data.len().div_ceil(page()) > CAPACITY),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn read(&mut self, store: &Arc<Store>, which: usize) {
        let pinned = self.pinned();
        let Some(object) = pick(&mut self.objects, which) else {
            return;
        };
        let fits = pinned + object.data.len().div_ceil(page()) <= CAPACITY;
        if store.is_resident(object.id) || fits {
            assert_eq!(content(store, object.id), object.data);
        }
    }

    fn check(&self, store: &Arc<Store>) {
        for reader in &self.readers {
            assert_eq!(bytes(&reader.mapping), reader.data);
        }
        for writer in &self.writers {
            assert_eq!(bytes(&writer.mapping), writer.data);
        }
        for Pinned { pin, data, .. } in &self.pins {
            assert_eq!(pin.bytes(0..pin.len()).concat(), *data);
            assert_eq!(pin.sum(0), Some(crc32fast::hash(data)));
        }
        let stats = store.stats();
        assert_eq!(stats.pinned, (self.pinned() * page()) as u64);
        assert_eq!(stats.views, (self.readers.len() + self.writers.len()) as u64);
        assert!(stats.pinned <= stats.used && stats.used <= stats.warm && stats.warm <= stats.capacity);
        let on_disk = self.objects.iter().filter(|object| !store.is_resident(object.id));
        assert_eq!(
            stats.spilled,
            on_disk.map(|object| object.data.len() as u64).sum::<u64>()
        );
    }
}

impl Coming {
    /// The next pages come; the first `back` of them once more.
    fn take(&mut self, pages: usize, back: usize) {
        let Self { incoming, data } = self;
        let at = usize::try_from(incoming.at()).unwrap();
        if at == data.len() {
            return;
        }
        let at = at.saturating_sub(back * page());
        incoming.rewind(at as u64);
        let mut rest = &data[at..data.len().min(at.saturating_add(pages.saturating_mul(page())))];
        let mut scratch = vec![0xEE; 2 * page()];
        incoming
            .take(rest.len() as u64, &mut scratch, |slice| {
                let (now, later) = rest.split_at(slice.len());
                slice.copy_from_slice(now);
                rest = later;
                Ok::<(), Infallible>(())
            })
            .unwrap();
        assert!(rest.is_empty());
    }
}

fn pick<T>(list: &mut [T], which: usize) -> Option<&mut T> {
    let index = which.checked_rem(list.len())?;
    list.get_mut(index)
}

fn take<T>(list: &mut Vec<T>, which: usize) -> Option<T> {
    let index = which.checked_rem(list.len())?;
    Some(list.swap_remove(index))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_history_leaves_what_the_model_says(steps in steps()) {
        let directory = Directory::new();
        let store = Arc::new(directory.store(CAPACITY));
        let mut model = Model::default();
        for step in &steps {
            model.apply(&store, step);
            model.check(&store);
        }
        model.coming.clear();
        model.pins.clear();
        (0..3).for_each(|env| model.apply(&store, &Step::ReleaseEnv(env)));
        model.check(&store);
        for object in &model.objects {
            assert_eq!(content(&store, object.id), object.data);
            (0..object.refs).for_each(|_| store.release(object.id));
        }
        assert_empty(&store);
        assert_eq!(directory.spilled_bytes(), 0);
    }
}
