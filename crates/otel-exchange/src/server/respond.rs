//! The response head is there, and then its body.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt as _;

use super::cache_control;
use super::exchange::Exchange;
use crate::callback;
use crate::content_length::is_bodyless;
use crate::conventions::http::attribute::{HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, URL_PATH};
use crate::conventions::rpc::GrpcCode;
use crate::end_at::EndAt;
use crate::outcome::End;
use crate::path_redaction::REDACTED_PATH;
use crate::response_head::ResponseHead;

const EVENT_STREAM: &[u8] = b"text/event-stream";

impl Exchange {
    /// Records the response head and adds the headers that name the trace. If no body follows, the request ends here.
    pub fn respond<B>(&mut self, response: &mut Response<B>) {
        self.respond_with(response, true);
    }

    /// Does what [`respond`](Self::respond) does. A body that is not a stream cannot be a stream of events.
    pub(super) fn respond_with<B>(&mut self, response: &mut Response<B>, is_stream: bool) {
        self.status = Some(response.status());
        self.is_event_stream = is_stream && is_event_stream(response);
        if let Some(sizes) = self.sizes() {
            sizes.begin_response();
        }
        self.add_trace_headers(response.headers_mut());
        self.decide(response.headers());
        self.capture_headers(response.headers());
        if let Some(grpc) = &mut self.grpc {
            grpc.respond(response.status(), response.headers());
        }
        self.learn_route();
        if let Some(expected) = &self.expected_route {
            expected.check(&self.options, response.status());
        }
        let end_at = self.run_response_hooks(&ResponseHead::from_response(response));
        if self.is_head_request || is_bodyless(response.status()) {
            self.finish(End::Complete);
        } else if end_at == EndAt::Headers && self.grpc.is_none() {
            if let Some(sizes) = self.sizes() {
                sizes.set_response(None);
            }
            self.finish(End::Complete);
        }
    }

    /// Records data of the response body, by its length in bytes.
    #[inline]
    pub fn data(&mut self, length: usize) {
        if let Some(grpc) = self.grpc.as_mut().filter(|_| length > 0) {
            grpc.message();
        }
        if let Some(sizes) = &mut self.sizes {
            sizes.add_response(length);
        }
    }

    /// Records the trailers of the response.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(grpc) = &mut self.grpc {
            grpc.trailers(trailers);
            let capture = &self.options.common.response_headers;
            if !capture.is_empty() && self.span.is_recording() {
                self.late.extend(capture.rpc_trailers(trailers));
            }
        }
    }

    /// Records the gRPC status that the service's error contains.
    pub fn grpc_status(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.set_status(code);
        }
    }

    fn add_trace_headers(&self, headers: &mut HeaderMap) {
        if self.options.trace_headers.is_empty() || !self.span.is_own() {
            return;
        }
        // A cache would send the ids of this request to other callers.
        if cache_control::is_for_shared_caches(headers) {
            return;
        }
        for header in &self.options.trace_headers {
            header.write(self.span.context(), headers);
        }
    }

    fn capture_headers(&mut self, headers: &HeaderMap) {
        let capture = &self.options.common.response_headers;
        if capture.is_empty() || !self.span.is_recording() {
            return;
        }
        match &self.grpc {
            // A head with the status is gRPC's "Trailers-Only".
            Some(_) if GrpcCode::from_headers(headers).is_some() => {
                self.late.extend(capture.rpc_trailers(headers));
            }
            Some(_) => self.late.extend(capture.rpc_response(headers)),
            None => self.late.extend(capture.response(headers)),
        }
    }

    /// Takes the route that a router behind the layer has set.
    pub(super) fn learn_route(&mut self) {
        let expected = self.expected_route.as_ref();
        let Some(found) = expected.and_then(|it| it.name(self.status)) else {
            return;
        };
        self.expected_route = None;
        self.options.routes.set_known();
        let route = found.target.clone();
        let attribute = route.map(|route| KeyValue::new(HTTP_ROUTE, route));
        if let (Some(measurement), Some(attribute)) = (&mut self.measurement, &attribute) {
            measurement.add(attribute.clone());
        }
        if !self.span.is_recording() {
            return;
        }
        if let Some(running) = &mut self.running {
            running.name = found.as_static();
        }
        if !self.span.is_named() {
            self.span.context().span().update_name(found.name);
        }
        if self.options.common.paths.are_by_route() {
            let route = attribute.as_ref().map(|it| it.value.clone());
            let path = route.map(|route| KeyValue::new(URL_PATH, route));
            self.late.extend(path);
        }
        self.late.extend(attribute);
    }

    /// Records that there was no route to record in place of the path.
    pub(super) fn settle_path(&mut self) {
        let is_open = self.expected_route.is_some() && self.span.is_recording();
        if is_open && self.options.common.paths.are_by_route() {
            self.late.push(KeyValue::new(URL_PATH, REDACTED_PATH));
        }
    }

    /// Runs the hooks that see request and response. Returns when the request ends.
    fn run_response_hooks(&mut self, response: &ResponseHead<'_>) -> EndAt {
        let end_at = self.options.common.end_at;
        let Some(request) = self.request.take() else {
            return end_at;
        };
        let head = request.head();
        let options = Arc::clone(&self.options);
        for hook in &options.common.on_response {
            self.run_hook(|update| hook(&head, response, update));
        }
        let mut decided = None;
        if let Some(decide) = &options.decide_end {
            self.run_frame(|| {
                decided = callback::call("end_at_by", || decide(&head, response));
            });
        }
        self.request = Some(request);
        decided.unwrap_or(end_at)
    }

    /// Returns the attribute of an HTTP status. A gRPC call has a status of its own.
    pub(super) fn status_attribute(&self) -> Option<KeyValue> {
        let status = self.status.filter(|_| self.grpc.is_none())?;
        let code = i64::from(status.as_u16());
        Some(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, code))
    }
}

/// Returns `true` if the response is a stream of events, which ends only when the client leaves.
fn is_event_stream<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.filter(|_| response.status().is_success());
    kind.is_some_and(|kind| {
        let mut parts = kind.as_bytes().split(|byte| *byte == b';');
        let name = parts.next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(EVENT_STREAM)
    })
}
