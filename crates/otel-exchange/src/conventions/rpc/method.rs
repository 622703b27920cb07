//! `rpc.method`, and the methods that are known.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::StringValue;

use super::attribute::GRPC;
use crate::name_set::NameKind;
use crate::text_cache;

const OTHER: &str = "_OTHER";
const MAX_ANSWERED: usize = 1024;
const MAX_ANSWERED_LENGTH: usize = 256;

/// The methods that may appear as `rpc.method`. All others are `_OTHER`, so an untrusted client cannot create values
/// without bound.
///
/// Clones share what they have learned.
#[derive(Clone)]
pub struct RpcMethods(Arc<Rule>);

enum Rule {
    Any,
    Only(HashSet<Box<str>>),
    Answered(RwLock<HashSet<&'static str>>),
}

impl RpcMethods {
    /// Knows every method, up to the 1,024 names that a process keeps. For clients, whose methods come from their own code.
    #[must_use]
    pub fn any() -> Self {
        Self(Arc::new(Rule::Any))
    }

    /// Knows only these methods, each as `package.Service/Method`.
    #[must_use]
    pub fn only(methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let methods = methods.into_iter();
        let methods = methods.map(|method| method.as_ref().into()).collect();
        Self(Arc::new(Rule::Only(methods)))
    }

    /// Knows a method once a handler has answered it, up to 1,024 methods of up to 256 bytes. For servers.
    #[must_use]
    pub fn answered() -> Self {
        Self(Arc::new(Rule::Answered(RwLock::default())))
    }

    /// Adds the known methods of `self` to those of `before`, if both are lists. Otherwise `self` replaces `before`.
    #[cfg(feature = "descriptor-set")]
    pub(crate) fn added_to(self, before: Option<&Self>) -> Self {
        match (&*self.0, before.map(|before| &*before.0)) {
            (Rule::Only(added), Some(Rule::Only(known))) => {
                Self::only(known.iter().chain(added).map(AsRef::<str>::as_ref))
            }
            _ => self,
        }
    }

    /// Finds the method of a request by its path, `/package.Service/Method`.
    #[must_use]
    pub fn find(&self, path: &str) -> RpcMethod {
        let Some(method) = path.strip_prefix('/').filter(|method| is_method(method)) else {
            return RpcMethod::new(path.to_owned(), State::Other);
        };
        match &*self.0 {
            Rule::Any => match text_cache::span_name(NameKind::Called, method, None) {
                Some(name) => RpcMethod::new(name, State::Known),
                None => RpcMethod::new(method.to_owned(), State::Other),
            },
            Rule::Only(methods) if methods.contains(method) => {
                match text_cache::span_name(NameKind::Called, method, None) {
                    Some(name) => RpcMethod::new(name, State::Known),
                    None => RpcMethod::new(method.to_owned(), State::Known),
                }
            }
            Rule::Only(_) => RpcMethod::new(method.to_owned(), State::Other),
            Rule::Answered(methods) => {
                let methods = methods.read().unwrap_or_else(PoisonError::into_inner);
                match methods.get(method) {
                    Some(name) => RpcMethod::new(*name, State::Known),
                    None if method.len() > MAX_ANSWERED_LENGTH => {
                        RpcMethod::new(method.to_owned(), State::Other)
                    }
                    None => RpcMethod::new(method.to_owned(), State::Open),
                }
            }
        }
    }

    /// Decides whether an open method is known, by whether a handler has answered it.
    pub(crate) fn settle(&self, method: &mut RpcMethod, is_answered: bool) {
        if method.is_settled() {
            return;
        }
        method.state = State::Other;
        if is_answered {
            if let Some(name) = self.learn(&method.text) {
                method.text = Cow::Borrowed(name);
                method.state = State::Known;
            }
        }
    }

    fn learn(&self, method: &str) -> Option<&'static str> {
        let Rule::Answered(methods) = &*self.0 else {
            return None;
        };
        // A full set is not locked for writing.
        let known = methods.read().unwrap_or_else(PoisonError::into_inner).len();
        if method.len() > MAX_ANSWERED_LENGTH || known >= MAX_ANSWERED {
            return None;
        }
        let name = text_cache::span_name(NameKind::Answered, method, None)?;
        let mut methods = methods.write().unwrap_or_else(PoisonError::into_inner);
        methods.insert(name);
        Some(name)
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

/// The method of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcMethod {
    /// Borrowed if it lives for the rest of the process.
    text: Cow<'static, str>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Other,
    /// The end of the call decides.
    Open,
}

impl RpcMethod {
    fn new(text: impl Into<Cow<'static, str>>, state: State) -> Self {
        Self {
            text: text.into(),
            state,
        }
    }

    /// Returns `true` if the method is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.state == State::Known
    }

    /// Returns `true` if it is decided whether the method is known.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state != State::Open
    }

    /// Returns the value of `rpc.method`: the method, or `_OTHER`.
    #[must_use]
    pub fn value(&self) -> StringValue {
        match self.state {
            State::Known => self.text.clone().into(),
            State::Other | State::Open => OTHER.into(),
        }
    }

    /// Returns the method as it was sent, if that is not the value of `rpc.method`.
    #[must_use]
    pub fn original(&self) -> Option<StringValue> {
        (self.state != State::Known).then(|| self.text.clone().into())
    }

    /// Returns the name of a span: the method, or `grpc` if the method is not known.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self.state {
            State::Other => Cow::Borrowed(GRPC),
            State::Known | State::Open => self.text.clone(),
        }
    }
}

/// A path consists of a service and a method (gRPC over HTTP/2, "Requests").
fn is_method(text: &str) -> bool {
    let parts = text.split_once('/');
    parts.is_some_and(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTE: &str = "/shop.Pricing/Quote";

    fn shown(method: &RpcMethod) -> (String, Option<String>, Cow<'static, str>) {
        let original = method.original().map(|original| original.to_string());
        (method.value().to_string(), original, method.name())
    }

    #[test]
    fn a_method_is_service_and_method() {
        let methods = RpcMethods::any();
        assert_eq!(
            shown(&methods.find(QUOTE)),
            (
                "shop.Pricing/Quote".to_owned(),
                None,
                "shop.Pricing/Quote".into()
            )
        );
        for path in ["", "/", "*", "/a", "/a/", "//a", "/a/b/", "/a/b/c", "a/b"] {
            let expected = ("_OTHER".to_owned(), Some(path.to_owned()), "grpc".into());
            assert_eq!(shown(&methods.find(path)), expected, "{path:?}");
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
            shown(&first),
            (
                "_OTHER".to_owned(),
                Some("shop.Pricing/Quote".to_owned()),
                "grpc".into()
            )
        );
        let mut second = methods.find(QUOTE);
        methods.settle(&mut second, true);
        assert_eq!(second.value().as_str(), "shop.Pricing/Quote");
        // It stays known, even if a later answer is UNIMPLEMENTED.
        let mut third = methods.find(QUOTE);
        assert!(third.is_settled());
        methods.settle(&mut third, false);
        assert_eq!(third.value().as_str(), "shop.Pricing/Quote");
    }
}
