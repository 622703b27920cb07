//! Which hosts are sent our trace and our baggage: the trust boundary on the way out.

use std::fmt;
use std::sync::Arc;

use ::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;

use crate::propagator::PropagatorChoice;

const BAGGAGE: &str = "baggage";

/// A set of hosts.
///
/// Hosts are compared without regard to case and to a dot at the end; ports do not count.
///
/// ```
/// use otel_core::outgoing::HostPolicy;
///
/// let ours = HostPolicy::only(["api.example.com", "*.internal.example.com"])?;
/// assert!(ours.allows("pricing.internal.example.com"));
/// assert!(!ours.allows("api.example.com.evil.example"));
/// # Ok::<(), otel_core::outgoing::HostPatternError>(())
/// ```
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
    /// With its leading dot.
    Suffix(String),
}

impl HostPolicy {
    /// Every host. The default.
    #[must_use]
    pub fn all() -> Self {
        Self(Hosts::All)
    }

    /// No host.
    #[must_use]
    pub fn none() -> Self {
        Self(Hosts::Only(Arc::new([])))
    }

    /// The named hosts: exact ones such as `api.example.com` or `::1`, and `*.example.com` for everything below
    /// `example.com`, which is not itself among them.
    ///
    /// # Errors
    ///
    /// When a pattern is empty, has a `*` anywhere but in a leading `*.`, or holds what no host holds, such as a scheme
    /// or a path.
    pub fn only(
        patterns: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, HostPatternError> {
        let patterns: Result<Vec<_>, _> = patterns
            .into_iter()
            .map(|pattern| Pattern::parse(pattern.as_ref()))
            .collect();
        Ok(Self(Hosts::Only(patterns?.into())))
    }

    /// Whether the host is in the set. An IPv6 address may come with or without its brackets.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        match &self.0 {
            Hosts::All => true,
            Hosts::Only(patterns) => {
                let host = normal(host);
                patterns.iter().any(|pattern| pattern.matches(host))
            }
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, HostPatternError> {
        let host = normal(text).to_ascii_lowercase();
        let (name, pattern) = match host.strip_prefix('*') {
            Some(suffix) => {
                let name = suffix.strip_prefix('.').unwrap_or_default();
                (name, Self::Suffix(suffix.to_owned()))
            }
            None => (host.as_str(), Self::Exact(host.clone())),
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:".contains(&byte);
        let is_address = name.parse::<std::net::Ipv6Addr>().is_ok();
        let is_valid = !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(is_host)
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

/// Without the dot that ends a fully qualified name, and without an IPv6 address's brackets.
fn normal(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Says which pattern is none and what to write.
#[derive(Clone, PartialEq, Eq)]
pub struct HostPatternError(String);

impl fmt::Display for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no host pattern: write a host without scheme, port and path, or *. and a domain",
            self.0
        )
    }
}

/// The message, for a `main` or a test that returns the error.
impl fmt::Debug for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for HostPatternError {}

/// Decides which hosts are sent what, for the trace and for the baggage apart. Default: both to all.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    trace: HostPolicy,
    baggage: HostPolicy,
}

impl Outgoing {
    /// Sends the trace to these hosts alone.
    #[must_use]
    pub fn trace(mut self, hosts: HostPolicy) -> Self {
        self.trace = hosts;
        self
    }

    /// Sends the baggage to these hosts alone.
    #[must_use]
    pub fn baggage(mut self, hosts: HostPolicy) -> Self {
        self.baggage = hosts;
        self
    }

    /// Whether no host is excluded from anything.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        matches!((&self.trace.0, &self.baggage.0), (Hosts::All, Hosts::All))
    }

    /// Writes into the headers what this host may see, in place of whatever the propagator's fields held before.
    pub fn inject(
        &self,
        propagator: &PropagatorChoice,
        context: &Context,
        host: &str,
        headers: &mut HeaderMap,
    ) {
        let (trace, baggage) = (self.trace.allows(host), self.baggage.allows(host));
        propagator.inject(context, headers);
        if !trace {
            propagator.with(|propagator| remove(propagator, headers, |field| !is_baggage(field)));
        }
        if !baggage {
            headers.remove(BAGGAGE);
        }
    }
}

fn remove(propagator: &dyn TextMapPropagator, headers: &mut HeaderMap, which: fn(&str) -> bool) {
    for field in propagator.fields().filter(|field| which(field)) {
        headers.remove(field);
    }
}

fn is_baggage(field: &str) -> bool {
    field.eq_ignore_ascii_case(BAGGAGE)
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry::baggage::BaggageExt as _;

    use super::*;
    use crate::propagation::CompositePropagator;

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
    fn what_is_no_pattern_is_an_error_that_says_what_to_write() {
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

    #[test]
    fn trace_and_baggage_are_decided_apart_and_old_fields_always_go() {
        let ours = || HostPolicy::only(["ours.example"]).unwrap();
        // name, policy, host, trace, baggage
        let table = [
            (
                "the default",
                Outgoing::default(),
                "any.example",
                true,
                true,
            ),
            (
                "trace to ours, at ours",
                Outgoing::default().trace(ours()),
                "ours.example",
                true,
                true,
            ),
            (
                "trace to ours, elsewhere",
                Outgoing::default().trace(ours()),
                "any.example",
                false,
                true,
            ),
            (
                "baggage to ours, elsewhere",
                Outgoing::default().baggage(ours()),
                "any.example",
                true,
                false,
            ),
            (
                "neither",
                Outgoing::default().trace(ours()).baggage(ours()),
                "any.example",
                false,
                false,
            ),
        ];
        assert!(Outgoing::default().is_unrestricted());
        assert!(!Outgoing::default().trace(ours()).is_unrestricted());
        assert!(!Outgoing::default().baggage(ours()).is_unrestricted());
        let propagator: CompositePropagator = "tracecontext,b3,b3multi,baggage".parse().unwrap();
        let propagator = PropagatorChoice::own(propagator);
        let mut incoming = HeaderMap::new();
        incoming.insert(
            "b3",
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"
                .parse()
                .unwrap(),
        );
        let context = propagator
            .extract(&Context::new(), &incoming)
            .with_baggage([KeyValue::new("user", "ada")]);
        for (name, policy, host, trace, baggage) in table {
            let mut headers = HeaderMap::new();
            headers.insert("x-b3-traceid", "old".parse().unwrap());
            headers.insert("tracestate", "old=1".parse().unwrap());
            headers.insert("baggage", "old=1".parse().unwrap());
            headers.insert("accept", "*/*".parse().unwrap());
            policy.inject(&propagator, &context, host, &mut headers);
            for field in ["traceparent", "b3", "x-b3-traceid"] {
                assert_eq!(headers.contains_key(field), trace, "{name}: {field}");
            }
            assert_eq!(headers.contains_key("baggage"), baggage, "{name}");
            assert!(headers.contains_key("accept"), "{name}");
            assert!(
                !format!("{headers:?}").contains("old"),
                "{name}: {headers:?}"
            );
        }
    }
}
