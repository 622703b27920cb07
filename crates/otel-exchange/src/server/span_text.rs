//! The fields of the `tracing` span of a request.

use opentelemetry::{KeyValue, Value};

use crate::conventions::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_ROUTE, SERVER_ADDRESS, URL_PATH, URL_QUERY, URL_SCHEME,
};
use crate::conventions::rpc::attribute::{RPC_METHOD, RPC_SYSTEM_NAME};

/// The attributes that are fields of the `tracing` span when tracing-opentelemetry makes the SERVER span of it.
const FIELDS: [&str; 8] = [
    HTTP_REQUEST_METHOD,
    HTTP_ROUTE,
    RPC_METHOD,
    RPC_SYSTEM_NAME,
    SERVER_ADDRESS,
    URL_PATH,
    URL_QUERY,
    URL_SCHEME,
];

/// Makes the `tracing` span of a request from its [`SpanText`](crate::server::SpanText), with the given target and level INFO.
///
/// If the subscriber has otel-tracing's layer, the fields show the method, the route and the path. Otherwise the fields become the
/// attributes that a sampler needs, and tracing-opentelemetry reserves room for as many attributes as there are fields.
#[macro_export]
macro_rules! server_span {
    ($target:literal, $text:expr) => {{
        let text: &$crate::server::SpanText<'_> = $text;
        if text.is_handed_over() {
            $crate::tracing::info_span!(
                target: $target, "request",
                method = text.method(), route = text.route(), path = text.path(),
            )
        } else {
            $crate::tracing::info_span!(
                target: $target, "request", otel.kind = "server", otel.name = text.name(),
                http.request.method = text.attribute("http.request.method"),
                http.route = text.attribute("http.route"),
                rpc.method = text.attribute("rpc.method"),
                rpc.system.name = text.attribute("rpc.system.name"),
                server.address = text.attribute("server.address"),
                url.path = text.attribute("url.path"),
                url.query = text.attribute("url.query"),
                url.scheme = text.attribute("url.scheme"),
                version = $crate::tracing::field::Empty, port = $crate::tracing::field::Empty,
                agent = $crate::tracing::field::Empty, status = $crate::tracing::field::Empty,
            )
        }
    }};
}

/// The texts for the fields of a request's `tracing` span. [`server_span!`](crate::server_span) reads them.
#[derive(Debug)]
pub struct SpanText<'a> {
    pub(super) is_handed_over: bool,
    pub(super) name: &'a str,
    pub(super) method: &'a str,
    pub(super) route: Option<&'a str>,
    pub(super) path: &'a str,
    /// The attributes of the SERVER span, if its fields become its attributes.
    pub(super) attributes: &'a [KeyValue],
}

impl SpanText<'_> {
    /// Returns `true` if the SERVER span exists already. Then the fields are for display only.
    #[doc(hidden)]
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.is_handed_over
    }

    /// Returns the name of the SERVER span.
    #[doc(hidden)]
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Returns the known method, or `HTTP`.
    #[doc(hidden)]
    #[must_use]
    pub fn method(&self) -> &str {
        self.method
    }

    /// Returns the route template.
    #[doc(hidden)]
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route
    }

    /// Returns the path as `url.path` has it.
    #[doc(hidden)]
    #[must_use]
    pub fn path(&self) -> &str {
        self.path
    }

    /// Returns a text attribute of the SERVER span.
    #[doc(hidden)]
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let attribute = self.attributes.iter().find(|it| it.key.as_str() == key)?;
        match &attribute.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }
}

/// Returns `true` if the attribute is a field of the `tracing` span.
pub(super) fn is_field(attribute: &KeyValue) -> bool {
    FIELDS.contains(&attribute.key.as_str())
}
