//! The options that server and client share, and the methods that builders offer for them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::RequestHead;
use otel_core::propagator::PropagatorChoice;
use otel_core::redact::{Secrets, SecretsChoice};
use otel_core::span_access;
use otel_core::tracer::LazyTracer;

use crate::callback;
use crate::conventions::http::{HeaderCapture, KnownMethods, SCHEMA_URL};
use crate::conventions::rpc::{RpcMethods, StatusNames};
use crate::end_at::EndAt;
use crate::error_names::ErrorNames;
use crate::hooks::{EndHook, RequestHook, ResponseHook, SpanUpdate};
use crate::metrics::Metrics;
use crate::outcome::Outcome;
use crate::path_redaction::{PathRedaction, PathRules};
use crate::predicate::Predicate;
use crate::response_head::ResponseHead;
use crate::text_limits::TextLimits;

/// The options that server and client share. [`common_options!`](crate::common_options) documents each of them.
#[derive(Clone)]
pub struct CommonOptions {
    pub(crate) name: &'static str,
    scope: InstrumentationScope,
    pub(crate) tracer: Arc<LazyTracer>,
    pub(crate) propagator: PropagatorChoice,
    skip: Option<Predicate>,
    pub(crate) methods: KnownMethods,
    has_methods_from_env: bool,
    pub(crate) rpc_methods: Option<RpcMethods>,
    pub(crate) rpc_status_names: StatusNames,
    secrets: SecretsChoice,
    pub(crate) paths: PathRules,
    pub(crate) text_limits: TextLimits,
    pub(crate) request_headers: HeaderCapture,
    pub(crate) response_headers: HeaderCapture,
    pub(crate) error_names: ErrorNames,
    pub(crate) end_at: EndAt,
    pub(crate) body_sizes: bool,
    pub(crate) attributes_for_sampler: bool,
    pub(crate) on_request: Vec<RequestHook>,
    pub(crate) on_response: Vec<ResponseHook>,
    pub(crate) on_end: Vec<EndHook>,
    pub(crate) metrics: Metrics,
    pub(crate) active_requests: bool,
}

impl CommonOptions {
    pub(crate) fn new(
        name: &'static str,
        version: &'static str,
        end_at: EndAt,
        metrics: fn(InstrumentationScope) -> Metrics,
    ) -> Self {
        let scope = InstrumentationScope::builder(name)
            .with_version(version)
            .with_schema_url(SCHEMA_URL)
            .build();
        span_access::set_other_layer(tracing_opentelemetry::get_otel_context);
        let methods = KnownMethods::from_env();
        Self {
            name,
            tracer: Arc::new(LazyTracer::new(scope.clone())),
            propagator: PropagatorChoice::default(),
            skip: None,
            has_methods_from_env: methods.is_some(),
            methods: methods.unwrap_or_default(),
            rpc_methods: None,
            rpc_status_names: StatusNames::from_env(),
            secrets: SecretsChoice::default(),
            paths: PathRules::default(),
            text_limits: TextLimits::default(),
            request_headers: HeaderCapture::default(),
            response_headers: HeaderCapture::default(),
            error_names: ErrorNames::default(),
            end_at,
            body_sizes: false,
            attributes_for_sampler: false,
            on_request: Vec::new(),
            on_response: Vec::new(),
            on_end: Vec::new(),
            metrics: metrics(scope.clone()),
            active_requests: false,
            scope,
        }
    }

