//! One attempt and its one end.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use http::{Extensions, StatusCode};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use otel_core::ResponseHead;
use otel_core::http::attribute::ERROR_TYPE;
use otel_core::http::client_error_type;
use otel_core::span_update::{SpanUpdate, Verdict};
use otel_core::watch;
use reqwest::{Body, Request, Response};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::attributes::{self, Target};
use crate::config::Config;
use crate::head::{self, Head};
use crate::metrics::Measured;
use crate::redirect;
use crate::sizes::Sizes;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a response; its status code says the rest.
    Complete,
    /// With an error of this type, before the response or in its body.
    Failed(&'static str),
    /// The caller has given up. That is no error.
    Dropped,
}

/// All that is known of an attempt. It moves from the request to the response body and finishes exactly once; dropped
/// before that, the caller has given up.
#[derive(Debug)]
pub(crate) struct Attempt {
    config: Arc<Config>,
    context: Context,
    /// Kept for hooks that see the response.
    head: Option<Box<Head>>,
    /// `url.full`, where the span is recorded.
    asked: Option<Arc<str>>,
    status: Option<StatusCode>,
    verdict: Option<Verdict>,
    sizes: Sizes,
    measured: Option<Measured>,
    finished: bool,
}

impl Attempt {
    pub(crate) fn open(
        config: &Arc<Config>,
        request: &Request,
        extensions: &Extensions,
        resends: u32,
    ) -> Self {
        let target = Target::of(config, request, extensions, resends);
        let (context, asked) = open_span(config, request, &target);
        let measured = config.metrics.begin(&target, &context, extensions);
        let attempt = Self {
            config: Arc::clone(config),
            context,
            head: (!config.on_response.is_empty()).then(|| Box::new(Head::of(request))),
            asked,
            sizes: Sizes::default(),
            status: None,
            verdict: None,
            measured,
            finished: false,
        };
        for hook in &config.on_request {
            SpanUpdate::run(&attempt.context, |update| {
                head::show(request, extensions, |head| hook(head, update));
            });
        }
        attempt
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Notes the body that is sent.
    pub(crate) fn send(&mut self, body: &mut Option<Body>) {
        if self.config.body_sizes {
            self.sizes.send(body);
        }
    }

    /// Notes a piece of the response's body.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.sizes.receive(bytes);
    }

    /// Notes the response head.
    pub(crate) fn respond(&mut self, response: &Response, extensions: &Extensions) {
        self.status = Some(response.status());
        if self.config.body_sizes {
            self.sizes.respond(response, self.config.end_at);
        }
        if let Some(asked) = &self.asked {
            let span = self.context.span();
            let set = |attribute| span.set_attribute(attribute);
            if attributes::of_response(&self.config, response, asked, set) {
                redirect::warn_if_ours(self.config.redirects);
            }
        }
        if let Some(measured) = &mut self.measured {
            measured.respond(response);
        }
        if let Some(head) = &self.head {
            let request = head.view(extensions);
            let response = ResponseHead::new(
                response.status(),
                response.version(),
                response.headers(),
                response.extensions(),
            );
            for hook in &self.config.on_response {
                let verdict = SpanUpdate::run(&self.context, |update| {
                    hook(&request, &response, update);
                });
                self.verdict = verdict.or(self.verdict.take());
            }
        }
    }

    /// Finishes the attempt; the first call counts.
    pub(crate) fn finish(&mut self, end: End) {
        if mem::replace(&mut self.finished, true) {
            return;
        }
        let error_type = self.error_type(end);
        let is_recording = self.asked.is_some();
        if is_recording {
            let span = self.context.span();
            if let Some(error_type) = &error_type {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.clone()));
                span.set_status(Status::error(""));
            }
            if self.config.body_sizes {
                span.set_attributes(self.sizes.attributes());
            }
            span.end();
        }
        if let Some(measured) = self.measured.take() {
            measured.end(&self.config.metrics, &self.context, &self.sizes, error_type);
        }
    }

    /// What a hook says of the response comes first, then a status code that is an error: it says more than what happened
    /// to the body.
    fn error_type(&self, end: End) -> Option<Cow<'static, str>> {
        let of_status = || self.status.and_then(client_error_type);
        let of_head = match &self.verdict {
            Some(Verdict::Error(error_type)) => return Some(error_type.clone()),
            Some(_) => None,
            None => of_status(),
        };
        let of_end = match end {
            End::Failed(error_type) => Some(error_type),
            End::Complete | End::Dropped => None,
        };
        of_head.or(of_end).map(Cow::Borrowed)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}

/// Opens the span and makes its context. Where it is recorded, its `url.full` comes along.
///
/// Attributes are made before the sampler is asked, which may want to see them; without an SDK, or under a parent that is
/// not sampled, they are made only if the span is recorded all the same.
fn open_span(
    config: &Config,
    request: &Request,
    target: &Target<'_>,
) -> (Context, Option<Arc<str>>) {
    let parent = parent();
    watch::call_starts(&parent, "otel_reqwest", || target.name().into_owned());
    let is_early =
        config.tracer.is_found() && (config.attributes_for_sampler || !is_unsampled(&parent));
    // Its methods move it about, and it is large.
    let mut builder = SpanBuilder::from_name(target.name());
    builder.span_kind = Some(SpanKind::Client);
    let early = is_early.then(|| attributes::at_start(config, request, target));
    let asked = early.map(|(attributes, asked)| {
        builder.attributes = Some(attributes);
        asked
    });
    let mut span = config.tracer.start(builder, &parent);
    if !config.tracer.is_found() {
        return (parent, None);
    }
    let asked = span.is_recording().then(|| {
        asked.unwrap_or_else(|| {
            let (attributes, asked) = attributes::at_start(config, request, target);
            span.set_attributes(attributes);
            asked
        })
    });
    (parent.with_span(span), asked)
}

fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let parent = span.span_context();
    parent.is_valid() && !parent.is_sampled()
}

/// The active context; where a subscriber does not activate it, the context of the current `tracing` span.
pub(crate) fn parent() -> Context {
    let active = Context::current();
    if active.has_active_span() {
        return active;
    }
    let current = tracing::Span::current().context();
    if current.has_active_span() {
        current
    } else {
        active
    }
}
