//! A client that speaks bytes, so that a test can stop anywhere.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::body::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::meters::LIMIT;

pub(crate) type Http2Sender = http2::SendRequest<Empty<Bytes>>;

/// An open connection on which a request has been sent.
pub(crate) struct Connection(pub(crate) TcpStream);

impl Connection {
    /// Sends the head of a request: the first line without version, then header lines.
    pub(crate) fn send(address: SocketAddr, request: &str, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut head = format!("{request} HTTP/1.1\r\nhost: shop.example:8080\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self(stream)
    }

    /// Reads until this text has arrived, and returns all that came.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let seen = String::from_utf8_lossy(&read).into_owned();
            if seen.contains(text) {
                return seen;
            }
            match self.0.read(&mut buffer).unwrap() {
                0 => panic!("the server closed the connection after {seen:?}"),
                length => read.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Reads until the server closes the connection.
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut read = Vec::new();
        // A connection that the server breaks off has ended as well.
        let _ = self.0.read_to_end(&mut read);
        String::from_utf8_lossy(&read).into_owned()
    }
}

/// One request on a connection of its own; the whole response as it came.
pub(crate) fn request(address: SocketAddr, request: &str, headers: &[&str]) -> String {
    let mut headers = headers.to_vec();
    headers.push("connection: close");
    Connection::send(address, request, &headers).read_to_end()
}

/// A `GET` without further headers.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    request(address, &format!("GET {path}"), &[])
}

/// Does something on an HTTP/2 connection, which is closed afterwards.
pub(crate) fn on_http2<T>(address: SocketAddr, work: impl AsyncFnOnce(Http2Sender) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        work(sender).await
    })
}

/// One request with gRPC's `content-type` over HTTP/2. Returns the status of the complete response.
pub(crate) fn http2_grpc_request(address: SocketAddr, method: &str, path: &str) -> u16 {
    on_http2(address, async |mut sender| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://shop.example:8080{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let request = request.body(Empty::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        http_body_util::BodyExt::collect(response.into_body())
            .await
            .unwrap();
        status
    })
}
