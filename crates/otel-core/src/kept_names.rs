//! Names of spans, made once.
//!
//! A program has few methods and routes, so their names are kept for good and cost no allocation. Names without end must not
//! fill the memory: of each kind up to 1,024 names of up to 512 bytes are kept in a process, and no kind takes the room of
//! another.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Where a name comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A method of HTTP and a route.
    Route,
    /// A method of gRPC that is called.
    Called,
    /// A method of gRPC that was answered, whoever asked for it.
    Answered,
}

/// Finds the name `{word} {target}`, or `{word}`, among those that are kept, or keeps it.
///
/// `None` when there are too many, or it is too long.
pub(crate) fn find_or_keep(kind: Kind, word: &str, target: Option<&str>) -> Option<&'static str> {
    recent(word, target).or_else(|| keep(kind, word, target))
}

/// Looks among the names that this thread has used.
fn recent(word: &str, target: Option<&str>) -> Option<&'static str> {
    RECENT.with_borrow(|recent| {
        let name = recent.get(place(word, target)).copied().flatten()?;
        is_name(name, word, target).then_some(name)
    })
}

fn is_name(name: &str, word: &str, target: Option<&str>) -> bool {
    let rest = name.strip_prefix(word);
    match target {
        None => rest == Some(""),
        Some(target) => rest.and_then(|rest| rest.strip_prefix(' ')) == Some(target),
    }
}

#[cold]
fn keep(kind: Kind, word: &str, target: Option<&str>) -> Option<&'static str> {
    let name = match target {
        None => word.to_owned(),
        Some(target) => [word, " ", target].concat(),
    };
    let names = match kind {
        Kind::Route => &ROUTES,
        Kind::Called => &CALLED,
        Kind::Answered => &ANSWERED,
    };
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    let kept = match names.get(name.as_str()) {
        Some(kept) => *kept,
        None if names.len() < MOST && name.len() <= LONGEST => {
            let kept: &'static str = name.leak();
            names.insert(kept);
            kept
        }
        None => return None,
    };
    RECENT.with_borrow_mut(|recent| {
        if let Some(slot) = recent.get_mut(place(word, target)) {
            *slot = Some(kept);
        }
    });
    Some(kept)
}

/// Routes and methods differ at their ends and in their length more than at their beginnings.
fn place(word: &str, target: Option<&str>) -> usize {
    let text = target.unwrap_or(word);
    let end = text.as_bytes().iter().rev().take(8);
    let hash = end.fold(word.len() + text.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    hash % PLACES
}

const MOST: usize = 1024;
const LONGEST: usize = 512;
const PLACES: usize = 128;

type Names = Mutex<Option<HashSet<&'static str>>>;

static ROUTES: Names = Mutex::new(None);
static CALLED: Names = Mutex::new(None);
static ANSWERED: Names = Mutex::new(None);

thread_local! {
    static RECENT: RefCell<[Option<&'static str>; PLACES]> = const { RefCell::new([None; PLACES]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(word: &str, target: Option<&str>) -> Option<&'static str> {
        find_or_keep(Kind::Route, word, target)
    }

    #[test]
    fn a_name_is_the_same_the_first_and_the_second_time_and_on_another_thread() {
        let check = || {
            for _ in 0..2 {
                assert_eq!(kept("GET", Some("/users/{id}")), Some("GET /users/{id}"));
                assert_eq!(kept("GET", None), Some("GET"));
                assert_eq!(kept("GET", Some("")), Some("GET "));
            }
            kept("GET", Some("/users/{id}")).map(|name| name.as_ptr() as usize)
        };
        let here = check();
        let there = std::thread::spawn(check).join();
        assert_eq!(there.unwrap(), here);
    }

    #[test]
    fn a_name_that_is_too_long_is_not_kept() {
        assert_eq!(kept("PUT", Some(&"/".repeat(LONGEST))), None);
    }
}
