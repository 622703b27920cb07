//! A gRPC connection through an HTTP proxy. Neither tonic nor its connector reads the variables of proxies.

use std::io;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

/// The longest response head that is read.
const MAX_HEAD: usize = 8192;

/// Returns a channel that connects at the first export: through the proxy that the environment names for the endpoint, if there is
/// one.
///
/// The variables are those of reqwest, read by the same code: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
pub(super) fn connect_lazy(endpoint: &Endpoint, is_loopback: bool) -> Channel {
    match Matcher::from_system().intercept(endpoint.uri()) {
        Some(proxy) if !is_loopback => endpoint
            .connect_with_connector_lazy(service_fn(move |target| connect(proxy.clone(), target))),
        _ => endpoint.connect_lazy(),
    }
}

/// Connects to the proxy, and asks it for a connection to the target. tonic adds TLS for https:// targets.
async fn connect(proxy: Intercept, target: Uri) -> io::Result<TokioIo<TcpStream>> {
    let scheme = proxy.uri().scheme_str().unwrap_or_default();
    if scheme != "http" {
        return Err(io::Error::other(format!(
            "the proxy is an {scheme}:// URL, and exports over gRPC only use http:// proxies"
        )));
    }
    let (host, port) = address(proxy.uri());
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    stream.set_nodelay(true)?;
    let (host, port) = address(&target);
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(Ok(credentials)) = proxy.basic_auth().map(|it| it.to_str()) {
        request = format!("{request}Proxy-Authorization: {credentials}\r\n");
    }
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .await?;
    let status = read_status(&mut stream).await?;
    if !status.starts_with('2') {
        return Err(io::Error::other(format!(
            "the proxy refused to connect to {host}:{port} with status {status}"
        )));
    }
    Ok(TokioIo::new(stream))
}

/// Reads a response head, and nothing after it: an HTTP/2 server may send first.
async fn read_status(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(io::Error::other("the proxy's response is too long"));
        }
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Err(io::Error::other("the proxy closed the connection"));
        }
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some(version), Some(status)) if version.starts_with("HTTP/1.") => Ok(status.to_owned()),
        _ => Err(io::Error::other("the proxy's response is not HTTP/1")),
    }
}

fn address(uri: &Uri) -> (&str, u16) {
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    (
        uri.host().unwrap_or_default(),
        uri.port_u16().unwrap_or(default),
    )
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;

    use super::*;

    /// Connects through a proxy that gives this response; returns what the proxy was asked, and the result.
    fn connected(
        scheme: &str,
        target: &'static str,
        response: &'static [u8],
    ) -> (String, io::Result<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut asked = String::new();
            while !asked.ends_with("\r\n\r\n") && reader.read_line(&mut asked).unwrap() > 0 {}
            reader.get_mut().write_all(response).unwrap();
            asked
        });
        let result = block_on(through(scheme, address, target));
        if result.is_err() && scheme != "http" {
            drop(std::net::TcpStream::connect(address));
        }
        (proxy.join().unwrap(), result)
    }

    /// Returns what the target has sent.
    async fn through(
        scheme: &str,
        address: SocketAddr,
        target: &'static str,
    ) -> io::Result<Vec<u8>> {
        let matcher = Matcher::builder().all(format!("{scheme}://us%65r:p%3Ass@{address}"));
        let target = Uri::from_static(target);
        let proxy = matcher.build().intercept(&target).unwrap();
        let mut sent = Vec::new();
        let stream = connect(proxy, target).await?;
        stream.into_inner().read_to_end(&mut sent).await?;
        Ok(sent)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn what_the_target_sends_with_the_proxys_answer_is_not_lost() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nSETTINGS";
        let (asked, sent) = connected("http", "http://collector.example:4317", answer);
        assert_eq!(sent.unwrap(), b"SETTINGS");
        assert_eq!(
            asked,
            "CONNECT collector.example:4317 HTTP/1.1\r\nHost: collector.example:4317\r\n\
             Proxy-Authorization: Basic dXNlcjpwOnNz\r\n\r\n"
        );
    }

    #[test]
    fn the_port_is_that_of_the_scheme_if_the_endpoint_has_none() {
        let table = [
            ("http://collector.example", "CONNECT collector.example:80 "),
            (
                "https://collector.example",
                "CONNECT collector.example:443 ",
            ),
            ("http://[2001:db8::1]:4317", "CONNECT [2001:db8::1]:4317 "),
        ];
        for (target, expected) in table {
            let (asked, sent) = connected("http", target, b"HTTP/1.0 204 \r\n\r\n");
            assert_eq!(sent.unwrap(), b"");
            assert!(asked.starts_with(expected), "{asked}");
        }
    }

    #[test]
    fn a_proxy_that_refuses_is_an_error_that_says_why() {
        let long = vec![b'x'; 2 * MAX_HEAD].leak();
        let table: [(&str, &'static [u8], &str); 7] = [
            (
                "http",
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                "the proxy refused to connect to collector.example:4317 with status 407",
            ),
            ("http", b"HTTP/1.1 502\r\n\r\n", "with status 502"),
            ("http", b"", "the proxy closed"),
            ("http", b"HTTP/1.1 200 OK\r\n", "the proxy closed"),
            ("http", b"220 mail.example ESMTP\r\n\r\n", "not HTTP/1"),
            ("http", long, "too long"),
            ("socks5", b"", "socks5:// URL"),
        ];
        for (scheme, response, expected) in table {
            let (_, sent) = connected(scheme, "http://collector.example:4317", response);
            let error = sent.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("p:ss"), "{error}");
        }
    }
}
