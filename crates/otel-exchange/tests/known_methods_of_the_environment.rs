//! `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`. Each case runs in a child process, which is this test program, started again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::process::Command;
use std::sync::Arc;

use http::Request;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use otel_exchange::End;
use otel_exchange::client::{ClientOptions, Exchange, OutgoingRequest};

const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
/// Set only in the child: what its code says about methods.
const CODE: &str = "OTEL_EXCHANGE_TEST_CODE";
const SAYS: &str = "child says: ";
const METHODS: [&str; 4] = ["GET", "POST", "BREW", "PROPFIND"];

/// The part of the test that runs in the child. In the parent it does nothing.
#[test]
fn child() {
    let Ok(code) = env::var(CODE) else { return };
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let mut options = ClientOptions::new("test", "1");
    options.common_mut().set_tracer_provider(&provider);
    match code.split_once(' ') {
        Some(("only", methods)) => options.common_mut().set_known_methods(methods.split(',')),
        Some((_, methods)) => options.common_mut().add_known_methods(methods.split(',')),
        None => {}
    }
    let options = Arc::new(options);
    for method in METHODS {
        let request = Request::builder().uri("http://shop.example/");
        let request = request.method(method).body(()).unwrap();
        let outgoing = OutgoingRequest::from_request(&request, None);
        Exchange::open(&options, &outgoing, 0).finish(End::Complete);
    }
    let spans = exporter.get_finished_spans().unwrap();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    println!("{SAYS}{}", names.join(" "));
}

/// Returns the names of the spans of a child with this environment and this code.
fn names(environment: Option<&str>, code: &str) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env_remove(VARIABLE).env(CODE, code);
    if let Some(list) = environment {
        command.env(VARIABLE, list);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.lines().find_map(|line| line.split_once(SAYS));
    let (_, said) = said.unwrap_or_else(|| panic!("{text}"));
    said.to_owned()
}

#[test]
fn the_list_of_the_environment_replaces_all_that_the_code_says() {
    let table = [
        (None, "", "GET POST HTTP HTTP"),
        (None, "only BREW", "HTTP HTTP BREW HTTP"),
        (None, "add BREW", "GET POST BREW HTTP"),
        (Some("POST,BREW"), "", "HTTP POST BREW HTTP"),
        (Some("POST,BREW"), "only GET", "HTTP POST BREW HTTP"),
        (Some("POST,BREW"), "add PROPFIND", "HTTP POST BREW HTTP"),
        (Some(" POST , BREW ,"), "", "HTTP POST BREW HTTP"),
        (Some("post,Brew,GET"), "", "GET HTTP HTTP HTTP"),
        (Some("two words,GET"), "", "GET HTTP HTTP HTTP"),
        (Some(""), "only BREW", "HTTP HTTP BREW HTTP"),
        (Some(" , "), "add BREW", "GET POST BREW HTTP"),
        (Some("two words"), "", "GET POST HTTP HTTP"),
        (Some("two words"), "only BREW", "HTTP HTTP BREW HTTP"),
    ];
    for (environment, code, expected) in table {
        assert_eq!(
            names(environment, code),
            expected,
            "{environment:?} {code:?}"
        );
    }
}
