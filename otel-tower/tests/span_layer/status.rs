//! The status of a SERVER span is that of the exchange, whatever the handler logs and `RUST_LOG` says.

use opentelemetry::trace::Status;
use tonic::Code;
use tracing::Dispatch;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::{Layer as _, fmt, prelude::*, registry};

use crate::captured::Lines;
use crate::harness::{Spans, call, client_layer, run};

/// Forms of `RUST_LOG`. `span_layer` is the target of the handler.
const FORMS: [&str; 6] = [
    "info",
    "warn",
    "off",
    "span_layer=debug",
    "off,span_layer=debug",
    "trace",
];

/// Where an application puts its `EnvFilter`.
const PLACES: [fn(&Spans, EnvFilter, Lines) -> Dispatch; 5] = [
    |spans, filter, lines| {
        let layer = otel_tracing::layer(&spans.provider);
        registry()
            .with(filter)
            .with(layer)
            .with(fmt_layer(lines))
            .into()
    },
    |spans, filter, lines| {
        let layer = otel_tracing::layer(&spans.provider);
        registry()
            .with(layer)
            .with(fmt_layer(lines))
            .with(filter)
            .into()
    },
    |spans, filter, lines| {
        let layer = otel_tracing::layer(&spans.provider);
        registry()
            .with(layer)
            .with(fmt_layer(lines).with_filter(filter))
            .into()
    },
    |spans, filter, lines| {
        let layer = otel_tracing::layer(&spans.provider).with_filter(filter);
        registry().with(layer).with(fmt_layer(lines)).into()
    },
    |spans, filter, lines| {
        let layer = otel_tracing::layer(&spans.provider);
        let fmt = tracing_subscriber::fmt().with_writer(move || lines.clone());
        fmt.with_env_filter(filter).finish().with(layer).into()
    },
];

fn fmt_layer<S>(lines: Lines) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(move || lines.clone())
}

#[test]
fn an_invalid_argument_is_unset_however_rust_log_is_written() {
    for form in FORMS {
        for (place, subscriber) in PLACES.into_iter().enumerate() {
            let (spans, lines) = (Spans::new(), Lines::default());
            let dispatch = subscriber(&spans, EnvFilter::new(form), lines.clone());
            run(&dispatch, async |address| {
                let status = call(client_layer(&spans), address).await;
                assert_eq!(status.code(), Code::InvalidArgument);
            });
            // The spans of h2, hyper and tower are not among them.
            assert_eq!(spans.all().len(), 2, "{form}, place {place}");
            let server = spans.server();
            assert_eq!(server.status, Status::Unset, "{form}, place {place}");
            assert!(server.events.is_empty(), "{form}, place {place}");
            // The handler's lines, so that its errors were logged.
            let is_logged = lines.text().contains("no such article");
            assert_eq!(
                is_logged,
                form != "off" || place == 3,
                "{form}, place {place}"
            );
        }
    }
}
