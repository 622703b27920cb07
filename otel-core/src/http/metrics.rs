//! The instruments of the HTTP metrics, found when the first request needs them.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider, UpDownCounter};
use opentelemetry::{InstrumentationScope, global};

/// The buckets that the conventions advise for durations, in seconds.
const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Instruments that look up the global meter provider until one is set, and keep those.
///
/// So a layer may be built before the provider is set. Without a provider there are no instruments, and whoever asks
/// can leave out what it would have recorded.
pub struct HttpMetrics {
    side: Side,
    scope: InstrumentationScope,
    found: OnceLock<HttpInstruments>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Server,
    Client,
}

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
        Self::new(Side::Server, scope)
    }

    /// Makes `http.client.*` instruments of the global meter provider.
    #[must_use]
    pub fn client(scope: InstrumentationScope) -> Self {
        Self::new(Side::Client, scope)
    }

    /// Takes the instruments of this provider instead of the global one's.
    #[must_use]
    pub fn of(self, provider: &impl MeterProvider) -> Self {
        let meter = provider.meter_with_scope(self.scope.clone());
        let found = OnceLock::from(HttpInstruments::new(self.side, &meter));
        Self { found, ..self }
    }

    /// Finds the instruments; there are none without a meter provider.
    #[must_use]
    pub fn instruments(&self) -> Option<&HttpInstruments> {
        if let Some(found) = self.found.get() {
            return Some(found);
        }
        let provider = global::meter_provider();
        // The API's no-op provider has no content, and no other way to tell it. A real one has a pipeline to hold.
        if size_of_val(&*provider) == 0 {
            return None;
        }
        let meter = provider.meter_with_scope(self.scope.clone());
        Some(
            self.found
                .get_or_init(|| HttpInstruments::new(self.side, &meter)),
        )
    }

    fn new(side: Side, scope: InstrumentationScope) -> Self {
        Self {
            side,
            scope,
            found: OnceLock::new(),
        }
    }
}

impl fmt::Debug for HttpMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpMetrics")
            .field("side", &self.side)
            .field("found", &self.found.get().is_some())
            .finish_non_exhaustive()
    }
}

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

    fn new(side: Side, meter: &Meter) -> Self {
        let name = match side {
            Side::Server => |server: &'static str, _: &'static str| server,
            Side::Client => |_: &'static str, client: &'static str| client,
        };
        let duration = name(
            "http.server.request.duration",
            "http.client.request.duration",
        );
        let active = name("http.server.active_requests", "http.client.active_requests");
        let request = name(
            "http.server.request.body.size",
            "http.client.request.body.size",
        );
        let response = name(
            "http.server.response.body.size",
            "http.client.response.body.size",
        );
        Self {
            duration: meter
                .f64_histogram(duration)
                .with_unit("s")
                .with_description("Duration of HTTP requests.")
                .with_boundaries(DURATION_BUCKETS.to_vec())
                .build(),
            active_requests: meter
                .i64_up_down_counter(active)
                .with_unit("{request}")
                .with_description("Number of active HTTP requests.")
                .build(),
            request_body_size: meter
                .u64_histogram(request)
                .with_unit("By")
                .with_description("Size of HTTP request bodies.")
                .build(),
            response_body_size: meter
                .u64_histogram(response)
                .with_unit("By")
                .with_description("Size of HTTP response bodies.")
                .build(),
        }
    }
}
