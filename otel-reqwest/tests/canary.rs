//! No secret of a request or a response is in any span, metric or log line, whatever option is set.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use otel_core::propagation::CompositePropagator;
use otel_core::trust::{HostPolicy, OutgoingPolicy};
use otel_reqwest::KnownMethods;
use otel_reqwest::{ClientMiddleware, EndAt, Redirects, UrlTemplate};
use otel_testkit::{Recorder, assert_no_secret};
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

const PASSWORD: &str = "canary-password-5Zk1";
const TOKEN: &str = "canary-token-9Qx2";
const SIGNATURE: &str = "canary-signature-7Wb3";
const BEARER: &str = "canary-bearer-3Hd4";
const API_KEY: &str = "canary-api-key-8Rt5";
const COOKIE: &str = "canary-cookie-1Mv6";
const SET_COOKIE: &str = "canary-set-cookie-4Lp7";
const NEXT: &str = "canary-next-token-6Gs8";
const BODY: &str = "canary-body-2Cj9";
const SECRETS: [&str; 9] = [
    PASSWORD, TOKEN, SIGNATURE, BEARER, API_KEY, COOKIE, SET_COOKIE, NEXT, BODY,
];

type SetOption = fn(ClientMiddleware) -> ClientMiddleware;

/// One option at a time, then all of them.
const OPTIONS: [(&str, SetOption); 12] = [
    ("none", |it| it),
    ("request headers", |it| {
        it.capture_request_headers(["*", "authorization", "cookie", "x-api-key"])
    }),
    ("response headers", |it| {
        it.capture_response_headers(["*", "set-cookie", "location"])
    }),
    ("end at the body", |it| it.end_at(EndAt::Body)),
    ("body sizes", |it| it.body_sizes()),
    ("active requests", |it| it.active_requests()),
    ("following", |it| it.redirects(Redirects::Follow(3))),
    ("hosts", |it| {
        let ours = HostPolicy::only(["127.0.0.1"]).unwrap();
        it.outgoing(OutgoingPolicy::default().trace(ours))
    }),
    ("user agent", |it| it.user_agent("shop/1".parse().unwrap())),
    ("templates and methods", |it| {
        it.url_templates(["/{path}"])
            .known_methods(KnownMethods::from_list("PUT"))
    }),
    ("sampler and hooks", |it| {
        it.attributes_for_sampler()
            .on_request(|_, _| panic!("on purpose"))
            .on_response(|_, _, span| span.set_error("hook"))
    }),
    ("all", |it| {
        OPTIONS[..11].iter().fold(it, |it, (_, set)| set(it))
    }),
];

#[test]
fn no_secret_comes_out_with_any_option_on_any_way_a_request_ends() {
    assert_nothing_comes_out(Policy::none);
}

#[test]
fn nor_where_the_client_follows_redirects_by_itself() {
    assert_nothing_comes_out(|| Policy::limited(2));
}

#[track_caller]
fn assert_nothing_comes_out(policy: fn() -> Policy) {
    for (option, set) in OPTIONS {
        let recorder = Recorder::new();
        let _subscriber = tracing::subscriber::set_default(recorder.subscriber());
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
        let middleware = ClientMiddleware::new()
            .tracer_provider(&recorder.tracer_provider())
            .meter_provider(&meters)
            .propagator(propagator);
        let limit = Duration::from_millis(300);
        let inner = reqwest::Client::builder().timeout(limit).redirect(policy());
        let client = ClientBuilder::new(inner.build().unwrap())
            .with(set(middleware))
            .build();

        let mut ends = ends();
        if ["none", "all"].contains(&option) {
            ends.push(silent()); // which takes the whole time limit
        }
        block_on(async {
            for address in &ends {
                send(&client, *address).await;
            }
        });

        meters.force_flush().unwrap();
        let metrics = format!("{:?}", exporter.get_finished_metrics().unwrap());
        assert!(metrics.contains("http.client.request.duration"), "{option}");
        let traces = recorder.traces();
        assert!(traces.len() >= ends.len(), "{option}");
        for secret in SECRETS {
            assert_no_secret(&traces, &recorder.logs(), secret);
            assert!(!metrics.contains(secret), "{option}: {secret} in {metrics}");
        }
    }
}

/// Whatever comes of it, an error's text goes into a log line without its URL, as users are told to write it.
async fn send(client: &ClientWithMiddleware, address: SocketAddr) {
    let url = format!(
        "http://ada:{PASSWORD}@{address}/path?token={TOKEN}&%73ig={SIGNATURE}&page=2#access_token={TOKEN}"
    );
    let plain = client.post(&url).header("cookie", format!("id={COOKIE}"));
    let bearer = client
        .get(&url)
        .header("authorization", format!("Bearer {BEARER}"))
        .with_extension(UrlTemplate::new("/{path}"));
    for request in [plain, bearer] {
        let request = request.header("x-api-key", API_KEY).body(BODY);
        match request.send().await {
            Ok(response) => {
                if let Err(error) = response.text().await {
                    tracing::warn!(error = %error.without_url(), "cut short");
                }
            }
            Err(error) => tracing::warn!(error = %error.without_url(), "failed"),
        }
    }
}

/// Servers that answer, redirect, refuse, fail, cut short, talk nonsense and hang up; and one that is not there.
fn ends() -> Vec<SocketAddr> {
    let cookie = format!("set-cookie: id={SET_COOKIE}\r\nconnection: close\r\n");
    let empty = format!("{cookie}content-length: 0\r\n\r\n");
    let location = format!("location: /path?token={NEXT}\r\nreferer: /?token={NEXT}\r\n{empty}");
    let answers = [
        format!("HTTP/1.1 200 OK\r\n{empty}"),
        format!("HTTP/1.1 302 Found\r\n{location}"),
        format!("HTTP/1.1 404 {NEXT}\r\n{empty}"),
        format!("HTTP/1.1 500 Internal Server Error\r\n{empty}"),
        format!("HTTP/1.1 200 OK\r\n{cookie}content-length: 99\r\n\r\n{BODY}"),
        format!("{NEXT}\r\n\r\n"),
        String::new(),
    ];
    let mut ends: Vec<_> = answers.into_iter().map(serve).collect();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap();
    ends.push(refused.local_addr().unwrap());
    ends
}

/// A server that never answers.
fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let _open: Vec<_> = listener.incoming().collect();
    });
    address
}

/// Answers every request with these bytes.
fn serve(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines.map_while(Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
