//! An attempt of which only the response shows whether it is a gRPC call.

use std::borrow::Cow;

use opentelemetry::KeyValue;

use super::attributes;
use super::http_measures::http_measures;
use super::options::ClientOptions;
use super::request::OutgoingRequest;
use super::target::Target;
use crate::conventions::rpc::GrpcCall;
use crate::metrics::http_measures::HttpMeasures;

/// What is recorded of an attempt once it is decided, as a call and as a request of HTTP.
#[derive(Debug)]
pub(super) struct Undecided {
    pub(super) call: Vec<KeyValue>,
    pub(super) request: Vec<KeyValue>,
    pub(super) name: Cow<'static, str>,
    pub(super) measures: HttpMeasures,
}

impl Undecided {
    /// Returns `None` if the request is decided. Attributes are made only for a span that is recorded.
    #[inline]
    pub(super) fn new(
        options: &ClientOptions,
        request: &OutgoingRequest<'_>,
        target: &Target<'_>,
        is_recording: bool,
    ) -> Option<Box<Self>> {
        let call = target.grpc.as_ref().filter(|call| call.is_undecided())?;
        Some(Self::from_call(
            options,
            request,
            target,
            call,
            is_recording,
        ))
    }

    #[cold]
    fn from_call(
        options: &ClientOptions,
        request: &OutgoingRequest<'_>,
        target: &Target<'_>,
        call: &GrpcCall,
        is_recording: bool,
    ) -> Box<Self> {
        let (mut of_call, mut of_request) = (Vec::new(), Vec::new());
        if is_recording {
            attributes::add_call(options, request, call, &mut of_call);
            attributes::add_request(options, request, target, &mut of_request);
        }
        Box::new(Self {
            call: of_call,
            request: of_request,
            name: target.http_name(),
            measures: http_measures(options, target),
        })
    }
}
