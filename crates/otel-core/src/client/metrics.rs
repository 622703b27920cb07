//! What the metrics of a call are made of.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use ::http::Extensions;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{Context, InstrumentationScope, KeyValue, StringValue};

use super::attributes::Target;
use super::sizes::BodySizes;
use crate::ResponseHead;
use crate::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION,
    URL_TEMPLATE,
};
use crate::http::{HttpMetrics, MetricLabels, protocol_version};
use crate::rpc::attribute::{RPC_METHOD, RPC_RESPONSE_STATUS_CODE, system};
use crate::rpc::{GrpcCall, RpcMetrics};

/// Room for what nearly every request has.
const USUAL: usize = 8;

/// The instruments and which of them are used.
#[derive(Debug, Clone)]
pub(super) struct ClientMetrics {
    http: Arc<HttpMetrics>,
    rpc: Arc<RpcMetrics>,
    pub(super) active_requests: bool,
    /// Whether the half was built to measure: this crate may be for the sake of another.
    pub(super) is_on: bool,
}

impl ClientMetrics {
    pub(super) fn new(scope: &InstrumentationScope) -> Self {
        Self {
            http: Arc::new(HttpMetrics::client(scope.clone())),
            rpc: Arc::new(RpcMetrics::client(scope.clone())),
            active_requests: false,
            is_on: false,
        }
    }

    pub(super) fn provider(&mut self, provider: &impl MeterProvider, scope: &InstrumentationScope) {
        self.http = Arc::new(HttpMetrics::client(scope.clone()).of(provider));
        self.rpc = Arc::new(RpcMetrics::client(scope.clone()).of(provider));
    }

    /// Starts measuring; `None` where no one listens.
    pub(super) fn begin(
        &self,
        target: &Target<'_>,
        context: &Context,
        extensions: &Extensions,
    ) -> Option<Measured> {
        let instruments = self.http.instruments().filter(|_| self.is_on)?;
        let mut attributes = Vec::with_capacity(USUAL);
        let mut active = None;
        if target.grpc.is_some() {
            attributes.push(system());
            target.add_server(&mut attributes);
        } else {
            attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
            target.add_server(&mut attributes);
            if let Some(template) = &target.template {
                attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
            }
            active = self.active_requests.then_some(attributes.len());
        }
        if active.is_some() {
            let _exemplar = context.clone().attach();
            instruments.active_requests().add(1, &attributes);
        }
        let labels = extensions.get::<MetricLabels>();
        let labels = labels.filter(|labels| !labels.is_of_server());
        Some(Measured {
            start: Instant::now(),
            attributes,
            active,
            labels: labels.cloned(),
        })
    }
}

/// The measurements of one call.
#[derive(Debug)]
pub(super) struct Measured {
    start: Instant,
    attributes: Vec<KeyValue>,
    /// Where the call counts as active: how many of the attributes say so.
    active: Option<usize>,
    labels: Option<MetricLabels>,
}

impl Measured {
    /// Notes the head of an HTTP response; that of a call of gRPC says nothing to a metric.
    pub(super) fn respond(&mut self, response: &ResponseHead<'_>) {
        let status = i64::from(response.status().as_u16());
        self.attributes
            .push(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            self.attributes
                .push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }

    pub(super) fn end(
        mut self,
        metrics: &ClientMetrics,
        context: &Context,
        grpc: Option<&GrpcCall>,
        sizes: &BodySizes,
        error_type: Option<Cow<'static, str>>,
    ) {
        // An exemplar takes the ids of the active span.
        let _exemplar = context.clone().attach();
        if let Some(call) = grpc {
            let method = KeyValue::new(RPC_METHOD, call.method().value());
            let code = call.code();
            let code = code.map(|code| KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str()));
            self.attributes.extend([method].into_iter().chain(code));
        }
        let error_type = error_type.map(StringValue::from);
        let error_type = error_type.map(|it| KeyValue::new(ERROR_TYPE, it));
        let active = self.active.and_then(|count| self.attributes.get(..count));
        if let (Some(active), Some(instruments)) = (active, metrics.http.instruments()) {
            instruments.active_requests().add(-1, active);
        }
        self.attributes.extend(error_type);
        if let Some(labels) = &self.labels {
            labels.add_to(&mut self.attributes);
        }
        self.record(metrics, grpc.is_some(), sizes);
    }

    fn record(&self, metrics: &ClientMetrics, is_grpc: bool, sizes: &BodySizes) {
        let seconds = self.start.elapsed().as_secs_f64();
        if is_grpc {
            if let Some(duration) = metrics.rpc.duration() {
                duration.record(seconds, &self.attributes);
            }
            return;
        }
        let Some(instruments) = metrics.http.instruments() else {
            return;
        };
        instruments.duration().record(seconds, &self.attributes);
        if let Some(sent) = sizes.sent() {
            let instrument = instruments.request_body_size();
            instrument.record(sent, &self.attributes);
        }
        if let Some(received) = sizes.received() {
            let instrument = instruments.response_body_size();
            instrument.record(received, &self.attributes);
        }
    }
}
