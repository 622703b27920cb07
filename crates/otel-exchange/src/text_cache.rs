//! Text that the requests of a thread have in common: a hit takes no lock and allocates nothing.
//!
//! A program has few methods, routes, hosts and peers, and most requests repeat them. Each thread keeps them in a two-way
//! set-associative cache; each kind has its own sets, so that untrusted text cannot evict span names.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::StringValue;
use otel_core::limits::cut;
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
    hosts: TwoWay<Host, 16>,
    addresses: TwoWay<(IpAddr, Arc<str>), 32>,
}

/// What was read from a `Host` or `:authority` value.
struct Host {
    /// The value as it was received.
    authority: Arc<str>,
    name: Arc<str>,
    port: Option<u16>,
}

impl Host {
    fn value(&self) -> (StringValue, Option<u16>) {
        (Arc::clone(&self.name).into(), self.port)
    }
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
        let found = cache.names.find(
            hasher.finish(),
            |(of_kind, name)| *of_kind == kind && is_name(name, word, target),
            || Some((kind, keep(kind, word, target)?)),
        );
        found.map(|(_, name)| *name)
    });
    match cached {
        Some(name) => name,
        None => keep(kind, word, target),
    }
}

/// Returns the text as a value whose memory is shared between requests.
pub(crate) fn text(text: &str) -> StringValue {
    if text.len() > MAX_LENGTH {
        return StringValue::from(text.to_owned());
    }
    let shared = with_cache(|cache| {
        let found = cache.texts.find(
            hash(text),
            |cached| **cached == *text,
            || Some(Arc::from(text)),
        );
        found.cloned()
    });
    match shared.flatten() {
        Some(shared) => shared.into(),
        None => StringValue::from(text.to_owned()),
    }
}

/// Returns host and port of a `Host` or `:authority` value, the host with at most `limit` bytes. Returns `None` if it is invalid.
pub(crate) fn host(authority: &str, limit: usize) -> Option<(StringValue, Option<u16>)> {
    // What is cached is not cut, since other layers may have other limits.
    if authority.len() > MAX_LENGTH.min(limit) {
        let parsed = HostPort::parse(authority)?;
        let host = cut(parsed.host(), limit).to_owned();
        return Some((host.into(), parsed.port()));
    }
    let cached = with_cache(|cache| {
        let found = cache.hosts.find(
            hash(authority),
            |cached| *cached.authority == *authority,
            || read_host(authority),
        );
        found.map(Host::value)
    });
    match cached {
        Some(host) => host,
        None => read_host(authority).map(|host| host.value()),
    }
}

fn read_host(authority: &str) -> Option<Host> {
    let parsed = HostPort::parse(authority)?;
    let name: Arc<str> = parsed.host().into();
    let authority = match parsed.host() == authority {
        true => Arc::clone(&name),
        false => authority.into(),
    };
    Some(Host {
        authority,
        name,
        port: parsed.port(),
    })
}

/// Returns the text of an address.
pub(crate) fn address(address: IpAddr) -> StringValue {
    let mut hasher = FxHasher::default();
    match address {
        IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
        IpAddr::V6(v6) => hasher.write_u128(v6.to_bits()),
    }
    let cached = with_cache(|cache| {
        let found = cache.addresses.find(
            hasher.finish(),
            |(cached, _)| *cached == address,
            || Some((address, Arc::from(address.to_string()))),
        );
        found.map(|(_, text)| Arc::clone(text))
    });
    match cached.flatten() {
        Some(text) => text.into(),
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

/// A two-way set-associative cache. A miss evicts the older entry of its set.
struct TwoWay<T, const SETS: usize> {
    sets: [[Option<T>; 2]; SETS],
}

impl<T, const SETS: usize> TwoWay<T, SETS> {
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
    ) -> Option<&T> {
        let [newer, older] = self.sets.get_mut(hash as usize % SETS)?;
        if newer.as_ref().is_some_and(&is_hit) {
            return newer.as_ref();
        }
        if older.as_ref().is_some_and(&is_hit) {
            return older.as_ref();
        }
        let made = make()?;
        *older = newer.replace(made);
        newer.as_ref()
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
                assert_eq!(host(authority, 1024), expected, "{authority}");
            }
        }
    }

    #[test]
    fn an_invalid_host_is_not_found_as_the_valid_host_it_resembles() {
        // Some of the pairs share a set of the cache.
        for n in 0..200 {
            let pairs = [
                (format!("h{n}.example"), format!("[h{n}.example]")),
                (format!("h{n}.example:80"), format!("h{n}.example:+80")),
                (format!("[2001:db8::{n}]"), format!("2001:db8::{n}")),
            ];
            for (valid, invalid) in pairs {
                assert!(host(&valid, 1024).is_some(), "{valid}");
                assert_eq!(host(&invalid, 1024), None, "{invalid}");
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
                assert_eq!(found, Some(&text));
            }
        }
        assert_eq!(misses, 2);
    }

    #[test]
    fn what_cannot_be_made_is_not_cached() {
        let mut cache = TwoWay::<u8, 4>::new();
        assert_eq!(cache.find(1, |_| true, || None), None);
        assert_eq!(cache.find(1, |_| true, || Some(1)), Some(&1));
    }
}
