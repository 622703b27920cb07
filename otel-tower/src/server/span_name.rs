//! Names of spans, made once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use opentelemetry::StringValue;
use otel_core::http::{RequestMethod, span_name};
use otel_core::rpc::RpcMethod;

/// The name of a span, and the route in it.
#[derive(Debug, Clone)]
pub(crate) struct SpanName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) route: Option<StringValue>,
}

impl SpanName {
    /// A server has few methods and routes, so their names are kept for good and cost no allocation.
    pub(crate) fn of(method: &RequestMethod, route: Option<&str>) -> Self {
        let word = method.word();
        let kept = || kept(span_name(method, route), place(word, route));
        match recent(word, route).or_else(kept) {
            Some(name) => Self {
                name: Cow::Borrowed(name),
                route: route
                    .and_then(|_| name.get(word.len() + 1..))
                    .map(StringValue::from),
            },
            None => Self {
                name: Cow::Owned(span_name(method, route)),
                route: route.map(|route| StringValue::from(route.to_owned())),
            },
        }
    }

    /// A method is kept as soon as it is known to be one of the server's.
    pub(crate) fn of_call(method: &RpcMethod) -> Self {
        let word = method.name();
        let is_known = method.is_settled() && method.original().is_none();
        let keep = || is_known.then(|| kept(word.to_owned(), place(word, None)));
        let name = recent(word, None).or_else(|| keep().flatten());
        Self {
            name: name.map_or_else(|| Cow::Owned(word.to_owned()), Cow::Borrowed),
            route: None,
        }
    }

    /// The name, if it is one of those that are kept for good.
    pub(crate) fn kept(&self) -> Option<&'static str> {
        match self.name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        }
    }
}

/// Looks among the names that this thread has used.
fn recent(word: &str, route: Option<&str>) -> Option<&'static str> {
    RECENT.with_borrow(|recent| {
        let name = recent.get(place(word, route)).copied().flatten()?;
        is_name(name, word, route).then_some(name)
    })
}

fn is_name(name: &str, word: &str, route: Option<&str>) -> bool {
    let rest = name.strip_prefix(word);
    match route {
        None => rest == Some(""),
        Some(route) => rest.and_then(|rest| rest.strip_prefix(' ')) == Some(route),
    }
}

/// Keeps a name for as long as the process lives, or finds that it is kept; `None` when there are too many.
#[cold]
fn kept(name: String, place: usize) -> Option<&'static str> {
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
        if let Some(slot) = recent.get_mut(place) {
            *slot = Some(kept);
        }
    });
    Some(kept)
}

/// Routes differ at their ends and in their length more than at their beginnings.
fn place(word: &str, route: Option<&str>) -> usize {
    let route = route.unwrap_or_default().as_bytes();
    let end = route.iter().rev().take(8);
    let hash = end.fold(word.len() + route.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    hash % PLACES
}

/// A route function that returns paths must not fill the memory.
const MOST: usize = 1024;
const LONGEST: usize = 512;
const PLACES: usize = 128;

static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

thread_local! {
    static RECENT: RefCell<[Option<&'static str>; PLACES]> = const { RefCell::new([None; PLACES]) };
}

#[cfg(test)]
mod tests {
    use http::Method;
    use otel_core::http::KnownMethods;

    use super::*;

    fn name(method: &Method, route: Option<&str>) -> SpanName {
        SpanName::of(&KnownMethods::default().find(method), route)
    }

    #[test]
    fn a_name_is_the_same_the_first_and_the_second_time_and_on_another_thread() {
        let check = || {
            for _ in 0..2 {
                let user = name(&Method::GET, Some("/users/{id}"));
                assert_eq!(user.name, "GET /users/{id}");
                assert_eq!(user.route, Some(StringValue::from("/users/{id}")));
                let none = name(&Method::GET, None);
                assert_eq!((none.name.as_ref(), none.route), ("GET", None));
                let empty = name(&Method::GET, Some(""));
                assert_eq!(empty.name, "GET ");
                let other = name(&"BREW".parse().unwrap(), Some("/pot"));
                assert_eq!(other.name, "HTTP /pot");
            }
        };
        check();
        std::thread::spawn(check).join().unwrap();
    }

    #[test]
    fn a_kept_name_is_borrowed_and_one_too_many_is_not() {
        assert!(matches!(
            name(&Method::PUT, Some("/kept")).name,
            Cow::Borrowed(_)
        ));
        let long = "/".repeat(LONGEST);
        let made = name(&Method::PUT, Some(&long));
        assert!(matches!(made.name, Cow::Owned(_)));
        assert_eq!(made.route, Some(StringValue::from(long)));
    }
}
