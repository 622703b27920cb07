//! `Forwarded` and `X-Forwarded-*`: the head of a request.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use otel_exchange::conventions::http::HostPort;
use otel_exchange::server::{Origin, TrustedProxies, XForwarded};

use crate::headers::head;

pub fn check(data: &[u8]) {
    let headers = head(data);
    let networks: TrustedProxies = "10.0.0.0/8, fd00::/8".parse().expect("two networks");
    let unix: TrustedProxies = "unix:, 10.0.0.0/8"
        .parse()
        .expect("a unix socket and a network");
    let forwarded = networks.clone().forwarded();
    let x_forwarded = networks.clone().headers(ALL);
    for proxies in [
        networks.clone(),
        forwarded.clone(),
        x_forwarded.clone(),
        unix.clone().headers(ALL),
        TrustedProxies::dangerously_anyone().headers(ALL),
    ] {
        let origin = Origin::from_headers(&headers, Some(PROXY), &proxies);
        assert!(origin.client().is_some(), "the peer is known");
        check_shape(&origin);
    }
    check_shape(&Origin::from_headers(&headers, None, &unix.headers(ALL)));

    for (peer, proxies) in [
        (Some(UNTRUSTED), &networks),
        (Some(UNTRUSTED), &x_forwarded),
        (None, &networks),
        (None, &x_forwarded),
        (Some(PROXY), &TrustedProxies::default()),
        (Some(PROXY), &TrustedProxies::unix_socket()),
    ] {
        let origin = Origin::from_headers(&headers, peer, proxies);
        assert_eq!(origin.client(), peer, "an untrusted peer is the client");
        assert_eq!(origin.scheme(), None);
        assert_eq!(origin.server(None), None);
    }

    let by_default = Origin::from_headers(&headers, Some(PROXY), &networks);
    assert_eq!(by_default.scheme(), None, "only X-Forwarded-For counts");
    assert_eq!(by_default.server(None), None);

    for (name, element, proxies) in [
        (
            "forwarded",
            "for=203.0.113.9;proto=https;host=a.example",
            &forwarded,
        ),
        ("x-forwarded-for", "203.0.113.9", &x_forwarded),
    ] {
        for headers in [
            on_new_line(&headers, name, element),
            on_last_line(&headers, name, element),
        ] {
            let origin = Origin::from_headers(&headers, Some(PROXY), proxies);
            assert_eq!(
                origin.client(),
                Some(CLIENT),
                "the proxy's own word counts: {headers:?}"
            );
            if name == "forwarded" {
                assert_eq!(origin.scheme(), Some("https"));
                assert_eq!(origin.server(None), Some(("a.example", None)));
            }
        }
    }
    check_two_proxies(&headers, &x_forwarded);
}

/// Two proxies append client and host: the outer proxy's host counts, whatever the client has sent.
fn check_two_proxies(headers: &HeaderMap, proxies: &TrustedProxies) {
    let appended = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "a.example"),
        ("x-forwarded-for", "10.0.0.2"),
        ("x-forwarded-host", "inner"),
    ];
    let headers = appended
        .into_iter()
        .fold(headers.clone(), |headers, (name, entry)| {
            on_last_line(&headers, name, entry)
        });
    let origin = Origin::from_headers(&headers, Some(PROXY), proxies);
    assert_eq!(origin.client(), Some(CLIENT), "{headers:?}");
    let (host, _) = origin.server(None).expect("the outer proxy's host");
    assert_eq!(host, "a.example", "{headers:?}");
}

fn check_shape(origin: &Origin<'_>) {
    let client = origin.client();
    assert_eq!(client, client.map(|client| client.to_canonical()));
    assert!(matches!(origin.scheme(), None | Some("http" | "https")));
    if let Some((host, _)) = origin.server(None) {
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        assert!(HostPort::parse(&host).is_some(), "{host:?}");
    }
}

/// What a proxy adds, as a line of its own.
fn on_new_line(headers: &HeaderMap, name: &'static str, element: &'static str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.append(name, HeaderValue::from_static(element));
    headers
}

/// What a proxy adds, behind a comma on the last line.
fn on_last_line(headers: &HeaderMap, name: &'static str, element: &'static str) -> HeaderMap {
    let mut lines: Vec<Vec<u8>> = headers
        .get_all(name)
        .iter()
        .map(|line| line.as_bytes().to_vec())
        .collect();
    match lines.last_mut() {
        Some(last) => last.extend([b", ", element.as_bytes()].concat()),
        None => lines.push(element.as_bytes().to_vec()),
    }
    let mut headers = headers.clone();
    headers.remove(name);
    for line in lines {
        headers.append(
            name,
            HeaderValue::from_bytes(&line).expect("joined from legal values"),
        );
    }
    headers
}

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const UNTRUSTED: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const ALL: [XForwarded; 4] = [
    XForwarded::For,
    XForwarded::Proto,
    XForwarded::Host,
    XForwarded::Port,
];
