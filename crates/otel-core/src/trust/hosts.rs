//! Sets of hosts.

use std::fmt;
use std::sync::Arc;

/// A set of hosts.
///
/// Comparison ignores case, a trailing dot and ports. The [module docs](super) have an example.
#[derive(Debug, Clone, Default)]
pub struct HostPolicy(Hosts);

#[derive(Debug, Clone, Default)]
enum Hosts {
    #[default]
    All,
    Only(Arc<[Pattern]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// The domain with a leading dot.
    Suffix(String),
}

impl HostPolicy {
    /// Allows every host. This is the default.
    #[must_use]
    pub fn all() -> Self {
        Self(Hosts::All)
    }

    /// Allows no host.
    #[must_use]
    pub fn none() -> Self {
        Self(Hosts::Only(Arc::new([])))
    }

    /// Allows only these hosts.
    ///
    /// A pattern is a host such as `api.example.com` or `::1`, or `*.example.com` for every host below `example.com`.
    /// `*.example.com` does not match `example.com` itself.
    ///
    /// # Errors
    ///
    /// Returns an error if a pattern is empty, if it has a `*` anywhere except in a leading `*.`, or if it contains
    /// characters that a host cannot have, such as a scheme or a path.
    pub fn only(
        patterns: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, HostPatternError> {
        let patterns = patterns.into_iter();
        let patterns: Result<_, _> = patterns.map(|it| Pattern::parse(it.as_ref())).collect();
        Ok(Self(Hosts::Only(patterns?)))
    }

    /// Returns `true` if the set contains the host. An IPv6 address may have brackets.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        match &self.0 {
            Hosts::All => true,
            Hosts::Only(patterns) => {
                let host = normalized(host);
                patterns.iter().any(|pattern| pattern.matches(host))
            }
        }
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self.0, Hosts::All)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, HostPatternError> {
        let host = normalized(text).to_ascii_lowercase();
        let (name, pattern) = match host.strip_prefix('*') {
            Some(suffix) => {
                let name = suffix.strip_prefix('.').unwrap_or_default();
                (name, Self::Suffix(suffix.to_owned()))
            }
            None => (host.as_str(), Self::Exact(host.clone())),
        };
        let is_address = name.parse::<std::net::Ipv6Addr>().is_ok();
        let is_valid = !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(is_host_byte)
            && (is_address || !name.contains(':'));
        is_valid
            .then_some(pattern)
            .ok_or_else(|| HostPatternError(text.to_owned()))
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.eq_ignore_ascii_case(host),
            Self::Suffix(suffix) => host
                .len()
                .checked_sub(suffix.len())
                .filter(|start| *start > 0)
                .and_then(|start| host.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix)),
        }
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%:".contains(&byte)
}

/// Removes the trailing dot of a fully qualified name and the brackets of an IPv6 address.
fn normalized(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// A host pattern that is invalid. The message names the pattern and what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub struct HostPatternError(String);

impl fmt::Display for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a valid host pattern: write a host without scheme, port and path, or *. and a domain",
            self.0
        )
    }
}

/// Shows the message, for a `main` or a test that returns the error.
impl fmt::Debug for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for HostPatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_whole() {
        let policy =
            HostPolicy::only(["api.example.com", "*.internal", "[::1]", "10.0.0.1"]).unwrap();
        let table = [
            ("the host", "api.example.com", true),
            ("in another case", "API.Example.COM", true),
            ("fully qualified", "api.example.com.", true),
            ("a host below", "v1.api.example.com", false),
            ("a longer host", "api.example.com.evil.example", false),
            ("a host that ends alike", "evilapi.example.com", false),
            ("below a suffix", "pricing.internal", true),
            ("two below a suffix", "a.b.internal", true),
            ("the suffix itself", "internal", false),
            ("a name that ends like the suffix", "evilinternal", false),
            ("an empty name below", ".internal", false),
            ("an address", "10.0.0.1", true),
            ("an IPv6 address", "::1", true),
            ("with brackets", "[::1]", true),
            ("nothing", "", false),
        ];
        for (name, host, expected) in table {
            assert_eq!(policy.allows(host), expected, "{name}");
        }
        assert!(HostPolicy::all().allows("anyone.example"));
        assert!(!HostPolicy::none().allows("anyone.example"));
    }

    #[test]
    fn an_invalid_pattern_is_an_error_that_says_what_to_write() {
        for pattern in [
            "",
            "*",
            "*.",
            "a*.example",
            "*example",
            "https://a.example",
            "a.example/x",
            "a.example:80",
            "a b",
        ] {
            let error = HostPolicy::only([pattern]).unwrap_err();
            assert!(error.to_string().contains("write a host"), "{pattern}");
        }
    }
}
