//! Scheme, host and port behind several proxies, and behind unix sockets.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use http::{HeaderMap, HeaderName, HeaderValue};
use otel_exchange::server::{Origin, TrustedProxies, XForwarded};

const ALL: [XForwarded; 4] = [
    XForwarded::For,
    XForwarded::Proto,
    XForwarded::Host,
    XForwarded::Port,
];

/// Client, scheme and server, `-` for what is not known. The peer is 10.0.0.1, or has no address.
fn origin(lines: &[(&str, &[u8])], peer: Option<&str>, proxies: &TrustedProxies) -> String {
    let headers: HeaderMap = lines
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_bytes(value).unwrap())
        })
        .collect();
    let origin = Origin::from_headers(&headers, peer.map(|peer| peer.parse().unwrap()), proxies);
    let client = origin.client();
    let client = client.map_or("-".to_owned(), |client| client.to_string());
    let scheme = origin.scheme().unwrap_or("-");
    match origin.server(None) {
        None => format!("{client} {scheme} -"),
        Some((host, None)) => format!("{client} {scheme} {host}"),
        Some((host, Some(port))) => format!("{client} {scheme} {host} {port}"),
    }
}

fn behind(lines: &[(&str, &[u8])]) -> String {
    let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
    origin(lines, Some("10.0.0.1"), &proxies.headers(ALL))
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const PORT: &str = "x-forwarded-port";

/// Lines of a request, and what is found.
type Case<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a str);

#[test]
fn the_outer_proxy_says_what_the_client_asked_for() {
    let table: &[Case<'_>] = &[
        (
            "two Apaches as they come",
            &[
                (FOR, b"203.0.113.9, 10.0.0.2"),
                (HOST, b"shop.example, 10.0.0.1:8080"),
            ],
            "203.0.113.9 - shop.example",
        ),
        (
            "two Apaches, and a client that forges",
            &[
                (FOR, b"10.0.0.66, 203.0.113.9, 10.0.0.2"),
                (HOST, b"evil.example, shop.example:8443, 10.0.0.1:8080"),
            ],
            "203.0.113.9 - shop.example 8443",
        ),
        (
            "three proxies",
            &[
                (FOR, b"1.2.3.4, 203.0.113.9, 10.0.0.3, 10.0.0.2"),
                (HOST, b"evil.example, shop.example, middle, inner"),
                (PROTO, b"http, https, http, http"),
                (PORT, b"1, 443, 80, 81"),
            ],
            "203.0.113.9 https shop.example 443",
        ),
        (
            "fewer entries: only the outer proxy writes the scheme",
            &[(FOR, b"203.0.113.9, 10.0.0.3, 10.0.0.2"), (PROTO, b"https")],
            "203.0.113.9 https -",
        ),
        (
            "fewer entries: two of three proxies write the host",
            &[
                (FOR, b"203.0.113.9, 10.0.0.3, 10.0.0.2"),
                (HOST, b"shop.example, inner"),
            ],
            "203.0.113.9 - shop.example",
        ),
        (
            "more entries, one proxy",
            &[
                (FOR, b"203.0.113.9"),
                (PROTO, b"gopher, https, http"),
                (HOST, b"a, b"),
            ],
            "203.0.113.9 http b",
        ),
        (
            "lines in place of entries",
            &[
                (FOR, b"203.0.113.9"),
                (FOR, b"10.0.0.2"),
                (HOST, b"evil.example, shop.example"),
                (HOST, b"inner"),
                (PROTO, b"https"),
                (PROTO, b"http"),
            ],
            "203.0.113.9 https shop.example",
        ),
        (
            "empty entries and empty lines do not count",
            &[
                (FOR, b"203.0.113.9, , 10.0.0.2,"),
                (HOST, b"evil.example, shop.example"),
                (HOST, b""),
                (HOST, b"inner, "),
            ],
            "203.0.113.9 - shop.example",
        ),
        (
            "v6",
            &[
                (FOR, b"[2001:db8::9]:4711, ::ffff:10.0.0.2"),
                (HOST, b"[2001:db8::1]:8443, 10.0.0.1"),
            ],
            "2001:db8::9 - 2001:db8::1 8443",
        ),
        (
            "all hops are trusted",
            &[
                (FOR, b"10.0.0.3, 10.0.0.2"),
                (HOST, b"evil.example, shop.example, inner"),
            ],
            "10.0.0.3 - shop.example",
        ),
        (
            "unknown is a hop",
            &[
                (FOR, b"203.0.113.9, unknown, 10.0.0.2"),
                (HOST, b"evil.example, shop.example, inner"),
            ],
            "10.0.0.2 - shop.example",
        ),
        (
            "so is an entry that is not UTF-8",
            &[
                (FOR, b"203.0.113.9, \xff, 10.0.0.2"),
                (HOST, b"evil.example, shop.example, inner"),
            ],
            "10.0.0.2 - shop.example",
        ),
        (
            "an invalid entry uncovers no other",
            &[
                (FOR, b"203.0.113.9, 10.0.0.2"),
                (PROTO, b"https, gopher, http"),
                (HOST, b"shop.example, <x>, inner"),
                (PORT, b"443, +80, 80"),
            ],
            "203.0.113.9 - -",
        ),
        (
            "an entry before one that cannot be read is unknown",
            &[
                (FOR, b"203.0.113.9, 10.0.0.3, 10.0.0.2"),
                (HOST, b"shop.example, \xff, inner"),
            ],
            "203.0.113.9 - -",
        ),
        (
            "so is the leftmost of a list with one that cannot be read",
            &[
                (FOR, b"203.0.113.9, 10.0.0.3, 10.0.0.2"),
                (HOST, b"\xff, inner"),
            ],
            "203.0.113.9 - -",
        ),
        (
            "a quote that the client leaves open",
            &[
                (FOR, b"\", 203.0.113.9, 10.0.0.2"),
                (HOST, b"a=\"evil.example, shop.example, inner"),
            ],
            "203.0.113.9 - shop.example",
        ),
        (
            "no address at all",
            &[
                (PROTO, b"gopher, https"),
                (HOST, b"evil.example, shop.example"),
            ],
            "10.0.0.1 https shop.example",
        ),
    ];
    for (name, lines, expected) in table {
        assert_eq!(behind(lines), *expected, "{name}");
    }
}

