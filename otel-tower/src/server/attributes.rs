//! The attributes of the SERVER span, by the conventions.

use std::net::IpAddr;

use http::header::USER_AGENT;
use opentelemetry::{KeyValue, StringValue};
use otel_core::http::attribute::{
    CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
    NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, NETWORK_TRANSPORT,
    SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};
use otel_core::http::protocol_version;
use otel_core::rpc::attribute as rpc;

use crate::server::config::Config;
use crate::server::observed::Observed;
use crate::server::shared_text::shared;

/// What is known when a request comes that is no call of gRPC.
///
/// They are made one after the other, straight into the span: a list in between would cost an allocation.
pub(crate) fn of_request<'o>(
    config: &'o Config,
    observed: &'o Observed<'_>,
) -> impl Iterator<Item = KeyValue> + 'o {
    let captured = config.request_headers.request(observed.request.headers());
    START
        .iter()
        .filter_map(move |attribute| attribute(config, observed))
        .chain(captured)
}

/// What is known when a call of gRPC comes.
fn of_call<'o>(
    config: &'o Config,
    observed: &'o Observed<'_>,
) -> impl Iterator<Item = KeyValue> + 'o {
    let headers = observed.request.headers();
    let captured = config.request_headers.request_metadata(headers);
    CALL.iter()
        .filter_map(move |attribute| attribute(config, observed))
        .chain(captured)
}

/// What is known when a request comes, as a list with room for what is added at the end.
pub(crate) fn list_at_start(config: &Config, observed: &Observed<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(USUAL);
    // `extend` would ask for the length before each of them.
    let add = |attribute| attributes.push(attribute);
    match observed.grpc {
        None => of_request(config, observed).for_each(add),
        Some(_) => of_call(config, observed).for_each(add),
    }
    attributes
}

/// How many attributes a span usually has in the end.
const USUAL: usize = 12;

type Attribute = fn(&Config, &Observed<'_>) -> Option<KeyValue>;

const START: [Attribute; 15] = [
    method,
    method_original,
    scheme,
    path,
    query,
    route,
    version,
    server_address,
    server_port,
    user_agent,
    peer_address,
    peer_port,
    client_address,
    client_port,
    transport,
];

/// Of a call of gRPC.
const CALL: [Attribute; 7] = [
    rpc_system,
    rpc_method,
    rpc_method_original,
    server_address,
    server_port,
    peer_address,
    peer_port,
];

fn rpc_system(_: &Config, _: &Observed<'_>) -> Option<KeyValue> {
    Some(rpc::system())
}

fn rpc_method(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let [method, _] = observed.grpc.as_ref()?.method().attributes();
    method
}

fn rpc_method_original(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let [_, original] = observed.grpc.as_ref()?.method().attributes();
    original
}

fn method(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    Some(KeyValue::new(HTTP_REQUEST_METHOD, observed.method.value()))
}

fn method_original(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let original = || observed.request.method().as_str().to_owned();
    let is_other = observed.method.is_other();
    is_other.then(|| KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original()))
}

fn scheme(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    Some(KeyValue::new(URL_SCHEME, observed.scheme))
}

fn path(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let path = observed.request.uri().path().to_owned();
    Some(KeyValue::new(URL_PATH, path))
}

fn query(config: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let query = observed.request.uri().query()?;
    let redacted = || config.redaction.query(query).into_owned();
    (!query.is_empty()).then(|| KeyValue::new(URL_QUERY, redacted()))
}

fn route(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let route = observed.name.route.clone()?;
    Some(KeyValue::new(HTTP_ROUTE, route))
}

fn version(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let version = protocol_version(observed.request.version())?;
    Some(KeyValue::new(NETWORK_PROTOCOL_VERSION, version))
}

fn server_address(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let (address, _) = observed.server()?;
    Some(KeyValue::new(SERVER_ADDRESS, address.clone()))
}

fn server_port(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let (_, port) = observed.server()?;
    Some(KeyValue::new(SERVER_PORT, i64::from((*port)?)))
}

fn user_agent(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let agent = observed.request.headers().get(USER_AGENT)?;
    let agent = shared(agent.to_str().ok()?);
    Some(KeyValue::new(USER_AGENT_ORIGINAL, agent))
}

fn peer_address(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let address = address(observed.peer?.ip());
    Some(KeyValue::new(NETWORK_PEER_ADDRESS, address))
}

fn peer_port(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let port = observed.peer?.port();
    Some(KeyValue::new(NETWORK_PEER_PORT, i64::from(port)))
}

fn client_address(_: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let client = observed.origin.client()?;
    Some(KeyValue::new(CLIENT_ADDRESS, address(client)))
}

/// A proxy's port is none of the client's.
fn client_port(config: &Config, observed: &Observed<'_>) -> Option<KeyValue> {
    let peer = observed.peer?;
    let is_direct = observed.origin.client() == Some(peer.ip().to_canonical());
    (config.client_port && is_direct).then(|| KeyValue::new(CLIENT_PORT, i64::from(peer.port())))
}

fn transport(config: &Config, _: &Observed<'_>) -> Option<KeyValue> {
    let transport = config.network_transport?;
    Some(KeyValue::new(NETWORK_TRANSPORT, transport))
}

/// IPv4 addresses come out as such, also where the socket is one of IPv6.
fn address(address: IpAddr) -> StringValue {
    StringValue::from(address.to_canonical().to_string())
}
