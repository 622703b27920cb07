//! Requests that come through proxies, over TCP and over a unix socket.

use axum::Router;
use axum::routing::get as on_get;
use opentelemetry::Value;
use otel_testkit::Span;
use otel_tower::{ServerLayer, TrustedProxies, XForwarded};

use crate::client::request;
use crate::harness::{Mode, Server, in_every_mode};

const ALL: [XForwarded; 4] = [
    XForwarded::For,
    XForwarded::Proto,
    XForwarded::Host,
    XForwarded::Port,
];

/// What a client at 203.0.113.9 forges, and the address that the proxy appends.
const FORGED: [&str; 6] = [
    "x-forwarded-for: 1.2.3.4",
    "x-forwarded-proto: https",
    "x-forwarded-host: evil.example",
    "x-forwarded-port: 666",
    "forwarded: for=7.7.7.7;proto=https;host=evil.example",
    "x-forwarded-for: 203.0.113.9",
];

async fn who() -> &'static str {
    "ada"
}

fn app(layer: ServerLayer, proxies: TrustedProxies) -> Router {
    Router::new()
        .route("/", on_get(who))
        .layer(layer.trusted_proxies(proxies))
}

/// Returns client, scheme, and host and port of the server.
fn seen(span: &Span) -> [String; 4] {
    [
        "client.address",
        "url.scheme",
        "server.address",
        "server.port",
    ]
    .map(|key| {
        let value = span.attribute(key);
        value.map_or("-".to_owned(), ToString::to_string)
    })
}

