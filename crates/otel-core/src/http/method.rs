//! `http.request.method` and what to do with methods no one knows.

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
/// Stands in a span's name for a method no one knows.
const HTTP: &str = "HTTP";
const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// The methods that may appear as `http.request.method`; all others are `_OTHER`, so that a stranger cannot invent
/// values without end.
///
/// Methods are compared with regard to case, as hyper does.
#[derive(Debug, Clone, Default)]
pub struct KnownMethods(Option<Arc<[Arc<str>]>>);

impl KnownMethods {
    /// Reads `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`: a list with commas that replaces the default one.
    ///
    /// Unset or empty, the default counts: the methods of RFC 9110 and RFC 5789, and QUERY.
    #[must_use]
    pub fn from_env() -> Self {
        env::var(VARIABLE).map_or_else(|_| Self::default(), |list| Self::from_list(&list))
    }

    /// Reads such a list. An empty one is the default.
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

/// A request's method as the conventions want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMethod(Found);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Default(&'static str),
    Configured(Arc<str>),
    Other,
}

impl RequestMethod {
    /// The value of `http.request.method`: the method, or `_OTHER`.
    #[must_use]
    pub fn value(&self) -> StringValue {
        match &self.0 {
            Found::Default(known) => (*known).into(),
            Found::Configured(known) => Arc::clone(known).into(),
            Found::Other => OTHER.into(),
        }
    }

    /// The word in a span's name: the method, or `HTTP`.
    #[must_use]
    pub fn word(&self) -> &str {
        match &self.0 {
            Found::Default(known) => known,
            Found::Configured(known) => known,
            Found::Other => HTTP,
        }
    }

    /// The same word as a whole name, borrowed where it lives for ever.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match &self.0 {
            Found::Default(known) => Cow::Borrowed(known),
            Found::Configured(known) => Cow::Owned(known.as_ref().to_owned()),
            Found::Other => Cow::Borrowed(HTTP),
        }
    }

    /// Whether the method is unknown, so that `http.request.method_original` has to say what was sent.
    #[must_use]
    pub fn is_other(&self) -> bool {
        self.0 == Found::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods_stay_and_all_others_are_other() {
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
