//! The scopes of the spans.

use opentelemetry::trace::SpanKind;
use tracing_subscriber::{prelude::*, registry};

use crate::harness::{Spans, call, client_layer, get_from, run};

#[test]
fn server_and_client_spans_have_our_scope() {
    let spans = Spans::new();
    let dispatch = registry().with(otel_tracing::layer(&spans.provider)).into();
    run(&dispatch, async |address| {
        get_from(&client_layer(&spans), address, "/orders/7").await;
        call(client_layer(&spans), address).await;
    });
    let mut number = 0;
    for kind in [SpanKind::Server, SpanKind::Client] {
        for span in spans.of_kind(&kind) {
            let scope = &span.instrumentation_scope;
            assert_eq!(scope.name(), "otel_tower", "{span:?}");
            assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
            let schema = "https://opentelemetry.io/schemas/1.45.0";
            assert_eq!(scope.schema_url(), Some(schema));
            number += 1;
        }
    }
    assert_eq!(number, 4);
    let load = spans.of_kind(&SpanKind::Internal);
    assert_eq!(load[0].name, "load");
    assert_eq!(load[0].instrumentation_scope.name(), "otel_tracing");
}
