//! Processes that are frozen right after each response, as by AWS Lambda and Cloud Run, and killed after the last. Default schedules.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::{io, iter, thread};

use axum::Router;
use axum::routing::get;
use opentelemetry::trace::SpanKind;
use otel_setup::Telemetry;
use otel_testkit::{Collector, Process};
use otel_tower::ServerLayer;
use serde_json::{Value, json};

use common::{block_on, program, start};

const REQUESTS: usize = 50;

/// Without the schedule of the other tests.
fn frozen_program(path: &str, endpoint: &str) -> Command {
    let mut command = program(path);
    command
        .env_remove("OTEL_BSP_SCHEDULE_DELAY")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command
}

fn send_signal(process: &Process, signal: &str) {
    let id = process.id().to_string();
    let status = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(status.success());
}

/// What the runtime of a Lambda function talks to.
struct RuntimeApi {
    listener: TcpListener,
}

impl RuntimeApi {
    fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    /// Adds the variables that Lambda sets.
    fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                self.listener.local_addr().unwrap().to_string(),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", "shop")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
    }

    /// Sends requests to these paths, one after the other. Freezes the process as soon as each response is posted, and calls `check`
    /// with the number of responses so far and the posted body. Returns with the process frozen.
    fn invoke(
        &self,
        process: &Process,
        paths: impl IntoIterator<Item = String>,
        mut check: impl FnMut(usize, &str),
    ) {
        let mut paths = paths.into_iter();
        let mut waiting = paths.next();
        let mut responses = 0;
        for mut request in self.requests() {
            if request
                .line
                .starts_with("GET /2018-06-01/runtime/invocation/next ")
            {
                let path = waiting.take().unwrap();
                let event = event(&path).to_string();
                request.answer(&format!(
                    "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: request-{responses}\r\n\
                     lambda-runtime-deadline-ms: 9999999999999\r\n\
                     lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-north-1:1:function:shop\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n{event}",
                    event.len()
                ));
                continue;
            }
            send_signal(process, "-STOP");
            let expected = format!("/invocation/request-{responses}/");
            assert!(request.line.contains(&expected), "{}", request.line);
            responses += 1;
            check(responses, &request.body);
            waiting = paths.next();
            if waiting.is_none() {
                return;
            }
            request.answer("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
            send_signal(process, "-CONT");
        }
    }

    /// Receives the requests of all connections. The runtime sends one after the other, on any of its connections.
    fn requests(&self) -> mpsc::Receiver<Request> {
        let (sender, requests) = mpsc::channel();
        let listener = self.listener.try_clone().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sender) = (stream.unwrap(), sender.clone());
                thread::spawn(move || {
                    let mut connection = BufReader::new(stream.try_clone().unwrap());
                    while let Some((line, body)) = read_request(&mut connection) {
                        let stream = stream.try_clone().unwrap();
                        // The test may be over.
                        let _ = sender.send(Request { line, body, stream });
                    }
                });
            }
        });
        requests
    }
}

/// A request to the runtime API.
struct Request {
    line: String,
    body: String,
    stream: TcpStream,
}

impl Request {
    fn answer(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }
}

/// Returns the first line and the body. Returns `None` at the end of the connection.
fn read_request(connection: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut first = String::new();
    connection
        .read_line(&mut first)
        .ok()
        .filter(|bytes| *bytes > 0)?;
    let mut length = Some(0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = Some(value.parse().unwrap()),
            Some(("transfer-encoding", "chunked")) => length = None,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            connection.take(length).read_to_end(&mut body).ok()?;
        }
        None => loop {
            let mut line = String::new();
            connection.read_line(&mut line).ok()?;
            let chunk = u64::from_str_radix(line.trim_end(), 16).unwrap();
            let end = body.len() + usize::try_from(chunk).unwrap();
            connection.take(chunk + 2).read_to_end(&mut body).ok()?;
            body.truncate(end);
            if chunk == 0 {
                break;
            }
        },
    }
    Some((first, String::from_utf8(body).unwrap()))
}

/// An event of an API Gateway with the payload format 2.0.
fn event(path: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "host": "shop.example", "accept": "*/*" },
        "requestContext": {
            "accountId": "1",
            "apiId": "shop",
            "domainName": "shop.example",
            "domainPrefix": "shop",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    })
}

fn order_paths() -> impl Iterator<Item = String> {
    (1..=REQUESTS).map(|id| format!("/orders/{id}"))
}

#[test]
fn a_lambda_function_that_is_frozen_after_each_response_loses_no_span() {
    let collector = Collector::start().unwrap();
    let api = RuntimeApi::new();
    let mut command = frozen_program(env!("CARGO_BIN_EXE_lambda"), &collector.http_endpoint());
    let process = Process::start("lambda", api.configure(&mut command)).unwrap();
    api.invoke(&process, order_paths(), |number, body| {
        let response: Value = serde_json::from_str(body).unwrap();
        assert_eq!(response["statusCode"], 200, "{response}");
        assert_eq!(response["body"], format!("order {number}\n"));
        // All spans have arrived before the response.
        let traces = collector.traces();
        assert_eq!(collector.span_count(), 2 * number, "{traces:?}");
    });
    drop(process); // SIGKILL
    let traces = collector.traces();
    assert_eq!(traces.len(), REQUESTS);
    for trace in traces {
        assert_eq!(trace.spans().len(), 2);
        trace.assert_child_of("order", "GET /orders/{id}");
        assert_eq!(trace.roots()[0].kind(), &SpanKind::Server);
    }
}

