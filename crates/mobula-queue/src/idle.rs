use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

/// Which workers sleep, and whether one looks for work already.
///
/// 1. A worker lists itself before it sleeps, and asks afterwards, in [`crate::Doorbell::sleep_unless`],
///    whether there is work *and whether it is still listed*: somebody may have taken it off the list
///    while it was awake, and a sleeper that is not listed is never woken.
/// 2. Who has published work rings the listed workers until one of them slept; not if a worker looks.
/// 3. A worker that has looked in vain looks once more after it stopped looking, because of rule 2.
#[derive(Debug)]
pub struct IdleList {
    /// 1 while a worker looks for work. Written by that worker.
    searching: AtomicU32,
    /// Length of `list`; written under its lock.
    count: AtomicU32,
    list: Mutex<Vec<u16>>,
    /// By worker: whether it stands in `list`; written under its lock.
    listed: Box<[AtomicBool]>,
}

impl IdleList {
    /// A list for workers with numbers below `workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            searching: AtomicU32::new(0),
            count: AtomicU32::new(0),
            list: Mutex::default(),
            listed: (0..workers).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// Worker: begins to look for work; false if another one does.
    #[must_use]
    pub fn look(&self) -> bool {
        self.searching
            .compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Worker: has stopped looking. It looks once more before it sleeps (rule 3).
    pub fn looked(&self) {
        self.searching.store(0, Ordering::Relaxed);
        // Pairs with the fence in `wake`: who saw us looking has published before we look again.
        fence(Ordering::SeqCst);
    }

    /// Worker: is about to sleep.
    pub fn list(&self, worker: u16) {
        let mut list = self.list.lock();
        if !self.listed[usize::from(worker)].swap(true, Ordering::Relaxed) {
            list.push(worker);
            self.count.store(list.len() as u32, Ordering::Relaxed);
        }
    }

    /// Worker: whether somebody who has work would find it (rule 1).
    pub fn is_listed(&self, worker: u16) -> bool {
        self.listed[usize::from(worker)].load(Ordering::Relaxed)
    }

    /// A worker is gone, or sleeps for other things. Nobody lists it meanwhile.
    pub fn remove(&self, worker: u16) {
        if !self.is_listed(worker) {
            return;
        }
        let mut list = self.list.lock();
        list.retain(|&other| other != worker);
        self.count.store(list.len() as u32, Ordering::Relaxed);
        self.listed[usize::from(worker)].store(false, Ordering::Relaxed);
    }

    /// Whoever has published work: rings workers, the latest to lie down first, until `ring` says that
    /// one of them slept. False if none did and none looks.
    pub fn wake(&self, ring: impl Fn(u16) -> bool) -> bool {
        // Pairs with the fences in `looked` and in `Doorbell::sleep_unless`.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::Relaxed) > 0 {
            return true;
        }
        while self.count.load(Ordering::Relaxed) > 0 {
            let Some(worker) = self.take() else { break };
            if ring(worker) {
                return true;
            }
        }
        false
    }

    fn take(&self) -> Option<u16> {
        let mut list = self.list.lock();
        let worker = list.pop()?;
        self.count.store(list.len() as u32, Ordering::Relaxed);
        // Before the ring, whose fence shows it to a worker that is just lying down (rule 1).
        self.listed[usize::from(worker)].store(false, Ordering::Relaxed);
        Some(worker)
    }
}
