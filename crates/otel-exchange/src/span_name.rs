//! The name of a span, and the route in it.

use std::borrow::Cow;

use opentelemetry::StringValue;
use otel_core::limits::{MAX_TEXT, cut};

use crate::conventions::http::RequestMethod;
use crate::conventions::rpc::RpcMethod;
use crate::name_set::NameKind;
use crate::text_cache;

/// `{method} {target}`, or `{method}` if there is no target of few values. An unknown method is `HTTP`.
///
/// The target is `http.route` on a server and `url.template` on a client, never the path.
#[derive(Debug, Clone)]
pub(crate) struct SpanName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) target: Option<StringValue>,
}

impl SpanName {
    /// Makes the name of an HTTP request.
    pub(crate) fn from_request(method: &RequestMethod, target: Option<&str>) -> Self {
        let word = method.word();
        if let Some(name) = text_cache::span_name(NameKind::Route, word, target) {
            let target = target.and_then(|_| name.get(word.len() + 1..));
            return Self {
                name: Cow::Borrowed(name),
                target: target.map(StringValue::from),
            };
        }
        // A text of this length is not a template.
        let target = target.map(|target| cut(target, MAX_TEXT));
        Self {
            name: match target {
                None => method.name(),
                Some(target) => Cow::Owned([word, " ", target].concat()),
            },
            target: target.map(|target| StringValue::from(target.to_owned())),
        }
    }

    /// Makes the name of a gRPC call, which has no route.
    pub(crate) fn from_call(method: &RpcMethod) -> Self {
        Self {
            name: method.name(),
            target: None,
        }
    }

    /// Returns the name if it lives for the rest of the process.
    pub(crate) fn as_static(&self) -> Option<&'static str> {
        match self.name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::conventions::http::KnownMethods;

    fn name(method: &Method, route: Option<&str>) -> SpanName {
        SpanName::from_request(&KnownMethods::default().find(method), route)
    }

    #[test]
    fn a_name_is_the_same_the_first_and_the_second_time() {
        for _ in 0..2 {
            let user = name(&Method::GET, Some("/users/{id}"));
            assert_eq!(user.name, "GET /users/{id}");
            assert_eq!(user.target, Some(StringValue::from("/users/{id}")));
            let none = name(&Method::GET, None);
            assert_eq!((none.name.as_ref(), none.target), ("GET", None));
            let empty = name(&Method::GET, Some(""));
            assert_eq!(empty.name, "GET ");
            let other = name(&"BREW".parse().unwrap(), Some("/pot"));
            assert_eq!(other.name, "HTTP /pot");
            let other = name(&"BREW".parse().unwrap(), None);
            assert_eq!(other.name, "HTTP");
        }
    }

    #[test]
    fn a_name_is_the_same_on_another_thread() {
        let address = || name(&Method::GET, Some("/a")).name.as_ptr() as usize;
        assert_eq!(std::thread::spawn(address).join().unwrap(), address());
    }

    #[test]
    fn a_kept_name_is_borrowed_and_a_long_name_is_owned() {
        assert!(matches!(
            name(&Method::PUT, Some("/kept")).name,
            Cow::Borrowed(_)
        ));
        let long = "/".repeat(1000);
        let made = name(&Method::PUT, Some(&long));
        assert!(matches!(made.name, Cow::Owned(_)));
        assert_eq!(made.target, Some(StringValue::from(long)));
    }
}
