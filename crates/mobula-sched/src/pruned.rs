/// The fewest entries for which a list is looked through.
const LEAST: usize = 64;

/// A list of what may still be of interest. It is looked through when it has doubled since the last time: so an entry
/// costs little, and the list holds at most about twice as many entries as are of interest.
#[derive(Debug)]
pub(crate) struct PrunedVec<T> {
    entries: Vec<T>,
    full: usize,
}

impl<T> Default for PrunedVec<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            full: LEAST,
        }
    }
}

impl<T> PrunedVec<T> {
    /// Adds an entry. `prune` removes what is not of interest any more; it is called now and then.
    #[inline]
    pub(crate) fn push(&mut self, entry: T, prune: impl FnOnce(&mut Vec<T>)) {
        if self.entries.len() >= self.full {
            prune(&mut self.entries);
            self.full = LEAST.max(2 * self.entries.len());
            self.entries.shrink_to(self.full);
        }
        self.entries.push(entry);
    }

    /// All entries, also those that are not of interest any more.
    pub(crate) fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Takes all entries out.
    pub(crate) fn take(&mut self) -> Vec<T> {
        std::mem::take(self).entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_at_most_twice_what_is_of_interest() {
        let mut list = PrunedVec::default();
        for entry in 0..100_000_u32 {
            list.push(entry, |entries| entries.retain(|&old| old + 1000 > entry));
            assert!(list.entries().len() <= 2 * 1000 + LEAST);
        }
        assert!(
            list.entries()
                .iter()
                .rev()
                .take(1000)
                .eq((99_000..100_000).rev().collect::<Vec<_>>().iter())
        );
    }

    #[test]
    fn an_entry_is_looked_at_a_few_times_however_many_there_have_been() {
        let mut list = PrunedVec::default();
        let mut looks = 0;
        for entry in 0..100_000_u32 {
            list.push(entry, |entries| looks += entries.len());
        }
        assert!(looks <= 2 * 100_000, "{looks} looks");
    }
}
