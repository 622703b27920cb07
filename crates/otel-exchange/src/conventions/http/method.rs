//! `http.request.method`, and the methods that are known.

use std::borrow::Cow;
use std::env;
use std::sync::{Arc, Once};

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
#[derive(Debug, Clone)]
pub struct KnownMethods {
    has_default: bool,
    others: Arc<[Arc<str>]>,
}

impl Default for KnownMethods {
    /// Returns the list of the conventions: the methods of RFC 9110 and RFC 5789, and QUERY.
    fn default() -> Self {
        Self {
            has_default: true,
            others: Arc::new([]),
        }
    }
}

impl KnownMethods {
    /// The methods of WebDAV: those of RFC 4918 and of its extensions in IANA's registry, such as REPORT, ACL and MKCALENDAR.
    pub const WEBDAV: [&'static str; 27] = [
        // RFC 4918
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        // versions: RFC 3253
        "REPORT",
        "VERSION-CONTROL",
        "CHECKOUT",
        "CHECKIN",
        "UNCHECKOUT",
        "MKWORKSPACE",
        "UPDATE",
        "LABEL",
        "MERGE",
        "BASELINE-CONTROL",
        "MKACTIVITY",
        // RFC 3648, 3744, 4437, 4791, 5323, 5842
        "ORDERPATCH",
        "ACL",
        "MKREDIRECTREF",
        "UPDATEREDIRECTREF",
        "MKCALENDAR",
        "SEARCH",
        "BIND",
        "UNBIND",
        "REBIND",
    ];

    /// Makes a list of these methods only. An empty list gives the default.
    ///
    /// Blanks around a name do not count. A name that is not a method (RFC 9110, 9.1) is left out.
    #[must_use]
    pub fn new<M: AsRef<str>>(methods: impl IntoIterator<Item = M>) -> Self {
        let mut known = Self {
            has_default: false,
            others: Arc::new([]),
        };
        known.add(methods);
        if known.others.is_empty() {
            return Self::default();
        }
        known
    }

    /// Reads a comma-separated list, as [`new`](Self::new).
    #[must_use]
    pub fn from_list(list: &str) -> Self {
        Self::new(list.split(','))
    }

    /// Reads `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, a comma-separated list that replaces the default.
    ///
    /// Returns `None` if the variable is unset or names no method. Names that are not methods are reported once.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        static ONCE: Once = Once::new();
        let list = env::var(VARIABLE).ok()?;
        let is_invalid = |name: &&str| !name.trim().is_empty() && method(name).is_none();
        if let Some(invalid) = list.split(',').find(is_invalid) {
            ONCE.call_once(|| {
                tracing::warn!(
                    name: "invalid_variable",
                    { event.name = "invalid_variable" },
                    "{VARIABLE} has {invalid:?}, which is not an HTTP method and is left out; separate methods with commas"
                );
            });
        }
        let has_methods = list.split(',').any(|name| method(name).is_some());
        has_methods.then(|| Self::from_list(&list))
    }

    /// Adds methods to the list.
    pub(crate) fn add<M: AsRef<str>>(&mut self, methods: impl IntoIterator<Item = M>) {
        let mut others = self.others.to_vec();
        for name in methods {
            if let Some(name) = method(name.as_ref()) {
                others.push(Arc::from(name));
            }
        }
        self.others = others.into();
    }

    /// Finds a request's method among the known ones, without allocating.
    #[must_use]
    pub fn find(&self, method: &Method) -> RequestMethod {
        let method = method.as_str();
        if self.has_default {
            if let Some(known) = DEFAULT.into_iter().find(|known| *known == method) {
                return RequestMethod(Found::Default(known));
            }
        }
        let configured = self.others.iter().find(|known| ***known == *method);
        RequestMethod(match configured {
            Some(known) => Found::Configured(Arc::clone(known)),
            None => Found::Other,
        })
    }
}

/// Returns the name without the blanks around it. Returns `None` if it is not a method.
fn method(name: &str) -> Option<&str> {
    let name = name.trim();
    Method::from_bytes(name.as_bytes()).is_ok().then_some(name)
}

impl IntoIterator for KnownMethods {
    type Item = Arc<str>;
    type IntoIter = std::vec::IntoIter<Arc<str>>;

    /// Returns the names of the methods.
    fn into_iter(self) -> Self::IntoIter {
        let default = DEFAULT.into_iter().filter(|_| self.has_default);
        let mut names: Vec<Arc<str>> = default.map(Arc::from).collect();
        names.extend(self.others.iter().cloned());
        names.into_iter()
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

    fn words(known: &KnownMethods, methods: &[&str]) -> Vec<String> {
        let found = methods.iter().map(|it| known.find(&it.parse().unwrap()));
        found.map(|it| it.word().to_owned()).collect()
    }

    #[test]
    fn a_list_replaces_the_default() {
        let known = KnownMethods::from_list("BREW, GET,");
        assert_eq!(
            words(&known, &["BREW", "GET", "POST"]),
            ["BREW", "GET", "HTTP"]
        );
        assert_eq!(known.find(&"BREW".parse().unwrap()).name(), "BREW");
    }

    #[test]
    fn added_methods_keep_the_list_and_webdav_is_one_of_its_constants() {
        let mut known = KnownMethods::default();
        known.add(KnownMethods::WEBDAV);
        let methods = ["GET", "PROPFIND", "REPORT", "MKCALENDAR", "BREW"];
        let expected = ["GET", "PROPFIND", "REPORT", "MKCALENDAR", "HTTP"];
        assert_eq!(words(&known, &methods), expected);
        let names: Vec<_> = known.clone().into_iter().collect();
        assert_eq!(names.len(), DEFAULT.len() + KnownMethods::WEBDAV.len());
        assert_eq!(words(&KnownMethods::new(names), &methods), expected);
        let mut only = KnownMethods::new(["BREW"]);
        only.add(["WHEN"]);
        assert_eq!(
            words(&only, &["BREW", "WHEN", "GET"]),
            ["BREW", "WHEN", "HTTP"]
        );
    }

    #[test]
    fn blanks_around_names_do_not_count_and_what_is_no_method_is_left_out() {
        let known = KnownMethods::new([" BREW\t", "", "TWO WORDS", "G\u{cb}T", "x,y"]);
        assert_eq!(&*known.others, [Arc::from("BREW")]);
    }

    #[test]
    fn an_empty_list_is_the_default() {
        for list in ["", " , ", "two words"] {
            let known = KnownMethods::from_list(list);
            assert_eq!(words(&known, &["POST"]), ["POST"], "{list:?}");
        }
    }
}
