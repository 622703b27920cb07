//! The attributes of the SERVER span, from the conventions' functions.

use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry::KeyValue;
use otel_core::RequestHead;
use otel_core::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY,
    URL_SCHEME, USER_AGENT_ORIGINAL,
};
use otel_core::http::{HostPort, protocol_version, server_error_type, span_name};

use crate::config::Config;
use crate::exchange::End;

/// Room for all attributes of start and end, so that the list never grows.
const MOST: usize = 12;

pub(crate) fn name(config: &Config, request: &RequestHead<'_>, route: Option<&str>) -> String {
    span_name(&config.methods.find(request.method()), route)
}

pub(crate) fn at_start(
    config: &Config,
    request: &RequestHead<'_>,
    route: Option<&str>,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(MOST);
    let method = config.methods.find(request.method());
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, method.value()));
    if method.is_other() {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    let uri = request.uri();
    attributes.push(KeyValue::new(URL_SCHEME, scheme(uri)));
    attributes.push(KeyValue::new(URL_PATH, uri.path().to_owned()));
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let query = config.redaction.query(query).into_owned();
        attributes.push(KeyValue::new(URL_QUERY, query));
    }
    if let Some(route) = route {
        attributes.push(KeyValue::new(HTTP_ROUTE, route.to_owned()));
    }
    if let Some(version) = protocol_version(request.version()) {
        attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(server) = server(uri, request.headers()) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, server.host().to_owned()));
        if let Some(port) = server.port() {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
    }
    if let Some(agent) = text(request.headers(), USER_AGENT) {
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    attributes
}

pub(crate) fn at_end(
    status: Option<StatusCode>,
    error_type: Option<&'static str>,
) -> impl Iterator<Item = KeyValue> {
    let status =
        status.map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
    let error_type = error_type.map(|error_type| KeyValue::new(ERROR_TYPE, error_type));
    status.into_iter().chain(error_type)
}

/// A status code that is an error says more than the way in which the response then ended.
pub(crate) fn error_type(status: Option<StatusCode>, end: End) -> Option<&'static str> {
    status.and_then(server_error_type).or(match end {
        End::Complete => None,
        End::ServiceError => Some("service_error"),
        End::BodyError => Some("body_error"),
        End::Panicked => Some("panic"),
        End::Cancelled => Some("cancelled"),
    })
}

/// Only HTTP/2 and the absolute form name the scheme; a server that speaks TLS itself is seen there.
fn scheme(uri: &Uri) -> &'static str {
    match uri.scheme_str() {
        Some("https") => "https",
        _ => "http",
    }
}

/// `:authority` first, then `Host`.
fn server<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<HostPort<'a>> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    HostPort::parse(authority.or_else(|| text(headers, HOST))?)
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
