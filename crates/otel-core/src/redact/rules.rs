//! The list of a process or of a builder: the list of this crate, and what the application adds and excepts.

use super::list::{self, Place};
use super::name::Name;

/// Decides which names hold secrets.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) is_on: bool,
    pub(super) has_list: bool,
    /// Without separators, in lower case.
    pub(super) added: Vec<Box<[u8]>>,
    pub(super) excepted: Vec<Box<[u8]>>,
}

impl Rules {
    /// Returns `true` if a value of this name is a secret.
    #[inline]
    pub(super) fn is_secret(&self, name: &Name, place: Place) -> bool {
        if !self.added.is_empty() || !self.excepted.is_empty() {
            if let Some(decision) = self.own_decision(name, place) {
                return decision;
            }
        }
        self.has_list && list::is_listed(name, place)
    }

    /// Returns what the application has decided about the name.
    #[cold]
    fn own_decision(&self, name: &Name, place: Place) -> Option<bool> {
        let letters = name.letters();
        let last_part = letters.get(name.last_part()..).unwrap_or_default();
        let is_whole = |it: &Box<[u8]>| **it == *letters || **it == *last_part;
        if self.excepted.iter().any(is_whole) {
            return Some(false);
        }
        if self.added.iter().any(is_whole) {
            return Some(true);
        }
        let is_secret = self.added.iter().any(|it| list::is_at_end(name, it, place));
        is_secret.then_some(true)
    }
}
