//! The CLIENT span: opened under the right parent, ended once.

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use reqwest::{Request, Response};
use reqwest_middleware::Result;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::attributes;
use crate::config::Config;
use crate::error_type;

/// The CLIENT span of one attempt. Dropped before its end, the caller has given up: it ends with the status unset.
pub(crate) struct ClientSpan {
    context: Context,
}

impl ClientSpan {
    pub(crate) fn open(config: &Config, request: &Request) -> Self {
        let parent = parent();
        let builder = SpanBuilder::from_name(attributes::name(config, request))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes::at_start(config, request));
        let span = config.tracer.start(builder, &parent);
        Self {
            context: parent.with_span(span),
        }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn end(self, result: &Result<Response>) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        let error_type = match result {
            Ok(response) => {
                span.set_attributes(attributes::of_response(response));
                error_type::of_status(response.status())
            }
            Err(error) => Some(error_type::of_error(error)),
        };
        if let Some(error_type) = error_type {
            span.set_attribute(attributes::error_type(error_type));
            span.set_status(Status::error(""));
        }
    }
}

impl Drop for ClientSpan {
    fn drop(&mut self) {
        self.context.span().end();
    }
}

/// The active context; where a subscriber does not activate it, the context of the current `tracing` span.
fn parent() -> Context {
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
