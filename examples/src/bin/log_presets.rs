//! Run with `cargo run -p otel-examples --bin log_presets`.
//!
//! The same event as a line of each preset, and as text for people. A service uses one preset.

use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_log::Format;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

fn main() {
    let format = |format| otel_log::layer().format(format).boxed();
    let layers = [
        ("OpenTelemetry", format(Format::opentelemetry())),
        ("Google Cloud", format(Format::google_cloud("my-project"))),
        ("Datadog", format(Format::datadog())),
        ("Elastic", format(Format::elastic())),
        ("for people", otel_log::layer().pretty().boxed()),
    ];
    let provider = SdkTracerProvider::builder().build();
    for (name, layer) in layers {
        eprintln!("{name}");
        let spans = otel_setup::span_layer(&provider);
        with_default(Registry::default().with(spans).with(layer), || {
            let cart = tracing::info_span!("checkout", cart = 7);
            cart.in_scope(|| tracing::warn!(waited_ms = 1500, "pricing is slow"));
        });
    }
}
