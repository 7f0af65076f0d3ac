/// Asks the processor to bring the first cache lines of `place` near, soon to be written. Only a hint.
#[inline]
pub fn prefetch<T>(place: &T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        let line = std::ptr::from_ref(place).cast::<i8>();
        for at in (0..size_of::<T>().min(LINES * LINE)).step_by(LINE) {
            // SAFETY: a prefetch never faults, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(line.wrapping_add(at)) };
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
const LINE: usize = 64;
#[cfg(all(target_arch = "x86_64", not(miri)))]
const LINES: usize = 3;
