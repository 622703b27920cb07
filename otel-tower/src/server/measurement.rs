//! The metrics of a request.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{Context, InstrumentationScope, KeyValue, StringValue};
use otel_core::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
    NETWORK_PROTOCOL_VERSION, URL_SCHEME,
};
use otel_core::http::{HttpMetrics, MetricLabels, protocol_version};
use otel_core::rpc::attribute::{RPC_METHOD, RPC_RESPONSE_STATUS_CODE, system};
use otel_core::rpc::{GrpcCall, RpcMetrics};

use crate::server::observed::Observed;

/// What is measured, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    http: Arc<HttpMetrics>,
    rpc: Arc<RpcMetrics>,
    pub(crate) active_requests: bool,
    pub(crate) labels: bool,
}

impl Metrics {
    pub(crate) fn new(scope: &InstrumentationScope) -> Self {
        Self {
            http: Arc::new(HttpMetrics::server(scope.clone())),
            rpc: Arc::new(RpcMetrics::server(scope.clone())),
            active_requests: false,
            labels: false,
        }
    }

    pub(crate) fn of(&mut self, scope: &InstrumentationScope, provider: &impl MeterProvider) {
        self.http = Arc::new(HttpMetrics::server(scope.clone()).of(provider));
        self.rpc = Arc::new(RpcMetrics::server(scope.clone()).of(provider));
    }

    /// Whether anyone takes what is measured.
    pub(crate) fn is_on(&self) -> bool {
        self.http.instruments().is_some()
    }
}

/// One request, from when it comes to its end.
#[derive(Debug)]
pub(crate) struct Measurement {
    metrics: Metrics,
    started: Instant,
    method: StringValue,
    scheme: &'static str,
    version: Option<&'static str>,
    route: Option<StringValue>,
    labels: Option<MetricLabels>,
    is_grpc: bool,
}

/// What is known of a request when it has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc: Option<Box<GrpcCall>>,
    pub(crate) error_type: Option<StringValue>,
    pub(crate) request_size: Option<u64>,
    pub(crate) response_size: Option<u64>,
}

impl Measurement {
    pub(crate) fn begin(metrics: &Metrics, observed: &Observed<'_>) -> Box<Self> {
        let measurement = Box::new(Self {
            metrics: metrics.clone(),
            started: Instant::now(),
            method: observed.method.value(),
            scheme: observed.scheme,
            version: protocol_version(observed.request.version()),
            route: observed.name.route.clone(),
            labels: metrics.labels.then(MetricLabels::of_server),
            is_grpc: observed.grpc.is_some(),
        });
        measurement.count(1);
        measurement
    }

    /// Takes the route that a router further in has told.
    pub(crate) fn learn_route(&mut self, route: Option<StringValue>) {
        self.route = route;
    }

    /// The list that the handler adds to, where the layer was told to hand one out.
    pub(crate) fn labels(&self) -> Option<&MetricLabels> {
        self.labels.as_ref()
    }

    /// Records the request inside its context, so that exemplars can name its span.
    pub(crate) fn end(&self, context: &Context, outcome: Outcome) {
        self.count(-1);
        let _active = context.clone().attach();
        let seconds = self.started.elapsed().as_secs_f64();
        let (request_size, response_size) = (outcome.request_size, outcome.response_size);
        let mut attributes = match &outcome.grpc {
            Some(call) => of_call(call),
            None => self.of_request(outcome.status),
        };
        let error_type = outcome.error_type;
        attributes.extend(error_type.map(|it| KeyValue::new(ERROR_TYPE, it)));
        if let Some(labels) = &self.labels {
            labels.add_to(&mut attributes);
        }
        if self.is_grpc {
            if let Some(duration) = self.metrics.rpc.duration() {
                duration.record(seconds, &attributes);
            }
            return;
        }
        let Some(instruments) = self.metrics.http.instruments() else {
            return;
        };
        instruments.duration().record(seconds, &attributes);
        if let Some(size) = request_size {
            instruments.request_body_size().record(size, &attributes);
        }
        if let Some(size) = response_size {
            instruments.response_body_size().record(size, &attributes);
        }
    }

    fn count(&self, change: i64) {
        let is_counted = self.metrics.active_requests && !self.is_grpc;
        let instruments = self.metrics.http.instruments();
        if let Some(instruments) = instruments.filter(|_| is_counted) {
            let attributes = [
                KeyValue::new(HTTP_REQUEST_METHOD, self.method.clone()),
                KeyValue::new(URL_SCHEME, self.scheme),
            ];
            instruments.active_requests().add(change, &attributes);
        }
    }

    /// Never a path, a host or an address: each value is a time series of its own.
    fn of_request(&self, status: Option<StatusCode>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(USUAL);
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, self.method.clone()));
        attributes.push(KeyValue::new(URL_SCHEME, self.scheme));
        if let Some(route) = &self.route {
            attributes.push(KeyValue::new(HTTP_ROUTE, route.clone()));
        }
        if let Some(version) = self.version {
            attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(status) = status {
            let code = i64::from(status.as_u16());
            attributes.push(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, code));
        }
        attributes
    }
}

fn of_call(call: &GrpcCall) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(USUAL);
    attributes.push(system());
    attributes.push(KeyValue::new(RPC_METHOD, call.method().value()));
    let code = call.code();
    attributes.extend(code.map(|code| KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str())));
    attributes
}

/// Room for what nearly every request has.
const USUAL: usize = 6;
