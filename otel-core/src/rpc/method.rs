//! `rpc.method`, and what to do with methods no one knows.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::StringValue;

use super::attribute::GRPC;

const OTHER: &str = "_OTHER";

/// The methods that may appear as `rpc.method`; all others are `_OTHER`, so that a stranger cannot invent values without
/// end.
///
/// Clones share what they know.
#[derive(Clone)]
pub struct RpcMethods(Arc<Rule>);

enum Rule {
    Any,
    Only(HashSet<Arc<str>>),
    Answered(RwLock<HashSet<Arc<str>>>),
}

impl RpcMethods {
    /// Takes every method for known. For clients, whose methods come from their own code.
    #[must_use]
    pub fn any() -> Self {
        Self(Arc::new(Rule::Any))
    }

    /// Takes these methods for known, each as `package.Service/Method`.
    #[must_use]
    pub fn only(methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let methods = methods.into_iter();
        let methods = methods.map(|method| Arc::from(method.as_ref())).collect();
        Self(Arc::new(Rule::Only(methods)))
    }

    /// Takes a method for known once it has been answered, with anything but `UNIMPLEMENTED`. For servers.
    ///
    /// Up to 1,024 methods of up to 256 bytes.
    #[must_use]
    pub fn answered() -> Self {
        Self(Arc::new(Rule::Answered(RwLock::default())))
    }

    /// Reads the path of a request, `/package.Service/Method`.
    #[must_use]
    pub fn find(&self, path: &str) -> RpcMethod {
        let Some(method) = path.strip_prefix('/').filter(|method| is_method(method)) else {
            return RpcMethod::new(path.into(), State::Other);
        };
        let (known, otherwise) = match &*self.0 {
            Rule::Any => (None, State::Known),
            Rule::Only(methods) => (methods.get(method).cloned(), State::Other),
            Rule::Answered(methods) => {
                let methods = methods.read().unwrap_or_else(PoisonError::into_inner);
                (methods.get(method).cloned(), State::Open)
            }
        };
        match known {
            Some(known) => RpcMethod::new(known, State::Known),
            None => RpcMethod::new(method.into(), otherwise),
        }
    }

    /// Decides whether a method is known that was not yet, by whether it has been answered.
    pub(crate) fn settle(&self, method: &mut RpcMethod, is_answered: bool) {
        if method.is_settled() {
            return;
        }
        let is_known = is_answered && self.learn(&method.text);
        method.state = if is_known { State::Known } else { State::Other };
    }

    fn learn(&self, method: &Arc<str>) -> bool {
        let Rule::Answered(methods) = &*self.0 else {
            return false;
        };
        let mut methods = methods.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have been first.
        if methods.contains(method) {
            return true;
        }
        let has_room = methods.len() < MOST && method.len() <= LONGEST;
        has_room && methods.insert(Arc::clone(method))
    }
}

impl fmt::Debug for RpcMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Rule::Any => "any",
            Rule::Only(_) => "only",
            Rule::Answered(_) => "answered",
        })
    }
}

/// A call's method as the conventions want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcMethod {
    text: Arc<str>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Other,
    /// The answer will say.
    Open,
}

impl RpcMethod {
    fn new(text: Arc<str>, state: State) -> Self {
        Self { text, state }
    }

    /// Whether it is known or known to be none.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state != State::Open
    }

    /// The value of `rpc.method`: the method, or `_OTHER`.
    #[must_use]
    pub fn value(&self) -> StringValue {
        match self.state {
            State::Known => Arc::clone(&self.text).into(),
            State::Other | State::Open => OTHER.into(),
        }
    }

    /// What was sent, where that is not the value of `rpc.method`.
    #[must_use]
    pub fn original(&self) -> Option<StringValue> {
        (self.state != State::Known).then(|| Arc::clone(&self.text).into())
    }

    /// The name of a span: the method, also while its answer is awaited, or `grpc`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.state {
            State::Known | State::Open => &self.text,
            State::Other => GRPC,
        }
    }
}

/// Service and method are all there is to a path (gRPC over HTTP/2, "Requests").
fn is_method(text: &str) -> bool {
    let parts = text.split_once('/');
    parts.is_some_and(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    })
}

const MOST: usize = 1024;
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTE: &str = "/shop.Pricing/Quote";

    fn told(method: &RpcMethod) -> (String, Option<String>, &str) {
        let original = method.original().map(|original| original.to_string());
        (method.value().to_string(), original, method.name())
    }

    #[test]
    fn a_method_is_service_and_method() {
        let methods = RpcMethods::any();
        assert_eq!(
            told(&methods.find(QUOTE)),
            ("shop.Pricing/Quote".to_owned(), None, "shop.Pricing/Quote")
        );
        for path in ["", "/", "*", "/a", "/a/", "//a", "/a/b/", "/a/b/c", "a/b"] {
            let expected = ("_OTHER".to_owned(), Some(path.to_owned()), "grpc");
            assert_eq!(told(&methods.find(path)), expected, "{path:?}");
        }
    }

    #[test]
    fn only_those_named_are_known() {
        let methods = RpcMethods::only(["shop.Pricing/Quote"]);
        assert_eq!(methods.find(QUOTE).name(), "shop.Pricing/Quote");
        let mut other = methods.find("/shop.Pricing/Steal");
        methods.settle(&mut other, true);
        assert_eq!(other.name(), "grpc");
    }

    #[test]
    fn a_method_is_known_once_it_has_been_answered() {
        let methods = RpcMethods::answered();
        let mut first = methods.find(QUOTE);
        assert!(!first.is_settled());
        assert_eq!(first.name(), "shop.Pricing/Quote");
        methods.settle(&mut first, false);
        assert_eq!(
            told(&first),
            (
                "_OTHER".to_owned(),
                Some("shop.Pricing/Quote".to_owned()),
                "grpc"
            )
        );
        let mut second = methods.find(QUOTE);
        methods.settle(&mut second, true);
        assert_eq!(second.value().as_str(), "shop.Pricing/Quote");
        // It stays known, also where it then answers that there is none.
        let mut third = methods.find(QUOTE);
        assert!(third.is_settled());
        methods.settle(&mut third, false);
        assert_eq!(third.value().as_str(), "shop.Pricing/Quote");
    }

    #[test]
    fn methods_without_end_do_not_fill_the_memory() {
        let methods = RpcMethods::answered();
        let mut learnt = 0;
        for number in 0..2 * MOST {
            let mut method = methods.find(&format!("/shop.Pricing/Quote{number}"));
            methods.settle(&mut method, true);
            learnt += usize::from(method.original().is_none());
        }
        assert_eq!(learnt, MOST);
        let mut long = RpcMethods::answered().find(&format!("/shop/{}", "x".repeat(LONGEST)));
        RpcMethods::answered().settle(&mut long, true);
        assert_eq!(long.name(), "grpc");
    }
}
