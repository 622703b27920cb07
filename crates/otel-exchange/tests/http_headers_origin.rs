//! Client, scheme and host behind proxies, rule by rule.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use otel_exchange::conventions::http::HostPort;
use otel_exchange::server::{Origin, TrustedProxies, XForwarded};

/// The peer, a proxy of our own unless a case says otherwise.
const PROXY: &str = "10.0.0.1";

fn ours() -> TrustedProxies {
    "10.0.0.0/8, fd00::/8".parse().unwrap()
}

/// Proxies that write these headers.
fn writing(headers: impl IntoIterator<Item = XForwarded>) -> TrustedProxies {
    ours().headers(headers)
}

const ALL: [XForwarded; 4] = [
    XForwarded::For,
    XForwarded::Proto,
    XForwarded::Host,
    XForwarded::Port,
];

/// Reads `name: value` lines.
fn headers(lines: &str) -> HeaderMap {
    lines
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value.trim()).unwrap())
        })
        .collect()
}

/// Writes client, scheme and server, `-` for what is not known.
fn shown(origin: &Origin<'_>, received: Option<HostPort<'_>>) -> String {
    let client = origin
        .client()
        .map_or("-".to_owned(), |client| client.to_string());
    let scheme = origin.scheme().unwrap_or("-");
    let server = match origin.server(received) {
        None => "-".to_owned(),
        Some((host, None)) => host.to_owned(),
        Some((host, Some(port))) => format!("{host} {port}"),
    };
    format!("{client} {scheme} {server}")
}

#[track_caller]
fn assert_origin(
    name: &str,
    lines: &str,
    peer: Option<&str>,
    proxies: &TrustedProxies,
    expected: &str,
) {
    let headers = headers(lines);
    let origin = Origin::from_headers(&headers, peer.map(|peer| peer.parse().unwrap()), proxies);
    assert_eq!(shown(&origin, None), expected, "{name}");
}

#[test]
fn only_a_trusted_peer_is_believed() {
    let lines = "forwarded: for=203.0.113.9;proto=https;host=shop.example\n\
        x-forwarded-for: 203.0.113.9\n\
        x-forwarded-proto: https\n\
        x-forwarded-host: shop.example\n\
        x-forwarded-port: 443";
    let believed = "203.0.113.9 https shop.example";
    let anyone = TrustedProxies::dangerously_anyone;
    let table = [
        ("trusted", Some(PROXY), ours(), believed),
        ("trusted, v6", Some("fd00::1"), ours(), believed),
        (
            "trusted, v4 mapped into v6",
            Some("::ffff:10.0.0.1"),
            ours(),
            believed,
        ),
        (
            "by default no proxy",
            Some(PROXY),
            TrustedProxies::default(),
            "10.0.0.1 - -",
        ),
        (
            "an untrusted peer",
            Some("198.51.100.1"),
            ours(),
            "198.51.100.1 - -",
        ),
        (
            "an untrusted peer, v6",
            Some("2001:db8::9"),
            ours(),
            "2001:db8::9 - -",
        ),
        (
            "an untrusted peer, v4 mapped into v6",
            Some("::ffff:198.51.100.1"),
            ours(),
            "198.51.100.1 - -",
        ),
        ("no peer", None, ours(), "- - -"),
        ("no peer if anyone is trusted", None, anyone(), believed),
        ("anyone", Some("198.51.100.1"), anyone(), believed),
    ];
    for (name, peer, proxies, expected) in table {
        assert_origin(name, lines, peer, &proxies.clone().forwarded(), expected);
        let with_port = expected.replace("shop.example", "shop.example 443");
        assert_origin(name, lines, peer, &proxies.headers(ALL), &with_port);
    }
}

