use std::cmp::Ordering::{Equal, Greater, Less};

use mobula_sync::CachePadded;
use mobula_sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// One place of the ring.
#[derive(Debug)]
struct Slot {
    /// `ticket`: free for the producer holding that ticket. `ticket + 1`: filled for the consumer
    /// holding it. Written by whoever owns the slot at that moment, read by all.
    stamp: AtomicU64,
    /// The item; an atomic, so that a slow reader races with nobody.
    item: AtomicU32,
}

/// A bounded queue of `u32`, any number of producers and consumers, first in first out.
///
/// Dmitry Vyukov's bounded MPMC queue: tickets say who may use a slot next; a producer and a
/// consumer meet at the slot's stamp only.
#[derive(Debug)]
pub struct Ring {
    slots: Box<[Slot]>,
    mask: u64,
    /// The next ticket to fill. Advanced by producers.
    tail: CachePadded<AtomicU64>,
    /// The next ticket to empty. Advanced by consumers.
    head: CachePadded<AtomicU64>,
}

impl Ring {
    /// A ring of `capacity` places.
    ///
    /// # Panics
    /// If `capacity` is not a power of two.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two(), "capacity must be a power of two");
        let slots = (0..capacity as u64)
            .map(|ticket| Slot {
                stamp: AtomicU64::new(ticket),
                item: AtomicU32::new(0),
            })
            .collect();
        Self {
            slots,
            mask: capacity as u64 - 1,
            tail: CachePadded(AtomicU64::new(0)),
            head: CachePadded(AtomicU64::new(0)),
        }
    }

    fn slot(&self, ticket: u64) -> &Slot {
        &self.slots[(ticket & self.mask) as usize]
    }

    /// Appends `item`, or gives it back when the ring is full.
    ///
    /// # Errors
    /// The item, when there is no room.
    pub fn push(&self, item: u32) -> Result<(), u32> {
        let mut ticket = self.tail.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(ticket);
            // Acquire: pairs with the Release in `pop` that freed the slot a lap ago.
            let stamp = slot.stamp.load(Ordering::Acquire);
            match stamp.cmp(&ticket) {
                Less => return Err(item),
                Greater => ticket = self.tail.load(Ordering::Relaxed),
                Equal => {
                    if let Err(seen) = advance(&self.tail, ticket) {
                        ticket = seen;
                        continue;
                    }
                    slot.item.store(item, Ordering::Relaxed);
                    // Release: pairs with the Acquire in `pop`.
                    slot.stamp.store(ticket + 1, Ordering::Release);
                    return Ok(());
                }
            }
        }
    }

    /// Takes the oldest item.
    pub fn pop(&self) -> Option<u32> {
        let mut ticket = self.head.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(ticket);
            // Acquire: pairs with the Release in `push` that filled the slot.
            let stamp = slot.stamp.load(Ordering::Acquire);
            match stamp.cmp(&(ticket + 1)) {
                Less => return None,
                Greater => ticket = self.head.load(Ordering::Relaxed),
                Equal => {
                    if let Err(seen) = advance(&self.head, ticket) {
                        ticket = seen;
                        continue;
                    }
                    let item = slot.item.load(Ordering::Relaxed);
                    // Release: pairs with the Acquire in `push`, a lap later.
                    slot.stamp.store(ticket + self.mask + 1, Ordering::Release);
                    return Some(item);
                }
            }
        }
    }

    /// About how many items there are; exact when nobody else is at it.
    pub fn len(&self) -> usize {
        let tail = self.tail.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed);
        tail.saturating_sub(head) as usize
    }

    /// Whether `len` is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Moves a counter past `ticket`, or gives what it has moved to. Relaxed: the stamps publish.
fn advance(counter: &AtomicU64, ticket: u64) -> Result<u64, u64> {
    counter.compare_exchange_weak(ticket, ticket + 1, Ordering::Relaxed, Ordering::Relaxed)
}
