use std::fmt;

use mobula_sync::atomic::{AtomicU64, Ordering};

const EMPTY: u64 = 0;
const DONE: u64 = 1;
const KIND_SHIFT: u32 = 62;
const TASK: u64 = 1;
const PORT: u64 = 2;
const NODE: u64 = 3;
const PORT_BITS: u32 = 14;
const LIFE_SHIFT: u32 = 46;
const VALUE_SHIFT: u32 = 61;

/// Somebody who waits for an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiter {
    /// A task that has the object as an argument.
    Task(u32),
    /// A subscription of a port.
    Port {
        /// The port to tell.
        port: u16,
        /// Which of the threads that have had the port; below [`Waiter::LIVES`].
        life: u16,
        /// What the port calls this subscription; 31 bits.
        token: u32,
        /// Whether the value is wanted, or only the news.
        value: bool,
    },
}

impl Waiter {
    /// How many threads of a port can be told apart.
    pub const LIVES: u16 = 1 << 15;

    fn pack(self) -> u64 {
        match self {
            Self::Task(task) => TASK << KIND_SHIFT | u64::from(task),
            Self::Port {
                port,
                life,
                token,
                value,
            } => {
                debug_assert!(u32::from(port) < 1 << PORT_BITS, "port out of range");
                debug_assert!(life < Self::LIVES, "life out of range");
                PORT << KIND_SHIFT
                    | u64::from(value) << VALUE_SHIFT
                    | u64::from(life) << LIFE_SHIFT
                    | u64::from(port) << 32
                    | u64::from(token)
            }
        }
    }

    fn unpack(word: u64) -> Self {
        if word >> KIND_SHIFT == TASK {
            return Self::Task(word as u32);
        }
        Self::Port {
            port: ((word >> 32) & ((1 << PORT_BITS) - 1)) as u16,
            life: (word >> LIFE_SHIFT) as u16 % Self::LIVES,
            token: word as u32,
            value: word >> VALUE_SHIFT & 1 == 1,
        }
    }
}

/// Where list nodes live, for objects with more than one waiter.
pub trait NodePool {
    /// Stores a node and gives its index.
    fn put(&self, waiter: u64, next: u64) -> u32;
    /// Reads a node and frees it.
    fn take(&self, index: u32) -> (u64, u64);
}

/// What [`WaiterWord::subscribe`] found.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribed {
    /// The waiter will be among those that [`WaiterWord::complete`] returns.
    Waiting,
    /// The object is there already; the waiter was not registered.
    Done,
}

/// Who waits for an object, and whether it is there: one word.
///
/// 1. The word starts empty, collects waiters, and becomes done once; done is final until
///    [`WaiterWord::reset`].
/// 2. Waiters are only added, never taken out, before it is done. So a compare-and-swap that finds
///    the word it has read links to the list it has read.
/// 3. Whoever completes writes the value first; whoever sees done may read it.
///
/// One waiter, the common case, sits in the word itself; more form a list of nodes.
#[derive(Default)]
pub struct WaiterWord(AtomicU64);

impl WaiterWord {
    /// Registers `waiter`, unless the object is done.
    pub fn subscribe(&self, waiter: Waiter, pool: &impl NodePool) -> Subscribed {
        let packed = waiter.pack();
        // Acquire: pairs with the Release half of `complete` (rule 3).
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if word == DONE {
                return Subscribed::Done;
            }
            let node = if word == EMPTY {
                None
            } else {
                Some(pool.put(packed, word))
            };
            let next = node.map_or(packed, |index| NODE << KIND_SHIFT | u64::from(index));
            // Release: pairs with the Acquire half of `complete`, which reads the node.
            match self
                .0
                .compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Subscribed::Waiting,
                Err(seen) => {
                    if let Some(index) = node {
                        pool.take(index);
                    }
                    word = seen;
                }
            }
        }
    }

    /// Marks the object done and hands out all who waited, the latest first.
    /// The caller has written the value and completes an object once.
    pub fn complete(&self) -> Waiters {
        // AcqRel: publishes the value (rule 3) and sees every waiter's node.
        let word = self.0.swap(DONE, Ordering::AcqRel);
        debug_assert_ne!(word, DONE, "an object is completed once");
        Waiters(word)
    }

    /// Whether the object is there.
    pub fn is_done(&self) -> bool {
        // Acquire: pairs with `complete` (rule 3).
        self.0.load(Ordering::Acquire) == DONE
    }

    /// Makes the word empty for the next object in this place. Nobody else may use it.
    pub fn reset(&self) {
        self.0.store(EMPTY, Ordering::Relaxed);
    }
}

impl fmt::Debug for WaiterWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaiterWord")
    }
}

/// Those who waited for an object.
#[must_use = "every waiter must be told"]
#[derive(Debug)]
pub struct Waiters(u64);

impl Waiters {
    /// The next waiter; frees its node.
    pub fn next(&mut self, pool: &impl NodePool) -> Option<Waiter> {
        let word = self.0;
        if word == EMPTY {
            return None;
        }
        if word >> KIND_SHIFT == NODE {
            let (waiter, next) = pool.take(word as u32);
            self.0 = next;
            return Some(Waiter::unpack(waiter));
        }
        self.0 = EMPTY;
        Some(Waiter::unpack(word))
    }
}
