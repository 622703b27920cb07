//! Who sent a request, and to which scheme and host, before proxies came in between.

use std::borrow::Cow;
use std::net::IpAddr;

use ::http::header::FORWARDED;
use ::http::{HeaderMap, HeaderName};

use super::HostPort;
use super::field_list::FromRight;
use super::forwarded::{Element, node_address};
use super::trusted_proxies::{Family, TrustedProxies};

/// Where a request came from: `client.address`, `url.scheme` and the host for `server.address`.
///
/// `Forwarded` (RFC 7239) and `X-Forwarded-*` are believed only as far as [`TrustedProxies`] wrote them. The walk begins
/// at the socket's other end. As long as the nearest hop is trusted, the next element to the left counts; the first
/// address that is not trusted is the client. So what a client has put into the header before the first proxy of
/// one's own never counts.
///
/// - A peer that is not trusted or not known: the headers count for nothing.
/// - `unknown`, a `_hidden` name, and whatever else is no address end the walk. The client is then the last address
///   before them, the nearest one known.
/// - Where all addresses are trusted, the client is the leftmost.
/// - Scheme and host are from the element that ended the walk (`Forwarded`), or else the rightmost element of
///   `X-Forwarded-Proto` and `X-Forwarded-Host`. Of schemes only `http` and `https` count.
/// - Where there is a `Forwarded`, good or bad, `X-Forwarded-*` is not read; [`TrustedProxies`] says why and how to
///   choose.
/// - The walk takes at most 64 elements and 4096 bytes of a header.
///
/// IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) come out as IPv4.
///
/// ```
/// use http::HeaderMap;
/// use otel_core::http::{Origin, TrustedProxies};
///
/// let proxies: TrustedProxies = "10.0.0.0/8".parse()?;
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.2".parse()?);
/// headers.insert("x-forwarded-proto", "https".parse()?);
///
/// let origin = Origin::of(&headers, Some("10.0.0.1".parse()?), &proxies);
/// assert_eq!(origin.client(), Some("203.0.113.9".parse()?)); // 1.2.3.4 is what this client claimed
/// assert_eq!(origin.scheme(), Some("https"));
///
/// let stranger = Origin::of(&headers, Some("198.51.100.1".parse()?), &proxies);
/// assert_eq!(stranger.client(), Some("198.51.100.1".parse()?));
/// assert_eq!(stranger.scheme(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Origin<'a> {
    client: Option<IpAddr>,
    scheme: Option<&'static str>,
    /// Text that `HostPort` can read.
    host: Option<Cow<'a, str>>,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// Finds a request's origin. The peer is the address of the socket's other end, without its port.
    pub fn of(headers: &'a HeaderMap, peer: Option<IpAddr>, proxies: &TrustedProxies) -> Self {
        let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
            return Self::default();
        };
        let direct = Self {
            client: Some(peer),
            ..Self::default()
        };
        if !proxies.trusts(peer) {
            return direct;
        }
        let forwarded = match proxies.family() {
            Family::Forwarded => true,
            Family::XForwarded => false,
            Family::ForwardedFirst => headers.contains_key(FORWARDED),
        };
        if forwarded {
            direct.forwarded(headers, proxies)
        } else {
            direct.x_forwarded(headers, proxies)
        }
    }

    /// The original client: by trusted proxies where there are some, else the peer.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// `http` or `https`, where a trusted proxy said so.
    #[must_use]
    pub fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// Whether a trusted proxy said something of the host or the port.
    #[must_use]
    pub fn names_server(&self) -> bool {
        self.host.is_some() || self.port.is_some()
    }

    /// The host and, where it is known, the port that the client asked for.
    ///
    /// `received` is what the request itself names, in `:authority` or `Host`; it counts where no trusted proxy says
    /// otherwise. Host and port are always of one value; only where that has no port, `X-Forwarded-Port` is it.
    #[must_use]
    pub fn server<'s>(&'s self, received: Option<HostPort<'s>>) -> Option<(&'s str, Option<u16>)> {
        let host = self
            .host
            .as_deref()
            .and_then(HostPort::parse)
            .or(received)?;
        Some((host.host(), host.port().or(self.port)))
    }

    fn forwarded(mut self, headers: &'a HeaderMap, proxies: &TrustedProxies) -> Self {
        // Whoever wrote an element is trusted when it is looked at, so all it says counts, also where `for` ends the walk.
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

    fn x_forwarded(mut self, headers: &'a HeaderMap, proxies: &TrustedProxies) -> Self {
        for node in FromRight::new(headers, &X_FORWARDED_FOR) {
            if !self.step(Some(node), proxies) {
                break;
            }
        }
        let rightmost = |name| FromRight::new(headers, name).next();
        self.scheme = rightmost(&X_FORWARDED_PROTO).and_then(known_scheme);
        self.host = rightmost(&X_FORWARDED_HOST)
            .filter(|host| HostPort::parse(host).is_some())
            .map(Cow::Borrowed);
        self.port = rightmost(&X_FORWARDED_PORT).and_then(port);
        self
    }

    /// Takes the next hop's address and tells whether the walk goes on behind it.
    fn step(&mut self, node: Option<&str>, proxies: &TrustedProxies) -> bool {
        let Some(address) = node.and_then(node_address) else {
            return false;
        };
        self.client = Some(address);
        proxies.trusts(address)
    }
}

/// Any other one would be a stranger's choice of attribute value.
fn known_scheme(text: &str) -> Option<&'static str> {
    ["http", "https"]
        .into_iter()
        .find(|scheme| scheme.eq_ignore_ascii_case(text))
}

/// `parse` alone would take a sign; 0 is no port.
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
