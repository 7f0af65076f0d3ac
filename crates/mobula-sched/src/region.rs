use std::ptr;

use mobula_queue::Claim;
use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::port::BATCH;

/// The memory a thread's JavaScript shares with the core: control words, commands, inbox.
///
/// Control word 0 is how many bytes of commands are complete, and whether the watchdog looks at that; word 1 is whether the
/// object store is full; words 2 and 3 are between JavaScript and the thread's bell; words `CLAIMS..` say which tasks of the batch nobody has begun. JavaScript uses `Atomics` on them.
#[derive(Debug)]
pub struct Regions {
    control: *const AtomicU32,
    commands: (*const u8, usize),
    inbox: (*mut u8, usize),
}

/// The bit of control word 0 that says that the watchdog does not look at it.
const UNWATCHED: u32 = 1 << 31;
/// Index of the word that says whether the object store is full.
const TIGHT: usize = 1;
/// Index of the word that says whether the thread is inside the callback of its bell. The binding writes it.
pub const RINGING: usize = 2;
/// Index of the word that says whether the thread's event loop is to be kept alive. JavaScript writes it.
pub const KEPT: usize = 3;
/// Index of the first claim word.
pub const CLAIMS: usize = 16;
/// How many control words there are.
pub const CONTROL_WORDS: usize = CLAIMS + BATCH;

// SAFETY: plain pointers; the owner of the port's lock is the only one to use them in the core, and
// `Regions::new` has its caller promise that they stay good.
unsafe impl Send for Regions {}

impl Default for Regions {
    fn default() -> Self {
        Self {
            control: ptr::null(),
            commands: (ptr::null(), 0),
            inbox: (ptr::null_mut(), 0),
        }
    }
}

impl Regions {
    /// Regions at the given places.
    ///
    /// # Safety
    /// All three must stay valid until the port is detached or gets other regions; `control` must be
    /// aligned to 4 bytes and hold `CONTROL_WORDS` words.
    #[must_use]
    pub unsafe fn new(control: *mut u8, commands: (*const u8, usize), inbox: (*mut u8, usize)) -> Self {
        debug_assert_eq!(control as usize % 4, 0, "control words are aligned");
        #[expect(clippy::cast_ptr_alignment, reason = "asserted above")]
        Self {
            control: control.cast::<AtomicU32>(),
            commands,
            inbox,
        }
    }

    fn word(&self, index: usize) -> Option<&AtomicU32> {
        if self.control.is_null() {
            return None;
        }
        // SAFETY: `new`'s promise; JavaScript touches the words with atomics only.
        Some(unsafe { &*self.control.add(index) })
    }

    /// How many bytes of commands JavaScript has declared complete.
    pub(crate) fn published(&self) -> usize {
        // Acquire: pairs with JavaScript's Atomics.exchange, after it wrote the bytes.
        self.word(0)
            .map_or(0, |word| (word.load(Ordering::Acquire) & !UNWATCHED) as usize)
    }

    pub(crate) fn reset_published(&self) {
        if let Some(word) = self.word(0) {
            word.fetch_and(UNWATCHED, Ordering::Relaxed);
        }
    }

    /// The watchdog looks at what the thread declares complete, from time to time.
    pub(crate) fn watch(&self) {
        if let Some(word) = self.word(0)
            && word.load(Ordering::Relaxed) & UNWATCHED != 0
        {
            word.fetch_and(!UNWATCHED, Ordering::Relaxed);
        }
    }

    /// The watchdog looks no more; gives how many bytes were complete. The thread finds out when it declares more, and
    /// rings: both exchange the same word, so one of them comes first.
    pub(crate) fn unwatch(&self) -> usize {
        // Acquire: as in `published`.
        self.word(0).map_or(0, |word| {
            (word.fetch_or(UNWATCHED, Ordering::Acquire) & !UNWATCHED) as usize
        })
    }

    /// Tells JavaScript whether small values have to ask for room.
    pub(crate) fn set_tight(&self, tight: bool) {
        if let Some(word) = self.word(TIGHT) {
            // Relaxed: a hint.
            word.store(u32::from(tight), Ordering::Relaxed);
        }
    }

    /// Whether nobody has begun task `slot` of the batch.
    pub(crate) fn is_offered(&self, slot: usize) -> bool {
        self.word(CLAIMS + slot).is_some_and(|word| Claim(word).is_open())
    }

    /// Marks task `slot` of the batch as free to begin.
    pub(crate) fn offer(&self, slot: usize) {
        if let Some(word) = self.word(CLAIMS + slot) {
            Claim(word).offer();
        }
    }

    /// Takes task `slot` back; false if JavaScript has begun it.
    pub(crate) fn reclaim(&self, slot: usize) -> bool {
        self.word(CLAIMS + slot).is_some_and(|word| Claim(word).reclaim())
    }

    /// Complete commands, from `from` on; none if they do not lie inside the region.
    pub(crate) fn commands(&self, from: usize, to: usize) -> Option<&[u8]> {
        if from > to || to > self.commands.1 {
            return None;
        }
        if from == to {
            return Some(&[]);
        }
        // SAFETY: inside the region, as was just checked; JavaScript does not write complete commands again
        // before the core, under the port's lock, has carried them out and said so.
        Some(unsafe { std::slice::from_raw_parts(self.commands.0.add(from), to - from) })
    }

    /// The inbox. JavaScript reads what a step filled until the next one, and what is written behind that at once.
    pub(crate) fn inbox(&mut self) -> &mut [u8] {
        if self.inbox.0.is_null() {
            return &mut [];
        }
        // SAFETY: `new`'s promise, and the port's thread is inside a call of ours.
        unsafe { std::slice::from_raw_parts_mut(self.inbox.0, self.inbox.1) }
    }
}
