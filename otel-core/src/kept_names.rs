//! Names of spans, made once: for instrumentations.
//!
//! A program has few methods and routes, so their names are kept for good and cost no allocation. A function that makes up
//! names without end must not fill the memory: up to 1,024 names of up to 512 bytes are kept in a process.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Finds the name `{word} {target}`, or `{word}`, among those that are kept, or keeps it.
///
/// `None` when there are too many, or it is too long.
#[must_use]
pub fn find_or_keep(word: &str, target: Option<&str>) -> Option<&'static str> {
    recent(word, target).or_else(|| keep(word, target))
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
fn keep(word: &str, target: Option<&str>) -> Option<&'static str> {
    let name = match target {
        None => word.to_owned(),
        Some(target) => [word, " ", target].concat(),
    };
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
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

static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

thread_local! {
    static RECENT: RefCell<[Option<&'static str>; PLACES]> = const { RefCell::new([None; PLACES]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_the_first_and_the_second_time_and_on_another_thread() {
        let check = || {
            for _ in 0..2 {
                assert_eq!(
                    find_or_keep("GET", Some("/users/{id}")),
                    Some("GET /users/{id}")
                );
                assert_eq!(find_or_keep("GET", None), Some("GET"));
                assert_eq!(find_or_keep("GET", Some("")), Some("GET "));
                assert_eq!(
                    find_or_keep("shop.Pricing/Quote", None),
                    Some("shop.Pricing/Quote")
                );
            }
            find_or_keep("GET", Some("/users/{id}")).map(str::as_ptr)
        };
        let here = check().map(|at| at as usize);
        let there = std::thread::spawn(move || check().map(|at| at as usize)).join();
        assert_eq!(there.unwrap(), here);
    }

    #[test]
    fn a_name_that_is_too_long_is_not_kept() {
        assert_eq!(find_or_keep("PUT", Some(&"/".repeat(LONGEST))), None);
    }
}
