//! The facts of a request that its span's name, its attributes and its metrics need.

use std::borrow::Cow;

use opentelemetry::{KeyValue, StringValue};

use super::options::ClientOptions;
use super::request::OutgoingRequest;
use crate::conventions::http::RequestMethod;
use crate::conventions::http::attribute::{SERVER_ADDRESS, SERVER_PORT};
use crate::conventions::rpc::GrpcCall;

/// The target of a request: method, host, port and template.
pub(super) struct Target<'a> {
    pub(super) method: RequestMethod,
    host: &'a str,
    port: Option<u16>,
    pub(super) template: Option<StringValue>,
    pub(super) resends: u32,
    /// The call, if it is a gRPC call.
    pub(super) grpc: Option<GrpcCall>,
}

impl<'a> Target<'a> {
    #[inline]
    pub(super) fn new(
        options: &ClientOptions,
        request: &OutgoingRequest<'a>,
        resends: u32,
    ) -> Self {
        let destination = request.destination();
        let path = destination.path();
        let methods = options.common.rpc_methods.as_ref();
        Self {
            method: options.common.methods.find(request.method()),
            host: destination.host(),
            port: destination.port(),
            template: options.templates.find(path, request.template()),
            resends,
            grpc: methods.and_then(|methods| {
                let (method, version) = (request.method(), request.version());
                GrpcCall::from_outgoing(methods, method, version, request.headers(), path)
            }),
        }
    }

    /// Returns the name of the span.
    #[inline]
    pub(super) fn name(&self) -> Cow<'static, str> {
        match &self.grpc {
            Some(call) => call.method().name(),
            None => self.http_name(),
        }
    }

    /// Returns the name that the span has if the request is not a gRPC call.
    pub(super) fn http_name(&self) -> Cow<'static, str> {
        match &self.template {
            None => self.method.name(),
            Some(template) => [self.method.word(), " ", template.as_str()].concat().into(),
        }
    }

    /// Returns `true` if it is known where the request goes.
    #[inline]
    pub(super) fn has_host(&self) -> bool {
        !self.host.is_empty()
    }

    /// Adds host and port. The conventions require the port, also if it is the default of the scheme.
    pub(super) fn add_server(&self, options: &ClientOptions, attributes: &mut Vec<KeyValue>) {
        if !self.has_host() {
            return;
        }
        let host = options.common.recorded_text(self.host);
        attributes.push(KeyValue::new(SERVER_ADDRESS, host));
        if let Some(port) = self.port {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
    }
}