#[test]
fn a_list_that_is_too_long_names_no_host() {
    let long = ["x".repeat(5000), ", inner".to_owned()].concat();
    let lines: &[(&str, &[u8])] = &[(FOR, b"203.0.113.9, 10.0.0.2"), (HOST, long.as_bytes())];
    assert_eq!(behind(lines), "203.0.113.9 - -");
    let hops = ["203.0.113.9", &", 10.0.0.2".repeat(64)].concat();
    let hosts = ["shop.example", &", inner".repeat(64)].concat();
    let lines: &[(&str, &[u8])] = &[(FOR, hops.as_bytes()), (HOST, hosts.as_bytes())];
    assert_eq!(behind(lines), "10.0.0.2 - -");
}

#[test]
fn the_scheme_of_a_web_socket_is_that_of_its_request() {
    let table = [
        ("wss", "https"),
        ("ws", "http"),
        ("WSS", "https"),
        ("Ws", "http"),
        ("https", "https"),
        ("HTTP", "http"),
        ("http, wss", "https"),
        ("wsss", "-"),
        ("ws:", "-"),
        ("wss://", "-"),
        ("\"wss\"", "-"),
        ("", "-"),
    ];
    for (proto, scheme) in table {
        let expected = format!("10.0.0.1 {scheme} -");
        assert_eq!(behind(&[(PROTO, proto.as_bytes())]), expected, "{proto}");
    }
    let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
    let element: &[u8] = b"for=203.0.113.9;proto=Wss";
    let lines = [("forwarded", element)];
    assert_eq!(
        origin(&lines, Some("10.0.0.1"), &proxies.forwarded()),
        "203.0.113.9 https -"
    );
}

