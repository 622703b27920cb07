//! The measurement of one request or call.

use std::time::{Duration, Instant};

use opentelemetry::{Context, KeyValue, StringValue};
use otel_core::active_context;

use super::instruments::Metrics;
use crate::body_sizes::BodySizes;
use crate::conventions::http::attribute::ERROR_TYPE;
use crate::conventions::rpc::attribute::{RPC_METHOD, RPC_STATUS_CODE};
use crate::conventions::rpc::{GrpcCall, StatusNames};

/// The number of attributes of nearly every request.
pub(crate) const USUAL_ATTRIBUTES: usize = 8;

/// The end of one request or call.
#[derive(Debug)]
pub(crate) struct MeasuredEnd<'a> {
    pub(crate) duration: Duration,
    pub(crate) error_type: Option<StringValue>,
    pub(crate) grpc: Option<&'a GrpcCall>,
    pub(crate) rpc_status_names: StatusNames,
    pub(crate) sizes: Option<&'a BodySizes>,
    /// The attributes of the application. Those whose keys are already there are left out.
    pub(crate) custom: &'a [KeyValue],
}

/// One request or call, from its start to its end.
#[derive(Debug)]
pub(crate) struct Measurement {
    started: Instant,
    attributes: Vec<KeyValue>,
    /// The number of attributes of `active_requests`, if the request is counted there.
    active: Option<usize>,
}

impl Measurement {
    /// Starts the clock.
    pub(crate) fn new(attributes: Vec<KeyValue>) -> Self {
        Self {
            started: Instant::now(),
            attributes,
            active: None,
        }
    }

    /// Replaces the attributes of a request that is not active yet.
    #[inline]
    pub(crate) fn set_attributes(&mut self, attributes: Vec<KeyValue>) {
        self.attributes = attributes;
    }

    /// Counts the request as active, with the first `count` of its attributes.
    pub(crate) fn count_as_active(&mut self, metrics: &Metrics, context: &Context, count: usize) {
        self.active = Some(count);
        let _exemplar = active_context::attach(context);
        self.add_active(metrics, 1);
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Adds an attribute that became known after the start.
    pub(crate) fn add(&mut self, attribute: KeyValue) {
        self.attributes.push(attribute);
    }

    /// Records the request. Its context is active meanwhile, because exemplars take the ids of the active span.
    pub(crate) fn end(self, metrics: &Metrics, context: &Context, end: MeasuredEnd<'_>) {
        let _exemplar = active_context::attach(context);
        self.add_active(metrics, -1);
        let mut attributes = self.attributes;
        if let Some(call) = end.grpc {
            attributes.push(KeyValue::new(RPC_METHOD, call.method().value()));
            if let Some(code) = call.code() {
                attributes.push(KeyValue::new(RPC_STATUS_CODE, code.as_str()));
                attributes.extend(end.rpc_status_names.former(code.as_str()));
            }
        }
        if let Some(error_type) = end.error_type {
            attributes.push(KeyValue::new(ERROR_TYPE, error_type));
        }
        for attribute in end.custom {
            if attributes.iter().all(|it| it.key != attribute.key) {
                attributes.push(attribute.clone());
            }
        }
        let seconds = end.duration.as_secs_f64();
        if end.grpc.is_some() {
            if let Some(duration) = metrics.rpc() {
                duration.record(seconds, &attributes);
            }
            return;
        }
        let Some(instruments) = metrics.http() else {
            return;
        };
        instruments.duration.record(seconds, &attributes);
        if let Some(bytes) = end.sizes.and_then(BodySizes::request) {
            instruments.request_body_size.record(bytes, &attributes);
        }
        if let Some(bytes) = end.sizes.and_then(BodySizes::response) {
            instruments.response_body_size.record(bytes, &attributes);
        }
    }

    fn add_active(&self, metrics: &Metrics, change: i64) {
        let attributes = self.active.and_then(|count| self.attributes.get(..count));
        if let (Some(attributes), Some(instruments)) = (attributes, metrics.http()) {
            instruments.active_requests.add(change, attributes);
        }
    }
}
