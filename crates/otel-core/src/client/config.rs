//! What a client was told.

use std::fmt;
use std::sync::Arc;

use ::http::HeaderValue;
use opentelemetry::InstrumentationScope;
#[cfg(feature = "metrics")]
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Span, Tracer, TracerProvider};

use super::end_at::EndAt;
use super::metrics::ClientMetrics;
use super::request::OutgoingRequest;
use super::url_template::UrlTemplates;
use crate::http::{HeaderCapture, KnownMethods, Redaction, SCHEMA_URL};
use crate::outgoing::Outgoing;
use crate::predicate::{self, AnyOf};
use crate::propagator::PropagatorChoice;
use crate::rpc::RpcMethods;
use crate::span_update::SpanUpdate;
use crate::tracer::LazyTracer;
use crate::{RequestHead, ResponseHead};

/// Runs when a call's span has been opened.
pub type RequestHook = Arc<dyn Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
/// Runs when the response head is there.
pub type ResponseHook =
    Arc<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;

/// What a client half was told; its builder methods write here.
#[derive(Clone)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the builder methods of the client halves say what each is"
)]
pub struct ClientConfig {
    name: &'static str,
    scope: InstrumentationScope,
    pub tracer: Arc<LazyTracer>,
    pub propagator: PropagatorChoice,
    pub methods: KnownMethods,
    pub redaction: Redaction,
    pub request_headers: HeaderCapture,
    pub response_headers: HeaderCapture,
    pub user_agent: Option<HeaderValue>,
    pub templates: UrlTemplates,
    pub skip: AnyOf,
    pub outgoing: Outgoing,
    pub end_at: EndAt,
    pub body_sizes: bool,
    pub attributes_for_sampler: bool,
    pub on_request: Vec<RequestHook>,
    pub on_response: Vec<ResponseHook>,
    pub(super) metrics: ClientMetrics,
    /// Where calls of gRPC are told apart.
    pub grpc: Option<RpcMethods>,
}

impl ClientConfig {
    /// Makes the settings of a client that was told nothing; `name` and `version` are its instrumentation's.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        let scope = InstrumentationScope::builder(name)
            .with_version(version)
            .with_schema_url(SCHEMA_URL)
            .build();
        Self {
            tracer: Arc::new(LazyTracer::global(scope.clone())),
            propagator: PropagatorChoice::default(),
            methods: KnownMethods::from_env(),
            redaction: Redaction::default(),
            request_headers: HeaderCapture::default(),
            response_headers: HeaderCapture::default(),
            user_agent: None,
            templates: UrlTemplates::default(),
            skip: AnyOf::default(),
            outgoing: Outgoing::default(),
            end_at: EndAt::default(),
            body_sizes: false,
            attributes_for_sampler: false,
            on_request: Vec::new(),
            on_response: Vec::new(),
            metrics: ClientMetrics::new(&scope),
            grpc: None,
            name,
            scope,
        }
    }

    /// Uses this tracer provider instead of the global one.
    pub fn tracer_provider<P, T, S>(&mut self, provider: &P)
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.tracer = Arc::new(LazyTracer::of(provider, self.scope.clone()));
    }

    /// Measures calls. A half that has a feature for that says so where it is on.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn measured(mut self) -> Self {
        self.metrics.is_on = true;
        self
    }

    /// Uses this meter provider instead of the global one.
    #[cfg(feature = "metrics")]
    pub fn meter_provider(&mut self, provider: &impl MeterProvider) {
        self.metrics.provider(provider, &self.scope);
    }

    /// Counts the requests that wait for their end.
    #[cfg(feature = "metrics")]
    pub fn active_requests(&mut self) {
        self.metrics.active_requests = true;
    }

    /// Whether a request passes without a span and unmeasured.
    pub fn skips(&self, request: &impl OutgoingRequest) -> bool {
        let ask = |head: &RequestHead<'_>| predicate::ask("skip", || self.skip.matches(head));
        !self.skip.is_empty() && request.show(ask).unwrap_or(false)
    }

    /// The instrumentation's name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("name", &self.name)
            .field("tracer", &self.tracer)
            .field("propagator", &self.propagator)
            .field("outgoing", &self.outgoing)
            .field("end_at", &self.end_at)
            .field("grpc", &self.grpc)
            .finish_non_exhaustive()
    }
}
