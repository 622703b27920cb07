//! The attributes of the SERVER span, by the conventions.

use http::header::USER_AGENT;
use opentelemetry::KeyValue;
use otel_core::http::attribute::{
    CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
    NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, NETWORK_TRANSPORT,
    SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};
use otel_core::http::protocol_version;

use crate::config::Config;
use crate::observed::Observed;
use crate::shared_text::shared;

/// Room for all attributes of start and end, so that the list does not grow.
const USUAL: usize = 14;

pub(crate) fn at_start(config: &Config, observed: &Observed<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(USUAL);
    let request = &observed.request;
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, observed.method.value()));
    if observed.method.is_other() {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    attributes.push(KeyValue::new(URL_SCHEME, observed.scheme));
    let uri = request.uri();
    attributes.push(KeyValue::new(URL_PATH, uri.path().to_owned()));
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let query = config.redaction.query(query).into_owned();
        attributes.push(KeyValue::new(URL_QUERY, query));
    }
    if let Some(route) = &observed.name.route {
        attributes.push(KeyValue::new(HTTP_ROUTE, route.clone()));
    }
    if let Some(version) = protocol_version(request.version()) {
        attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some((host, port)) = observed.server() {
        attributes.push(KeyValue::new(SERVER_ADDRESS, shared(host)));
        if let Some(port) = port {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
    }
    let agent = request.headers().get(USER_AGENT);
    if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, shared(agent)));
    }
    push_addresses(config, observed, &mut attributes);
    if let Some(transport) = config.network_transport {
        attributes.push(KeyValue::new(NETWORK_TRANSPORT, transport));
    }
    attributes.extend(config.request_headers.request(request.headers()));
    attributes
}

/// The socket's other end, and the client behind it.
fn push_addresses(config: &Config, observed: &Observed<'_>, attributes: &mut Vec<KeyValue>) {
    let Some(peer) = observed.peer else {
        return;
    };
    let address = peer.ip().to_canonical();
    attributes.push(KeyValue::new(NETWORK_PEER_ADDRESS, address.to_string()));
    attributes.push(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
    let client = observed.origin.client().unwrap_or(address);
    attributes.push(KeyValue::new(CLIENT_ADDRESS, client.to_string()));
    // A proxy's port is none of the client's.
    if config.client_port && client == address {
        attributes.push(KeyValue::new(CLIENT_PORT, i64::from(peer.port())));
    }
}
