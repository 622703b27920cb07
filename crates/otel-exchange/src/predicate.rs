//! Predicates on the head of a request, for [`skip`](crate::CommonOptions::add_skip) and similar options.
//!
//! ```
//! use http::Method;
//! use otel_exchange::predicate::{self, Predicate};
//!
//! let probes = predicate::path("/health").or(predicate::path_prefix("/internal"));
//! let options = predicate::method(Method::OPTIONS).and(predicate::path_prefix("/api").not());
//! let own = Predicate::new(|request| request.uri().query() == Some("probe"));
//! let any = probes.or(options).or(own);
//! # let request = http::Request::get("/internal/ready").body(()).unwrap();
//! # assert!(any.matches(&otel_exchange::RequestHead::from_request(&request)));
//! ```

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderName, Method};
use otel_core::RequestHead;

/// A condition on the head of a request.
#[derive(Clone)]
pub struct Predicate(Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>);

impl Predicate {
    /// Makes a predicate from a function.
    #[must_use]
    pub fn new(matches: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }

    /// Matches requests that both predicates match.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::new(move |request| self.matches(request) && other.matches(request))
    }

    /// Matches requests that at least one of the predicates matches.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(move |request| self.matches(request) || other.matches(request))
    }

    /// Matches requests that this predicate does not match.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "reads like `and` and `or`")]
    pub fn not(self) -> Self {
        Self::new(move |request| !self.matches(request))
    }

    /// Returns `true` if the request matches.
    #[must_use]
    pub fn matches(&self, request: &RequestHead<'_>) -> bool {
        (self.0)(request)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

/// Matches requests with exactly this path.
#[must_use]
pub fn path(path: impl Into<String>) -> Predicate {
    let path = path.into();
    Predicate::new(move |request| request.uri().path() == path)
}

/// Matches requests with this path and all paths below it: `/health` matches `/health/live`, but not `/healthy`.
#[must_use]
pub fn path_prefix(prefix: impl Into<String>) -> Predicate {
    let prefix = prefix.into();
    let prefix = prefix.trim_end_matches('/').to_owned();
    Predicate::new(move |request| {
        let rest = request.uri().path().strip_prefix(prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Matches requests with this method.
#[must_use]
pub fn method(method: Method) -> Predicate {
    Predicate::new(move |request| request.method() == method)
}

/// Matches requests that have this header, with any value.
#[must_use]
pub fn has_header(name: HeaderName) -> Predicate {
    Predicate::new(move |request| request.headers().contains_key(&name))
}

/// Matches requests that have this header with exactly this value, on at least one of its lines.
#[must_use]
pub fn header(name: HeaderName, value: impl Into<String>) -> Predicate {
    let value = value.into();
    Predicate::new(move |request| {
        let mut lines = request.headers().get_all(&name).iter();
        lines.any(|line| line.as_bytes() == value.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use ::http::Request;
    use ::http::header::USER_AGENT;

    use super::*;

    #[test]
    fn ready_made_predicates() {
        let agent = || header(USER_AGENT, "probe/1");
        let table: [(&str, Predicate, &str, bool); 10] = [
            ("a path", path("/health"), "GET /health", true),
            (
                "a path with a query",
                path("/health"),
                "GET /health?x",
                true,
            ),
            ("a path below", path("/health"), "GET /health/live", false),
            (
                "a prefix itself",
                path_prefix("/health/"),
                "GET /health",
                true,
            ),
            (
                "below a prefix",
                path_prefix("/health"),
                "GET /health/live",
                true,
            ),
            (
                "a longer word",
                path_prefix("/health"),
                "GET /healthy",
                false,
            ),
            ("a method", method(Method::OPTIONS), "OPTIONS /health", true),
            ("another method", method(Method::PUT), "GET /put", false),
            ("a header", has_header(USER_AGENT), "GET /", true),
            ("a header's value", agent(), "GET /", true),
        ];
        for (name, predicates, line, expected) in table {
            let (method, target) = line.split_once(' ').unwrap();
            let request = Request::builder().method(method).uri(target);
            let request = request.header(USER_AGENT, "probe/1").body(()).unwrap();
            let matches = predicates.matches(&RequestHead::from_request(&request));
            assert_eq!(matches, expected, "{name}");
        }
        let request = Request::get("/").header(USER_AGENT, "probe/2");
        let request = request.body(()).unwrap();
        assert!(!agent().matches(&RequestHead::from_request(&request)));
    }

    #[test]
    fn predicates_combine() {
        let request = Request::get("/b?probe").body(()).unwrap();
        let head = RequestHead::from_request(&request);
        let (a, b) = (path("/a"), path("/b"));
        let table = [
            ("or, first", b.clone().or(a.clone()), true),
            ("or, second", a.clone().or(b.clone()), true),
            ("or, neither", a.clone().or(a.clone()), false),
            ("and, both", b.clone().and(b.clone()), true),
            ("and, one", b.clone().and(a.clone()), false),
            ("not", a.not(), true),
            ("not, matched", b.not(), false),
            (
                "a function",
                Predicate::new(|request| request.uri().query() == Some("probe")),
                true,
            ),
        ];
        for (name, predicate, expected) in table {
            assert_eq!(predicate.matches(&head), expected, "{name}");
        }
    }
}
