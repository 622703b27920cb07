//! The attributes of a CLIENT span.

use http::header::USER_AGENT;
use opentelemetry::{KeyValue, StringValue};

use super::options::ClientOptions;
use super::received_head::ReceivedHead;
use super::request::OutgoingRequest;
use super::target::Target;
use crate::conventions::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    URL_FULL, URL_TEMPLATE, USER_AGENT_ORIGINAL,
};
use crate::conventions::http::protocol_version;
use crate::conventions::rpc::{GrpcCall, attribute as rpc};
use crate::text_cache;

/// The number of attributes of nearly every request.
const USUAL_ATTRIBUTES: usize = 12;

/// Returns the attributes that are known before the request is sent.
pub(super) fn at_start(
    options: &ClientOptions,
    request: &OutgoingRequest<'_>,
    target: &Target<'_>,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
    target.add_server(options, &mut attributes);
    match &target.grpc {
        None => add_request(options, request, target, &mut attributes),
        // The other attributes follow when the response has decided.
        Some(call) if call.is_undecided() => {}
        Some(call) => add_call(options, request, call, &mut attributes),
    }
    attributes
}

/// Adds the attributes of a gRPC call, except those of the server.
#[inline]
pub(super) fn add_call(
    options: &ClientOptions,
    request: &OutgoingRequest<'_>,
    call: &GrpcCall,
    attributes: &mut Vec<KeyValue>,
) {
    attributes.push(rpc::system());
    let method = call.method().attributes().into_iter().flatten();
    attributes.extend(method.map(|attribute| options.common.recorded_method(attribute)));
    let captured = &options.common.request_headers;
    attributes.extend(captured.rpc_request(request.headers()));
}

/// Adds the attributes of a request of HTTP, except those of the server.
#[inline]
pub(super) fn add_request(
    options: &ClientOptions,
    request: &OutgoingRequest<'_>,
    target: &Target<'_>,
    attributes: &mut Vec<KeyValue>,
) {
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
    if target.method.is_other() {
        let original = options.common.recorded_text(request.method().as_str());
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    let url = request.destination().url();
    let route = target.template.as_ref().map(StringValue::as_str);
    let full = options.common.recorded_url(&url, route);
    attributes.push(KeyValue::new(URL_FULL, full));
    if let Some(template) = &target.template {
        attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
    }
    if target.resends > 0 {
        let resends = i64::from(target.resends);
        attributes.push(KeyValue::new(HTTP_REQUEST_RESEND_COUNT, resends));
    }
    if options.user_agent.is_some() {
        if let Some(sent) = request.headers().get(USER_AGENT) {
            let text = options.common.text_limits.text_of(sent.as_bytes());
            attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, text));
        }
    }
    let captured = &options.common.request_headers;
    attributes.extend(captured.request(request.headers()));
}

/// Passes each attribute of the response head to `set`.
pub(super) fn of_response(response: &ReceivedHead, is_grpc: bool, mut set: impl FnMut(KeyValue)) {
    if !is_grpc {
        let status = i64::from(response.status.as_u16());
        set(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version) {
            set(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }
    if let Some(peer) = response.peer {
        let address = text_cache::address(peer.ip());
        set(KeyValue::new(NETWORK_PEER_ADDRESS, address));
        set(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
    }
}
