//! An attempt of which only the response shows whether it is a gRPC call.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, Version};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt as _;

use super::attributes;
use super::exchange::Exchange;
use super::http_measures::HttpMeasures;
use super::options::ClientOptions;
use super::request::OutgoingRequest;
use super::target::Target;

/// What is recorded of an attempt once it is decided, as a call and as a request of HTTP.
#[derive(Debug)]
pub(super) struct Undecided {
    call: Vec<KeyValue>,
    request: Vec<KeyValue>,
    url_full: Option<Arc<str>>,
    name: Cow<'static, str>,
    measures: HttpMeasures,
}

impl Undecided {
    /// Returns `None` if the request shows what it is. Attributes are made only for a span that is recorded.
    pub(super) fn new(
        options: &ClientOptions,
        request: &OutgoingRequest<'_>,
        target: &Target<'_>,
        is_recording: bool,
    ) -> Option<Box<Self>> {
        let call = target.grpc.as_ref().filter(|call| call.is_undecided())?;
        let (mut of_call, mut of_request) = (Vec::new(), Vec::new());
        let mut url_full = None;
        if is_recording {
            attributes::add_call(options, request, call, &mut of_call);
            url_full = Some(attributes::add_request(
                options,
                request,
                target,
                &mut of_request,
            ));
        }
        Some(Box::new(Self {
            call: of_call,
            request: of_request,
            url_full,
            name: target.http_name(),
            measures: HttpMeasures::new(target),
        }))
    }
}

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
        self.url_full = undecided.url_full;
        self.late.extend(undecided.request);
    }
}