in_every_mode! { TRACED:
    fn forwarding_headers_count_from_trusted_proxies_only(mode: Mode) {
        let headers = [
            "x-forwarded-for: 1.2.3.4, 203.0.113.9",
            "x-forwarded-proto: https",
            "x-forwarded-host: public.example:443",
        ];
        for (trusted, client, scheme, host) in [
            ("10.0.0.0/8", "10.0.0.1", "http", "shop.example"),
            ("127.0.0.0/8,10.0.0.0/8", "203.0.113.9", "https", "public.example"),
        ] {
            let proxies: TrustedProxies = trusted.parse().unwrap();
            let proxies = proxies.headers([XForwarded::For, XForwarded::Proto, XForwarded::Host]);
            let is_trusted = client != "10.0.0.1";
            let server = Server::start(mode, move |layer| {
                let layer = layer.trusted_proxies(proxies).client_port().network_transport("tcp");
                Router::new().route("/", on_get(who)).layer(layer)
            });
            request(server.address, "GET /", &headers);
            let span = server.span();
            let client = if is_trusted { client } else { "127.0.0.1" };
            assert_eq!(span.attribute("client.address"), Some(&Value::from(client)));
            assert_eq!(span.attribute("network.peer.address"), Some(&Value::from("127.0.0.1")));
            assert_eq!(span.attribute("url.scheme"), Some(&Value::from(scheme)));
            assert_eq!(span.attribute("server.address"), Some(&Value::from(host)));
            assert_eq!(span.attribute("client.port").is_some(), !is_trusted);
            assert_eq!(span.attribute("network.transport"), Some(&Value::from("tcp")));
        }
    }

    fn what_a_client_forges_counts_only_if_a_proxy_is_said_to_write_it(mode: Mode) {
        let local = || "127.0.0.1".parse::<TrustedProxies>().unwrap();
        for (proxies, expected) in [
            (local(), ["203.0.113.9", "http", "shop.example", "8080"]),
            (local().headers([XForwarded::For]), ["203.0.113.9", "http", "shop.example", "8080"]),
            (local().headers([]), ["127.0.0.1", "http", "shop.example", "8080"]),
            (local().headers([XForwarded::For, XForwarded::Proto]), ["203.0.113.9", "https", "shop.example", "8080"]),
            (local().forwarded(), ["7.7.7.7", "https", "evil.example", "-"]),
        ] {
            let server = Server::start(mode, move |layer| app(layer, proxies));
            request(server.address, "GET /", &FORGED);
            assert_eq!(seen(&server.span()), expected);
        }
    }

    fn behind_two_apaches_the_client_sees_the_outer_host(mode: Mode) {
        let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8".parse().unwrap();
        let proxies = proxies.headers([XForwarded::For, XForwarded::Host]);
        let server = Server::start(mode, move |layer| app(layer, proxies));
        let headers = [
            "x-forwarded-for: 1.2.3.4, 203.0.113.9, 10.0.0.7",
            "x-forwarded-host: evil.example, outer.example, 127.0.0.1:8082",
            "x-forwarded-server: outer.example, inner.example",
        ];
        request(server.address, "GET /", &headers);
        assert_eq!(seen(&server.span()), ["203.0.113.9", "http", "outer.example", "-"]);
    }

    fn the_scheme_of_a_web_socket_behind_a_proxy_is_https(mode: Mode) {
        let proxies: TrustedProxies = "127.0.0.1".parse().unwrap();
        let server = Server::start(mode, move |layer| app(layer, proxies.headers(ALL)));
        let headers = ["x-forwarded-proto: wss", "x-forwarded-port: 443", "upgrade: websocket"];
        request(server.address, "GET /", &headers);
        assert_eq!(seen(&server.span()), ["127.0.0.1", "https", "shop.example", "8080"]);
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{self, JoinHandle};
    use std::{env, fs, process};

    use otel_testkit::Recorder;
    use tokio::net::UnixListener;
    use tokio::sync::oneshot;

    use super::*;
    use crate::meters::LIMIT;

    /// A server on a unix socket; stopped when dropped.
    struct UnixServer {
        path: PathBuf,
        recorder: Recorder,
        stop: Option<oneshot::Sender<()>>,
        thread: Option<JoinHandle<()>>,
    }

    impl UnixServer {
        fn start(proxies: TrustedProxies) -> Self {
            let recorder = Recorder::new();
            let layer = ServerLayer::new()
                .tracer_provider(&recorder.tracer_provider())
                .network_transport("unix");
            let app = app(layer, proxies);
            let path = free_path();
            // Bound before the thread starts, so that a client can connect at once.
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            listener.set_nonblocking(true).unwrap();
            let (stop, stopped) = oneshot::channel();
            let thread = thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = { runtime }.enable_all().build().unwrap();
                runtime.block_on(async {
                    let serving = axum::serve(UnixListener::from_std(listener).unwrap(), app);
                    tokio::select! {
                        served = serving => served.unwrap(),
                        _ = stopped => {}
                    }
                });
            });
            Self {
                path,
                recorder,
                stop: Some(stop),
                thread: Some(thread),
            }
        }

        fn span(&self) -> Span {
            let mut stream = UnixStream::connect(&self.path).unwrap();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            let head = format!(
                "GET / HTTP/1.1\r\nhost: inner\r\nconnection: close\r\n{}\r\n\r\n",
                FORGED.join("\r\n")
            );
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("ada"), "{answer}");
            let recorder = &self.recorder;
            recorder
                .wait_for(|recorder| recorder.spans().len() == 1, LIMIT)
                .unwrap();
            recorder.spans()[0].clone()
        }
    }

    impl Drop for UnixServer {
        fn drop(&mut self) {
            drop(self.stop.take());
            let ended = self.thread.take().map(JoinHandle::join);
            remove(&self.path);
            assert!(matches!(ended, Some(Ok(()))) || thread::panicking());
        }
    }

    /// Short, because the path of a socket has at most about 100 bytes.
    fn free_path() -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("otel-tower-{}-{count}.sock", process::id()));
        remove(&path);
        path
    }

    fn remove(path: &Path) {
        // The socket of an earlier process with this id, if there is one.
        let _ = fs::remove_file(path);
    }

    #[test]
    fn behind_a_unix_socket_the_proxy_in_front_is_trusted_by_option() {
        let forwarded = ["7.7.7.7", "https", "evil.example", "-"];
        let client = ["203.0.113.9", "http", "inner", "-"];
        let nothing = ["-", "http", "inner", "-"];
        let networks: TrustedProxies = "0.0.0.0/0, ::/0".parse().unwrap();
        let listed: TrustedProxies = "unix:, 10.0.0.0/8".parse().unwrap();
        let unix = TrustedProxies::unix_socket;
        for (name, proxies, expected) in [
            ("by default", TrustedProxies::default(), nothing),
            ("all addresses", networks.headers(ALL), nothing),
            ("unix_socket", unix(), client),
            ("in a list", listed, client),
            (
                "all headers",
                unix().headers(ALL),
                ["203.0.113.9", "https", "evil.example", "666"],
            ),
            ("Forwarded", unix().forwarded(), forwarded),
            (
                "anyone",
                TrustedProxies::dangerously_anyone(),
                ["1.2.3.4", "http", "inner", "-"],
            ),
        ] {
            let span = UnixServer::start(proxies).span();
            assert_eq!(seen(&span), expected, "{name}");
            assert_eq!(span.attribute("network.peer.address"), None, "{name}");
            assert_eq!(span.attribute("network.peer.port"), None, "{name}");
            let transport = Value::from("unix");
            assert_eq!(
                span.attribute("network.transport"),
                Some(&transport),
                "{name}"
            );
        }
    }
}
