//! Without the feature `metrics` nothing is measured.

use http::StatusCode;
use opentelemetry::{Context, InstrumentationScope, StringValue};
use otel_core::rpc::GrpcCall;

use crate::server::observed::Observed;

#[derive(Debug, Clone)]
pub(crate) struct Metrics;

impl Metrics {
    pub(crate) fn new(_scope: &InstrumentationScope) -> Self {
        Self
    }

    pub(crate) fn is_on(&self) -> bool {
        false
    }
}

#[derive(Debug)]
pub(crate) struct Measurement;

#[derive(Debug)]
#[expect(dead_code, reason = "nothing is measured")]
pub(crate) struct Outcome {
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc: Option<Box<GrpcCall>>,
    pub(crate) error_type: Option<StringValue>,
    pub(crate) request_size: Option<u64>,
    pub(crate) response_size: Option<u64>,
}

impl Measurement {
    pub(crate) fn begin(_metrics: &Metrics, _observed: &Observed<'_>) -> Box<Self> {
        Box::new(Self)
    }

    pub(crate) fn learn_route(&mut self, _route: Option<StringValue>) {}

    pub(crate) fn end(&self, _context: &Context, _outcome: Outcome) {}
}
