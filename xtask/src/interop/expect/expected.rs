//! What a chain should show, and how far it does.

use std::collections::BTreeSet;

use crate::interop::format::Format;
use crate::interop::theirs::Theirs;

/// What is known of a chain beforehand.
pub(crate) struct Expected<'a> {
    /// The names, in the order of the request.
    pub(crate) services: &'a [&'static str],
    pub(crate) format: &'a Format,
    pub(crate) theirs: Theirs,
}

/// The differences between a chain and what is expected of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Empty if the trace is whole.
    pub(crate) breaches: Vec<String>,
    /// Known differences of the other implementation, which do not count.
    pub(crate) notes: BTreeSet<&'static str>,
}
