//! The response head decides whether a request is a gRPC call.

use http::{HeaderMap, Version};
use opentelemetry::trace::TraceContextExt as _;

use super::exchange::Exchange;

impl Exchange {
    /// Decides by the response head whether the request is a gRPC call.
    pub(super) fn decide(&mut self, headers: &HeaderMap) {
        let Some(grpc) = &mut self.grpc else { return };
        // The version that a handler sets says nothing.
        if grpc.decide(Version::HTTP_2, headers) {
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
