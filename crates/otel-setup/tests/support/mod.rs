//! An OTLP endpoint over HTTP that behaves as badly as it is told to, and keeps what it was sent.

pub(crate) mod child;
pub(crate) mod environment;
pub(crate) mod own_process;
pub(crate) mod proxy;
pub(crate) mod span_layer;

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use otel_setup::Telemetry;
use prost::Message as _;

use self::span_layer::with_span_layer;

/// Longer than anything takes; what waits for it has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A set-up that exports to this endpoint.
pub(crate) fn start(url: impl Into<String>) -> Telemetry {
    let builder = otel_setup::builder().service_name("checkout");
    with_span_layer(builder.otlp_endpoint(url)).init().unwrap()
}

/// Looks again and again until it is as expected.
pub(crate) fn wait_until<T: Debug>(look: impl Fn() -> T, is_expected: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let seen = look();
        if is_expected(&seen) {
            return seen;
        }
        assert!(start.elapsed() < LIMIT, "{seen:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    /// A status, with `retry-after` in seconds.
    Status(u16, Option<u32>),
    /// A port for gRPC, which has no such method, and answers with a 200 all the same.
    SpeaksGrpc,
    /// Answers well after this time.
    Slow(Duration),
    /// Takes the request and never answers.
    Hangs,
    /// Closes the connection without an answer.
    Dies,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
    pub(crate) mood: Mood,
}

impl Request {
    pub(crate) fn span_names(&self) -> Vec<String> {
        let request = ExportTraceServiceRequest::decode(self.body.as_slice()).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|it| it.scope_spans);
        scopes
            .flat_map(|it| it.spans)
            .map(|span| span.name)
            .collect()
    }

    pub(crate) fn logs(&self) -> Vec<Logged> {
        let request = ExportLogsServiceRequest::decode(self.body.as_slice()).unwrap();
        let scopes = request
            .resource_logs
            .into_iter()
            .flat_map(|it| it.scope_logs);
        let logs = scopes.flat_map(|it| {
            let scope = it.scope.unwrap().name;
            let records = it.log_records.into_iter();
            records.map(move |record| Logged {
                scope: scope.clone(),
                record,
            })
        });
        logs.collect()
    }
}

/// A log record and the scope that it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) scope: String,
    pub(crate) record: LogRecord,
}

impl Logged {
    pub(crate) fn body(&self) -> &str {
        match self.record.body.as_ref().and_then(|it| it.value.as_ref()) {
            Some(Value::StringValue(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn attribute(&self, key: &str) -> Option<&Value> {
        let attributes = &self.record.attributes;
        let found = attributes.iter().find(|it| it.key == key)?;
        found.value.as_ref()?.value.as_ref()
    }
}

#[derive(Debug)]
struct State {
    mood: Mutex<Mood>,
    requests: Mutex<Vec<Request>>,
    arrived: Condvar,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    state: Arc<State>,
}

impl Endpoint {
    pub(crate) fn start(mood: Mood) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), mood)
    }

    pub(crate) fn listen(listener: TcpListener, mood: Mood) -> Self {
        Self::listen_with(listener, mood, Some)
    }

    /// Behind a handshake, which may fail.
    pub(crate) fn listen_with<S: Read + Write>(
        listener: TcpListener,
        mood: Mood,
        accept: impl Fn(TcpStream) -> Option<S> + Clone + Send + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            mood: Mutex::new(mood),
            requests: Mutex::default(),
            arrived: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                let accept = accept.clone();
                thread::spawn(move || {
                    if let Some(stream) = accept(stream.unwrap()) {
                        serve(stream, &state);
                    }
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn change(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The names of all spans that it has taken with a 200.
    pub(crate) fn spans(&self) -> Vec<String> {
        let requests = self.requests();
        let taken = requests
            .iter()
            .filter(|it| it.mood == Mood::Fine && it.path == "/v1/traces");
        taken.flat_map(Request::span_names).collect()
    }

    /// All log records that it has taken with a 200, in the order of the exports.
    pub(crate) fn logs(&self) -> Vec<Logged> {
        let requests = self.requests();
        let taken = requests
            .iter()
            .filter(|it| it.mood == Mood::Fine && it.path == "/v1/logs");
        taken.flat_map(Request::logs).collect()
    }

    pub(crate) fn wait_for(&self, what: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let requests = self.state.requests.lock().unwrap();
        let (requests, result) = self
            .state
            .arrived
            .wait_timeout_while(requests, LIMIT, |requests| !what(requests))
            .unwrap();
        assert!(!result.timed_out(), "{} requests arrived", requests.len());
        requests.clone()
    }
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn serve(stream: impl Read + Write, state: &State) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader) {
        let mood = *state.mood.lock().unwrap();
        request.mood = mood;
        state.requests.lock().unwrap().push(request);
        state.arrived.notify_all();
        let answer = match mood {
            Mood::Fine => FINE.to_owned(),
            Mood::Slow(time) => {
                thread::sleep(time);
                FINE.to_owned()
            }
            Mood::Status(status, None) => {
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")
            }
            Mood::Status(status, Some(seconds)) => format!(
                "HTTP/1.1 {status} X\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n"
            ),
            Mood::SpeaksGrpc => {
                "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 12\r\n\
                                 content-length: 0\r\n\r\n"
                    .to_owned()
            }
            Mood::Hangs => {
                // Until the client gives up.
                let _ = reader.read_to_end(&mut Vec::new());
                return;
            }
            Mood::Dies => return,
        };
        let stream = reader.get_mut();
        let sent = stream
            .write_all(answer.as_bytes())
            .and_then(|()| stream.flush());
        if sent.is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<impl Read>) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|bytes| *bytes > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        path,
        headers,
        body,
        at: Instant::now(),
        mood: Mood::Fine,
    })
}
