//! The list of a process or of a builder: the list of this crate, and what the application adds and excepts.

use super::list::{self, Place};
use super::name::Name;
use super::trigrams::Trigrams;

/// Decides which names hold secrets.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) is_on: bool,
    has_list: bool,
    /// Of all names.
    trigrams: Trigrams,
    /// Without separators, in lower case.
    added: Vec<Box<[u8]>>,
    excepted: Vec<Box<[u8]>>,
}

impl Rules {
    /// Makes the list of this crate, or an empty list.
    pub(super) fn new(has_list: bool) -> Self {
        let mut trigrams = Trigrams::new();
        if has_list {
            // Most long names contain a short one.
            let mut names: Vec<_> = list::names().collect();
            names.sort_by_key(|name| name.len());
            names.iter().for_each(|name| trigrams.add(name.as_bytes()));
        }
        Self {
            is_on: true,
            has_list,
            trigrams,
            added: Vec::new(),
            excepted: Vec::new(),
        }
    }

    /// Adds a name.
    pub(super) fn add(&mut self, name: &str) {
        if let Some(name) = plain(name) {
            self.trigrams.add(&name);
            self.added.push(name);
        }
    }

    /// Excepts a name.
    pub(super) fn except(&mut self, name: &str) {
        self.excepted.extend(plain(name));
    }

    /// Returns a quick test that keys without secrets fail.
    #[inline]
    pub(super) fn trigrams(&self) -> &Trigrams {
        &self.trigrams
    }

    /// Returns `true` if a value of this name is a secret.
    #[inline]
    pub(super) fn is_secret(&self, name: &str, place: Place) -> bool {
        self.trigrams.may_occur_in(name.as_bytes())
            && self.is_secret_name(&Name::new(name.as_bytes()), place)
    }

    /// Returns `true` if a value of this name is a secret.
    pub(super) fn is_secret_name(&self, name: &Name, place: Place) -> bool {
        match self.own_decision(name, place) {
            Some(decision) => decision,
            None => self.has_list && list::is_listed(name, place),
        }
    }

    /// Returns `true` if this key of a query holds the code of an OAuth login, provided that there is also a `state`.
    pub(super) fn is_code(&self, name: &Name) -> bool {
        self.has_list && name.letters() == list::CODE.as_bytes()
    }

    /// Returns what the application has decided about the name.
    fn own_decision(&self, name: &Name, place: Place) -> Option<bool> {
        let letters = name.letters();
        let last_part = letters.get(name.last_part()..).unwrap_or_default();
        let has_whole =
            |names: &[Box<[u8]>]| names.iter().any(|it| [letters, last_part].contains(&&**it));
        if has_whole(&self.excepted) {
            return Some(false);
        }
        let mut added = self.added.iter();
        let is_added = has_whole(&self.added) || added.any(|it| list::is_at_end(name, it, place));
        is_added.then_some(true)
    }
}

/// Returns the name in lower case and without separators, or `None` if it has no letter or digit.
fn plain(name: &str) -> Option<Box<[u8]>> {
    let name = Name::new(name.as_bytes());
    let letters = name.letters();
    (!letters.is_empty()).then(|| letters.into())
}
