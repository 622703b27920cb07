//! The metric attributes of a request of HTTP.

use opentelemetry::{Context, KeyValue};

use super::request_info::RequestInfo;
use crate::conventions::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, URL_SCHEME,
};
use crate::conventions::http::protocol_version;
use crate::metrics::measurement::{Measurement, USUAL_ATTRIBUTES};
use crate::options::CommonOptions;
use crate::span_name::SpanName;

/// The metric attributes of a request of HTTP that are known at its start.
///
/// Metrics never have a path, a host or an address: each value would be a new time series.
#[derive(Debug)]
pub(super) struct HttpMeasures {
    attributes: Vec<KeyValue>,
    /// The number of attributes of `active_requests`.
    active: usize,
}

impl HttpMeasures {
    #[inline]
    pub(super) fn new(info: &RequestInfo<'_>, name: &SpanName) -> Self {
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, info.method.value()));
        attributes.push(KeyValue::new(URL_SCHEME, info.scheme));
        let active = attributes.len();
        if let Some(route) = &name.target {
            attributes.push(KeyValue::new(HTTP_ROUTE, route.clone()));
        }
        if let Some(version) = protocol_version(info.head.version()) {
            attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
        Self { attributes, active }
    }

    /// Measures the request with these attributes, and counts it as active if the option is set.
    #[inline]
    pub(super) fn start(
        self,
        options: &CommonOptions,
        measurement: &mut Measurement,
        context: &Context,
    ) {
        measurement.set_attributes(self.attributes);
        if options.active_requests {
            measurement.count_as_active(&options.metrics, context, self.active);
        }
    }
}
