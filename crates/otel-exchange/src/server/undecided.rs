//! A request of which only the response shows whether it is a gRPC call.

use opentelemetry::KeyValue;

use super::attributes;
use super::http_measures::http_measures;
use super::options::ServerOptions;
use super::request_info::RequestInfo;
use super::route_slot::ExpectedRoute;
use crate::conventions::rpc::GrpcCall;
use crate::metrics::http_measures::HttpMeasures;
use crate::span_name::SpanName;

/// What is recorded of a request once it is decided, as a call and as a request of HTTP.
#[derive(Debug)]
pub(super) struct Undecided {
    pub(super) call: Vec<KeyValue>,
    pub(super) request: Vec<KeyValue>,
    pub(super) name: SpanName,
    pub(super) measures: HttpMeasures,
    pub(super) route: Option<Box<ExpectedRoute>>,
}

impl Undecided {
    /// Returns `None` if the request is decided. Attributes are made only for a span that is recorded.
    #[inline]
    pub(super) fn new(
        options: &ServerOptions,
        info: &RequestInfo<'_>,
        is_recording: bool,
    ) -> Option<Box<Self>> {
        let call = info.grpc.as_deref().filter(|call| call.is_undecided())?;
        Some(Self::from_call(options, info, call, is_recording))
    }

    #[cold]
    fn from_call(
        options: &ServerOptions,
        info: &RequestInfo<'_>,
        call: &GrpcCall,
        is_recording: bool,
    ) -> Box<Self> {
        let name = info.http_name(options);
        let (mut of_call, mut of_request) = (Vec::new(), Vec::new());
        if is_recording {
            attributes::of_call(options, info, call, &mut |it| of_call.push(it));
            attributes::of_request(options, info, &name, &mut |it| of_request.push(it));
        }
        Box::new(Self {
            call: of_call,
            request: of_request,
            measures: http_measures(info, &name),
            route: ExpectedRoute::new(options, &info.method, &name),
            name,
        })
    }
}
