//! A receiver of OTLP over HTTP and gRPC on one port, which keeps what a collector would see.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use axum::http::Response;
use flate2::read::GzDecoder;
use tokio::runtime;

use crate::support::{Endpoint, Mood};

/// Headers that say nothing about a variable.
const SKIPPED: [&str; 6] = [
    "accept",
    "content-length",
    "host",
    "te",
    "user-agent",
    "accept-encoding",
];

/// An export as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) transport: &'static str,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// The message, not compressed.
    pub(crate) message: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    endpoint: Endpoint,
    over_grpc: Arc<Mutex<Vec<Export>>>,
    tls_handshakes: Arc<Mutex<usize>>,
}

impl Receiver {
    pub(crate) fn start(mood: Mood) -> Self {
        let over_grpc: Arc<Mutex<Vec<Export>>> = Arc::default();
        let tls_handshakes: Arc<Mutex<usize>> = Arc::default();
        let (exports, handshakes) = (Arc::clone(&over_grpc), Arc::clone(&tls_handshakes));
        let accept = move |stream: TcpStream| {
            let mut first = [0];
            stream.peek(&mut first).ok()?;
            match &first {
                b"\x16" => {
                    *handshakes.lock().unwrap() += 1;
                    None
                }
                // The preface of HTTP/2 begins with `PRI`, and an export over HTTP/1.1 with `POST`.
                b"P" if is_http_2(&stream) => {
                    serve_grpc(stream, &exports);
                    None
                }
                _ => Some(stream),
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            endpoint: Endpoint::listen_with(listener, mood, accept),
            over_grpc,
            tls_handshakes,
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the host and the port.
    pub(crate) fn address(&self) -> String {
        self.endpoint.url().replace("http://", "")
    }

    pub(crate) fn tls_handshakes(&self) -> usize {
        *self.tls_handshakes.lock().unwrap()
    }

    /// Returns all exports, those of one path next to each other.
    pub(crate) fn exports(&self) -> Vec<Export> {
        let over_http = self.endpoint.requests().into_iter().map(|request| {
            let is_compressed = request.headers.get("content-encoding");
            let is_compressed = is_compressed.is_some_and(|encoding| encoding == "gzip");
            Export {
                transport: "HTTP",
                path: request.path,
                headers: kept(request.headers),
                message: decompressed(request.body, is_compressed),
            }
        });
        let mut exports: Vec<_> = over_http.collect();
        exports.extend(self.over_grpc.lock().unwrap().iter().cloned());
        exports.sort_by(|a, b| a.path.cmp(&b.path));
        exports
    }
}

fn kept(headers: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let headers = headers.into_iter();
    headers
        .filter(|(name, _)| !SKIPPED.contains(&name.as_str()))
        .collect()
}

fn decompressed(bytes: Vec<u8>, is_compressed: bool) -> Vec<u8> {
    if !is_compressed {
        return bytes;
    }
    let mut message = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut message)
        .unwrap();
    message
}

fn is_http_2(stream: &TcpStream) -> bool {
    let mut start = [0; 3];
    while stream
        .peek(&mut start)
        .is_ok_and(|length| length == 1 || length == 2)
    {}
    &start == b"PRI"
}

/// Serves the connection until the client closes it.
fn serve_grpc(stream: TcpStream, exports: &Arc<Mutex<Vec<Export>>>) {
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let exports = Arc::clone(exports);
            tokio::spawn(async move {
                let (head, mut body) = request.into_parts();
                let mut bytes = Vec::new();
                while let Some(Ok(data)) = body.data().await {
                    body.flow_control().release_capacity(data.len()).unwrap();
                    bytes.extend_from_slice(&data);
                }
                let headers = head.headers.iter().map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                });
                // The first byte says whether the message is compressed. The next four are its length.
                let message = bytes.split_off(5);
                exports.lock().unwrap().push(Export {
                    transport: "gRPC",
                    path: head.uri.path().to_owned(),
                    headers: kept(headers),
                    message: decompressed(message, bytes[0] == 1),
                });
                let response = Response::builder().header("content-type", "application/grpc");
                let mut sending = respond
                    .send_response(response.body(()).unwrap(), false)
                    .unwrap();
                sending.send_data(vec![0; 5].into(), false).unwrap();
                let mut trailers = axum::http::HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                sending.send_trailers(trailers).unwrap();
            });
        }
    });
}
