//! Each preset beside a line of the vendor's own documentation.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{Capture, log_layer, parse};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use otel_log::{Format, Layer, fields};
use serde_json::{Map, Value, json};
use tracing::{debug, error, info, subscriber::with_default};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

fn logged(
    (trace_id, span_id, flags): (&str, &str, TraceFlags),
    set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>,
    f: impl FnOnce(),
) -> Map<String, Value> {
    parse(&logged_text((trace_id, span_id, flags), set_up, f))
}

fn logged_text(
    (trace_id, span_id, flags): (&str, &str, TraceFlags),
    set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>,
    f: impl FnOnce(),
) -> String {
    let capture = Capture::default();
    let ids = SpanContext::new(
        TraceId::from_hex(trace_id).unwrap(),
        SpanId::from_hex(span_id).unwrap(),
        flags,
        true,
        TraceState::NONE,
    );
    let _context = Context::new().with_remote_span_context(ids).attach();
    with_default(registry().with(set_up(log_layer(&capture))), f);
    capture.text()
}

/// <https://cloud.google.com/logging/docs/structured-logging>: the example of the section on special fields, without what an
/// application adds itself (`httpRequest`, labels, operation, insertId).
#[test]
fn google_cloud() {
    let documented = json!({
        "severity": "ERROR",
        "message": "There was an error in the application.",
        "time": "2020-10-12T07:20:50.52Z",
        "logging.googleapis.com/sourceLocation": {"file": "get_data.py", "line": "142", "function": "getData"},
        "logging.googleapis.com/spanId": "000000000000004a",
        "logging.googleapis.com/trace": "projects/my-projectid/traces/06796866738c859f2f19b7cfb3214824",
        "logging.googleapis.com/trace_sampled": false,
    });
    let line = logged(
        (
            "06796866738c859f2f19b7cfb3214824",
            "000000000000004a",
            TraceFlags::NOT_SAMPLED,
        ),
        |layer| {
            layer
                .format(Format::google_cloud("my-projectid"))
                .location(true)
        },
        || error!("There was an error in the application."),
    );
    for key in ["severity", "message"] {
        assert_eq!(line[key], documented[key], "{key}");
    }
    for key in ["spanId", "trace", "trace_sampled"] {
        let key = format!("logging.googleapis.com/{key}");
        assert_eq!(line[&key], documented[&key], "{key}");
    }
    // "The timestamp must be in RFC 3339 format"
    assert_eq!(line["time"], "2026-11-22T10:20:30.000456Z");
    let place = &line["logging.googleapis.com/sourceLocation"];
    assert_eq!(place["file"], "otel-log/tests/presets.rs");
    // int64 is text in Google's JSON
    assert!(place["line"].as_str().unwrap().parse::<u32>().is_ok());
    // LogSeverity has no TRACE, and WARNING for WARN
    for (log, severity) in [
        ((|| tracing::warn!("m")) as fn(), "WARNING"),
        (|| info!("m"), "INFO"),
        (|| debug!("m"), "DEBUG"),
        (|| tracing::trace!("m"), "DEBUG"),
    ] {
        let ids = (
            "06796866738c859f2f19b7cfb3214824",
            "000000000000004a",
            TraceFlags::SAMPLED,
        );
        let line = logged(ids, |layer| layer.format(Format::google_cloud("p")), log);
        assert_eq!(line["severity"], severity);
        assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
    }
}

/// <https://www.elastic.co/guide/en/ecs-logging/overview/master/intro.html>: the third line of its example; and the order
/// of <https://github.com/elastic/ecs-logging/tree/main/spec>.
#[test]
fn elastic() {
    let documented = json!({
        "@timestamp": "2019-08-06T14:08:40.199Z", "log.level": "DEBUG", "message": "init find form",
        "service.name": "spring-petclinic", "process.thread.name": "http-nio-8080-exec-8",
        "log.logger": "org.springframework.samples.petclinic.owner.OwnerController",
        "trace.id": "2869b25b5469590610fea49ac04af7da",
    });
    let text = logged_text(
        (
            "2869b25b5469590610fea49ac04af7da",
            "28b7fb8d5aba51f1",
            TraceFlags::SAMPLED,
        ),
        |layer| {
            layer
                .format(Format::elastic())
                .with_fields(fields::fixed("service.name", "spring-petclinic"))
                .thread(true)
                .location(true)
        },
        || debug!(target: "org.springframework.samples.petclinic.owner.OwnerController", "init find form"),
    );
    let order = r#"{"@timestamp":"2026-11-22T10:20:30.000456Z","log.level":"DEBUG","message":"init find form","#;
    assert!(text.starts_with(order), "{text}");
    let line = parse(&text);
    for key in [
        "log.level",
        "message",
        "service.name",
        "log.logger",
        "trace.id",
    ] {
        assert_eq!(line[key], documented[key], "{key}");
    }
    assert_eq!(line["ecs.version"], "8.11.0");
    assert_eq!(line["span.id"], "28b7fb8d5aba51f1");
    assert_eq!(
        line["process.thread.name"],
        std::thread::current().name().unwrap()
    );
    assert_eq!(line["log.origin.file.name"], "otel-log/tests/presets.rs");
    assert!(line["log.origin.file.line"].is_number() && line["process.thread.id"].is_number());
    assert!(!line.contains_key("trace_flags"));
}

/// <https://docs.datadoghq.com/opentelemetry/correlate/logs_and_traces> (`trace_id` and `span_id` at the top level) and
/// <https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/> (`status`, `logger.name`,
/// `logger.thread_name`).
#[test]
fn datadog() {
    let line = logged(
        (
            "0af7651916cd43dd8448eb211c80319c",
            "b7ad6b7169203331",
            TraceFlags::SAMPLED,
        ),
        |layer| {
            layer
                .format(Format::datadog())
                .with_fields(fields::fixed("service", "checkout"))
        },
        || info!(target: "shop", cart = 7, "Processing user request"),
    );
    let expected = json!({
        "timestamp": "2026-11-22T10:20:30.000456Z", "status": "info", "logger.name": "shop",
        "message": "Processing user request", "cart": 7, "service": "checkout",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "trace_flags": "01",
    });
    assert_eq!(Value::Object(line), expected);
}
