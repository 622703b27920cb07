//! Two of the middleware around one client are reported once. One test: the warning is written once per process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_reqwest::ClientMiddleware;
use reqwest_middleware::ClientBuilder;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The messages of all warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[test]
fn a_second_middleware_is_reported_once() {
    let warnings = Warnings::default();
    registry().with(warnings.clone()).init();
    let ours = || ClientMiddleware::new().tracer_provider(&SdkTracerProvider::default());
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(ours())
        .with(ours())
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    for _ in 0..2 {
        runtime.block_on(client.get(&url).send()).unwrap_err();
    }
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for text in ["ClientMiddleware", "docs/troubleshooting.md#two_layers"] {
        assert!(warnings[0].contains(text), "{warnings:?}");
    }
}
