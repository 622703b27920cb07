//! The lines that fmt writes inside a request.

use tracing_subscriber::{fmt, prelude::*, registry};

use crate::captured::Lines;
use crate::harness::{Spans, client_layer, get_from, run};

#[test]
fn fmt_prints_method_route_and_path() {
    let (spans, lines) = (Spans::new(), Lines::default());
    let writer = lines.clone();
    let dispatch = registry()
        .with(otel_tracing::layer(&spans.provider))
        .with(
            fmt::layer()
                .with_ansi(false)
                .with_writer(move || writer.clone()),
        )
        .into();
    run(&dispatch, async |address| {
        get_from(&client_layer(&spans), address, "/orders/7").await;
    });
    let text = lines.text();
    let line = text.lines().find(|line| line.ends_with("found")).unwrap();
    let request = r#"request{method="GET" route="/orders/{id}" path="/orders/7"}: span_layer"#;
    assert!(line.contains(request), "{line}");
    assert_eq!(spans.server().name, "GET /orders/{id}");
}
