//! Trust with a propagator that reads the baggage under names of its own.

use axum::Router;
use axum::routing::get as on_get;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::TraceContextExt as _;
use otel_tower::trust::{Trust, TrustPolicy};

use crate::client::request;
use crate::harness::{Mode, Server, in_every_mode};
use crate::jaeger::Jaeger;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const HEADERS: [&str; 2] = [
    "uber-trace-id: 4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1",
    "uberctx-user: ada",
];

/// Answers with the trace id and the baggage that are active in the handler.
async fn who() -> String {
    let context = Context::current();
    let trace = context.span().span_context().trace_id();
    let user = context.baggage().get("user").map(ToString::to_string);
    format!("<{trace} {user:?}>")
}

in_every_mode! { TRACED:
    fn trace_and_baggage_of_any_name_are_trusted_separately(mode: Mode) {
        let no_baggage = || TrustPolicy::default().baggage(false);
        let only_baggage = |trust: Trust| TrustPolicy::from(trust).baggage(true);
        // policy, continued, links, baggage
        let table = [
            (TrustPolicy::default(), true, 0, true),
            (no_baggage(), true, 0, false),
            (only_baggage(Trust::Link), false, 1, true),
            (only_baggage(Trust::Ignore), false, 0, true),
            (Trust::Link.into(), false, 1, false),
            (Trust::Ignore.into(), false, 0, false),
        ];
        for (policy, is_continued, links, has_baggage) in table {
            let name = format!("{policy:?}");
            let server = Server::start(mode, move |layer| {
                let layer = layer.propagator(Jaeger::new()).trust(policy);
                Router::new().route("/who", on_get(who)).layer(layer)
            });
            let answer = request(server.address, "GET /who", &HEADERS);
            let span = server.span();
            assert_eq!(span.trace_id().to_string() == TRACE, is_continued, "{name}");
            assert_eq!(span.links().len(), links, "{name}");
            let user = if has_baggage { "Some(\"ada\")" } else { "None" };
            let expected = format!("<{} {user}>", span.trace_id());
            assert!(answer.contains(&expected), "{name}: {answer}");
        }
    }
}
