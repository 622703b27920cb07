//! The metric attributes of a CLIENT span's request.

use opentelemetry::KeyValue;

use super::options::ClientOptions;
use super::target::Target;
use crate::conventions::http::attribute::{HTTP_REQUEST_METHOD, URL_TEMPLATE};
use crate::metrics::http_measures::HttpMeasures;
use crate::metrics::measurement::USUAL_ATTRIBUTES;

/// Returns the metric attributes of a request of HTTP that are known at its start.
#[inline]
pub(super) fn http_measures(options: &ClientOptions, target: &Target<'_>) -> HttpMeasures {
    let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
    target.add_server(options, &mut attributes);
    if let Some(template) = &target.template {
        attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
    }
    let active = attributes.len();
    HttpMeasures::new(attributes, active)
}
