//! The metric attributes of a SERVER span's request.

use opentelemetry::KeyValue;

use super::request_info::RequestInfo;
use crate::conventions::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, URL_SCHEME,
};
use crate::conventions::http::protocol_version;
use crate::metrics::http_measures::HttpMeasures;
use crate::metrics::measurement::USUAL_ATTRIBUTES;
use crate::span_name::SpanName;

/// Returns the metric attributes of a request of HTTP that are known at its start.
///
/// Metrics never have a path, a host or an address: each value would be a new time series.
#[inline]
pub(super) fn http_measures(info: &RequestInfo<'_>, name: &SpanName) -> HttpMeasures {
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
    HttpMeasures::new(attributes, active)
}
