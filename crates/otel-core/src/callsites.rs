//! Finds the decision for a callsite without a lock, and without writing to memory that threads share.

use std::{iter, ptr, sync::OnceLock};

use tracing::Metadata;

/// A hash table of decisions by callsite. Callsites are static, so a decision is never changed or removed.
///
/// If a table has no free place for a callsite, a table of twice the size follows.
#[derive(Debug)]
pub struct Callsites<T> {
    places: Box<[OnceLock<(usize, T)>]>,
    next: OnceLock<Box<Self>>,
}

impl<T> Default for Callsites<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Callsites<T> {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::with_places(FIRST_SIZE)
    }

    fn with_places(size: usize) -> Self {
        Self {
            // Every hash has the same number of places.
            places: (0..size + NEAR).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        }
    }

    /// Returns the decision for this callsite. The first call decides.
    #[inline]
    pub fn get(&self, metadata: &'static Metadata<'static>, decide: impl FnOnce() -> T) -> &T {
        self.get_at(ptr::from_ref(metadata).addr(), decide)
    }

    /// Returns `true` if there is a decision for this callsite.
    #[must_use]
    pub fn contains(&self, metadata: &'static Metadata<'static>) -> bool {
        let callsite = ptr::from_ref(metadata).addr();
        iter::successors(Some(self), |table| table.next.get().map(|next| &**next))
            .flat_map(|table| table.near(callsite))
            .any(|place| known(place, callsite).is_some())
    }

    #[inline]
    fn get_at(&self, callsite: usize, decide: impl FnOnce() -> T) -> &T {
        let mut table = self;
        loop {
            let known = table
                .near(callsite)
                .iter()
                .find_map(|place| known(place, callsite));
            match (known, table.next.get()) {
                (Some(decided), _) => return decided,
                (None, Some(next)) => table = next,
                (None, None) => return self.insert(callsite, decide()),
            }
        }
    }

    /// Inserts a decision, or returns that of another thread which inserted one for the same callsite first.
    fn insert(&self, callsite: usize, decided: T) -> &T {
        let mut entry = Some((callsite, decided));
        let mut table = self;
        loop {
            for place in table.near(callsite) {
                if let Some(new) = entry.take() {
                    entry = place.set(new).err();
                }
                if let Some(decided) = known(place, callsite) {
                    return decided;
                }
            }
            let size = 2 * table.size();
            table = table.next.get_or_init(|| Box::new(Self::with_places(size)));
        }
    }

    fn size(&self) -> usize {
        self.places.len() - NEAR
    }

    /// Returns the few places that a callsite can have.
    fn near(&self, callsite: usize) -> &[OnceLock<(usize, T)>] {
        // Fibonacci hashing: the upper half of the product depends on every bit of the address.
        let hash = (callsite as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let start = hash as usize & (self.size() - 1);
        self.places.get(start..start + NEAR).unwrap_or_default()
    }
}

fn known<T>(place: &OnceLock<(usize, T)>, callsite: usize) -> Option<&T> {
    place
        .get()
        .filter(|(known, _)| *known == callsite)
        .map(|(_, decided)| decided)
}

/// The size of the first table. Sizes are powers of two.
const FIRST_SIZE: usize = 256;
/// How many places a callsite can have.
const NEAR: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_callsite_is_decided_once_however_many_there_are() {
        // Like the addresses of a program, which follow each other.
        let callsites = (1..=2_000).map(|number| number * 120);
        let table = Callsites::with_places(4);
        let decided = AtomicUsize::new(0);
        let get = |callsite: usize| {
            *table.get_at(callsite, || {
                decided.fetch_add(1, Ordering::Relaxed);
                callsite
            })
        };
        for _ in 0..2 {
            assert!(callsites.clone().all(|callsite| get(callsite) == callsite));
        }
        assert_eq!(decided.into_inner(), 2_000);
    }

    #[test]
    fn threads_agree_on_what_was_decided() {
        let table = Callsites::with_places(4);
        let decided = |thread: usize| {
            (1..=500)
                .map(|number| *table.get_at(number * 8, || thread))
                .collect::<Vec<_>>()
        };
        let [one, two] = std::thread::scope(|scope| {
            [0, 1]
                .map(|thread| scope.spawn(move || decided(thread)))
                .map(|thread| thread.join().unwrap())
        });
        assert_eq!(one, two);
    }
}
