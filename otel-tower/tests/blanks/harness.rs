//! A process for each test, a server on a real socket, and the warnings of the process.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, exit};

use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::captured::Lines;

const CHILD: &str = "OTEL_TOWER_TEST_CHILD";
/// What the process of a test writes at its end, so that a wrong name of a test is noticed.
const DONE: &str = "the test is done";

pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const TRACEPARENT: &str =
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Runs the body of the test of this name in a process of its own, because a warning is written once per process.
pub(crate) fn in_own_process(name: &str, body: impl FnOnce()) {
    if env::var_os(CHILD).is_some_and(|child| child == name) {
        body();
        eprintln!("{DONE}");
        exit(0);
    }
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains(DONE), "{text}");
}

/// A layer of fmt that writes to these lines.
pub(crate) fn fmt_layer<S>(lines: &Lines) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = lines.clone();
    fmt::layer()
        .with_ansi(false)
        .with_writer(move || lines.clone())
}

/// The warnings that contain this text.
pub(crate) fn warnings(lines: &Lines, text: &str) -> Vec<String> {
    let all = lines.text();
    let of_text = all
        .lines()
        .filter(|line| line.contains(" WARN ") && line.contains(text));
    of_text.map(ToOwned::to_owned).collect()
}

/// Asserts that there is one warning with all these texts, and no other warning. A section of the guide has the event's name.
#[track_caller]
pub(crate) fn assert_warned_once(lines: &Lines, texts: &[&str]) {
    let all = warnings(lines, "");
    assert_eq!(all.len(), 1, "{}", lines.text());
    for text in texts {
        assert!(all[0].contains(text), "{text:?} in {all:?}");
    }
    if let Some((_, section)) = all[0].split_once("docs/troubleshooting.md#") {
        let name = section.split(' ').next().unwrap();
        let field = format!("event.name=\"{name}\"");
        assert!(section.contains(&field), "{field} in {all:?}");
    }
}

/// Serves the router, and sends each of these requests (`GET /path`, then header lines) on a connection of its own.
pub(crate) fn ask(app: Router, requests: &[&[&str]]) -> Vec<String> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut answers = Vec::new();
        for request in requests {
            answers.push(ask_one(address, request).await);
        }
        answers
    })
}

async fn ask_one(address: SocketAddr, request: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut lines = request.iter();
    let mut head = format!(
        "{} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n",
        lines.next().unwrap()
    );
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
