//! TLS: whom the exporter trusts, what it shows, and what it says when the handshake fails.
#![cfg(feature = "tls")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::CertifiedKey;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use self::support::child::{about, in_own_process};
use self::support::environment::with_only;
use self::support::{Endpoint, Mood};

type Certificate = CertifiedKey<rcgen::KeyPair>;

fn certificate() -> Certificate {
    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

/// An endpoint with this certificate, which lets in only `client` if there is one.
fn serve(key: &Certificate, client: Option<&Certificate>) -> Endpoint {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let private = PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
    let config = builder.with_single_cert(vec![key.cert.der().clone()], private);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Endpoint::listen_with(listener, Mood::Fine, move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        Some(StreamOwned::new(connection, stream))
    })
}

/// A file that lives as long as the test's process needs it.
fn file(name: &str, text: &str) -> String {
    let name = format!("otel-setup-{}-{name}", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// One span, exported at the end to this address over TLS; what the endpoint has got.
fn export(endpoint: &Endpoint, variables: &[(&str, &str)]) -> Vec<String> {
    let url = endpoint.url().replace("http://", "https://");
    let variables = variables.iter().map(|(name, value)| (*name, Some(*value)));
    let telemetry = temp_env::with_vars(variables.collect::<Vec<_>>(), || {
        let builder = otel_setup::builder().service_name("checkout");
        builder.otlp_endpoint(url).init().unwrap()
    });
    tracing::info_span!("work").in_scope(|| ());
    telemetry.shutdown();
    endpoint.spans()
}

#[test]
fn an_authority_of_the_variable_is_trusted() {
    in_own_process("an_authority_of_the_variable_is_trusted", &[], || {
        let key = certificate();
        let endpoint = serve(&key, None);
        let ca = file("ca.pem", &key.cert.pem());
        let spans = export(&endpoint, &[("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)]);
        fs::remove_file(ca).unwrap();
        assert_eq!(spans, ["work"]);
    });
}

#[test]
fn an_authority_that_no_one_knows_is_refused_and_named() {
    let name = "an_authority_that_no_one_knows_is_refused_and_named";
    let lines = in_own_process(name, &[], || {
        let endpoint = serve(&certificate(), None);
        assert_eq!(export(&endpoint, &[]), [""; 0]);
    });
    let began = about(&lines, "spans cannot be exported");
    let error = began[0]["error"].as_str().unwrap();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn an_endpoint_without_tls_is_no_endpoint_with_it() {
    let name = "an_endpoint_without_tls_is_no_endpoint_with_it";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        assert_eq!(export(&endpoint, &[]), [""; 0]);
    });
    assert_eq!(about(&lines, "spans cannot be exported").len(), 1);
}

#[test]
fn a_client_certificate_opens_the_door() {
    in_own_process("a_client_certificate_opens_the_door", &[], || {
        let (key, client) = (certificate(), certificate());
        let endpoint = serve(&key, Some(&client));
        let ca = file("ca.pem", &key.cert.pem());
        let certificate = file("client.pem", &client.cert.pem());
        let private = file("client.key", &client.signing_key.serialize_pem());
        let spans = export(
            &endpoint,
            &[
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca),
                ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate),
                ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &private),
            ],
        );
        for path in [ca, certificate, private] {
            fs::remove_file(path).unwrap();
        }
        assert_eq!(spans, ["work"]);
    });
}

#[test]
fn a_door_stays_shut_without_one() {
    let lines = in_own_process("a_door_stays_shut_without_one", &[], || {
        let (key, client) = (certificate(), certificate());
        let endpoint = serve(&key, Some(&client));
        let ca = file("ca.pem", &key.cert.pem());
        let spans = export(&endpoint, &[("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)]);
        fs::remove_file(ca).unwrap();
        assert_eq!(spans, [""; 0]);
    });
    assert_eq!(about(&lines, "spans cannot be exported").len(), 1);
}

#[test]
fn a_file_without_a_certificate_is_an_error_at_the_start() {
    let ca = file("empty.pem", "nothing");
    let variables = [("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())];
    let error = with_only(&variables, || otel_setup::init("checkout")).unwrap_err();
    fs::remove_file(&ca).unwrap();
    assert!(error.is_invalid_variable(), "{error}");
    assert!(error.to_string().contains("PEM"), "{error}");
}
