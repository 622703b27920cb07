//! Questions about a request that policies ask: ready-made ones, and any function.
//!
//! ```
//! use http::Method;
//! use otel_core::predicate::{self, AnyOf};
//!
//! let mut probes = AnyOf::default();
//! probes.add(predicate::path("/health"));
//! probes.add(predicate::path_prefix("/internal"));
//! probes.add(predicate::method(Method::OPTIONS));
//! probes.add(|request: &otel_core::RequestHead<'_>| request.uri().query() == Some("probe"));
//! # let request = http::Request::get("/internal/ready").body(()).unwrap();
//! # assert!(probes.matches(&otel_core::RequestHead::of(&request)));
//! ```

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::http::{HeaderName, Method};

use crate::RequestHead;

/// Matches requests for exactly this path.
pub fn path(path: impl Into<String>) -> impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static {
    let path = path.into();
    move |request| request.uri().path() == path
}

/// Matches requests for this path and all below it: `/health` matches `/health/live`, but not `/healthy`.
pub fn path_prefix(
    prefix: impl Into<String>,
) -> impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static {
    let prefix = prefix.into();
    let prefix = prefix.trim_end_matches('/').to_owned();
    move |request| {
        let rest = request.uri().path().strip_prefix(prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Matches requests with this method.
pub fn method(method: Method) -> impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static {
    move |request| request.method() == method
}

/// Matches requests that have this header, with any value.
pub fn has_header(name: HeaderName) -> impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static {
    move |request| request.headers().contains_key(&name)
}

/// Matches requests one of whose lines of this header is exactly this value.
pub fn header(
    name: HeaderName,
    value: impl Into<String>,
) -> impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static {
    let value = value.into();
    move |request| {
        let lines = request.headers().get_all(&name);
        lines.iter().any(|line| line.as_bytes() == value.as_bytes())
    }
}

type Predicate = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

/// A list of predicates; a request matches if one of them does. By default none does.
#[derive(Clone, Default)]
pub struct AnyOf(Vec<Predicate>);

impl AnyOf {
    /// Adds a predicate.
    pub fn add(&mut self, predicate: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) {
        self.0.push(Arc::new(predicate));
    }

    /// Whether nothing matches, since there is no predicate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the predicates matches.
    #[must_use]
    pub fn matches(&self, request: &RequestHead<'_>) -> bool {
        self.0.iter().any(|predicate| predicate(request))
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyOf").field(&self.0.len()).finish()
    }
}

/// Asks a user's function; one that panics has no answer, and the request goes on. For instrumentations.
pub fn ask<T>(what: &'static str, function: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(function));
    if answer.is_err() {
        tracing::warn!(
            "the function for `{what}` panicked; the request goes on without its answer"
        );
    }
    answer.ok()
}

#[cfg(test)]
mod tests {
    use ::http::Request;
    use ::http::header::USER_AGENT;

    use super::*;

    #[test]
    fn ready_made_predicates() {
        let agent = || header(USER_AGENT, "probe/1");
        let table: [(&str, AnyOf, &str, bool); 11] = [
            ("nothing", AnyOf::default(), "GET /health", false),
            ("a path", one(path("/health")), "GET /health", true),
            (
                "a path with a query",
                one(path("/health")),
                "GET /health?x",
                true,
            ),
            (
                "a path below",
                one(path("/health")),
                "GET /health/live",
                false,
            ),
            (
                "a prefix itself",
                one(path_prefix("/health/")),
                "GET /health",
                true,
            ),
            (
                "below a prefix",
                one(path_prefix("/health")),
                "GET /health/live",
                true,
            ),
            (
                "a longer word",
                one(path_prefix("/health")),
                "GET /healthy",
                false,
            ),
            (
                "a method",
                one(method(Method::OPTIONS)),
                "OPTIONS /health",
                true,
            ),
            (
                "another method",
                one(method(Method::PUT)),
                "GET /put",
                false,
            ),
            ("a header", one(has_header(USER_AGENT)), "GET /", true),
            ("a header's value", one(agent()), "GET /", true),
        ];
        for (name, predicates, line, expected) in table {
            let (method, target) = line.split_once(' ').unwrap();
            let request = Request::builder().method(method).uri(target);
            let request = request.header(USER_AGENT, "probe/1").body(()).unwrap();
            let matches = predicates.matches(&RequestHead::of(&request));
            assert_eq!(matches, expected, "{name}");
        }
        let request = Request::get("/").header(USER_AGENT, "probe/2");
        let request = request.body(()).unwrap();
        assert!(!one(agent()).matches(&RequestHead::of(&request)));
    }

    #[test]
    fn one_of_several_is_enough() {
        let mut either = one(path("/a"));
        either.add(path("/b"));
        let request = Request::get("/b").body(()).unwrap();
        assert!(either.matches(&RequestHead::of(&request)));
    }

    fn one(predicate: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> AnyOf {
        let mut list = AnyOf::default();
        list.add(predicate);
        list
    }
}
