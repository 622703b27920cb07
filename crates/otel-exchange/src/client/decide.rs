//! The response head decides whether an attempt is a gRPC call.

use http::{HeaderMap, Version};
use opentelemetry::trace::TraceContextExt as _;

use super::exchange::Exchange;

impl Exchange {
    /// Decides by the response head whether the attempt is a gRPC call.
    #[inline]
    pub(super) fn decide(&mut self, version: Version, headers: &HeaderMap) {
        let Some(grpc) = &mut self.grpc else { return };
        if grpc.decide(version, headers) {
            self.decide_for_call();
        } else {
            self.grpc = None;
            self.decide_for_request();
        }
    }

    /// Records the attempt as a gRPC call, if that is undecided.
    #[inline]
    pub(super) fn decide_for_call(&mut self) {
        if let Some(undecided) = self.undecided.take() {
            self.late.extend(undecided.call);
        }
    }

    /// Records the attempt as a request of HTTP: with its name, its attributes and its metrics.
    #[cold]
    fn decide_for_request(&mut self) {
        let Some(undecided) = self.undecided.take() else {
            return;
        };
        let undecided = *undecided;
        if let Some(measurement) = &mut self.measurement {
            let context = self.cell.context();
            undecided
                .measures
                .start(&self.options.common, measurement, context);
        }
        if !self.cell.is_recording() {
            return;
        }
        if !self.cell.is_named() {
            self.cell.context().span().update_name(undecided.name);
        }
        self.late.extend(undecided.request);
    }
}
