//! The names of events, in the field `event.name`: of the layer's own lines, and of events of other crates.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{Capture, fixed_clock, log_layer};
use otel_log::{Format, Layer, fields};
use tracing::{info, info_span, subscriber::with_default, warn};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

/// Returns the line with which the layer reports that lines have no ids.
fn notice(set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>) -> String {
    let capture = Capture::default();
    let layer = otel_log::layer().writer(capture.clone()).clock(fixed_clock);
    with_default(registry().with(set_up(layer)), || {
        info_span!("s").in_scope(|| info!("first"));
    });
    let text = capture.text();
    text.lines().nth(1).unwrap().to_owned()
}

#[test]
fn the_layer_s_own_line_has_its_name_after_the_message() {
    let message = "turn this notice off with expect_ids(false)";
    let cases = [
        (
            notice(|layer| layer),
            format!("{message}\",\"event.name\":\"no_trace_id\"}}"),
        ),
        (
            notice(|layer| layer.nested(true)),
            format!("{message}\",\"fields\":{{\"event.name\":\"no_trace_id\"}}}}"),
        ),
        (
            notice(|layer| layer.pretty().color(false)),
            format!("{message} event.name=\"no_trace_id\""),
        ),
        (
            notice(|layer| layer.with_fields(fields::fixed("event.name", "x"))),
            format!("{message}\",\"field.event.name\":\"no_trace_id\",\"event.name\":\"x\"}}"),
        ),
    ];
    for (line, end) in cases {
        assert!(line.ends_with(&end), "{line}");
    }
}

#[test]
fn no_format_renames_the_name_of_an_event() {
    for format in [
        Format::opentelemetry(),
        Format::google_cloud("p"),
        Format::datadog(),
        Format::elastic(),
    ] {
        let capture = Capture::default();
        let layer = log_layer(&capture).format(format.clone());
        with_default(registry().with(layer), || {
            warn!(name: "no_route", { event.name = "no_route", status = 200 }, "unknown");
        });
        assert_eq!(capture.line()["event.name"], "no_route", "{format:?}");
    }
}
