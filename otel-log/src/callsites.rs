//! Finds what was decided for a callsite, without a lock and without a word shared between threads.

use std::{ptr, sync::OnceLock};

use tracing_core::Metadata;

/// Decisions by callsite, made at its first line and never changed or removed: callsites are static.
///
/// A table that has no free place nearby is followed by one of twice its size.
#[derive(Debug)]
pub(crate) struct Callsites<T> {
    places: Box<[OnceLock<(usize, T)>]>,
    next: OnceLock<Box<Self>>,
}

impl<T> Callsites<T> {
    pub(crate) fn new() -> Self {
        Self::with_places(FIRST_SIZE)
    }

    fn with_places(size: usize) -> Self {
        Self {
            // The last callsite in order has places behind it too.
            places: (0..size + NEAR).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        }
    }

    /// Returns what was decided for this callsite, or decides it now.
    #[inline]
    pub(crate) fn get(
        &self,
        metadata: &'static Metadata<'static>,
        decide: impl FnOnce() -> T,
    ) -> &T {
        self.get_at(ptr::from_ref(metadata).addr(), decide)
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

    /// Another thread may be first: then the place is taken, perhaps by the same callsite.
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

    /// The few places where a callsite may stand.
    fn near(&self, callsite: usize) -> &[OnceLock<(usize, T)>] {
        // Fibonacci hashing: the upper half of the product depends on all bits of the address.
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

/// A power of two, as each later size.
const FIRST_SIZE: usize = 256;
const NEAR: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_callsite_is_decided_once_however_many_there_are() {
        // Addresses as a program has them: one after the other.
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
