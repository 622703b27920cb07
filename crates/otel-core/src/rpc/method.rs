//! `rpc.method`, and what to do with methods no one knows.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::StringValue;

use super::attribute::GRPC;
use crate::kept_names::{Kind, find_or_keep};

const OTHER: &str = "_OTHER";

/// The methods that may appear as `rpc.method`; all others are `_OTHER`, so that a stranger cannot invent values without
/// end.
///
/// Clones share what they know.
#[derive(Clone)]
pub struct RpcMethods(Arc<Rule>);

enum Rule {
    Any,
    Only(HashSet<Box<str>>),
    Answered(RwLock<HashSet<&'static str>>),
}

impl RpcMethods {
    /// Takes every method for known, up to the 1,024 names that a process keeps. For clients, whose methods come from their
    /// own code.
    #[must_use]
    pub fn any() -> Self {
        Self(Arc::new(Rule::Any))
    }

    /// Takes these methods for known, each as `package.Service/Method`.
    #[must_use]
    pub fn only(methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let methods = methods.into_iter();
        let methods = methods.map(|method| method.as_ref().into()).collect();
        Self(Arc::new(Rule::Only(methods)))
    }

    /// Takes a method for known once its handler has answered it. For servers.
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
            return RpcMethod::new(Text::new(path), State::Other);
        };
        match &*self.0 {
            Rule::Any => match find_or_keep(Kind::Called, method, None) {
                Some(kept) => RpcMethod::new(Text::Kept(kept), State::Known),
                None => RpcMethod::new(Text::new(method), State::Other),
            },
            Rule::Only(methods) if methods.contains(method) => {
                let kept = find_or_keep(Kind::Called, method, None).map(Text::Kept);
                RpcMethod::new(kept.unwrap_or_else(|| Text::new(method)), State::Known)
            }
            Rule::Only(_) => RpcMethod::new(Text::new(method), State::Other),
            Rule::Answered(methods) => {
                let methods = methods.read().unwrap_or_else(PoisonError::into_inner);
                match methods.get(method) {
                    Some(known) => RpcMethod::new(Text::Kept(known), State::Known),
                    None => RpcMethod::new(Text::new(method), State::Open),
                }
            }
        }
    }

    /// Decides whether a method is known that was not yet, by whether it has been answered.
    pub(crate) fn settle(&self, method: &mut RpcMethod, is_answered: bool) {
        if method.is_settled() {
            return;
        }
        let learnt = is_answered.then(|| self.learn(&method.text)).flatten();
        method.state = if learnt.is_some() {
            State::Known
        } else {
            State::Other
        };
        if let Some(kept) = learnt {
            method.text = Text::Kept(kept);
        }
    }

    fn learn(&self, method: &Text) -> Option<&'static str> {
        let Rule::Answered(methods) = &*self.0 else {
            return None;
        };
        let text = method.as_str();
        let is_full = || methods.read().unwrap_or_else(PoisonError::into_inner).len() >= MOST;
        if text.len() > LONGEST || is_full() {
            return None;
        }
        let kept = find_or_keep(Kind::Answered, text, None)?;
        let mut methods = methods.write().unwrap_or_else(PoisonError::into_inner);
        methods.insert(kept);
        Some(kept)
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
    text: Text,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    /// For good.
    Kept(&'static str),
    Own(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Other,
    /// The answer will say.
    Open,
}

impl RpcMethod {
    fn new(text: Text, state: State) -> Self {
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
            State::Known => self.text.value(),
            State::Other | State::Open => OTHER.into(),
        }
    }

    /// What was sent, where that is not the value of `rpc.method`.
    #[must_use]
    pub fn original(&self) -> Option<StringValue> {
        (self.state != State::Known).then(|| self.text.value())
    }

    /// The name of a span: the method, also while its answer is awaited, or `grpc`.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match (&self.text, self.state) {
            (_, State::Other) => Cow::Borrowed(GRPC),
            (Text::Kept(text), _) => Cow::Borrowed(text),
            (Text::Own(text), _) => Cow::Owned(text.as_ref().to_owned()),
        }
    }
}

impl Text {
    fn new(text: &str) -> Self {
        Self::Own(text.into())
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Kept(text) => text,
            Self::Own(text) => text,
        }
    }

    fn value(&self) -> StringValue {
        match self {
            Self::Kept(text) => StringValue::from(*text),
            Self::Own(text) => Arc::clone(text).into(),
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

    fn told(method: &RpcMethod) -> (String, Option<String>, Cow<'static, str>) {
        let original = method.original().map(|original| original.to_string());
        (method.value().to_string(), original, method.name())
    }

    #[test]
    fn a_method_is_service_and_method() {
        let methods = RpcMethods::any();
        assert_eq!(
            told(&methods.find(QUOTE)),
            (
                "shop.Pricing/Quote".to_owned(),
                None,
                "shop.Pricing/Quote".into()
            )
        );
        for path in ["", "/", "*", "/a", "/a/", "//a", "/a/b/", "/a/b/c", "a/b"] {
            let expected = ("_OTHER".to_owned(), Some(path.to_owned()), "grpc".into());
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
                "grpc".into()
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
}
