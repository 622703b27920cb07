//! Exports through the connections that a proxy makes: https:// endpoints and gRPC.
#![cfg(any(feature = "grpc", feature = "tls"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::{env, thread};

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, copy_bidirectional,
};
use tokio::net::TcpStream;

use self::support::child::in_own_process;
use self::support::proxy::{
    CASE, CREDENTIALS, export_a_span, set_up, unused_proxy, with_credentials,
};

/// A proxy that answers CONNECT, and connects to the same server whatever the name of the target is.
struct Tunnels {
    url: String,
    /// The heads of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    fn start<S, F>(
        to: SocketAddr,
        answer: &'static str,
        accept: impl Fn(BufReader<TcpStream>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        F: Future<Output = S> + Send,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (shared, (sender, address)) = (Arc::clone(&asked), mpsc::channel());
        let serve = async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (asked, accept) = (Arc::clone(&shared), accept.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        stream.read_line(&mut head).await.unwrap();
                    }
                    asked.lock().unwrap().push(head);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if answer.contains(" 200 ") {
                        let mut target = TcpStream::connect(to).await.unwrap();
                        let mut client = accept(stream).await;
                        let _ = copy_bidirectional(&mut client, &mut target).await;
                    }
                });
            }
        };
        thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(serve);
        });
        let url = format!("http://{}", address.recv().unwrap());
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

const CONNECTED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[cfg(feature = "tls")]
mod tls {
    use std::fs;

    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    use super::support::{Endpoint, Mood};
    use super::*;

    /// A server for `collector.invalid` that speaks this protocol, and the file with its certificate.
    fn server(protocol: &str) -> (TlsAcceptor, String) {
        let key = rcgen::generate_simple_self_signed(["collector.invalid".to_owned()]).unwrap();
        let private = PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let file = format!("otel-setup-proxy-{}.pem", std::process::id());
        let file = env::temp_dir().join(file);
        fs::write(&file, key.cert.pem()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (acceptor, file.to_str().unwrap().to_owned())
    }

    fn tunnels(to: &str, acceptor: TlsAcceptor) -> Tunnels {
        Tunnels::start(address(to), CONNECTED, move |stream| {
            let acceptor = acceptor.clone();
            async move { acceptor.accept(stream).await.unwrap() }
        })
    }

    #[test]
    fn an_https_endpoint_is_reached_by_connect_and_its_path_is_hidden() {
        let name = "tls::an_https_endpoint_is_reached_by_connect_and_its_path_is_hidden";
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            in_own_process(name, &[(CASE, variable)], || {
                let (acceptor, certificate) = server("http/1.1");
                let endpoint = Endpoint::start(Mood::Fine);
                let proxy = tunnels(&endpoint.url(), acceptor);
                export_a_span(set_up(&[
                    (
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "https://collector.invalid?key=s3cret",
                    ),
                    ("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate),
                    (&env::var(CASE).unwrap(), &with_credentials(&proxy.url)),
                    ("HTTP_PROXY", &unused_proxy()),
                ]));
                let requests = endpoint.requests();
                assert_eq!(requests[0].path, "/v1/traces?key=s3cret");
                assert_eq!(requests[0].span_names(), ["work"]);
                assert!(!requests[0].headers.contains_key("proxy-authorization"));
                let asked = proxy.asked().remove(0);
                assert!(
                    asked.starts_with("CONNECT collector.invalid:443 HTTP/1.1\r\n"),
                    "{asked}"
                );
                assert!(asked.to_ascii_lowercase().contains(
                    &format!("proxy-authorization: {CREDENTIALS}\r\n").to_ascii_lowercase()
                ));
                assert!(!asked.contains("s3cret"), "{asked}");
                fs::remove_file(certificate).unwrap();
            });
        }
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn grpc_over_tls_is_reached_by_connect() {
        in_own_process("tls::grpc_over_tls_is_reached_by_connect", &[], || {
            let (acceptor, certificate) = server("h2");
            let collector = otel_testkit::Collector::start().unwrap();
            let proxy = tunnels(&collector.grpc_endpoint(), acceptor);
            export_a_span(set_up(&[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.invalid"),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate),
                ("HTTPS_PROXY", &proxy.url),
                ("HTTP_PROXY", &unused_proxy()),
            ]));
            assert_eq!(collector.spans().len(), 1);
            let asked = proxy.asked().remove(0);
            assert!(
                asked.starts_with("CONNECT collector.invalid:443 "),
                "{asked}"
            );
            fs::remove_file(certificate).unwrap();
        });
    }
}

#[cfg(feature = "grpc")]
mod grpc {
    use std::future::ready;

    use otel_testkit::Collector;

    use super::support::child::about;
    use super::*;

    const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

    #[test]
    fn grpc_for_another_machine_goes_through_the_proxy_with_its_password() {
        let name = "grpc::grpc_for_another_machine_goes_through_the_proxy_with_its_password";
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            in_own_process(name, &[(CASE, variable)], || {
                let collector = Collector::start().unwrap();
                let proxy = Tunnels::start(address(&collector.grpc_endpoint()), CONNECTED, ready);
                let variable = env::var(CASE).unwrap();
                export_a_span(set_up(&[
                    GRPC,
                    (
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "http://collector.invalid:4317",
                    ),
                    (&variable, &with_credentials(&proxy.url)),
                    ("NO_PROXY", "elsewhere.invalid"),
                ]));
                assert_eq!(collector.spans().len(), 1);
                let asked = proxy.asked().remove(0);
                assert_eq!(
                    asked,
                    format!(
                        "CONNECT collector.invalid:4317 HTTP/1.1\r\nHost: collector.invalid:4317\r\n\
                         Proxy-Authorization: {CREDENTIALS}\r\n\r\n"
                    )
                );
            });
        }
    }

    #[test]
    fn grpc_to_this_machine_goes_around_the_proxy() {
        let name = "grpc::grpc_to_this_machine_goes_around_the_proxy";
        for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
            in_own_process(name, &[(CASE, host)], || {
                let collector = Collector::start().unwrap();
                let url = collector.grpc_endpoint();
                let url = url.replace("127.0.0.1", &env::var(CASE).unwrap());
                let proxy = unused_proxy();
                export_a_span(set_up(&[
                    GRPC,
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
                    ("HTTP_PROXY", &proxy),
                    ("http_proxy", &proxy),
                    ("ALL_PROXY", &proxy),
                ]));
                assert_eq!(collector.spans().len(), 1);
            });
        }
    }

    #[test]
    fn a_proxy_that_refuses_grpc_is_named_as_the_cause() {
        let name = "grpc::a_proxy_that_refuses_grpc_is_named_as_the_cause";
        let lines = in_own_process(name, &[], || {
            let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
            let unused = address("http://127.0.0.1:9");
            let proxy = Tunnels::start(unused, answer, ready);
            export_a_span(set_up(&[
                GRPC,
                (
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "http://collector.invalid:4317",
                ),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
                ("HTTP_PROXY", &with_credentials(&proxy.url)),
            ]));
        });
        let reports = about(&lines, "spans cannot be exported");
        assert_eq!(reports.len(), 1, "{lines:?}");
        let error = reports[0]["error"].as_str().unwrap();
        let expected = "the proxy refused to connect to collector.invalid:4317 with status 407";
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("p@ss") && !error.contains("p%40ss"));
    }
}
