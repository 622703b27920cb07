//! The original client, scheme and host of a request behind proxies.

use std::borrow::Cow;
use std::net::IpAddr;

use ::http::header::FORWARDED;
use ::http::{HeaderMap, HeaderName};

use super::field_list::FromRight;
use super::forwarded::{Element, node_address};
use super::trusted_proxies::{
    TrustedHeaders, TrustedProxies, UNIX_SOCKET, XForwarded, XForwardedSet,
};
use crate::conventions::http::HostPort;

/// The origin of a request: `client.address`, `url.scheme` and the host of `server.address`.
///
/// The forwarding headers count only as far as [`TrustedProxies`] wrote them. The entries of `X-Forwarded-For`, or the elements of
/// `Forwarded`, are read from the right, beginning with the peer of the socket. While the nearest hop is trusted, the next entry
/// to the left counts. The first address that is not trusted is the client, so entries that an untrusted client has written never
/// count.
///
/// - If the peer is not trusted, the headers are ignored.
/// - A peer without an address is trusted by [`TrustedProxies::unix_socket`] and
///   [`dangerously_anyone`](TrustedProxies::dangerously_anyone). The client is then the address that the headers report, or
///   unknown.
/// - `unknown`, a `_hidden` name and any other text that is not an address end the walk. The client is then the last address
///   before them.
/// - If all addresses are trusted, the client is the leftmost.
/// - `Forwarded`: scheme and host come from the element that ended the walk.
/// - `X-Forwarded-Proto`, `-Host` and `-Port` are read at the place, counted from the right, at which the walk through
///   `X-Forwarded-For` ended. If they have fewer entries, the leftmost entry counts.
/// - Only the schemes `http` and `https` count, and `ws` and `wss`, which become `http` and `https`.
/// - At most 64 elements and 4,096 bytes of a header are read.
///
/// IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) become IPv4.
///
/// ```
/// use http::HeaderMap;
/// use otel_exchange::server::{Origin, TrustedProxies, XForwarded};
///
/// let proxies: TrustedProxies = "10.0.0.0/8".parse()?;
/// let proxies = proxies.headers([XForwarded::For, XForwarded::Proto]);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.2".parse()?);
/// headers.insert("x-forwarded-proto", "https".parse()?);
///
/// let origin = Origin::from_headers(&headers, Some("10.0.0.1".parse()?), &proxies);
/// assert_eq!(origin.client(), Some("203.0.113.9".parse()?)); // the client sent 1.2.3.4 itself
/// assert_eq!(origin.scheme(), Some("https"));
///
/// let untrusted = Origin::from_headers(&headers, Some("198.51.100.1".parse()?), &proxies);
/// assert_eq!(untrusted.client(), Some("198.51.100.1".parse()?));
/// assert_eq!(untrusted.scheme(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Origin<'a> {
    client: Option<IpAddr>,
    scheme: Option<&'static str>,
    /// A value that `HostPort` can parse.
    host: Option<Cow<'a, str>>,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// Finds the origin of a request. The peer is the address of the socket's other end, `None` for a unix socket.
    pub fn from_headers(
        headers: &'a HeaderMap,
        peer: Option<IpAddr>,
        proxies: &TrustedProxies,
    ) -> Self {
        let client = peer.map(|peer| peer.to_canonical());
        let is_trusted = match client {
            Some(peer) => proxies.trusts(peer),
            None => proxies.trusts_unix_socket(),
        };
        let direct = Self {
            client,
            ..Self::default()
        };
        if !is_trusted {
            return direct;
        }
        match proxies.trusted_headers() {
            TrustedHeaders::Forwarded => direct.forwarded(headers, proxies),
            TrustedHeaders::XForwarded(set) => direct.x_forwarded(headers, proxies, set),
        }
    }

    /// Returns the original client: as trusted proxies report it, else the peer.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Returns `http` or `https` if a trusted proxy reports it.
    #[must_use]
    pub fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// Returns `true` if a trusted proxy reports a host or a port.
    #[must_use]
    pub fn has_server(&self) -> bool {
        self.host.is_some() || self.port.is_some()
    }

    /// Returns the host that the client asked for, and its port if it is known.
    ///
    /// `received` is the `:authority` or `Host` of the request. It counts if no trusted proxy reports a host. Host and port come
    /// from one value. If that has no port, `X-Forwarded-Port` counts.
    #[must_use]
    pub fn server<'s>(&'s self, received: Option<HostPort<'s>>) -> Option<(&'s str, Option<u16>)> {
        let forwarded = self.host.as_deref().and_then(HostPort::parse);
        let host = forwarded.or(received)?;
        Some((host.host(), host.port().or(self.port)))
    }

    fn forwarded(mut self, headers: &'a HeaderMap, proxies: &TrustedProxies) -> Self {
        // The writer of each element is trusted when the element is read, so `proto` and `host` count even if `for` ends the walk.
        for text in FromRight::new(headers, &FORWARDED) {
            let Some(element) = Element::parse(text) else {
                break;
            };
            self.scheme = element.proto.as_deref().and_then(known_scheme);
            self.host = element.host.filter(|host| HostPort::parse(host).is_some());
            if !self.step(element.node.as_deref(), proxies) {
                break;
            }
        }
        self
    }

    fn x_forwarded(
        mut self,
        headers: &'a HeaderMap,
        proxies: &TrustedProxies,
        set: XForwardedSet,
    ) -> Self {
        let mut place = 0;
        if set.contains(XForwarded::For) {
            place = self.walk(FromRight::new(headers, &X_FORWARDED_FOR), proxies);
        }
        if set.contains(XForwarded::Proto) {
            let proto = FromRight::new(headers, &X_FORWARDED_PROTO).at_or_leftmost(place);
            self.scheme = proto.and_then(known_scheme);
        }
        if set.contains(XForwarded::Host) {
            let host = FromRight::new(headers, &X_FORWARDED_HOST).at_or_leftmost(place);
            let host = host.filter(|host| HostPort::parse(host).is_some());
            self.host = host.map(Cow::Borrowed);
        }
        if set.contains(XForwarded::Port) {
            let text = FromRight::new(headers, &X_FORWARDED_PORT).at_or_leftmost(place);
            self.port = text.and_then(port);
        }
        self
    }

    /// Walks through `X-Forwarded-For` up to the client. Returns the place of the last entry, counted from 0 at the right.
    fn walk(&mut self, mut nodes: FromRight<'_>, proxies: &TrustedProxies) -> usize {
        let mut place = 0;
        for node in nodes.by_ref() {
            if !self.step(Some(node), proxies) {
                return place;
            }
            place += 1;
        }
        // An entry that cannot be read ends the walk at its place, and so does an entry beyond the limits.
        if nodes.is_complete() {
            place.saturating_sub(1)
        } else {
            place
        }
    }

    /// Takes the address of the next hop. Returns `true` if the walk continues.
    fn step(&mut self, node: Option<&str>, proxies: &TrustedProxies) -> bool {
        if node == Some(UNIX_SOCKET) {
            return proxies.trusts_unix_socket();
        }
        let Some(address) = node.and_then(node_address) else {
            return false;
        };
        self.client = Some(address);
        proxies.trusts(address)
    }
}

/// Accepts only known schemes, so that untrusted text does not become an attribute value.
///
/// Traefik and others write `ws` and `wss` for the upgrade to a websocket, which is an HTTP request.
fn known_scheme(text: &str) -> Option<&'static str> {
    let known = [
        ("http", "http"),
        ("https", "https"),
        ("ws", "http"),
        ("wss", "https"),
    ];
    let mut known = known.into_iter();
    let (_, scheme) = known.find(|(name, _)| name.eq_ignore_ascii_case(text))?;
    Some(scheme)
}

/// `parse` would accept a sign. Port 0 is invalid.
fn port(text: &str) -> Option<u16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|port| *port != 0)
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