#[test]
fn x_forwarded_for_is_read_from_the_right() {
    let table: [(&str, &[&str], &str); 21] = [
        ("absent", &[], PROXY),
        ("empty", &[""], PROXY),
        ("one", &["203.0.113.9"], "203.0.113.9"),
        (
            "a spoofed leftmost",
            &["1.2.3.4, 203.0.113.9"],
            "203.0.113.9",
        ),
        (
            "a spoofed leftmost that is trusted",
            &["10.9.9.9, 203.0.113.9"],
            "203.0.113.9",
        ),
        (
            "through two proxies",
            &["1.2.3.4, 203.0.113.9, 10.0.0.2"],
            "203.0.113.9",
        ),
        (
            "through three proxies",
            &["1.2.3.4, 203.0.113.9, fd00::3, 10.0.0.2"],
            "203.0.113.9",
        ),
        (
            "through a proxy that is mapped into v6",
            &["203.0.113.9, ::ffff:10.0.0.2"],
            "203.0.113.9",
        ),
        (
            "two lines are one list",
            &["1.2.3.4", "203.0.113.9, 10.0.0.2"],
            "203.0.113.9",
        ),
        (
            "two lines, the walk goes into the first",
            &["203.0.113.9", "10.0.0.2"],
            "203.0.113.9",
        ),
        ("all are trusted", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("with port", &["203.0.113.9:4711"], "203.0.113.9"),
        ("v6", &["2001:db8::9"], "2001:db8::9"),
        ("v6 with port", &["[2001:db8::9]:4711"], "2001:db8::9"),
        ("mapped", &["::ffff:203.0.113.9"], "203.0.113.9"),
        (
            "no blanks",
            &["1.2.3.4,203.0.113.9,10.0.0.2"],
            "203.0.113.9",
        ),
        (
            "empty elements",
            &["203.0.113.9,, 10.0.0.2, "],
            "203.0.113.9",
        ),
        (
            "unknown ends the walk",
            &["203.0.113.9, unknown, 10.0.0.2"],
            "10.0.0.2",
        ),
        ("unknown alone", &["unknown"], PROXY),
        (
            "garbage ends the walk",
            &["203.0.113.9, <script>, 10.0.0.2"],
            "10.0.0.2",
        ),
        (
            "an open quote on the left",
            &["\"1.2.3.4, 203.0.113.9"],
            "203.0.113.9",
        ),
    ];
    for (name, values, client) in table {
        let lines: String = values
            .iter()
            .map(|value| format!("x-forwarded-for: {value}\n"))
            .collect();
        assert_origin(name, &lines, Some(PROXY), &ours(), &format!("{client} - -"));
    }
}

#[test]
fn without_x_forwarded_for_the_rightmost_proto_host_and_port_count() {
    let table = [
        ("nothing", "", "10.0.0.1 - -"),
        ("https", "x-forwarded-proto: https", "10.0.0.1 https -"),
        ("any case", "x-forwarded-proto: HTTP", "10.0.0.1 http -"),
        (
            "a spoofed one on the left",
            "x-forwarded-proto: http, https",
            "10.0.0.1 https -",
        ),
        (
            "two lines",
            "x-forwarded-proto: http\nx-forwarded-proto: https",
            "10.0.0.1 https -",
        ),
        (
            "another scheme",
            "x-forwarded-proto: gopher",
            "10.0.0.1 - -",
        ),
        (
            "another scheme does not uncover the left",
            "x-forwarded-proto: https, gopher",
            "10.0.0.1 - -",
        ),
        (
            "a host",
            "x-forwarded-host: shop.example",
            "10.0.0.1 - shop.example",
        ),
        (
            "a host and port",
            "x-forwarded-host: shop.example:8443",
            "10.0.0.1 - shop.example 8443",
        ),
        (
            "v6",
            "x-forwarded-host: [2001:db8::1]:80",
            "10.0.0.1 - 2001:db8::1 80",
        ),
        (
            "a spoofed host",
            "x-forwarded-host: evil.example, shop.example",
            "10.0.0.1 - shop.example",
        ),
        (
            "no host",
            "x-forwarded-host: shop.example/<x>",
            "10.0.0.1 - -",
        ),
        (
            "no host does not uncover the left",
            "x-forwarded-host: shop.example, <x>",
            "10.0.0.1 - -",
        ),
        (
            "a port of its own",
            "x-forwarded-host: shop.example\nx-forwarded-port: 443",
            "10.0.0.1 - shop.example 443",
        ),
        (
            "the host's port first",
            "x-forwarded-host: shop.example:1\nx-forwarded-port: 443",
            "10.0.0.1 - shop.example 1",
        ),
        (
            "a spoofed port",
            "x-forwarded-host: shop.example\nx-forwarded-port: 1, 443",
            "10.0.0.1 - shop.example 443",
        ),
        (
            "port 0",
            "x-forwarded-host: shop.example\nx-forwarded-port: 0",
            "10.0.0.1 - shop.example",
        ),
        (
            "a port too large",
            "x-forwarded-host: shop.example\nx-forwarded-port: 65536",
            "10.0.0.1 - shop.example",
        ),
        (
            "a port with a sign",
            "x-forwarded-host: shop.example\nx-forwarded-port: +443",
            "10.0.0.1 - shop.example",
        ),
        (
            "a port without host",
            "x-forwarded-port: 443",
            "10.0.0.1 - -",
        ),
    ];
    for (name, lines, expected) in table {
        let named = [
            writing(ALL),
            writing([XForwarded::Proto, XForwarded::Host, XForwarded::Port]),
        ];
        for proxies in named {
            assert_origin(name, lines, Some(PROXY), &proxies, expected);
        }
    }
}

#[test]
fn forwarded_is_read_from_the_right() {
    let table: [(&str, &[&str], &str); 26] = [
        ("empty", &[""], "10.0.0.1 - -"),
        ("client alone", &["for=203.0.113.9"], "203.0.113.9 - -"),
        (
            "all of one element",
            &["For=203.0.113.9;Proto=HTTPS;Host=\"shop.example:8443\";by=_p"],
            "203.0.113.9 https shop.example 8443",
        ),
        (
            "v6, in quotes and brackets, with port",
            &["for=\"[2001:db8::9]:4711\""],
            "2001:db8::9 - -",
        ),
        (
            "v4 with port",
            &["for=\"203.0.113.9:4711\""],
            "203.0.113.9 - -",
        ),
        (
            "hidden port",
            &["for=\"203.0.113.9:_p\""],
            "203.0.113.9 - -",
        ),
        (
            "mapped",
            &["for=\"[::ffff:203.0.113.9]\""],
            "203.0.113.9 - -",
        ),
        (
            "escapes",
            &[r#"for="20\3.0.113.9";host="sh\op.example""#],
            "203.0.113.9 - shop.example",
        ),
        (
            "a spoofed leftmost",
            &[
                "for=1.2.3.4;proto=http;host=evil.example, for=203.0.113.9;proto=https;host=shop.example",
            ],
            "203.0.113.9 https shop.example",
        ),
        (
            "scheme and host of a spoofed element are not borrowed",
            &["for=1.2.3.4;proto=https;host=evil.example, for=203.0.113.9"],
            "203.0.113.9 - -",
        ),
        (
            "through two proxies, the outer one knows what the client asked for",
            &[
                "for=203.0.113.9;proto=https;host=shop.example, for=10.0.0.2;proto=http;host=inner.example",
            ],
            "203.0.113.9 https shop.example",
        ),
        (
            "of several elements one counts",
            &["for=203.0.113.9, for=10.0.0.2;proto=http;host=inner.example"],
            "203.0.113.9 - -",
        ),
        (
            "two lines are one list",
            &[
                "for=1.2.3.4",
                "for=203.0.113.9;proto=https, for=10.0.0.2;proto=http",
            ],
            "203.0.113.9 https -",
        ),
        (
            "two lines, the walk goes into the first",
            &["for=203.0.113.9", "for=10.0.0.2"],
            "203.0.113.9 - -",
        ),
        (
            "all are trusted",
            &["for=10.0.0.3;proto=https, for=\"[fd00::2]\";proto=http"],
            "10.0.0.3 https -",
        ),
        (
            "unknown, with a scheme",
            &["for=1.2.3.4, for=unknown;proto=https, for=10.0.0.2"],
            "10.0.0.2 https -",
        ),
        (
            "hidden",
            &["for=1.2.3.4, for=_hidden, for=10.0.0.2"],
            "10.0.0.2 - -",
        ),
        ("hidden alone", &["for=\"_gazonk\""], "10.0.0.1 - -"),
        (
            "no for",
            &["for=1.2.3.4, proto=https;host=shop.example"],
            "10.0.0.1 https shop.example",
        ),
        (
            "garbage",
            &["for=1.2.3.4, for, for=10.0.0.2;proto=http"],
            "10.0.0.2 http -",
        ),
        (
            "a parameter twice",
            &["for=1.2.3.4;for=1.2.3.4"],
            "10.0.0.1 - -",
        ),
        (
            "another scheme",
            &["for=203.0.113.9;proto=gopher"],
            "203.0.113.9 - -",
        ),
        (
            "no host",
            &["for=203.0.113.9;host=\"<x>\""],
            "203.0.113.9 - -",
        ),
        (
            "an open quote on the left",
            &["for=\"1.2.3.4, for=203.0.113.9"],
            "203.0.113.9 - -",
        ),
        (
            "an open quote on the left, escaped",
            &["for=\"1.2.3.4\\, for=\"203.0.113.9\""],
            "203.0.113.9 - -",
        ),
        (
            "a comma in quotes on the left",
            &["for=\"1.2.3.4, for=1.2.3.5\", for=203.0.113.9"],
            "203.0.113.9 - -",
        ),
    ];
    for (name, values, expected) in table {
        let lines: String = values
            .iter()
            .map(|value| format!("forwarded: {value}\n"))
            .collect();
        assert_origin(name, &lines, Some(PROXY), &ours().forwarded(), expected);
    }
}

#[test]
fn only_the_headers_that_the_proxies_write_count() {
    use XForwarded::{For, Host, Port, Proto};
    let forwarded = "forwarded: for=192.0.2.1;proto=https;host=forwarded.example\n";
    let x_forwarded = "x-forwarded-for: 192.0.2.2\n\
        x-forwarded-proto: http\n\
        x-forwarded-host: x-forwarded.example\n\
        x-forwarded-port: 81\n";
    let both = [forwarded, x_forwarded].concat();
    let broken = ["forwarded: for\n", x_forwarded].concat();
    let by_forwarded = "192.0.2.1 https forwarded.example";
    let by_none = "10.0.0.1 - -";
    let by_all = "192.0.2.2 http x-forwarded.example 81";
    let table = [
        ("only For by default", &*both, ours(), "192.0.2.2 - -"),
        ("For is missing", forwarded, ours(), by_none),
        ("no header", &*both, writing([]), by_none),
        ("all", &*both, writing(ALL), by_all),
        ("all, but none is sent", forwarded, writing(ALL), by_none),
        ("one", &*both, writing([For]), "192.0.2.2 - -"),
        ("the scheme", &*both, writing([Proto]), "10.0.0.1 http -"),
        (
            "the host",
            &*both,
            writing([Host]),
            "10.0.0.1 - x-forwarded.example",
        ),
        ("a port needs a host", &*both, writing([Port]), by_none),
        (
            "a port and its host",
            &*both,
            writing([Port, Host]),
            "10.0.0.1 - x-forwarded.example 81",
        ),
        (
            "as Caddy writes them",
            &*both,
            writing([For, Host, Proto]),
            "192.0.2.2 http x-forwarded.example",
        ),
        (
            "one is named twice",
            &*both,
            writing([For, For, Proto]),
            "192.0.2.2 http -",
        ),
        (
            "the second list replaces the first",
            &*both,
            writing([Host]).headers([Proto]),
            "10.0.0.1 http -",
        ),
        ("Forwarded", &*both, ours().forwarded(), by_forwarded),
        ("Forwarded is broken", &*broken, ours().forwarded(), by_none),
        (
            "Forwarded is missing",
            x_forwarded,
            ours().forwarded(),
            by_none,
        ),
        (
            "Forwarded replaces the list",
            &*both,
            writing(ALL).forwarded(),
            by_forwarded,
        ),
        (
            "the list replaces Forwarded",
            &*both,
            ours().forwarded().headers([For, Proto]),
            "192.0.2.2 http -",
        ),
    ];
    for (name, lines, proxies, expected) in table {
        assert_origin(name, lines, Some(PROXY), &proxies, expected);
    }
}

#[test]
fn the_server_is_what_a_trusted_proxy_or_else_the_request_says() {
    let (host, port) = ("x-forwarded-host: shop.example", "x-forwarded-port: 443");
    let host_and_port = "x-forwarded-host: shop.example:1";
    let table = [
        ("by no one", "", "", "-"),
        ("by the request", "", "inner.example:80", "inner.example 80"),
        ("by the proxy", host_and_port, "", "shop.example 1"),
        (
            "by both",
            host_and_port,
            "inner.example:80",
            "shop.example 1",
        ),
        (
            "a port is never the other's",
            host,
            "inner.example:80",
            "shop.example",
        ),
        (
            "a host without port",
            port,
            "shop.example",
            "shop.example 443",
        ),
        (
            "a host with port",
            port,
            "shop.example:8443",
            "shop.example 8443",
        ),
    ];
    for (name, lines, received, expected) in table {
        let headers = headers(lines);
        let origin = Origin::from_headers(&headers, Some(PROXY.parse().unwrap()), &writing(ALL));
        let shown = shown(&origin, HostPort::parse(received));
        assert_eq!(shown, format!("{PROXY} - {expected}"), "{name}");
    }
}

#[test]
fn a_long_header_is_walked_to_the_limit() {
    let peer: Option<IpAddr> = Some(PROXY.parse().unwrap());
    let hops = |count: usize| format!("203.0.113.9{}", ", 10.0.0.2".repeat(count));
    let client = |value: String| {
        let headers = headers(&format!("x-forwarded-for: {value}"));
        Origin::from_headers(&headers, peer, &ours())
            .client()
            .unwrap()
            .to_string()
    };
    assert_eq!(client(hops(63)), "203.0.113.9");
    assert_eq!(client(hops(64)), "10.0.0.2");
    assert_eq!(client(hops(6400)), "10.0.0.2");
    assert_eq!(client("1".repeat(64 * 1024)), PROXY);
    assert_eq!(
        client(format!("{}, 203.0.113.9", "1".repeat(64 * 1024))),
        "203.0.113.9"
    );
}
