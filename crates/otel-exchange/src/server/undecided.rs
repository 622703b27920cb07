//! A request of which only the response shows whether it is a gRPC call.

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt as _;

use super::attributes;
use super::exchange::Exchange;
use super::http_measures::HttpMeasures;
use super::options::ServerOptions;
use super::request_info::RequestInfo;
use super::route_slot::ExpectedRoute;
use crate::span_name::SpanName;

/// What is recorded of a request once it is decided, as a call and as a request of HTTP.
#[derive(Debug)]
pub(super) struct Undecided {
    call: Vec<KeyValue>,
    request: Vec<KeyValue>,
    name: SpanName,
    measures: HttpMeasures,
    pub(super) route: Option<Box<ExpectedRoute>>,
}

impl Undecided {
    /// Returns `None` if the request shows what it is. Attributes are made only for a span that is recorded.
    pub(super) fn new(
        options: &ServerOptions,
        info: &RequestInfo<'_>,
        is_recording: bool,
    ) -> Option<Box<Self>> {
        let call = info.grpc.as_deref().filter(|call| call.is_undecided())?;
        let name = info.http_name(options);
        let (mut of_call, mut of_request) = (Vec::new(), Vec::new());
        if is_recording {
            attributes::of_call(options, info, call, &mut |it| of_call.push(it));
            attributes::of_request(options, info, &name, &mut |it| of_request.push(it));
        }
        Some(Box::new(Self {
            call: of_call,
            request: of_request,
            measures: HttpMeasures::new(info, &name),
            route: ExpectedRoute::new(options, &info.method, &name),
            name,
        }))
    }
}

impl Exchange {
    /// Decides by the response head whether the request is a gRPC call.
    pub(super) fn decide(&mut self, headers: &HeaderMap) {
        let Some(grpc) = &mut self.grpc else { return };
        // The version that a handler sets says nothing.
        if grpc.decide(http::Version::HTTP_2, headers) {
            self.decide_for_call();
        } else {
            self.grpc = None;
            self.decide_for_request();
        }
    }

    /// Records the request as a gRPC call, if that is undecided.
    pub(super) fn decide_for_call(&mut self) {
        if let Some(undecided) = self.undecided.take() {
            self.late.extend(undecided.call);
        }
    }

    /// Records the request as one of HTTP: with its name, its attributes and its metrics.
    #[cold]
    fn decide_for_request(&mut self) {
        let Some(undecided) = self.undecided.take() else {
            return;
        };
        let undecided = *undecided;
        if let Some(measurement) = &mut self.measurement {
            let context = self.span.context();
            undecided
                .measures
                .start(&self.options.common, measurement, context);
        }
        self.expected_route = undecided.route;
        if !self.span.is_recording() {
            return;
        }
        if let Some(running) = &mut self.running {
            running.name = undecided.name.as_static();
        }
        if !self.span.is_named() {
            self.span.context().span().update_name(undecided.name.name);
        }
        self.late.extend(undecided.request);
    }
}
