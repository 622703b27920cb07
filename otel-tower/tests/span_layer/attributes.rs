//! A SERVER span has the attributes of the conventions and no others.

use opentelemetry::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{prelude::*, registry};

use crate::harness::{Spans, client_layer, get_from, run};

#[test]
fn a_server_span_has_the_attributes_of_the_conventions_only() {
    for level in [LevelFilter::TRACE, LevelFilter::INFO, LevelFilter::OFF] {
        let spans = Spans::new();
        let layer = otel_tracing::layer(&spans.provider);
        let dispatch = registry().with(level).with(layer).into();
        run(&dispatch, async |address| {
            get_from(&client_layer(&spans), address, "/orders/7?page=2").await;
        });
        let server = spans.server();
        assert_eq!(server.name, "GET /orders/{id}");
        let mut attributes: Vec<_> = server
            .attributes
            .iter()
            .map(|attribute| attribute.key.as_str())
            .collect();
        attributes.sort_unstable();
        assert_eq!(
            attributes,
            [
                "client.address",
                "http.request.method",
                "http.response.status_code",
                "http.route",
                "network.peer.address",
                "network.peer.port",
                "network.protocol.version",
                "server.address",
                "server.port",
                "url.path",
                "url.query",
                "url.scheme",
                "user_agent.original",
            ],
            "{level}"
        );
        let numbers = server.attributes.iter().filter(|attribute| {
            matches!(
                attribute.key.as_str(),
                "http.response.status_code" | "network.peer.port" | "server.port"
            )
        });
        for number in numbers {
            assert!(matches!(number.value, Value::I64(_)), "{number:?}");
        }
    }
}
