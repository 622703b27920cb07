//! A call over TLS.

use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::trace::SpanKind;
use otel_testkit::Recorder;
use otel_tower::{ChannelPeer, ServerLayer};
use tokio::net::TcpListener;
use tonic::Request;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity, Server, ServerTlsConfig};
use tower::Layer as _;

use crate::harness::{Client, assert_ended, client_layer, in_work};
use crate::service::Pricing;

#[test]
fn both_spans_of_a_call_over_tls_have_the_address_of_the_peer() {
    let recorder = Recorder::new();
    let names = ["localhost".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = certified.cert.pem();
    let identity = Identity::from_pem(&certificate, certified.signing_key.serialize_pem());
    in_work(&recorder, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let layer = ServerLayer::new().grpc().without_tracing_span();
        let layer = layer.tracer_provider(&recorder.tracer_provider());
        let server = Server::builder()
            .tls_config(ServerTlsConfig::new().identity(identity))
            .unwrap()
            .layer(layer)
            .add_routes(Routes::new(Pricing::default()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

        let origin: http::Uri = format!("https://localhost:{port}").parse().unwrap();
        let trusted = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&certificate));
        let endpoint = Channel::builder(origin.clone())
            .tls_config(trusted)
            .unwrap();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        let peer = ChannelPeer::default();
        let channel = endpoint.connect_with_connector_lazy(peer.connector(http));
        let layer = client_layer(&recorder).origin(origin).channel_peer(peer);
        let mut client = Client::new(layer.layer(channel));
        let request = Request::new("espresso".to_owned());
        client.unary("/shop.Pricing/Quote", request).await.unwrap();
    });
    let spans = recorder.spans();
    for kind in [SpanKind::Client, SpanKind::Server] {
        let span = spans.iter().find(|span| span.kind() == &kind).unwrap();
        assert_ended(span, Some("OK"), None);
        let peer = span.attribute("network.peer.address");
        assert_eq!(peer, Some(&"127.0.0.1".into()), "{span:?}");
        assert!(span.attribute("network.peer.port").is_some(), "{span:?}");
    }
}
