//! What a middleware was told.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use opentelemetry::InstrumentationScope;
use otel_core::http::{HeaderCapture, KnownMethods, Redaction};
use otel_core::outgoing::Outgoing;
use otel_core::predicate::AnyOf;
use otel_core::propagator::PropagatorChoice;
use otel_core::span_update::SpanUpdate;
use otel_core::tracer::LazyTracer;
use otel_core::{RequestHead, ResponseHead};

use crate::end_at::EndAt;
use crate::metrics::Metrics;
use crate::redirect::Redirects;
use crate::url_template::UrlTemplates;

/// The conventions that the attributes follow.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

type RequestHook = Arc<dyn Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
type ResponseHook =
    Arc<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) tracer: Arc<LazyTracer>,
    pub(crate) propagator: PropagatorChoice,
    pub(crate) methods: KnownMethods,
    pub(crate) redaction: Redaction,
    pub(crate) request_headers: HeaderCapture,
    pub(crate) response_headers: HeaderCapture,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) templates: UrlTemplates,
    pub(crate) skip: AnyOf,
    pub(crate) outgoing: Outgoing,
    pub(crate) redirects: Redirects,
    pub(crate) end_at: EndAt,
    pub(crate) body_sizes: bool,
    pub(crate) attributes_for_sampler: bool,
    pub(crate) on_request: Vec<RequestHook>,
    pub(crate) on_response: Vec<ResponseHook>,
    pub(crate) metrics: Metrics,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tracer: Arc::new(LazyTracer::global(scope())),
            propagator: PropagatorChoice::default(),
            methods: KnownMethods::from_env(),
            redaction: Redaction::default(),
            request_headers: HeaderCapture::default(),
            response_headers: HeaderCapture::default(),
            user_agent: None,
            templates: UrlTemplates::default(),
            skip: AnyOf::default(),
            outgoing: Outgoing::default(),
            redirects: Redirects::default(),
            end_at: EndAt::default(),
            body_sizes: false,
            attributes_for_sampler: false,
            on_request: Vec::new(),
            on_response: Vec::new(),
            metrics: Metrics::new(scope()),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("tracer", &self.tracer)
            .field("propagator", &self.propagator)
            .field("outgoing", &self.outgoing)
            .field("redirects", &self.redirects)
            .field("end_at", &self.end_at)
            .finish_non_exhaustive()
    }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("otel_reqwest")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}
