//! The bounded set of span names that live for the rest of the process.
//!
//! A program has few methods and routes, so their names are leaked and cost no allocation per request. Untrusted input must not
//! fill the memory: of each kind at most 1,024 names of at most 512 bytes are kept, and no kind takes the room of another.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The source of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// An HTTP method and a route.
    Route,
    /// A gRPC method that this process calls.
    Called,
    /// A gRPC method that this process has answered.
    Answered,
}

const MAX_NAMES: usize = 1024;
const MAX_LENGTH: usize = 512;

type Names = Mutex<Option<HashSet<&'static str>>>;

static ROUTES: Names = Mutex::new(None);
static CALLED: Names = Mutex::new(None);
static ANSWERED: Names = Mutex::new(None);

/// Returns the name `{word} {target}`, or `{word}`. Returns `None` if the set is full or the name is too long.
#[cold]
pub(crate) fn keep(kind: NameKind, word: &str, target: Option<&str>) -> Option<&'static str> {
    let name = match target {
        None => word.to_owned(),
        Some(target) => [word, " ", target].concat(),
    };
    let names = match kind {
        NameKind::Route => &ROUTES,
        NameKind::Called => &CALLED,
        NameKind::Answered => &ANSWERED,
    };
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(kept) = names.get(name.as_str()) {
        return Some(kept);
    }
    if names.len() >= MAX_NAMES || name.len() > MAX_LENGTH {
        return None;
    }
    let kept: &'static str = name.leak();
    names.insert(kept);
    Some(kept)
}

/// Returns `true` if `name` is `{word} {target}`, or `{word}` without a target.
pub(crate) fn is_name(name: &str, word: &str, target: Option<&str>) -> bool {
    let rest = name.strip_prefix(word);
    match target {
        None => rest == Some(""),
        Some(target) => rest.and_then(|rest| rest.strip_prefix(' ')) == Some(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_not_kept() {
        let long = "/".repeat(MAX_LENGTH);
        assert_eq!(keep(NameKind::Route, "PUT", Some(&long)), None);
    }

    #[test]
    fn a_name_is_word_and_target() {
        assert!(is_name("GET /a", "GET", Some("/a")));
        assert!(is_name("GET", "GET", None));
        assert!(is_name("GET ", "GET", Some("")));
        assert!(!is_name("GET /a", "GET", None));
        assert!(!is_name("GET", "GET", Some("")));
        assert!(!is_name("PUT /a", "GET", Some("/a")));
    }
}
