//! What is global is found when it is set, also by a client that was made and used before.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;

use opentelemetry::global;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use otel_core::propagation::CompositePropagator;
use otel_testkit::Recorder;

#[test]
fn provider_propagator_and_meters_may_be_set_after_the_client_was_used() {
    let (url, heads) = serve();
    let client = otel_reqwest::wrap(reqwest::Client::new());
    let send = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(client.get(&url).send()).unwrap();
        let head: Vec<String> = heads.recv().unwrap();
        head.into_iter()
            .find_map(|line| line.strip_prefix("traceparent: ").map(str::to_owned))
    };
    assert_eq!(send(), None);

    let recorder = Recorder::new();
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let meters = SdkMeterProvider::builder().with_reader(reader).build();
    global::set_tracer_provider(recorder.tracer_provider());
    global::set_text_map_propagator(CompositePropagator::default());
    global::set_meter_provider(meters.clone());

    let sent = send().unwrap();
    let trace = recorder.trace();
    let span = &trace.spans()[0];
    assert_eq!(
        sent,
        format!("00-{}-{}-01", span.trace_id(), span.span_id())
    );
    assert_eq!(span.scope(), "otel_reqwest");
    assert!(span.attribute("url.full").is_some(), "{span:?}");
    meters.force_flush().unwrap();
    let metrics = format!("{:?}", exporter.get_finished_metrics().unwrap());
    assert!(
        metrics.contains("http.client.request.duration"),
        "{metrics}"
    );
}

/// Answers every request and hands out its head.
fn serve() -> (String, std::sync::mpsc::Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, heads) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            let head = head.collect();
            let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (url, heads)
}