/// A connection that is cut while the process is frozen, as by a load balancer.
#[test]
fn a_lambda_function_whose_connections_to_the_collector_die_loses_no_span() {
    let collector = Collector::start().unwrap();
    let proxy = Proxy::start(&collector.http_endpoint());
    let api = RuntimeApi::new();
    let mut command = frozen_program(env!("CARGO_BIN_EXE_lambda"), &proxy.url());
    let process = Process::start("lambda", api.configure(&mut command)).unwrap();
    api.invoke(&process, order_paths(), |number, _| {
        assert_eq!(collector.span_count(), 2 * number);
        proxy.cut();
    });
}

/// Starts this test again as a function, and invokes it. Returns the spans that have arrived after each response.
fn invoke_function<F: Future<Output = ()>>(
    test: &str,
    function: impl FnOnce(Telemetry, Router) -> F,
    is_response: impl Fn(&str) -> bool,
) -> Vec<usize> {
    const CHILD: &str = "FUNCTION_OF_THE_TEST";
    if env::var_os(CHILD).is_some() {
        let builder = otel_setup::builder().service_name("lambda");
        let telemetry = builder.init();
        let app = Router::new()
            .route("/orders/{id}", get(|| async { "an order" }))
            .route("/panic", get(panic))
            .layer(ServerLayer::new());
        block_on(function(telemetry.unwrap(), app));
    }
    let collector = Collector::start().unwrap();
    let api = RuntimeApi::new();
    let program = env::current_exe().unwrap();
    let mut command = frozen_program(program.to_str().unwrap(), &collector.http_endpoint());
    command.args([test, "--exact"]).env(CHILD, "1");
    let process = Process::start("lambda", api.configure(&mut command)).unwrap();
    let mut spans = Vec::new();
    let path = if test.contains("panics") {
        "/panic"
    } else {
        "/orders/7"
    };
    let paths = iter::repeat_n(path.to_owned(), REQUESTS);
    api.invoke(&process, paths, |_, body| {
        assert!(is_response(body), "{body}");
        spans.push(collector.span_count());
    });
    spans
}

async fn panic() {
    panic!("out of stock");
}

#[test]
fn a_lambda_function_without_the_flush_layer_loses_spans() {
    let spans = invoke_function(
        "a_lambda_function_without_the_flush_layer_loses_spans",
        async |_telemetry, app| lambda_http::run(app).await.unwrap(),
        |body| body.contains("an order"),
    );
    assert!(spans[REQUESTS - 1] < REQUESTS, "{spans:?}");
}

#[test]
fn a_lambda_function_that_streams_loses_no_span() {
    let spans = invoke_function(
        "a_lambda_function_that_streams_loses_no_span",
        async |telemetry, app| {
            let app = app.layer(telemetry.flush_layer());
            lambda_http::run_with_streaming_response(app).await.unwrap();
        },
        |body| body.ends_with("an order"),
    );
    assert_eq!(spans, Vec::from_iter(1..=REQUESTS));
}

#[test]
fn a_lambda_function_that_panics_loses_no_span() {
    let spans = invoke_function(
        "a_lambda_function_that_panics_loses_no_span",
        async |telemetry, app| {
            let app = app.layer(telemetry.flush_layer());
            lambda_http::run(app).await.unwrap();
        },
        |body| body.contains("out of stock"),
    );
    assert_eq!(spans, Vec::from_iter(1..=REQUESTS));
}

#[test]
fn a_server_that_is_frozen_after_each_response_loses_no_span() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.http_endpoint();
    let mut command = frozen_program(env!("CARGO_BIN_EXE_cloud_run"), &endpoint);
    let (process, url) = start("cloud_run", command.env("PORT", "0"));
    let url = url.replace("0.0.0.0", "127.0.0.1");
    let mut expected = 0;
    block_on(async {
        let client = reqwest::Client::new();
        for number in 0..REQUESTS {
            let (method, path, body, spans) = match number % 5 {
                0 => ("GET", "/orders/7", "order 7\n", 2),
                1 => ("GET", "/orders", "order 1\norder 2\norder 3\n", 2),
                2 => ("HEAD", "/orders/7", "", 2),
                3 => ("GET", "/missing", "", 1),
                _ => ("GET", "/orders/seven", "Invalid URL", 1),
            };
            let request = client.request(method.parse().unwrap(), format!("{url}{path}"));
            let response = request.send().await.unwrap().text().await.unwrap();
            send_signal(&process, "-STOP");
            assert!(response.starts_with(body), "{method} {path}: {response}");
            expected += spans;
            // All spans have arrived before the end of the response.
            assert_eq!(collector.span_count(), expected, "{method} {path}");
            if number + 1 < REQUESTS {
                send_signal(&process, "-CONT");
            }
        }
    });
    drop(process); // SIGKILL
    assert_eq!(collector.span_count(), expected);
}

/// Forwards bytes to the collector.
struct Proxy {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn start(endpoint: &str) -> Self {
        let collector = endpoint.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(&collector).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    // Until the connection is cut.
                    thread::spawn(move || io::copy(&mut from, &mut to));
                }
                all.lock().unwrap().extend([client, server]);
            }
        });
        Self { address, streams }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes all connections.
    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            // The other side may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
