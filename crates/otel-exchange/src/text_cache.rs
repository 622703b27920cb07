//! Text that the requests of a thread have in common: a hit takes no lock and allocates nothing.
//!
//! A program has few methods, routes, hosts and peers, and most requests repeat them. Each thread keeps them in a two-way
//! set-associative cache; each kind has its own sets, so that untrusted text cannot evict span names.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::StringValue;
use rustc_hash::FxHasher;

use crate::conventions::http::HostPort;
use crate::name_set::{NameKind, is_name, keep};

/// Longer text is not cached.
const MAX_LENGTH: usize = 256;

thread_local! {
    static CACHE: RefCell<Cache> = const { RefCell::new(Cache::new()) };
}

struct Cache {
    names: TwoWay<(NameKind, &'static str), 128>,
    texts: TwoWay<Arc<str>, 32>,
    hosts: TwoWay<(Arc<str>, Option<u16>), 16>,
    addresses: TwoWay<(IpAddr, Arc<str>), 32>,
}

impl Cache {
    const fn new() -> Self {
        Self {
            names: TwoWay::new(),
            texts: TwoWay::new(),
            hosts: TwoWay::new(),
            addresses: TwoWay::new(),
        }
    }
}

/// Returns the span name `{word} {target}`, or `{word}`, from the bounded set of names.
///
/// Returns `None` if the set is full or the name is too long. The set is locked only if this thread has not cached the name.
pub(crate) fn span_name(kind: NameKind, word: &str, target: Option<&str>) -> Option<&'static str> {
    let mut hasher = FxHasher::default();
    hasher.write_u8(kind as u8);
    hasher.write(word.as_bytes());
    hasher.write(target.unwrap_or_default().as_bytes());
    let cached = with_cache(|cache| {
        cache.names.find(
            hasher.finish(),
            |(of_kind, name)| *of_kind == kind && is_name(name, word, target),
            || Some((kind, keep(kind, word, target)?)),
        )
    });
    match cached {
        Some(found) => Some(found?.1),
        None => keep(kind, word, target),
    }
}

/// Returns the text as a value whose memory is shared between requests.
pub(crate) fn text(text: &str) -> StringValue {
    if text.len() > MAX_LENGTH {
        return StringValue::from(text.to_owned());
    }
    let shared = with_cache(|cache| {
        cache.texts.find(
            hash(text),
            |cached| **cached == *text,
            || Some(Arc::from(text)),
        )
    });
    match shared.flatten() {
        Some(shared) => shared.into(),
        None => StringValue::from(text.to_owned()),
    }
}

/// Returns host and port of a `Host` or `:authority` value. Returns `None` if it is invalid.
pub(crate) fn host(authority: &str) -> Option<(StringValue, Option<u16>)> {
    let cached = match authority.len() {
        0..=MAX_LENGTH => with_cache(|cache| {
            cache.hosts.find(
                hash(authority),
                |(host, port)| is_authority(authority, host, *port),
                || read_host(authority),
            )
        }),
        _ => None,
    };
    let (host, port) = cached.unwrap_or_else(|| read_host(authority))?;
    Some((host.into(), port))
}

fn read_host(authority: &str) -> Option<(Arc<str>, Option<u16>)> {
    let parsed = HostPort::parse(authority)?;
    Some((Arc::from(parsed.host()), parsed.port()))
}

/// Returns the text of an address.
pub(crate) fn address(address: IpAddr) -> StringValue {
    let mut hasher = FxHasher::default();
    match address {
        IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
        IpAddr::V6(v6) => hasher.write_u128(v6.to_bits()),
    }
    let cached = with_cache(|cache| {
        cache.addresses.find(
            hasher.finish(),
            |(cached, _)| *cached == address,
            || Some((address, Arc::from(address.to_string()))),
        )
    });
    match cached.flatten() {
        Some((_, text)) => text.into(),
        None => StringValue::from(address.to_string()),
    }
}

/// Returns `None` while the thread ends.
fn with_cache<T>(use_cache: impl FnOnce(&mut Cache) -> T) -> Option<T> {
    CACHE
        .try_with(|cache| use_cache(&mut cache.borrow_mut()))
        .ok()
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Compares `host` or `host:port` without parsing. An IPv6 host has brackets.
fn is_authority(authority: &str, host: &str, port: Option<u16>) -> bool {
    let rest = match authority.strip_prefix('[') {
        Some(inside) => inside
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix(']')),
        None => authority.strip_prefix(host),
    };
    match (rest, port) {
        (Some(""), None) => true,
        (Some(rest), Some(port)) => rest
            .strip_prefix(':')
            .is_some_and(|digits| digits.parse() == Ok(port)),
        _ => false,
    }
}

/// A two-way set-associative cache. A miss evicts the older entry of its set.
struct TwoWay<T, const SETS: usize> {
    sets: [[Option<T>; 2]; SETS],
}

impl<T: Clone, const SETS: usize> TwoWay<T, SETS> {
    const fn new() -> Self {
        Self {
            sets: [const { [None, None] }; SETS],
        }
    }

    fn find(
        &mut self,
        hash: u64,
        is_hit: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let [newer, older] = self.sets.get_mut(hash as usize % SETS)?;
        for way in [&*newer, &*older] {
            if let Some(cached) = way.as_ref().filter(|cached| is_hit(cached)) {
                return Some(cached.clone());
            }
        }
        let made = make()?;
        *older = newer.replace(made.clone());
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_unchanged_and_shared() {
        let long = "x".repeat(MAX_LENGTH + 1);
        for input in ["a", "b", "a", "", "shop.example", "shop.example", &long] {
            assert_eq!(text(input).as_str(), input);
        }
        let (first, second) = (text("curl/8"), text("curl/8"));
        assert_eq!(first.as_str().as_ptr(), second.as_str().as_ptr());
    }

    #[test]
    fn a_host_is_read_the_same_the_first_and_the_second_time() {
        let table = [
            ("shop.example:8080", Some(("shop.example", Some(8080)))),
            ("shop.example:80", Some(("shop.example", Some(80)))),
            ("shop.example", Some(("shop.example", None))),
            ("[::1]", Some(("::1", None))),
            ("[::1]:90", Some(("::1", Some(90)))),
            ("no host", None),
            ("", None),
        ];
        for _ in 0..2 {
            for (authority, expected) in table {
                let expected = expected.map(|(host, port)| (StringValue::from(host), port));
                assert_eq!(host(authority), expected, "{authority}");
            }
        }
    }

    #[test]
    fn an_address_is_its_own_text() {
        for input in ["127.0.0.1", "::1", "::1", "127.0.0.1", "10.0.0.1"] {
            assert_eq!(address(input.parse().unwrap()).as_str(), input);
        }
    }

    #[test]
    fn two_entries_of_one_set_do_not_evict_each_other() {
        let mut cache = TwoWay::<&str, 4>::new();
        let mut misses = 0;
        for _ in 0..3 {
            for text in ["GET", "PUT"] {
                let found = cache.find(
                    7,
                    |cached| *cached == text,
                    || {
                        misses += 1;
                        Some(text)
                    },
                );
                assert_eq!(found, Some(text));
            }
        }
        assert_eq!(misses, 2);
    }

    #[test]
    fn what_cannot_be_made_is_not_cached() {
        let mut cache = TwoWay::<u8, 4>::new();
        assert_eq!(cache.find(1, |_| true, || None), None);
        assert_eq!(cache.find(1, |_| true, || Some(1)), Some(1));
    }
}
