//! The lines that fmt writes inside a request.

use otel_tower::{PathRedaction, ServerLayer};
use tracing::Dispatch;
use tracing_subscriber::{fmt, prelude::*, registry};

use crate::captured::Lines;
use crate::harness::{Spans, client_layer, get_from, run, run_with};

fn dispatch(spans: &Spans, lines: &Lines) -> Dispatch {
    let writer = lines.clone();
    registry()
        .with(otel_tracing::layer(&spans.provider))
        .with(
            fmt::layer()
                .with_ansi(false)
                .with_writer(move || writer.clone()),
        )
        .into()
}

#[test]
fn fmt_prints_method_route_and_path() {
    let (spans, lines) = (Spans::new(), Lines::default());
    run(&dispatch(&spans, &lines), async |address| {
        get_from(&client_layer(&spans), address, "/orders/7").await;
    });
    let text = lines.text();
    let line = text.lines().find(|line| line.ends_with("found")).unwrap();
    let request = r#"request{method="GET" route="/orders/{id}" path="/orders/7"}: span_layer"#;
    assert!(line.contains(request), "{line}");
    assert_eq!(spans.server().name, "GET /orders/{id}");
}

#[test]
fn a_line_shows_the_path_as_the_span_does() {
    let redact = |rule| ServerLayer::new().redact_paths(rule);
    let templates = redact(PathRedaction::from_templates(["/orders/{id}"]));
    let long = format!("/orders/{}", "7".repeat(30_000));
    let table = [
        (templates, "/orders/7", "/orders/REDACTED"),
        (
            redact(PathRedaction::with_route()),
            "/orders/7",
            "/orders/{id}",
        ),
        (ServerLayer::new(), &long, &long[..2_048]),
    ];
    for (layer, sent, shown) in table {
        let (spans, lines) = (Spans::new(), Lines::default());
        run_with(&dispatch(&spans, &lines), layer, async |address| {
            get_from(&client_layer(&spans), address, sent).await;
        });
        let text = lines.text();
        let line = text.lines().find(|line| line.ends_with("found")).unwrap();
        let request = format!(r#"request{{method="GET" route="/orders/{{id}}" path="{shown}"}}: "#);
        assert!(line.contains(&request), "{line}");
        let attributes = spans.server().attributes;
        let path = attributes.iter().find(|it| it.key.as_str() == "url.path");
        assert_eq!(path.unwrap().value.as_str(), shown);
    }
}
