use std::cell::UnsafeCell;

use mobula_queue::Claim;
use mobula_sched::{CLAIMS, CONTROL_WORDS, Regions};
use mobula_sync::atomic::{AtomicU32, Ordering};

const COMMAND_BYTES: usize = 1 << 20;

/// The memory that a thread's JavaScript shares with the core.
#[derive(Debug)]
pub(crate) struct Memory {
    control: Box<[AtomicU32]>,
    commands: Box<[UnsafeCell<u8>]>,
    inbox: Box<[UnsafeCell<u8>]>,
}

// SAFETY: the test's thread and the core follow the protocol of `Regions`: commands are written before they
// are published or handed over, the inbox is read between two steps.
unsafe impl Sync for Memory {}

fn bytes(len: usize) -> Box<[UnsafeCell<u8>]> {
    (0..len).map(|_| UnsafeCell::new(0)).collect()
}

impl Memory {
    pub(crate) fn new(inbox: usize) -> Self {
        Self {
            control: (0..CONTROL_WORDS).map(|_| AtomicU32::new(0)).collect(),
            commands: bytes(COMMAND_BYTES),
            inbox: bytes(inbox),
        }
    }

    pub(crate) fn regions(&self) -> Regions {
        let control = self.control.as_ptr().cast::<u8>().cast_mut();
        let commands = (self.commands.as_ptr().cast::<u8>(), self.commands.len());
        let inbox = (self.inbox.as_ptr().cast::<u8>().cast_mut(), self.inbox.len());
        // SAFETY: the thread keeps its memory until its port is buried or has other regions.
        unsafe { Regions::new(control, commands, inbox) }
    }

    /// Writes commands; gives where they end.
    pub(crate) fn write(&self, at: usize, record: &[u8]) -> usize {
        for (place, &byte) in self.commands[at..at + record.len()].iter().zip(record) {
            // SAFETY: the core does not read past what was published, and this is past it.
            unsafe { *place.get() = byte };
        }
        at + record.len()
    }

    pub(crate) fn read(&self, len: usize) -> Vec<u8> {
        // SAFETY: the core writes the inbox only inside `step`, which has returned.
        self.inbox[..len]
            .iter()
            .map(|place| unsafe { *place.get() })
            .collect()
    }

    /// Declares commands complete; true if the watchdog does not look at them.
    pub(crate) fn publish(&self, end: usize) -> bool {
        self.control[0].swap(end as u32, Ordering::AcqRel) >> 31 == 1
    }

    pub(crate) fn offer(&self, slot: u16) {
        Claim(&self.control[CLAIMS + usize::from(slot)]).offer();
    }

    pub(crate) fn claim(&self, slot: u16) -> bool {
        Claim(&self.control[CLAIMS + usize::from(slot)]).claim()
    }
}
