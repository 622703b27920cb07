//! The attributes of the CLIENT span, by the conventions.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use ::http::header::USER_AGENT;
use opentelemetry::{KeyValue, StringValue};

use super::config::ClientConfig;
use super::request::OutgoingRequest;
use super::shared_text;
use crate::ResponseHead;
use crate::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_FULL, URL_TEMPLATE, USER_AGENT_ORIGINAL,
};
use crate::http::{RequestMethod, protocol_version, span_name};
use crate::rpc::{GrpcCall, attribute as rpc};

/// Room for what nearly every request has, so that the list does not grow.
const USUAL: usize = 12;

/// What name, attributes and metrics are made of.
pub(super) struct Target<'a> {
    pub(super) method: RequestMethod,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) template: Option<StringValue>,
    pub(super) resends: u32,
    /// Of a call of gRPC.
    pub(super) grpc: Option<GrpcCall>,
}

impl<'a> Target<'a> {
    pub(super) fn of(
        config: &ClientConfig,
        request: &'a impl OutgoingRequest,
        resends: u32,
    ) -> Self {
        let grpc = config.grpc.as_ref();
        let grpc =
            grpc.and_then(|methods| GrpcCall::of(methods, request.path(), request.headers()));
        Self {
            method: config.methods.find(request.method()),
            host: request.host(),
            port: request.port(),
            template: config.templates.find(request.path(), request.template()),
            resends,
            grpc,
        }
    }

    pub(super) fn name(&self) -> Cow<'static, str> {
        match (&self.grpc, &self.template) {
            (Some(call), _) => call.method().name(),
            (None, None) => self.method.name(),
            (None, Some(template)) => span_name(&self.method, Some(template.as_str())).into(),
        }
    }

    /// Adds host and port. Required on a client, also where it is the scheme's own port.
    pub(super) fn add_server(&self, attributes: &mut Vec<KeyValue>) {
        if self.host.is_empty() {
            return;
        }
        attributes.push(KeyValue::new(SERVER_ADDRESS, shared_text::host(self.host)));
        if let Some(port) = self.port {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
    }
}

/// What is known before the request is sent. The second part is `url.full`, which a call of gRPC has not.
pub(super) fn at_start(
    config: &ClientConfig,
    request: &impl OutgoingRequest,
    target: &Target<'_>,
) -> (Vec<KeyValue>, Option<Arc<str>>) {
    match &target.grpc {
        Some(call) => (of_call(config, request, target, call), None),
        None => {
            let (attributes, full) = of_request(config, request, target);
            (attributes, Some(full))
        }
    }
}

fn of_call(
    config: &ClientConfig,
    request: &impl OutgoingRequest,
    target: &Target<'_>,
    call: &GrpcCall,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(USUAL);
    attributes.push(rpc::system());
    attributes.extend(call.method().attributes().into_iter().flatten());
    target.add_server(&mut attributes);
    attributes.extend(config.request_headers.request_metadata(request.headers()));
    attributes
}

fn of_request(
    config: &ClientConfig,
    request: &impl OutgoingRequest,
    target: &Target<'_>,
) -> (Vec<KeyValue>, Arc<str>) {
    let mut attributes = Vec::with_capacity(USUAL);
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
    if target.method.is_other() {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    target.add_server(&mut attributes);
    let full: Arc<str> = config.redaction.url(&request.url()).into();
    attributes.push(KeyValue::new(
        URL_FULL,
        StringValue::from(Arc::clone(&full)),
    ));
    if let Some(template) = &target.template {
        attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
    }
    if target.resends > 0 {
        let resends = i64::from(target.resends);
        attributes.push(KeyValue::new(HTTP_REQUEST_RESEND_COUNT, resends));
    }
    if config.user_agent.is_some() {
        let sent = request.headers().get(USER_AGENT);
        attributes.extend(sent.map(|sent| {
            let text = String::from_utf8_lossy(sent.as_bytes()).into_owned();
            KeyValue::new(USER_AGENT_ORIGINAL, text)
        }));
    }
    attributes.extend(config.request_headers.request(request.headers()));
    (attributes, full)
}

/// Hands out what the response head tells.
pub(super) fn of_response(
    config: &ClientConfig,
    response: &ResponseHead<'_>,
    peer: Option<SocketAddr>,
    is_grpc: bool,
    mut set: impl FnMut(KeyValue),
) {
    if !is_grpc {
        let status = i64::from(response.status().as_u16());
        set(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            set(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }
    // What never came over a socket, as in a test, has none.
    if let Some(peer) = peer {
        let address = shared_text::peer(peer.ip());
        set(KeyValue::new(NETWORK_PEER_ADDRESS, address));
        set(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
    }
    let captured = &config.response_headers;
    if is_grpc {
        captured.response_metadata(response.headers()).for_each(set);
    } else {
        captured.response(response.headers()).for_each(set);
    }
}
