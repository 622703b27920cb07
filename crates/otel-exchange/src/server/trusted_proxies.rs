//! The proxies whose forwarding headers count.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::network::{InvalidNetwork, parse_network};

/// The proxies whose forwarding headers are trusted. By default no proxy is trusted.
///
/// Any client can send forwarding headers. They count only if the peer of the socket is a trusted proxy, and only as far to the
/// left as the chain of trusted proxies goes; see [`Origin`](super::Origin).
///
/// By default only `X-Forwarded-For` counts, because most proxies write this header and pass a client's `Forwarded`,
/// `X-Forwarded-Proto`, `-Host` and `-Port` on unchanged. [`headers`](Self::headers) names the headers that your proxies write.
/// [`forwarded`](Self::forwarded) reads `Forwarded` instead.
///
/// ```
/// use otel_exchange::server::{TrustedProxies, XForwarded};
///
/// let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8, 192.0.2.7".parse()?;
/// assert!(proxies.trusts("10.1.2.3".parse()?));
/// assert!(!TrustedProxies::default().trusts("10.1.2.3".parse()?));
///
/// // behind a proxy that writes these three, such as Caddy
/// let proxies = proxies.headers([XForwarded::For, XForwarded::Proto, XForwarded::Host]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxies {
    addresses: Addresses,
    unix_socket: bool,
    headers: TrustedHeaders,
}

#[derive(Clone, Debug)]
enum Addresses {
    Networks(Arc<[IpNet]>),
    All,
}

impl Default for Addresses {
    fn default() -> Self {
        Self::Networks(Arc::new([]))
    }
}

/// One of the `X-Forwarded-*` headers, for [`TrustedProxies::headers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum XForwarded {
    /// `X-Forwarded-For`: the address of the client, and of each proxy but the last.
    For,
    /// `X-Forwarded-Proto`: the scheme that the client used.
    Proto,
    /// `X-Forwarded-Host`: the host that the client asked for.
    Host,
    /// `X-Forwarded-Port`: the port that the client connected to. It counts if the host is known and has no port.
    Port,
}

/// The headers that trusted proxies write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustedHeaders {
    Forwarded,
    XForwarded(XForwardedSet),
}

impl Default for TrustedHeaders {
    fn default() -> Self {
        Self::XForwarded([XForwarded::For].into_iter().collect())
    }
}

/// A set of `X-Forwarded-*` headers, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct XForwardedSet(u8);

impl XForwardedSet {
    pub(super) fn contains(self, header: XForwarded) -> bool {
        self.0 & Self::bit(header) != 0
    }

    fn bit(header: XForwarded) -> u8 {
        1 << header as u8
    }
}

impl FromIterator<XForwarded> for XForwardedSet {
    fn from_iter<I: IntoIterator<Item = XForwarded>>(headers: I) -> Self {
        let bits = headers.into_iter().map(Self::bit);
        Self(bits.fold(0, |set, bit| set | bit))
    }
}

impl TrustedProxies {
    /// Trusts every address on the internet, and every peer without an address. Every client then chooses the values that are
    /// recorded for it.
    ///
    /// This is safe only if no one except proxies can open a connection, for example because of a firewall, and if the outermost
    /// proxy removes the client's headers.
    pub fn dangerously_anyone() -> Self {
        Self {
            addresses: Addresses::All,
            unix_socket: true,
            ..Self::default()
        }
    }

