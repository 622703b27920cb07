//! The names of a call's status under `OTEL_SEMCONV_STABILITY_OPT_IN`. The variable is the process's, so each case has a process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::convert::Infallible;
use std::env;
use std::process::{Command, exit};

use futures_util::FutureExt as _;
use http::{Request, Response, Version};
use opentelemetry::Value;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[path = "support/meters.rs"]
mod meters;

const NAME: &str = "both_names_of_the_status_are_sent_if_the_variable_asks_for_both";
const VARIABLE: &str = "OTEL_SEMCONV_STABILITY_OPT_IN";
const CHILD: &str = "OTEL_TOWER_TEST_CHILD";
const DONE: &str = "the test is done";

/// Sends one call through both layers, and asserts the names of its status on spans and metrics.
fn assert_names(has_former: bool) {
    let recorder = Recorder::new();
    let (provider, meters) = (recorder.tracer_provider(), meters::Meters::new());
    let answer = |_: Request<String>| async {
        let response = Response::builder()
            .version(Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("grpc-status", "5");
        Ok::<_, Infallible>(response.body(String::new()).unwrap())
    };
    let server = ServerLayer::new().grpc().without_tracing_span();
    let server = server
        .tracer_provider(&provider)
        .meter_provider(&meters.provider);
    let client = ClientLayer::new().grpc().tracer_provider(&provider);
    let client = client.meter_provider(&meters.provider);
    let service = client.layer(server.layer(service_fn(answer)));
    let call = Request::post("http://shop/shop.Pricing/Quote")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .body(String::new())
        .unwrap();
    let response = service.oneshot(call).now_or_never().unwrap().unwrap();
    drop(response);
    let code = Value::from("NOT_FOUND");
    let former = has_former.then_some(&code);
    assert_eq!(recorder.spans().len(), 2);
    for span in recorder.spans() {
        assert_eq!(span.attribute("rpc.status_code"), Some(&code), "{span:?}");
        assert_eq!(
            span.attribute("rpc.response.status_code"),
            former,
            "{span:?}"
        );
    }
    for name in ["rpc.client.call.duration", "rpc.server.call.duration"] {
        let points = meters.wait_for(name, 1);
        let attributes = &points[0].attributes;
        assert_eq!(attributes.get("rpc.status_code"), Some(&code), "{points:?}");
        assert_eq!(
            attributes.get("rpc.response.status_code"),
            former,
            "{points:?}"
        );
    }
}

#[test]
fn both_names_of_the_status_are_sent_if_the_variable_asks_for_both() {
    if let Ok(child) = env::var(CHILD) {
        assert_names(child == "both");
        eprintln!("{DONE}");
        exit(0);
    }
    let table = [
        (None, "one"),
        (Some(""), "one"),
        (Some("rpc"), "one"),
        (Some("http/dup,rpc"), "one"),
        (Some("rpc/dup"), "both"),
        (Some("http, rpc/dup"), "both"),
        (Some("rpc,rpc/dup"), "both"),
        (Some("RPC/DUP"), "both"),
    ];
    for (list, expected) in table {
        let mut child = Command::new(env::current_exe().unwrap());
        child
            .args([NAME, "--exact", "--nocapture"])
            .env(CHILD, expected);
        match list {
            Some(list) => child.env(VARIABLE, list),
            None => child.env_remove(VARIABLE),
        };
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && text.contains(DONE),
            "{list:?}: {text}"
        );
    }
}
