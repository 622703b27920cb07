//! A variable that the program overrides is not in force anywhere, also not in opentelemetry-otlp, which reads the environment too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use otel_setup::{Builder, Exporter};

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood};

const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const OF_ENVIRONMENT: (&str, &str) = (HEADERS, "api-key=of-environment,x-tenant=of-environment");

fn set_up(url: impl Into<String>) -> Builder {
    otel_setup::builder()
        .service_name("checkout")
        .metrics_exporter(Exporter::None)
        .otlp_endpoint(url)
}

#[test]
fn overridden_headers_are_not_sent() {
    let name = "overridden_headers_are_not_sent";
    in_own_process(name, &[OF_ENVIRONMENT], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(endpoint.url()).override_variable(HEADERS, "api-key=of-program");
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        assert_eq!(telemetry.shutdown().unwrap().exported, 1);
        let headers = &endpoint.requests()[0].headers;
        assert_eq!(headers["api-key"], "of-program");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert!(headers["user-agent"].starts_with("OTel-OTLP"));
        assert!(!headers.contains_key("x-tenant"), "{headers:?}");
    });
}

#[test]
fn headers_overridden_by_nothing_are_not_sent() {
    let name = "headers_overridden_by_nothing_are_not_sent";
    in_own_process(name, &[OF_ENVIRONMENT], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(endpoint.url()).override_variable(HEADERS, "");
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let headers = &endpoint.requests()[0].headers;
        assert!(!headers.contains_key("api-key"), "{headers:?}");
    });
}

#[cfg(feature = "gzip")]
#[test]
fn a_compression_that_cannot_be_overridden_is_a_warning() {
    const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
    let name = "a_compression_that_cannot_be_overridden_is_a_warning";
    let lines = in_own_process(name, &[(COMPRESSION, "gzip")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(endpoint.url()).override_variable(COMPRESSION, "none");
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let headers = &endpoint.requests()[0].headers;
        assert_eq!(headers["content-encoding"], "gzip");
    });
    assert_eq!(lines[0]["event.name"], "invalid_setting");
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains(COMPRESSION), "{message}");
}

#[cfg(feature = "grpc")]
#[test]
fn overridden_headers_are_not_sent_over_grpc() {
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    let name = "overridden_headers_are_not_sent_over_grpc";
    in_own_process(name, &[OF_ENVIRONMENT], || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, _respond))) = connection.accept().await {
                    sender.send(request.headers().clone()).unwrap();
                }
            });
        });
        let builder = set_up(url)
            .otlp_protocol(otel_setup::Protocol::Grpc)
            .flush_limit(support::LIMIT)
            .override_variable(HEADERS, "api-key=of-program");
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        thread::spawn(move || telemetry.flush_blocking());
        let headers = received.recv_timeout(support::LIMIT).unwrap();
        assert_eq!(headers["api-key"], "of-program");
        assert_eq!(headers["content-type"], "application/grpc");
        assert!(headers.contains_key("te"), "{headers:?}");
        assert!(headers.contains_key("grpc-timeout"), "{headers:?}");
        assert!(!headers.contains_key("x-tenant"), "{headers:?}");
    });
}

#[test]
fn an_override_of_an_unknown_variable_is_a_warning() {
    let name = "an_override_of_an_unknown_variable_is_a_warning";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(endpoint.url())
            .override_variable("OTEL_TRACE_SAMPLER", "always_off")
            .override_variable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1000")
            .override_variable("RUST_LOG", "info");
        drop(builder.init().unwrap());
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains("OTEL_TRACE_SAMPLER"), "{message}");
}
