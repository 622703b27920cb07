//! The proxies whose forwarding headers count.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::network::{InvalidNetwork, parse_network};

/// The proxies whose `Forwarded` and `X-Forwarded-*` headers are trusted. By default no proxy is trusted.
///
/// Any client can send these headers. They count only if the peer of the socket is a trusted proxy, and only as far to the left
/// as the chain of trusted proxies goes; see [`Origin`](super::Origin).
///
/// Most proxies write one of the two families and pass the other on unchanged. `Forwarded` wins over `X-Forwarded-*`. A proxy
/// that writes `X-Forwarded-For` and does not remove `Forwarded` (nginx, Envoy and the load balancers of the clouds by default)
/// therefore lets a client choose its own address. Use [`x_forwarded_only`](Self::x_forwarded_only) behind such a proxy.
///
/// ```
/// use otel_exchange::server::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8, 192.0.2.7".parse()?;
/// assert!(proxies.trusts("10.1.2.3".parse()?));
/// assert!(!TrustedProxies::default().trusts("10.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxies {
    addresses: Addresses,
    family: Family,
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

/// The headers that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Family {
    #[default]
    ForwardedFirst,
    Forwarded,
    XForwarded,
}

impl TrustedProxies {
    /// Trusts every address on the internet. Every client then chooses the address, scheme and host that are recorded for it.
    ///
    /// This is safe only if nothing but proxies can open a connection, for example because of a firewall, and if the outermost
    /// proxy removes the client's headers.
    pub fn dangerously_anyone() -> Self {
        Self {
            addresses: Addresses::All,
            family: Family::default(),
        }
    }

    /// Reads only `Forwarded` (RFC 7239).
    pub fn forwarded_only(mut self) -> Self {
        self.family = Family::Forwarded;
        self
    }

    /// Reads only `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`.
    pub fn x_forwarded_only(mut self) -> Self {
        self.family = Family::XForwarded;
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

    pub(super) fn family(&self) -> Family {
        self.family
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    /// Reads a comma-separated list of networks and addresses. An empty list trusts no proxy.
    fn from_str(list: &str) -> Result<Self, InvalidNetwork> {
        let items = list.split(',').map(str::trim);
        let networks: Result<_, _> = items
            .filter(|network| !network.is_empty())
            .map(parse_network)
            .collect();
        Ok(Self {
            addresses: Addresses::Networks(networks?),
            family: Family::default(),
        })
    }
}

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
    fn one_invalid_network_makes_the_list_invalid() {
        let error = "10.0.0.0/8,proxy".parse::<TrustedProxies>().unwrap_err();
        assert!(error.is_address(), "{error}");
        assert!(error.to_string().contains("\"proxy\""), "{error}");
    }
}
