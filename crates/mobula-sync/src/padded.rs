use std::ops::{Deref, DerefMut};

/// Keeps a value on cache lines of its own, so that writers of neighbours do not slow it.
///
/// 128 bytes: the adjacent-line prefetcher of x86-64 and the line of Apple's arm64.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct CachePadded<T>(pub T);

impl<T> Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
