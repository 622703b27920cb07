//! Endpoints, headers and certificates: the start fails, because data would go to the wrong place or without its key.

use std::ffi::OsString;

use super::{accepted, exported, not_unicode, signals, variable};
use crate::check::{Row, Variable};
use crate::probe;

fn refused<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Row> {
    let values = values.into_iter().map(OsString::from);
    values.chain(not_unicode()).map(Row::refused).collect()
}

/// Returns the name for all signals and that of each signal, with the variables that leave only the signals it is for.
fn forms(setting: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let own = signals().into_iter();
    let own = own.map(|(signal, only)| {
        (
            format!("OTEL_EXPORTER_OTLP_{signal}_{setting}"),
            only.to_vec(),
        )
    });
    let general = (format!("OTEL_EXPORTER_OTLP_{setting}"), Vec::new());
    std::iter::once(general).chain(own).collect()
}

/// Each protocol that is compiled in.
fn protocols() -> Vec<[(&'static str, &'static str); 1]> {
    let names: &[_] = if cfg!(feature = "grpc") {
        &["http/protobuf", "grpc"]
    } else {
        &["http/protobuf"]
    };
    names
        .iter()
        .map(|name| [("OTEL_EXPORTER_OTLP_PROTOCOL", *name)])
        .collect()
}

pub(crate) fn endpoints() -> Vec<Variable> {
    let wrong = [
        "ftp://localhost",
        "unix:///run/otel.sock",
        "http://",
        "http:///v1/traces",
        "http://localhost:99999",
        "http://localhost:port",
        "http://[::1",
        "http://host name:4318",
        "http://localhost:4318/a b",
        "http://user:s3cret@",
        "//user:s3cret@localhost",
        "://localhost",
        "http//localhost",
    ];
    let without_scheme = [
        "nonsense",
        "localhost",
        "localhost:4318",
        "127.0.0.1:4318",
        "5",
        "true",
        "\u{e9}",
    ];
    let mut variables = Vec::new();
    for protocol in protocols() {
        for (name, only) in forms("ENDPOINT") {
            let mut rows = refused(wrong);
            if !cfg!(feature = "tls") {
                rows.extend(refused(["https://localhost:4318"]));
            }
            if protocol[0].1 != "grpc" {
                rows.extend(refused(without_scheme));
            }
            rows.extend(accepted(&[(" http://{address}/\n", "http://{address}")]));
            let is_base = name == "OTEL_EXPORTER_OTLP_ENDPOINT";
            let mut variable = exported(
                &name,
                "",
                if protocol[0].1 == "grpc" {
                    ""
                } else {
                    "http://{address}/other"
                },
                rows,
            );
            if is_base {
                variable.default = "http://{address}".to_owned();
                variable.rows.extend(accepted(&[("", "http://{address}")]));
            }
            variables.push(variable.with(&only).with(&protocol));
        }
    }
    variables
}

pub(crate) fn headers() -> Vec<Variable> {
    let wrong = [
        "s3cret",
        "api-key: s3cret",
        "na me=s3cret",
        "=s3cret",
        "api-key=s3cret%0A",
        "api-key=s3cret%FF",
        "tenant=shop,s3cret",
        "tenant=shop,,=s3cret",
        "sch\u{fc}ssel=s3cret",
        "a/b=s3cret",
    ];
    let mut variables = Vec::new();
    for protocol in protocols() {
        for (name, only) in forms("HEADERS") {
            let mut rows = refused(wrong);
            if protocol[0].1 == "grpc" {
                // In metadata it would hold bytes.
                rows.extend(refused(["x-bin=s3cret", "a=b,Key-BIN=s3cret"]));
            }
            rows.extend(accepted(&[
                (" api-key = abc ,,", "api-key=abc"),
                ("API-Key=abc", "api-key=abc"),
                ("api-key=%61bc", "api-key=abc"),
                ("api-key=old,api-key=abc", "api-key=abc"),
                ("api-key=a=b", "api-key=a%3Db"),
                (",", ""),
            ]));
            variables.push(
                exported(&name, "", "api-key=abc", rows)
                    .with(&only)
                    .with(&protocol),
            );
        }
    }
    variables
}

/// Files that are not certificates.
pub(crate) fn certificates(empty: &str, text: &str, damaged: &str) -> Vec<Variable> {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEs3cret\n-----END PRIVATE KEY-----";
    let wrong = ["/no/such/file.pem", "/", "true", pem, empty, text, damaged];
    let mut variables = Vec::new();
    for protocol in protocols() {
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            for (name, only) in forms(setting) {
                let rows = refused(wrong);
                let mut variable = variable(&name, probe::start, "", "", rows)
                    .with(&only)
                    .with(&protocol);
                if cfg!(feature = "tls") {
                    // A connection over TLS is not made, since nothing is exported.
                    let https = [
                        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://{address}"),
                        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
                    ];
                    variable = variable.with(&https);
                }
                variables.push(variable);
            }
        }
    }
    variables
}
