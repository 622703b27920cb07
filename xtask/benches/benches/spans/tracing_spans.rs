//! Spans by `tracing`, inside a span that stands for the request.

use std::hint::black_box;

use futures_util::FutureExt as _;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otel_benches::Contender;
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::sdk_spans::caller;
use crate::{Form, Spans};

pub(crate) fn request(name: &str, spans: Spans) -> Contender {
    let request = move || {
        let request = info_span!("request");
        let caller = Context::new().with_remote_span_context(caller(spans.is_sampled));
        // A registry alone has no OpenTelemetry layer that could take it.
        let _ = request.set_parent(caller);
        request
    };
    Contender::new(name, request, move |request| {
        request.in_scope(|| {
            for number in 0..spans.count {
                let span = span(number, spans.has_fields);
                match spans.form {
                    Form::Sync => span.in_scope(|| black_box(())),
                    Form::Async => {
                        let future = async { black_box(()) }.instrument(span);
                        black_box(future.now_or_never());
                    }
                }
            }
        });
    })
}

fn span(number: usize, has_fields: bool) -> Span {
    if has_fields {
        info_span!(
            "work",
            number,
            sku = "a-7",
            share = 0.37,
            is_cached = true,
            currency = %"EUR"
        )
    } else {
        info_span!("work", number)
    }
}
