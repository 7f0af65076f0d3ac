use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicI64, Ordering, fence};

/// Resources are counted in ten-thousandths.
pub const UNIT: i64 = 10_000;

/// The most that a task may need to run beside one that has a CPU in the background.
pub(crate) const LESS_THAN_A_CPU: i64 = UNIT - 1;

/// What one attempt holds while it runs, in ten-thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Demand {
    /// CPUs.
    pub cpu: i64,
    /// Other resources: index into the node's list, amount.
    pub others: Vec<(u32, i64)>,
}

impl Demand {
    pub(crate) fn is_one_cpu(&self) -> bool {
        self.cpu == UNIT && self.others.is_empty()
    }

    /// Whether it is at least as much as `less`, of everything.
    pub(crate) fn covers(&self, less: &Self) -> bool {
        let has = |&(index, amount): &(u32, i64)| {
            let mut own = self.others.iter();
            own.any(|&(other, more)| other == index && more >= amount)
        };
        self.cpu >= less.cpu && less.others.iter().all(has)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.cpu == 0 && self.others.is_empty()
    }
}

/// What the node has free.
#[derive(Debug)]
pub(crate) struct Resources {
    /// May fall below 0: a task that comes back from `get` takes its CPU again at once.
    cpu: AtomicI64,
    /// CPU that all leave free but one who has waited for it for long. Written by the watchdog.
    reserved: AtomicI64,
    /// CPU that no actor holds: others give theirs back some time.
    passing: AtomicI64,
    others: Mutex<Vec<i64>>,
}

impl Resources {
    pub(crate) fn new(cpu: i64, others: Vec<i64>) -> Self {
        Self {
            cpu: AtomicI64::new(cpu),
            reserved: AtomicI64::new(0),
            passing: AtomicI64::new(cpu),
            others: Mutex::new(others),
        }
    }

    /// Takes `units` of CPU if that many are free beside what is reserved.
    /// `has_reserved`: for those for whom it is.
    pub(crate) fn try_cpu(&self, units: i64, has_reserved: bool) -> bool {
        self.try_cpu_leaving(if has_reserved { 0 } else { self.reserved() }, units)
    }

    fn try_cpu_leaving(&self, rest: i64, units: i64) -> bool {
        // Relaxed: a count, which publishes nothing.
        self.cpu
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                (free >= units + rest).then_some(free - units)
            })
            .is_ok()
    }

    /// How much CPU is reserved.
    pub(crate) fn reserved(&self) -> i64 {
        self.reserved.load(Ordering::Relaxed)
    }

    pub(crate) fn reserve(&self, units: i64) {
        self.reserved.store(units, Ordering::Relaxed);
    }

    /// Whether `demand` would be free if all but actors gave back the CPU that they hold.
    pub(crate) fn may_come_free(&self, demand: &Demand) -> bool {
        self.passing.load(Ordering::Relaxed) >= demand.cpu && self.has_others(demand)
    }

    /// How many CPUs come free for tasks.
    pub(crate) fn passing_cpus(&self) -> u64 {
        (self.passing.load(Ordering::Relaxed) / UNIT)
            .max(0)
            .cast_unsigned()
    }

    /// Takes `units` of CPU, free or not.
    pub(crate) fn force_cpu(&self, units: i64) {
        self.cpu.fetch_sub(units, Ordering::Relaxed);
    }

    pub(crate) fn give_cpu(&self, units: i64) {
        self.cpu.fetch_add(units, Ordering::Relaxed);
    }

    /// To be called between giving something back and looking for tasks that may have waited for it.
    pub(crate) fn gave() {
        // Pairs with the fence in `Doorbell::sleep_unless`: a worker that has found a task, but no CPU for it, finds the CPU
        // when it looks once more before it sleeps, or the task is found by who gave the CPU back, and the worker is rung.
        fence(Ordering::SeqCst);
    }

    /// Whether a CPU is free; `has_reserved`: for those for whom CPU is reserved.
    pub(crate) fn has_cpu(&self, has_reserved: bool) -> bool {
        let rest = if has_reserved { 0 } else { self.reserved() };
        self.cpu.load(Ordering::Relaxed) >= UNIT + rest
    }

    /// Whether all of `demand` is free; `has_reserved`: for the one for whom CPU is reserved.
    pub(crate) fn has(&self, demand: &Demand, has_reserved: bool) -> bool {
        let rest = if has_reserved { 0 } else { self.reserved() };
        let has_cpu = demand.cpu == 0 || self.cpu.load(Ordering::Relaxed) >= demand.cpu + rest;
        has_cpu && self.has_others(demand)
    }

    fn has_others(&self, demand: &Demand) -> bool {
        if demand.others.is_empty() {
            return true;
        }
        let others = self.others.lock();
        let mut amounts = demand.others.iter();
        amounts.all(|&(index, amount)| others[index as usize] >= amount)
    }

    /// Takes all that an actor asks for, or nothing.
    pub(crate) fn try_take(&self, demand: &Demand) -> bool {
        let takes = self.try_exchange(0, demand, true);
        if takes {
            self.passing.fetch_sub(demand.cpu, Ordering::Relaxed);
        }
        takes
    }

    /// Gives `held` units of CPU, which are the caller's, for all of `demand`, or changes nothing. `has_reserved`: for the one
    /// for whom CPU is reserved.
    pub(crate) fn try_exchange(&self, held: i64, demand: &Demand, has_reserved: bool) -> bool {
        let rest = if has_reserved { 0 } else { self.reserved() };
        let exchange_cpu = || {
            let more = demand.cpu - held;
            if more < 0 {
                self.give_cpu(-more);
            }
            more <= 0 || self.try_cpu_leaving(rest, more)
        };
        if demand.others.is_empty() {
            return exchange_cpu();
        }
        let mut others = self.others.lock();
        let enough = demand
            .others
            .iter()
            .all(|&(index, amount)| others[index as usize] >= amount);
        if !enough || !exchange_cpu() {
            return false;
        }
        for &(index, amount) in &demand.others {
            others[index as usize] -= amount;
        }
        true
    }

    /// Gives back what an actor held.
    pub(crate) fn give(&self, demand: &Demand, cpu_lent: bool) {
        self.passing.fetch_add(demand.cpu, Ordering::Relaxed);
        self.give_back(demand, cpu_lent);
    }

    /// Gives back what a task held.
    pub(crate) fn give_back(&self, demand: &Demand, cpu_lent: bool) {
        if demand.cpu > 0 && !cpu_lent {
            self.give_cpu(demand.cpu);
        }
        if !demand.others.is_empty() {
            let mut others = self.others.lock();
            for &(index, amount) in &demand.others {
                others[index as usize] += amount;
            }
        }
    }

    /// What is free: CPU, then the others in the node's order.
    pub(crate) fn free(&self) -> Vec<i64> {
        let mut free = vec![self.cpu.load(Ordering::Relaxed)];
        free.extend(self.others.lock().iter());
        free
    }
}
