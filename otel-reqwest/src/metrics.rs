//! What the metrics of an attempt are made of.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::Extensions;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{Context, InstrumentationScope, KeyValue, StringValue};
use otel_core::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_TEMPLATE,
};
use otel_core::http::{HttpInstruments, HttpMetrics, MetricLabels, protocol_version};
use reqwest::{Body, Response};

use crate::attributes::Target;
use crate::config::Config;
use crate::end_at::EndAt;
use crate::request_size::RequestSize;
use crate::shared;

/// Room for what nearly every request has.
const USUAL: usize = 8;

/// The instruments and which of them are used.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    http: Arc<HttpMetrics>,
    pub(crate) active_requests: bool,
    pub(crate) body_sizes: bool,
}

impl Metrics {
    pub(crate) fn new(scope: InstrumentationScope) -> Self {
        Self {
            http: Arc::new(HttpMetrics::client(scope)),
            active_requests: false,
            body_sizes: false,
        }
    }

    pub(crate) fn provider(&mut self, provider: &impl MeterProvider, scope: InstrumentationScope) {
        self.http = Arc::new(HttpMetrics::client(scope).of(provider));
    }

    /// Starts measuring; `None` where no one listens.
    pub(crate) fn begin(
        &self,
        target: &Target<'_>,
        context: &Context,
        extensions: &Extensions,
    ) -> Option<Measured> {
        let instruments = self.http.instruments()?;
        let mut attributes = Vec::with_capacity(USUAL);
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
        attributes.push(KeyValue::new(SERVER_ADDRESS, shared::host(target.host)));
        if let Some(port) = target.port {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
        if let Some(template) = &target.template {
            attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
        }
        let active = self.active_requests.then_some(attributes.len());
        if active.is_some() {
            let _exemplar = context.clone().attach();
            instruments.active_requests().add(1, &attributes);
        }
        Some(Measured {
            start: Instant::now(),
            attributes,
            active,
            labels: extensions.get().cloned(),
            sent: None,
            received: None,
        })
    }
}

/// The measurements of one attempt.
#[derive(Debug)]
pub(crate) struct Measured {
    start: Instant,
    attributes: Vec<KeyValue>,
    /// Where the attempt counts as active: how many of the attributes say so.
    active: Option<usize>,
    labels: Option<MetricLabels>,
    sent: Option<RequestSize>,
    received: Option<u64>,
}

impl Measured {
    pub(crate) fn send(&mut self, metrics: &Metrics, body: &mut Option<Body>) {
        if metrics.body_sizes {
            self.sent = Some(RequestSize::of(body));
        }
    }

    pub(crate) fn respond(&mut self, config: &Config, response: &Response) {
        let status = i64::from(response.status().as_u16());
        self.attributes
            .push(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            self.attributes
                .push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
        // A body that is read through us is counted as it comes; of another one what its head promises is known.
        self.received = match config.end_at {
            EndAt::Body => Some(0),
            EndAt::Headers => response.content_length(),
        };
    }

    pub(crate) fn receive(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received = self.received.map(|before| before.saturating_add(bytes));
    }

    pub(crate) fn end(
        mut self,
        metrics: &Metrics,
        context: &Context,
        error_type: Option<Cow<'static, str>>,
    ) {
        let Some(instruments) = metrics.http.instruments() else {
            return;
        };
        // An exemplar takes the ids of the active span.
        let _exemplar = context.clone().attach();
        self.leave(instruments);
        let error_type = error_type.map(StringValue::from);
        self.attributes
            .extend(error_type.map(|it| KeyValue::new(ERROR_TYPE, it)));
        self.attributes
            .extend(self.labels.iter().flat_map(MetricLabels::list));
        let seconds = self.start.elapsed().as_secs_f64();
        instruments.duration().record(seconds, &self.attributes);
        if metrics.body_sizes {
            if let Some(sent) = &self.sent {
                instruments
                    .request_body_size()
                    .record(sent.bytes(), &self.attributes);
            }
            if let Some(received) = self.received {
                instruments
                    .response_body_size()
                    .record(received, &self.attributes);
            }
        }
    }

    fn leave(&self, instruments: &HttpInstruments) {
        let attributes = self.active.and_then(|count| self.attributes.get(..count));
        if let Some(attributes) = attributes {
            instruments.active_requests().add(-1, attributes);
        }
    }
}
