//! The name of the SERVER span, and the route in it.

use std::borrow::Cow;

use opentelemetry::StringValue;
use otel_core::http::{RequestMethod, kept_span_name, span_name};
use otel_core::rpc::RpcMethod;

/// The name of a span, and the route in it.
#[derive(Debug, Clone)]
pub(crate) struct SpanName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) route: Option<StringValue>,
}

impl SpanName {
    pub(crate) fn of(method: &RequestMethod, route: Option<&str>) -> Self {
        match kept_span_name(method, route) {
            Some(name) => Self {
                name: Cow::Borrowed(name),
                route: route
                    .and_then(|_| name.get(method.word().len() + 1..))
                    .map(StringValue::from),
            },
            None => Self {
                name: Cow::Owned(span_name(method, route)),
                route: route.map(|route| StringValue::from(route.to_owned())),
            },
        }
    }

    /// A call of gRPC has no route.
    pub(crate) fn of_call(method: &RpcMethod) -> Self {
        Self {
            name: method.name(),
            route: None,
        }
    }

    /// The name, if it is one of those that are kept for good.
    pub(crate) fn kept(&self) -> Option<&'static str> {
        match self.name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use otel_core::http::KnownMethods;

    use super::*;

    fn name(method: &Method, route: Option<&str>) -> SpanName {
        SpanName::of(&KnownMethods::default().find(method), route)
    }

    #[test]
    fn a_name_is_the_same_the_first_and_the_second_time() {
        for _ in 0..2 {
            let user = name(&Method::GET, Some("/users/{id}"));
            assert_eq!(user.name, "GET /users/{id}");
            assert_eq!(user.route, Some(StringValue::from("/users/{id}")));
            let none = name(&Method::GET, None);
            assert_eq!((none.name.as_ref(), none.route), ("GET", None));
            let empty = name(&Method::GET, Some(""));
            assert_eq!(empty.name, "GET ");
            let other = name(&"BREW".parse().unwrap(), Some("/pot"));
            assert_eq!(other.name, "HTTP /pot");
        }
    }

    #[test]
    fn a_kept_name_is_borrowed_and_one_too_long_is_not() {
        assert!(matches!(
            name(&Method::PUT, Some("/kept")).name,
            Cow::Borrowed(_)
        ));
        let long = "/".repeat(1000);
        let made = name(&Method::PUT, Some(&long));
        assert!(matches!(made.name, Cow::Owned(_)));
        assert_eq!(made.route, Some(StringValue::from(long)));
    }
}
