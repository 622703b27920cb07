//! What holds for all headers that a stranger can send.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, KeyValue, Value};
use otel_exchange::conventions::http::HeaderCapture;
use otel_exchange::server::{Origin, TrustedProxies, XForwarded};
use proptest::{collection::vec, prelude::*, sample::select};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const SECRET: &str = "hunter2";
const LONGEST_VALUE: usize = 1024;

const FORWARDING: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
];

/// A sample of each rule of the deny list, to be put among other words.
const DENIED: [&str; 21] = [
    "authorization",
    "proxy-authorization",
    "authentication-info",
    "cookie",
    "set-cookie",
    "x-api-key",
    "apikey",
    "x-access-keys",
    "x-auth",
    "x-auth-token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-credential",
    "x-client-secret",
    "x-password",
    "x-session-id",
    "x-csrf",
    "x-jwt",
    "x-amzn-oidc-data",
    "dpop",
    "baggage",
];

fn ours() -> TrustedProxies {
    "10.0.0.0/8".parse().unwrap()
}

const ALL: [XForwarded; 4] = [
    XForwarded::For,
    XForwarded::Proto,
    XForwarded::Host,
    XForwarded::Port,
];

/// Bytes that are near enough to the formats to reach the far branches of their parsers.
fn near_forwarding() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("for=".as_bytes().to_vec()),
        Just("proto=https".as_bytes().to_vec()),
        Just("host=evil.example".as_bytes().to_vec()),
        Just("10.0.0.2".as_bytes().to_vec()),
        Just("1.2.3.4".as_bytes().to_vec()),
        Just("\"[2001:db8::1]:80\"".as_bytes().to_vec()),
        Just("https".as_bytes().to_vec()),
        Just("unknown".as_bytes().to_vec()),
        "[,;=\" \\\\\\[\\]:_.]{1,3}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..4),
    ];
    prop_oneof![
        vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        vec(any::<u8>(), 0..64),
        ("[,\"\\\\a]{1,4}", 0..4000_usize)
            .prop_map(|(text, times)| text.repeat(times).into_bytes()),
    ]
}

fn forwarding_headers() -> impl Strategy<Value = HeaderMap> {
    vec((select(&FORWARDING[..]), near_forwarding()), 0..8).prop_map(headers)
}

/// Without the bytes that no header can have.
fn headers<'a>(lines: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, mut value) in lines {
        value.retain(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    headers
}

fn denied_name() -> impl Strategy<Value = String> {
    let name = select(&DENIED[..]);
    let affix = "([a-z0-9]{1,6}-)?";
    (affix, name, "(-[a-z0-9]{1,6})?", any::<bool>()).prop_map(|(before, name, after, upper)| {
        let name = format!("{before}{name}{after}");
        if upper { name.to_uppercase() } else { name }
    })
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        select(&DENIED[..]).prop_map(str::to_owned),
        select(&DENIED[..]).prop_map(|name| format!("*{name}*").to_uppercase()),
        "[a-z*-]{0,8}",
        any::<String>(),
    ]
}

fn items(attributes: impl Iterator<Item = KeyValue>) -> Vec<String> {
    attributes
        .flat_map(|attribute| match attribute.value {
            Value::Array(Array::String(items)) => items,
            other => panic!("{} is {other:?}", attribute.key),
        })
        .map(String::from)
        .collect()
}

