//! The metric attributes of a request of HTTP.

use opentelemetry::{Context, KeyValue};

use super::options::ClientOptions;
use super::target::Target;
use crate::conventions::http::attribute::{HTTP_REQUEST_METHOD, URL_TEMPLATE};
use crate::metrics::measurement::{Measurement, USUAL_ATTRIBUTES};
use crate::options::CommonOptions;

/// The metric attributes of a request of HTTP that are known at its start.
#[derive(Debug)]
pub(super) struct HttpMeasures(Vec<KeyValue>);

impl HttpMeasures {
    #[inline]
    pub(super) fn new(options: &ClientOptions, target: &Target<'_>) -> Self {
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
        target.add_server(options, &mut attributes);
        if let Some(template) = &target.template {
            attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
        }
        Self(attributes)
    }

    /// Measures the request with these attributes, and counts it as active if the option is set.
    #[inline]
    pub(super) fn start(
        self,
        options: &CommonOptions,
        measurement: &mut Measurement,
        context: &Context,
    ) {
        let active = self.0.len();
        measurement.set_attributes(self.0);
        if options.active_requests {
            measurement.count_as_active(&options.metrics, context, active);
        }
    }
}
