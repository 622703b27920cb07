//! A flood of requests with the longest heads that hyper accepts, against a server process with the default queue.
#![cfg(target_os = "linux")] // The memory of a process is read from `/proc`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::{env, fs, thread};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::any;
use h2::client::SendRequest;
use otel_testkit::{Collector, Process};
use otel_tower::ServerLayer;
use tokio::net::TcpListener;

use self::support::{Endpoint, LIMIT, Mood, environment};

const REQUESTS: usize = 2_000;
const AT_A_TIME: usize = 8;
/// hyper reads a head of about this length.
const LONGEST: usize = 8_192 + 100 * 4_096 - 1_024;
/// The longest target that the crate http accepts.
const LONGEST_TARGET: usize = 65_534;
/// How much more memory than an idle server a flooded server may take.
const MOST_KIB: u64 = 64 * 1024;

/// A server in another process, whose spans go to this endpoint.
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts the server. `test` is the name of the test that calls it. In the server's process it never returns.
    fn start(test: &str, endpoint: &str) -> Self {
        const SERVER: &str = "OTEL_SETUP_TEST_SERVER";
        if env::var_os(SERVER).is_some_and(|server| server == test) {
            serve();
        }
        let mut command = Command::new(env::current_exe().unwrap());
        environment::clear(&mut command)
            .args([test, "--exact", "--nocapture"])
            .env(SERVER, test)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let process = Process::start("server", &mut command).unwrap();
        let address = process.wait_for_stderr(LIMIT, |line| {
            line.strip_prefix("listening on ")?.parse().ok()
        });
        Self {
            process,
            address: address.unwrap(),
        }
    }

    /// Returns a field of the process's status, in KiB.
    fn kib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let mut fields = status.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(name, _)| *name == field).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends requests over as many connections as there are requests at a time.
    fn flood<H: AsRef<str>>(&self, head: impl Fn(usize) -> H + Sync) {
        thread::scope(|scope| {
            for connection in 0..AT_A_TIME {
                let head = &head;
                scope.spawn(move || {
                    let mut stream = BufReader::new(TcpStream::connect(self.address).unwrap());
                    for number in (connection..REQUESTS).step_by(AT_A_TIME) {
                        let head = head(number);
                        stream
                            .get_mut()
                            .write_all(head.as_ref().as_bytes())
                            .unwrap();
                        assert_eq!(read_status(&mut stream), "200", "request {number}");
                    }
                });
            }
        });
    }
}

/// Floods a server whose collector never answers, and asserts how much memory the server took.
fn assert_small(test: &str, flood: impl FnOnce(&Server)) {
    let collector = Endpoint::start(Mood::Hangs);
    let server = Server::start(test, &collector.url());
    let idle = server.kib("VmRSS");
    flood(&server);
    let taken = server.kib("VmHWM") - idle;
    assert!(
        taken < MOST_KIB,
        "{taken} KiB more than the {idle} KiB of the idle server"
    );
}

/// Answers every request, and captures all headers.
fn serve() -> ! {
    let _telemetry = otel_setup::init("flooded").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("listening on {}", listener.local_addr().unwrap());
        let layer = ServerLayer::new().capture_request_headers(["*"]).grpc();
        let answer = any(async |_: ConnectInfo<SocketAddr>| ());
        let router = Router::new().fallback(answer.clone());
        let router = router.route("/honest/{number}", answer).layer(layer);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await.unwrap();
    });
    unreachable!("the server runs until its process is killed")
}

/// Reads the head of a response without a body.
fn read_status(stream: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    head.split(' ').nth(1).unwrap().to_owned()
}

/// Makes a head from its request line without version and its other header lines.
fn head(line: &str, fields: &[String]) -> String {
    let host = "host: shop.example\r\n".to_owned();
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line} HTTP/1.1\r\n{host}{fields}\r\n")
}

/// Nearly as many header lines as hyper accepts, each with a value of this length.
fn lines(length: usize) -> Vec<String> {
    let value = "v".repeat(length);
    (0..94)
        .map(|number| format!("x-{number}: {value}"))
        .collect()
}

fn traceparent(number: usize) -> String {
    format!("traceparent: 00-{:032x}-{:016x}-01", number + 1, number + 1)
}

/// The longest valid `tracestate`.
fn tracestate() -> String {
    let value = "v".repeat(256);
    let members = (0..32).map(|number| format!("k{number:0>255}={value}"));
    format!("tracestate: {}", members.collect::<Vec<_>>().join(","))
}

fn long_target() -> String {
    let half = LONGEST_TARGET / 2 - 1;
    format!("/{}?{}", "p".repeat(half), "q".repeat(half))
}