    /// Sets the tracer provider.
    pub fn set_tracer_provider<P, T, S>(&mut self, provider: &P)
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.tracer = Arc::new(LazyTracer::from_provider(provider, self.scope.clone()));
    }

    /// Sets the meter provider.
    pub fn set_meter_provider(&mut self, provider: &impl MeterProvider) {
        self.metrics.set_provider(provider);
    }

    /// Sets the propagator.
    pub fn set_propagator(&mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) {
        self.propagator = PropagatorChoice::from_propagator(propagator);
    }

    /// Adds a predicate for requests to skip.
    pub fn add_skip(&mut self, predicate: Predicate) {
        self.skip = Some(match self.skip.take() {
            Some(before) => before.or(predicate),
            None => predicate,
        });
    }

    /// Sets the known HTTP methods. The list of the environment wins.
    pub fn set_known_methods<M: AsRef<str>>(&mut self, methods: impl IntoIterator<Item = M>) {
        if !self.has_methods_from_env {
            self.methods = KnownMethods::new(methods);
        }
    }

    /// Adds known HTTP methods. The list of the environment wins.
    pub fn add_known_methods<M: AsRef<str>>(&mut self, methods: impl IntoIterator<Item = M>) {
        if !self.has_methods_from_env {
            self.methods.add(methods);
        }
    }

    /// Sets the known gRPC methods, and enables the RPC conventions for gRPC calls.
    pub fn set_rpc_methods(&mut self, methods: RpcMethods) {
        self.rpc_methods = Some(methods);
    }

    /// Adds known gRPC methods to a list that is set, or sets them. Enables the RPC conventions for gRPC calls.
    #[cfg(feature = "descriptor-set")]
    pub fn add_rpc_methods(&mut self, methods: RpcMethods) {
        self.rpc_methods = Some(methods.added_to(self.rpc_methods.as_ref()));
    }

    /// Sets the list of secrets.
    pub fn set_secrets(&mut self, secrets: Secrets) {
        self.request_headers.set_secrets(secrets.clone());
        self.response_headers.set_secrets(secrets.clone());
        self.secrets.set(secrets);
    }

    /// Returns the list of secrets: that of the builder, or that of the process.
    #[inline]
    pub(crate) fn secrets(&self) -> &Secrets {
        self.secrets.get()
    }

    /// Adds a redaction of paths.
    pub fn add_path_redaction(&mut self, redaction: PathRedaction) {
        self.paths.add(redaction);
        self.request_headers.set_paths(&self.paths);
        self.response_headers.set_paths(&self.paths);
    }

    /// Sets the limits of texts from the network.
    pub fn set_text_limits(&mut self, limits: TextLimits) {
        self.text_limits = limits;
        self.request_headers.set_limits(limits);
        self.response_headers.set_limits(limits);
    }

    /// Adds request headers to record.
    pub fn add_request_headers<N: AsRef<str>>(&mut self, names: impl IntoIterator<Item = N>) {
        self.request_headers.add(names);
    }

    /// Adds response headers to record.
    pub fn add_response_headers<N: AsRef<str>>(&mut self, names: impl IntoIterator<Item = N>) {
        self.response_headers.add(names);
    }

    /// Adds a function that names errors of the type `E`.
    pub fn add_error_type<E, N>(&mut self, name: impl Fn(&E) -> N + Send + Sync + 'static)
    where
        E: Error + 'static,
        N: Into<Option<&'static str>> + 'static,
    {
        self.error_names.add(name);
    }

    /// Sets when spans end.
    pub fn set_end_at(&mut self, end_at: EndAt) {
        self.end_at = end_at;
    }

    /// Enables the sizes of bodies.
    pub fn enable_body_sizes(&mut self) {
        self.body_sizes = true;
    }

    /// Enables the count of active requests.
    pub fn enable_active_requests(&mut self) {
        self.active_requests = true;
    }

    /// Enables all attributes for the sampler.
    pub fn enable_attributes_for_sampler(&mut self) {
        self.attributes_for_sampler = true;
    }

    /// Adds a hook that runs when the span is open.
    pub fn add_request_hook(
        &mut self,
        hook: impl Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) {
        self.on_request.push(Arc::new(hook));
    }

    /// Adds a hook that runs when the response head is there.
    pub fn add_response_hook(
        &mut self,
        hook: impl Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) {
        self.on_response.push(Arc::new(hook));
    }

    /// Adds a hook that runs at the end of each exchange.
    pub fn add_end_hook(
        &mut self,
        hook: impl Fn(&RequestHead<'_>, &Outcome<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) {
        self.on_end.push(Arc::new(hook));
    }

    /// Returns `true` if there is a hook. Hooks also run for an exchange that is neither traced nor measured.
    pub(crate) fn has_hooks(&self) -> bool {
        !self.on_request.is_empty() || self.has_late_hooks()
    }

    /// Returns `true` if a hook runs at the end.
    pub(crate) fn has_end_hooks(&self) -> bool {
        !self.on_end.is_empty()
    }

    /// Returns `true` if a hook sees the request after its start. A copy of its head is then kept.
    #[inline]
    pub(crate) fn has_late_hooks(&self) -> bool {
        !self.on_response.is_empty() || !self.on_end.is_empty()
    }

    /// Returns `true` if some requests may be skipped.
    pub(crate) fn has_skip(&self) -> bool {
        self.skip.is_some()
    }

    /// Returns `true` if this request is skipped. A predicate that panics skips nothing.
    #[inline]
    pub(crate) fn skips(&self, request: &RequestHead<'_>) -> bool {
        match &self.skip {
            None => false,
            Some(skip) => callback::call("skip", || skip.matches(request)).unwrap_or(false),
        }
    }
}

impl fmt::Debug for CommonOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommonOptions")
            .field("name", &self.name)
            .field("tracer", &self.tracer)
            .field("propagator", &self.propagator)
            .field("end_at", &self.end_at)
            .finish_non_exhaustive()
    }
}
