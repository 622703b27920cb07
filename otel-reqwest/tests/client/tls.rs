//! TLS: handshakes that fail, and one that does not.

use std::net::SocketAddr;
use std::sync::Arc;

use opentelemetry::Value;
use otel_testkit::Recorder;
use rcgen::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

use crate::server::Server;
use crate::{assert_ended, block_on_in_work, client_of, only_attempt};

#[test]
fn a_certificate_that_no_one_trusts_is_an_error_of_its_own() {
    let (recorder, key) = (Recorder::new(), certificate());
    block_on_in_work(&recorder, async {
        let address = serve(&key).await;
        let client = client_of(trusting(None), &recorder);
        let url = format!("https://{address}/secret-path");
        client.get(url).send().await.unwrap_err();
    });
    let span = &only_attempt(&recorder);
    assert_ended(span, None, Some("tls"));
    assert!(span.attribute("server.port").is_some());
}

#[test]
fn a_server_that_speaks_no_tls_is_an_error_of_the_handshake() {
    for server in [Server::with_status("200 OK"), Server::hanging_up()] {
        let recorder = Recorder::new();
        let client = client_of(trusting(None), &recorder);
        let url = format!("https://{}/", server.address);
        block_on_in_work(&recorder, client.get(url).send()).unwrap_err();
        assert_ended(&only_attempt(&recorder), None, Some("tls"));
    }
}

#[test]
fn a_refused_connection_is_one_also_for_https() {
    let recorder = Recorder::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    drop(listener);
    block_on_in_work(
        &recorder,
        client_of(trusting(None), &recorder).get(url).send(),
    )
    .unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("connect"));
}

#[test]
fn a_trusted_certificate_is_no_error() {
    let (recorder, key) = (Recorder::new(), certificate());
    block_on_in_work(&recorder, async {
        let address = serve(&key).await;
        let client = client_of(trusting(Some(&key)), &recorder);
        client
            .get(format!("https://{address}/"))
            .send()
            .await
            .unwrap();
    });
    let span = &only_attempt(&recorder);
    assert_ended(span, Some(200), None);
    let url = span.attribute("url.full").map(Value::as_str);
    assert!(
        url.is_some_and(|url| url.starts_with("https://")),
        "{span:?}"
    );
}

type Certificate = CertifiedKey<rcgen::KeyPair>;

fn certificate() -> Certificate {
    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

/// Answers one request.
async fn serve(key: &Certificate) -> SocketAddr {
    let private = rustls::pki_types::PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut head = [0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        // Where this fails there is no answer.
        assert!(String::from_utf8_lossy(&head[..read]).contains("traceparent: 00-"));
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    address
}

/// A client that trusts this certificate and no other.
fn trusting(key: Option<&Certificate>) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    if let Some(key) = key {
        roots.add(key.cert.der().clone()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(config);
    builder.build().unwrap()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
