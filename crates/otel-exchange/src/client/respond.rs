//! The response head is there, and then its body.

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::KeyValue;

use super::exchange::Exchange;
use super::received_head::ReceivedHead;
use crate::callback;
use crate::content_length::is_bodyless;
use crate::conventions::http::attribute::{HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION};
use crate::conventions::http::protocol_version;
use crate::conventions::rpc::GrpcCode;
use crate::response_head::ResponseHead;

impl Exchange {
    /// Records the response head.
    ///
    /// `peer` is the address of the socket's other end, `None` if it is not known.
    pub fn respond(&mut self, response: &ResponseHead<'_>, peer: Option<SocketAddr>) {
        let peer = peer.or_else(|| self.find_peer());
        self.response = Some(ReceivedHead {
            status: response.status(),
            version: response.version(),
            peer,
        });
        self.decide(response.version(), response.headers());
        if let Some(grpc) = &mut self.grpc {
            grpc.respond(response.status(), response.headers());
        }
        let (capture, headers) = (&self.options.common.response_headers, response.headers());
        if !capture.is_empty() && self.cell.is_recording() {
            match &self.grpc {
                // A head with the status is gRPC's "Trailers-Only".
                Some(_) if GrpcCode::from_headers(headers).is_some() => {
                    self.late.extend(capture.rpc_trailers(headers));
                }
                Some(_) => self.late.extend(capture.rpc_response(headers)),
                None => self.late.extend(capture.response(headers)),
            }
        }
        self.measure_response(response);
        // The length in the head of a response without a body is the length that another response would have.
        let has_body = !self.is_head_request && !is_bodyless(response.status());
        if let Some(sizes) = self.sizes.as_mut().filter(|_| has_body) {
            sizes.announce_response_head(response.headers());
        }
        self.run_response_hooks(response);
    }

    #[inline]
    fn find_peer(&self) -> Option<SocketAddr> {
        let find = self.options.find_peer.as_ref()?;
        callback::call("peer", || find()).flatten()
    }

    fn run_response_hooks(&mut self, response: &ResponseHead<'_>) {
        let Some(request) = self.request.take() else {
            return;
        };
        let head = request.head();
        let options = Arc::clone(&self.options);
        for hook in &options.common.on_response {
            self.run_hook(|update| hook(&head, response, update));
        }
        self.request = Some(request);
    }

    /// Adds status and version to the metrics of an HTTP request. Those of a gRPC call do not have them.
    #[inline]
    fn measure_response(&mut self, response: &ResponseHead<'_>) {
        let (Some(measurement), None) = (&mut self.measurement, &self.grpc) else {
            return;
        };
        let status = i64::from(response.status().as_u16());
        measurement.add(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            measurement.add(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }

    /// Records data of the response body, by its length in bytes.
    #[inline]
    pub fn data(&mut self, length: usize) {
        if let Some(sizes) = &mut self.sizes {
            sizes.add_response(length);
        }
    }

    /// Records the trailers of the response.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(grpc) = &mut self.grpc {
            grpc.trailers(trailers);
            let capture = &self.options.common.response_headers;
            if !capture.is_empty() && self.cell.is_recording() {
                self.late.extend(capture.rpc_trailers(trailers));
            }
        }
    }

    /// Records the gRPC status that an error contains.
    pub fn grpc_status(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.set_status(code);
        }
    }

    /// Records the gRPC code for an error that contains no status.
    pub fn grpc_failure(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.fail(code);
        }
    }
}
