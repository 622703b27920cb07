//! Finds what was decided for a callsite, without a lock and without a word shared between threads.

use std::{iter::successors, ptr, sync::OnceLock};

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
            places: (0..size).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        }
    }

    /// Returns what was decided for this callsite, or decides it now.
    pub(crate) fn get(
        &self,
        metadata: &'static Metadata<'static>,
        decide: impl FnOnce() -> T,
    ) -> &T {
        let callsite = ptr::from_ref(metadata).addr();
        let tables = successors(Some(self), |table| table.next.get().map(|next| &**next));
        match tables
            .flat_map(|table| table.near(callsite))
            .find_map(|place| known(place, callsite))
        {
            Some(decided) => decided,
            None => self.insert(callsite, decide()),
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
            let size = table.places.len() * 2;
            table = table.next.get_or_init(|| Box::new(Self::with_places(size)));
        }
    }

    /// The few places where a callsite may stand.
    fn near(&self, callsite: usize) -> impl Iterator<Item = &OnceLock<(usize, T)>> {
        // Fibonacci hashing: the upper half of the product depends on all bits of the address.
        let hash = (callsite as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let start = usize::try_from(hash).unwrap_or_default() & (self.places.len() - 1);
        self.places.iter().cycle().skip(start).take(NEAR)
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
