//! `http.request.method`, and the methods that are known.

use std::borrow::Cow;
use std::env;
use std::sync::Arc;

use ::http::Method;
use opentelemetry::StringValue;

/// RFC 9110, RFC 5789 (PATCH) and the IETF draft of QUERY.
const DEFAULT: [&str; 10] = [
    "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY",
];
const OTHER: &str = "_OTHER";
/// Replaces an unknown method in the name of a span.
const HTTP: &str = "HTTP";
const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// The methods that may appear as `http.request.method`. All others are `_OTHER`, so an untrusted client cannot create
/// values without bound.
///
/// Methods are case-sensitive, as in hyper.
#[derive(Debug, Clone, Default)]
pub struct KnownMethods(Option<Arc<[Arc<str>]>>);

impl KnownMethods {
    /// Reads `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, a comma-separated list that replaces the default.
    ///
    /// If the variable is unset or empty, the default is used: the methods of RFC 9110 and RFC 5789, and QUERY.
    #[must_use]
    pub fn from_env() -> Self {
        env::var(VARIABLE).map_or_else(|_| Self::default(), |list| Self::from_list(&list))
    }

    /// Reads a comma-separated list. An empty list gives the default.
    #[must_use]
    pub fn from_list(list: &str) -> Self {
        let names: Vec<Arc<str>> = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(Arc::from)
            .collect();
        Self((!names.is_empty()).then(|| names.into()))
    }

    /// Finds a request's method among the known ones, without allocating.
    #[must_use]
    pub fn find(&self, method: &Method) -> RequestMethod {
        let method = method.as_str();
        RequestMethod(match &self.0 {
            None => DEFAULT
                .into_iter()
                .find(|known| *known == method)
                .map_or(Found::Other, Found::Default),
            Some(configured) => configured
                .iter()
                .find(|known| ***known == *method)
                .map_or(Found::Other, |known| Found::Configured(Arc::clone(known))),
        })
    }
}

/// The method of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMethod(Found);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Default(&'static str),
    Configured(Arc<str>),
    Other,
}

impl RequestMethod {
    /// Returns the value of `http.request.method`: the method, or `_OTHER`.
    #[must_use]
    pub fn value(&self) -> StringValue {
        match &self.0 {
            Found::Default(known) => (*known).into(),
            Found::Configured(known) => Arc::clone(known).into(),
            Found::Other => OTHER.into(),
        }
    }

    /// Returns the first word of a span's name: the method, or `HTTP`.
    #[must_use]
    pub fn word(&self) -> &str {
        match &self.0 {
            Found::Default(known) => known,
            Found::Configured(known) => known,
            Found::Other => HTTP,
        }
    }

    /// Returns the same word as a span's name.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match &self.0 {
            Found::Default(known) => Cow::Borrowed(known),
            Found::Configured(known) => Cow::Owned(known.as_ref().to_owned()),
            Found::Other => Cow::Borrowed(HTTP),
        }
    }

    /// Returns `true` if the method is unknown. `http.request.method_original` then has the method as it was sent.
    #[must_use]
    pub fn is_other(&self) -> bool {
        self.0 == Found::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods_keep_their_names_and_all_others_are_other() {
        let table = [
            ("the common one", "GET", "GET", "GET"),
            ("the draft", "QUERY", "QUERY", "QUERY"),
            ("another case is another method", "get", "_OTHER", "HTTP"),
            ("an unknown one", "BREW", "_OTHER", "HTTP"),
        ];
        for (name, method, value, word) in table {
            let found = KnownMethods::default().find(&method.parse().unwrap());
            assert_eq!(found.value().as_str(), value, "{name}");
            assert_eq!(found.word(), word, "{name}");
            assert!(
                matches!(found.name(), Cow::Borrowed(it) if it == word),
                "{name}"
            );
            assert_eq!(found.is_other(), value == "_OTHER", "{name}");
        }
    }

    #[test]
    fn a_list_replaces_the_default() {
        let known = KnownMethods::from_list("BREW, GET,");
        assert_eq!(known.find(&"BREW".parse().unwrap()).word(), "BREW");
        assert_eq!(known.find(&"BREW".parse().unwrap()).name(), "BREW");
        assert_eq!(known.find(&Method::GET).word(), "GET");
        assert!(known.find(&Method::POST).is_other());
    }

    #[test]
    fn an_empty_list_is_the_default() {
        assert!(
            !KnownMethods::from_list(" , ")
                .find(&Method::POST)
                .is_other()
        );
    }
}
