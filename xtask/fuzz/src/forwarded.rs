//! `Forwarded` and `X-Forwarded-*`: the head of a request.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use otel_exchange::conventions::http::HostPort;
use otel_exchange::server::{Origin, TrustedProxies};

use crate::headers::head;

pub fn check(data: &[u8]) {
    let headers = head(data);
    let networks: TrustedProxies = "10.0.0.0/8, fd00::/8".parse().expect("two networks");
    for proxies in [
        networks.clone(),
        networks.clone().forwarded_only(),
        networks.clone().x_forwarded_only(),
        TrustedProxies::dangerously_anyone(),
    ] {
        check_shape(&Origin::from_headers(&headers, Some(PROXY), &proxies));
    }

    for (peer, proxies) in [
        (Some(STRANGER), &networks),
        (None, &networks),
        (Some(PROXY), &TrustedProxies::default()),
    ] {
        let origin = Origin::from_headers(&headers, peer, proxies);
        assert_eq!(origin.client(), peer, "an untrusted peer is the client");
        assert_eq!(origin.scheme(), None);
        assert_eq!(origin.server(None), None);
    }

    let forwarded = networks.clone().forwarded_only();
    let x_forwarded = networks.x_forwarded_only();
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
}

fn check_shape(origin: &Origin<'_>) {
    let client = origin.client().expect("the peer is known");
    assert_eq!(client, client.to_canonical());
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
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
