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
use reqwest::Response;

use crate::attributes::Target;
use crate::shared;
use crate::sizes::Sizes;

/// Room for what nearly every request has.
const USUAL: usize = 8;

/// The instruments and which of them are used.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    http: Arc<HttpMetrics>,
    pub(crate) active_requests: bool,
}

impl Metrics {
    pub(crate) fn new(scope: InstrumentationScope) -> Self {
        Self {
            http: Arc::new(HttpMetrics::client(scope)),
            active_requests: false,
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
}

impl Measured {
    pub(crate) fn respond(&mut self, response: &Response) {
        let status = i64::from(response.status().as_u16());
        self.attributes
            .push(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            self.attributes
                .push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }

    pub(crate) fn end(
        mut self,
        metrics: &Metrics,
        context: &Context,
        sizes: &Sizes,
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
        // A label that has the name of one of the convention's attributes would make a second value of it.
        for label in self.labels.iter().flat_map(MetricLabels::list) {
            if self
                .attributes
                .iter()
                .all(|attribute| attribute.key != label.key)
            {
                self.attributes.push(label);
            }
        }
        let seconds = self.start.elapsed().as_secs_f64();
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

    fn leave(&self, instruments: &HttpInstruments) {
        let attributes = self.active.and_then(|count| self.attributes.get(..count));
        if let Some(attributes) = attributes {
            instruments.active_requests().add(-1, attributes);
        }
    }
}
