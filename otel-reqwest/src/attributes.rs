//! The attributes of the CLIENT span, from the conventions' functions.

use opentelemetry::KeyValue;
use otel_core::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_RESPONSE_STATUS_CODE,
    NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, SERVER_PORT,
    URL_FULL,
};
use otel_core::http::{protocol_version, span_name};
use reqwest::{Request, Response};

use crate::config::Config;

/// Room for all attributes of start and end, so that the list never grows.
const MOST: usize = 10;

pub(crate) fn name(config: &Config, request: &Request) -> String {
    span_name(&config.methods.find(request.method()), None)
}

pub(crate) fn at_start(config: &Config, request: &Request) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(MOST);
    let method = config.methods.find(request.method());
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, method.value()));
    if method.is_other() {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    let url = request.url();
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new(
            SERVER_ADDRESS,
            without_brackets(host).to_owned(),
        ));
    }
    // Required on a client, also where it is the scheme's own.
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
    }
    let full = config.redaction.url(url.as_str()).into_owned();
    attributes.push(KeyValue::new(URL_FULL, full));
    attributes
}

pub(crate) fn of_response(response: &Response) -> impl Iterator<Item = KeyValue> {
    let status = i64::from(response.status().as_u16());
    let version = protocol_version(response.version());
    let peer = response.remote_addr();
    [
        Some(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status)),
        version.map(|version| KeyValue::new(NETWORK_PROTOCOL_VERSION, version)),
        peer.map(|peer| KeyValue::new(NETWORK_PEER_ADDRESS, peer.ip().to_string())),
        peer.map(|peer| KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port()))),
    ]
    .into_iter()
    .flatten()
}

pub(crate) fn error_type(value: &'static str) -> KeyValue {
    KeyValue::new(ERROR_TYPE, value)
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