proptest! {
    #[test]
    fn the_headers_of_an_untrusted_peer_change_nothing(
        headers in forwarding_headers(),
        peer in any::<Option<u32>>(),
    ) {
        let peer = peer.map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits | 0x8000_0000)));
        let nothing = HeaderMap::new();
        let unnamed = TrustedProxies::default();
        for proxies in [ours(), ours().headers(ALL), ours().forwarded(), unnamed] {
            prop_assert_eq!(
                Origin::from_headers(&headers, peer, &proxies),
                Origin::from_headers(&nothing, peer, &proxies)
            );
        }
    }

    #[test]
    fn a_trusted_peer_can_pass_on_any_bytes(headers in forwarding_headers()) {
        let anyone = TrustedProxies::dangerously_anyone();
        for proxies in [ours(), anyone.clone(), ours().headers(ALL), anyone.headers(ALL), ours().forwarded()] {
            let origin = Origin::from_headers(&headers, Some(PROXY), &proxies);
            prop_assert!(origin.client().is_some());
            let _ = Origin::from_headers(&headers, None, &proxies);
            prop_assert!(matches!(origin.scheme(), None | Some("http" | "https")));
            if let Some((host, _)) = origin.server(None) {
                prop_assert!(!host.is_empty());
            }
        }
    }

    /// The client sends anything; our proxy appends one element, to the same line or as another.
    #[test]
    fn what_a_client_sends_never_reaches_past_what_a_proxy_has_appended(
        sent in near_forwarding(),
        more in near_forwarding(),
        own_line in any::<bool>(),
        quoted in any::<bool>(),
    ) {
        let forwarded = if quoted {
            r#"for="198.51.100.1:80";proto="https";host="shop.example""#
        } else {
            "for=198.51.100.1;proto=https;host=shop.example"
        };
        let appended = |name: &'static str, element: &str| {
            let element = element.as_bytes();
            let lines = if own_line {
                vec![(name, sent.clone()), (name, more.clone()), (name, element.to_vec())]
            } else {
                vec![(name, more.clone()), (name, [&sent, b", ".as_slice(), element].concat())]
            };
            headers(lines)
        };

        let headers = appended("forwarded", forwarded);
        let origin = Origin::from_headers(&headers, Some(PROXY), &ours().forwarded());
        prop_assert_eq!(origin.client(), Some(STRANGER));
        prop_assert_eq!(origin.scheme(), Some("https"));
        prop_assert_eq!(origin.server(None), Some(("shop.example", None)));

        let headers = appended("x-forwarded-for", "198.51.100.1");
        let origin = Origin::from_headers(&headers, Some(PROXY), &ours());
        prop_assert_eq!(origin.client(), Some(STRANGER));

        let headers = appended("x-forwarded-proto", "https");
        let origin = Origin::from_headers(&headers, Some(PROXY), &ours().headers(ALL));
        prop_assert_eq!(origin.scheme(), Some("https"));
    }

    /// The client sends anything; two proxies append one entry each.
    #[test]
    fn what_a_client_sends_never_reaches_past_two_proxies(
        sent_for in near_forwarding(),
        sent_host in near_forwarding(),
        own_line in any::<bool>(),
    ) {
        let append = |name: &'static str, sent: Vec<u8>, entries: [&str; 2]| {
            if own_line {
                let [outer, inner] = entries.map(|entry| (name, entry.as_bytes().to_vec()));
                return vec![(name, sent), outer, inner];
            }
            vec![(name, [&sent, b", ".as_slice(), entries.join(",").as_bytes()].concat())]
        };
        let mut lines = append("x-forwarded-for", sent_for, ["198.51.100.1", "10.0.0.2"]);
        lines.extend(append("x-forwarded-host", sent_host, ["shop.example", "inner"]));
        lines.extend(append("x-forwarded-proto", Vec::new(), ["wss", "http"]));
        let headers = headers(lines);
        let origin = Origin::from_headers(&headers, Some(PROXY), &ours().headers(ALL));
        prop_assert_eq!(origin.client(), Some(STRANGER));
        prop_assert_eq!(origin.server(None), Some(("shop.example", None)));
        prop_assert_eq!(origin.scheme(), Some("https"));
    }

    #[test]
    fn a_denied_header_never_comes_out(
        denied in denied_name(),
        patterns in vec(pattern(), 0..6),
        by_its_name in any::<bool>(),
        lines in 1..3_usize,
    ) {
        let mut names = patterns;
        if by_its_name {
            names.push(denied.clone());
        }
        let mut sent = headers([("x-request-id", b"7".to_vec())]);
        for _ in 0..lines {
            let name = HeaderName::from_bytes(denied.as_bytes()).unwrap();
            sent.append(name, HeaderValue::from_static(SECRET));
        }
        let capture = HeaderCapture::new(&names);
        prop_assert!(!items(capture.request(&sent)).contains(&SECRET.to_owned()));
        prop_assert!(!items(capture.response(&sent)).contains(&SECRET.to_owned()));
    }

    #[test]
    fn any_bytes_in_a_named_header_come_out_as_bounded_text(
        values in vec(vec(any::<u8>(), 0..3000), 0..20),
        by_glob in any::<bool>(),
    ) {
        let sent = headers(values.into_iter().map(|value| ("x-a", value)));
        let capture = HeaderCapture::new([if by_glob { "x-*" } else { "x-a" }]);
        let items = items(capture.request(&sent));
        let lines = sent.get_all("x-a").iter();
        let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()));
        let lines: Vec<_> = lines.take(16).collect();
        prop_assert!(items.iter().all(|item| item.len() <= LONGEST_VALUE));
        prop_assert!(items.concat().len() <= 8 * LONGEST_VALUE);
        // A line that is cut takes no more than its limit of what all lines may have.
        let mut left = 7 * LONGEST_VALUE;
        for (index, line) in lines.iter().enumerate() {
            let Some(rest) = left.checked_sub(line.len().min(LONGEST_VALUE)) else {
                break;
            };
            left = rest;
            prop_assert!(index < items.len());
            if line.len() <= LONGEST_VALUE {
                prop_assert_eq!(&items[index], line);
            }
        }
    }

    /// Sends text of any kind through the parser, and addresses of either kind into what came out.
    #[test]
    fn a_network_is_read_or_refused(text in "\\PC{0,20}|[0-9a-f:./]{0,20}", bits in any::<u128>()) {
        if let Ok(proxies) = text.parse::<TrustedProxies>() {
            let _ = proxies.trusts(IpAddr::from(bits.to_be_bytes()));
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix(bits in any::<u32>(), other in any::<u32>(), prefix in 0..=32_u32) {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        let network: TrustedProxies = format!("{}/{prefix}", Ipv4Addr::from_bits(bits & mask)).parse().unwrap();
        let near = Ipv4Addr::from_bits((bits & mask) | (other & !mask));
        prop_assert!(network.trusts(near.into()));
        prop_assert!(network.trusts(near.to_ipv6_mapped().into()));
        prop_assert_eq!(network.trusts(Ipv4Addr::from_bits(other).into()), other & mask == bits & mask);
    }
}
