//! The instruments of the HTTP metrics.

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{Histogram, Meter, MeterProvider, UpDownCounter};

use crate::instruments::{DURATION_BUCKETS, LazyInstruments};

/// Instruments that look up the global meter provider until one is set, and keep those.
///
/// So a layer may be built before the provider is set. Without a provider there are no instruments, and whoever asks
/// can leave out what it would have recorded.
#[derive(Debug)]
pub struct HttpMetrics(LazyInstruments<HttpInstruments>);

/// The instruments of one side, as the conventions name them.
#[derive(Debug)]
pub struct HttpInstruments {
    duration: Histogram<f64>,
    active_requests: UpDownCounter<i64>,
    request_body_size: Histogram<u64>,
    response_body_size: Histogram<u64>,
}

impl HttpMetrics {
    /// Makes `http.server.*` instruments of the global meter provider.
    #[must_use]
    pub fn server(scope: InstrumentationScope) -> Self {
        let make = |meter: &Meter| HttpInstruments::new(meter, &SERVER);
        Self(LazyInstruments::new(scope, make))
    }

    /// Makes `http.client.*` instruments of the global meter provider.
    #[must_use]
    pub fn client(scope: InstrumentationScope) -> Self {
        let make = |meter: &Meter| HttpInstruments::new(meter, &CLIENT);
        Self(LazyInstruments::new(scope, make))
    }

    /// Takes the instruments of this provider instead of the global one's.
    #[must_use]
    pub fn of(self, provider: &impl MeterProvider) -> Self {
        Self(self.0.of(provider))
    }

    /// Finds the instruments; there are none without a meter provider.
    #[must_use]
    pub fn instruments(&self) -> Option<&HttpInstruments> {
        self.0.get()
    }
}

struct Names {
    duration: &'static str,
    active_requests: &'static str,
    request_body_size: &'static str,
    response_body_size: &'static str,
}

const SERVER: Names = Names {
    duration: "http.server.request.duration",
    active_requests: "http.server.active_requests",
    request_body_size: "http.server.request.body.size",
    response_body_size: "http.server.response.body.size",
};

const CLIENT: Names = Names {
    duration: "http.client.request.duration",
    active_requests: "http.client.active_requests",
    request_body_size: "http.client.request.body.size",
    response_body_size: "http.client.response.body.size",
};

impl HttpInstruments {
    /// `http.*.request.duration`, in seconds.
    #[must_use]
    pub fn duration(&self) -> &Histogram<f64> {
        &self.duration
    }

    /// `http.*.active_requests`.
    #[must_use]
    pub fn active_requests(&self) -> &UpDownCounter<i64> {
        &self.active_requests
    }

    /// `http.*.request.body.size`, in bytes.
    #[must_use]
    pub fn request_body_size(&self) -> &Histogram<u64> {
        &self.request_body_size
    }

    /// `http.*.response.body.size`, in bytes.
    #[must_use]
    pub fn response_body_size(&self) -> &Histogram<u64> {
        &self.response_body_size
    }

    fn new(meter: &Meter, names: &Names) -> Self {
        Self {
            duration: meter
                .f64_histogram(names.duration)
                .with_unit("s")
                .with_description("Duration of HTTP requests.")
                .with_boundaries(DURATION_BUCKETS.to_vec())
                .build(),
            active_requests: meter
                .i64_up_down_counter(names.active_requests)
                .with_unit("{request}")
                .with_description("Number of active HTTP requests.")
                .build(),
            request_body_size: meter
                .u64_histogram(names.request_body_size)
                .with_unit("By")
                .with_description("Size of HTTP request bodies.")
                .build(),
            response_body_size: meter
                .u64_histogram(names.response_body_size)
                .with_unit("By")
                .with_description("Size of HTTP response bodies.")
                .build(),
        }
    }
}