#[test]
fn behind_a_trusted_unix_socket_the_headers_count() {
    let lines: &[(&str, &[u8])] = &[
        (FOR, b"1.2.3.4, 203.0.113.9"),
        (PROTO, b"https"),
        (HOST, b"shop.example"),
        (PORT, b"443"),
        (
            "forwarded",
            b"for=203.0.113.9;proto=https;host=forwarded.example",
        ),
    ];
    let listed: TrustedProxies = "unix:, 10.0.0.0/8".parse().unwrap();
    let networks: TrustedProxies = "10.0.0.0/8, 0.0.0.0/0, ::/0".parse().unwrap();
    let table = [
        ("by default no", TrustedProxies::default(), "- - -"),
        ("by networks no", networks.headers(ALL), "- - -"),
        (
            "its client",
            TrustedProxies::unix_socket(),
            "203.0.113.9 - -",
        ),
        (
            "all headers",
            TrustedProxies::unix_socket().headers(ALL),
            "203.0.113.9 https shop.example 443",
        ),
        (
            "Forwarded",
            TrustedProxies::unix_socket().forwarded(),
            "203.0.113.9 https forwarded.example",
        ),
        (
            "in a list",
            listed.headers(ALL),
            "203.0.113.9 https shop.example 443",
        ),
        (
            "anyone",
            TrustedProxies::dangerously_anyone().headers(ALL),
            "1.2.3.4 https shop.example 443",
        ),
    ];
    for (name, proxies, expected) in table {
        assert_eq!(origin(lines, None, &proxies), expected, "{name}");
    }
    let unix = TrustedProxies::unix_socket();
    assert_eq!(origin(&[], None, &unix), "- - -", "no false address");
    assert_eq!(
        origin(lines, Some("198.51.100.1"), &unix.headers(ALL)),
        "198.51.100.1 - -",
        "it trusts no address"
    );
}

#[test]
fn a_unix_socket_between_two_proxies_is_a_hop() {
    let unix: TrustedProxies = "unix:, 10.0.0.0/8".parse().unwrap();
    let networks: TrustedProxies = "10.0.0.0/8".parse().unwrap();
    let anyone = TrustedProxies::dangerously_anyone();
    let two: &[(&str, &[u8])] = &[
        (FOR, b"1.2.3.4, 203.0.113.9, unix:"),
        (HOST, b"shop.example, inner"),
    ];
    let forged: &[(&str, &[u8])] = &[
        (FOR, b"1.2.3.4, unix:, 203.0.113.9"),
        (HOST, b"evil.example, shop.example"),
    ];
    let only: &[(&str, &[u8])] = &[(FOR, b"unix:")];
    let table = [
        ("trusted", two, None, &unix, "203.0.113.9 - shop.example"),
        (
            "behind TCP",
            two,
            Some("10.0.0.1"),
            &unix,
            "203.0.113.9 - shop.example",
        ),
        (
            "not trusted",
            two,
            Some("10.0.0.1"),
            &networks,
            "10.0.0.1 - inner",
        ),
        (
            "sent by the client",
            forged,
            None,
            &unix,
            "203.0.113.9 - shop.example",
        ),
        ("anyone", two, None, &anyone, "1.2.3.4 - shop.example"),
        ("a client without an address", only, None, &unix, "- - -"),
        (
            "the same behind TCP",
            only,
            Some("10.0.0.1"),
            &unix,
            "10.0.0.1 - -",
        ),
    ];
    for (name, lines, peer, proxies, expected) in table {
        let proxies = proxies.clone().headers(ALL);
        assert_eq!(origin(lines, peer, &proxies), expected, "{name}");
    }
    let forwarded: &[(&str, &[u8])] = &[(
        "forwarded",
        br#"for=203.0.113.9;proto=https, for="unix:";proto=http"#,
    )];
    assert_eq!(
        origin(forwarded, None, &unix.forwarded()),
        "203.0.113.9 https -"
    );
}
