//! The metric attributes of a request of HTTP.

use opentelemetry::{Context, KeyValue};

use super::measurement::Measurement;
use crate::options::CommonOptions;

/// The metric attributes of a request of HTTP that are known at its start.
#[derive(Debug)]
pub(crate) struct HttpMeasures {
    attributes: Vec<KeyValue>,
    /// The number of attributes of `active_requests`.
    active: usize,
}

impl HttpMeasures {
    /// Makes measures of these attributes. The first `active` of them are those of `active_requests`.
    #[inline]
    pub(crate) fn new(attributes: Vec<KeyValue>, active: usize) -> Self {
        Self { attributes, active }
    }

    /// Measures the request with these attributes, and counts it as active if the option is set.
    #[inline]
    pub(crate) fn start(
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