#[test]
fn a_flood_of_long_user_agents_takes_little_memory() {
    let agent = format!("user-agent: {}", "a".repeat(LONGEST));
    assert_small(
        "a_flood_of_long_user_agents_takes_little_memory",
        |server| {
            server.flood(|_| head("GET /", std::slice::from_ref(&agent)));
        },
    );
}

#[test]
fn a_flood_of_long_targets_methods_and_hosts_takes_little_memory() {
    let test = "a_flood_of_long_targets_methods_and_hosts_takes_little_memory";
    let long = "l".repeat(LONGEST_TARGET - 100);
    let heads = [
        head(&format!("GET {}", long_target()), &[]),
        head(&format!("{} /", "m".repeat(LONGEST)), &[]),
        head(&format!("GET http://{long}/"), &[]),
        head(
            &format!("POST /{long}"),
            &["content-type: application/grpc".to_owned()],
        ),
    ];
    assert_small(test, |server| {
        server.flood(|number| heads[number % heads.len()].as_str());
    });
}

#[test]
fn a_flood_of_long_headers_takes_little_memory() {
    let long = lines(4_000);
    let many_lines = vec![format!("x-many: {}", "v".repeat(4_000)); 94];
    let names: Vec<String> = (0..94)
        .map(|number| format!("x-{number:0>120}: v"))
        .collect();
    let secrets = vec![format!("x-next-url: /?{}", "sig=a&".repeat(60_000))];
    let heads = [long, many_lines, names, secrets].map(|fields| head("GET /", &fields));
    assert_small("a_flood_of_long_headers_takes_little_memory", |server| {
        server.flood(|number| heads[number % heads.len()].as_str());
    });
}

#[test]
fn a_flood_in_which_everything_is_long_takes_little_memory() {
    let method = "m".repeat(2_000);
    let line = format!("{method} {}", long_target());
    let mut fields = lines(60);
    fields.extend([tracestate(), format!("user-agent: {}", "a".repeat(2_000))]);
    let fields = &fields;
    let test = "a_flood_in_which_everything_is_long_takes_little_memory";
    assert_small(test, |server| {
        server.flood(|number| head(&line, &[fields.as_slice(), &[traceparent(number)]].concat()));
    });
}

#[test]
fn a_flood_over_http_2_takes_little_memory() {
    assert_small("a_flood_over_http_2_takes_little_memory", |server| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(flood_over_http_2(server.address));
    });
}

/// Each stream has the longest list of headers that hyper accepts.
async fn flood_over_http_2(address: SocketAddr) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut sending = tokio::task::JoinSet::new();
    for worker in 0..AT_A_TIME {
        let client = client.clone();
        sending.spawn(async move {
            for number in (worker..REQUESTS).step_by(AT_A_TIME) {
                request_over_http_2(client.clone(), number).await;
            }
        });
    }
    sending.join_all().await;
}

async fn request_over_http_2(client: SendRequest<axum::body::Bytes>, number: usize) {
    let target = format!(
        "http://shop.example/{}?{}",
        "p".repeat(4_000),
        "q".repeat(4_000)
    );
    let agent = "a".repeat(2_000);
    let mut request = axum::http::Request::get(target).header("user-agent", agent);
    for field in 0..40 {
        request = request.header(format!("x-{number}-{field}"), "v".repeat(60));
    }
    let (response, _) = client
        .ready()
        .await
        .unwrap()
        .send_request(request.body(()).unwrap(), true)
        .unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[test]
fn honest_spans_are_exported_among_a_flood() {
    // Its limit of a body is that of a collector's gRPC receiver, 4 MiB.
    let collector = Collector::start().unwrap();
    let server = Server::start(
        "honest_spans_are_exported_among_a_flood",
        &collector.http_endpoint(),
    );
    let is_honest = |number: usize| number % 50 == 0;
    let agent = format!("user-agent: {}", "a".repeat(LONGEST - LONGEST_TARGET));
    server.flood(|number| match is_honest(number) {
        true => head(&format!("GET /honest/{number}"), &[]),
        false => head(
            &format!("GET {}", long_target()),
            std::slice::from_ref(&agent),
        ),
    });
    let expected = (0..REQUESTS).filter(|number| is_honest(*number)).count();
    let honest = "GET /honest/{number}";
    collector
        .wait_for(
            |traces| traces.iter().filter(|it| it.span(honest).is_some()).count() == expected,
            LIMIT,
        )
        .unwrap_or_else(|_| panic!("{} spans came", collector.span_count()));
}