    /// Trusts the proxy at the other end of a unix socket, and no address.
    ///
    /// The other end of a unix socket has no address. Every request without a peer address therefore counts as a request of a
    /// trusted proxy. Do not use this for a server that also listens on TCP and does not pass the peer's address to the layer.
    ///
    /// The entry `unix:` in a header, which nginx appends for its own unix sockets, counts as a trusted proxy too. In a list of
    /// addresses `unix:` does the same as this function: `"unix:, 10.0.0.0/8"`.
    ///
    /// ```
    /// use otel_exchange::server::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::unix_socket();
    /// let also_behind_others: TrustedProxies = "unix:, 10.0.0.0/8".parse()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unix_socket() -> Self {
        Self {
            unix_socket: true,
            ..Self::default()
        }
    }

    /// Sets the `X-Forwarded-*` headers that count. By default only `X-Forwarded-For` does.
    ///
    /// The list is complete: a header that it does not name is ignored, also `X-Forwarded-For`. Name a header only if your
    /// outermost proxy sets or removes it and every proxy behind appends to it or leaves it unchanged. The value is otherwise the
    /// client's.
    ///
    /// Without [`XForwarded::For`], `client.address` is the peer's address, and the last entry of the other headers counts. Of
    /// this option and [`forwarded`](Self::forwarded) the later call counts.
    pub fn headers(mut self, headers: impl IntoIterator<Item = XForwarded>) -> Self {
        self.headers = TrustedHeaders::XForwarded(headers.into_iter().collect());
        self
    }

    /// Reads `Forwarded` (RFC 7239), and no `X-Forwarded-*` header.
    ///
    /// Few proxies write `Forwarded`, and most pass a client's on. Of this option and [`headers`](Self::headers) the later call
    /// counts.
    pub fn forwarded(mut self) -> Self {
        self.headers = TrustedHeaders::Forwarded;
        self
    }

    /// Returns `true` if the address belongs to a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        match &self.addresses {
            Addresses::Networks(networks) => {
                let address = address.to_canonical();
                networks.iter().any(|network| network.contains(&address))
            }
            Addresses::All => true,
        }
    }

    /// Returns `true` if a peer without an address is a trusted proxy.
    pub(super) fn trusts_unix_socket(&self) -> bool {
        self.unix_socket
    }

    pub(super) fn trusted_headers(&self) -> TrustedHeaders {
        self.headers
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    /// Reads a comma-separated list of networks, addresses and `unix:`, which is the other end of a
    /// [unix socket](TrustedProxies::unix_socket). An empty list trusts no proxy.
    fn from_str(list: &str) -> Result<Self, InvalidNetwork> {
        let items = list.split(',').map(str::trim);
        let (unix_sockets, networks): (Vec<&str>, Vec<&str>) = items
            .filter(|item| !item.is_empty())
            .partition(|item| *item == UNIX_SOCKET);
        let networks: Result<_, _> = networks.into_iter().map(parse_network).collect();
        Ok(Self {
            addresses: Addresses::Networks(networks?),
            unix_socket: !unix_sockets.is_empty(),
            ..Self::default()
        })
    }
}

/// The other end of a unix socket, as nginx writes it.
pub(super) const UNIX_SOCKET: &str = "unix:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_proxies_are_trusted() {
        let listed: TrustedProxies = "10.0.0.0/8, ,192.0.2.7,".parse().unwrap();
        let table = [
            (
                "by default no proxy",
                TrustedProxies::default(),
                "127.0.0.1",
                false,
            ),
            (
                "an empty list trusts no proxy",
                "".parse().unwrap(),
                "127.0.0.1",
                false,
            ),
            ("in a network", listed.clone(), "10.1.2.3", true),
            (
                "in a network, as v6",
                listed.clone(),
                "::ffff:10.1.2.3",
                true,
            ),
            ("an address", listed.clone(), "192.0.2.7", true),
            ("another address", listed, "192.0.2.8", false),
            (
                "anyone",
                TrustedProxies::dangerously_anyone(),
                "203.0.113.9",
                true,
            ),
        ];
        for (name, proxies, address, expected) in table {
            assert_eq!(proxies.trusts(address.parse().unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn a_list_can_name_unix_sockets() {
        let table = [
            ("", false, false),
            ("10.0.0.0/8", true, false),
            ("unix:", false, true),
            ("unix:, 10.0.0.0/8", true, true),
            ("10.0.0.0/8,unix: ,unix:", true, true),
        ];
        for (list, has_network, has_unix_socket) in table {
            let proxies: TrustedProxies = list.parse().unwrap();
            assert_eq!(proxies.trusts("10.1.2.3".parse().unwrap()), has_network);
            assert_eq!(proxies.trusts_unix_socket(), has_unix_socket, "{list}");
        }
        for list in ["unix", "unix:/run/app.sock", "UNIX:"] {
            let error = list.parse::<TrustedProxies>().unwrap_err();
            assert!(error.is_address(), "{error}");
        }
    }

    #[test]
    fn one_invalid_network_makes_the_list_invalid() {
        let error = "10.0.0.0/8,proxy".parse::<TrustedProxies>().unwrap_err();
        assert!(error.is_address(), "{error}");
        assert!(error.to_string().contains("\"proxy\""), "{error}");
    }
}
