//! Whose word on the original request counts.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::{Cidr, CidrError};

/// The proxies whose `Forwarded` and `X-Forwarded-*` headers count; by default no one's.
///
/// Anyone can send these headers. They are of use only where the socket's other end is a proxy of one's own, and then
/// only as far to the left as the chain of one's own proxies goes; see [`Origin`](super::Origin).
///
/// Most proxies write one of the two families and let the other pass as the client sent it. `Forwarded` counts before
/// `X-Forwarded-*`, so behind a proxy that writes `X-Forwarded-For` and does not remove `Forwarded` (nginx, Envoy and
/// the load balancers of the clouds by default) a client can name itself as it likes. Say
/// [`x_forwarded_only`](Self::x_forwarded_only) there.
///
/// ```
/// use otel_core::http::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8, 192.0.2.7".parse()?;
/// assert!(proxies.trusts("10.1.2.3".parse()?));
/// assert!(!TrustedProxies::default().trusts("10.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxies {
    who: Who,
    family: Family,
}

#[derive(Clone, Debug, Default)]
enum Who {
    #[default]
    NoOne,
    Networks(Arc<[Cidr]>),
    Anyone,
}

/// Which headers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Family {
    #[default]
    ForwardedFirst,
    Forwarded,
    XForwarded,
}

impl TrustedProxies {
    /// Trusts the addresses in these networks, and no one where there is none.
    pub fn new(networks: impl IntoIterator<Item = Cidr>) -> Self {
        let networks: Arc<[Cidr]> = networks.into_iter().collect();
        Self {
            who: if networks.is_empty() {
                Who::NoOne
            } else {
                Who::Networks(networks)
            },
            family: Family::default(),
        }
    }

    /// Trusts every address on the internet: whoever sends a request decides which address, scheme and host are
    /// recorded for it.
    ///
    /// This is right only where nothing but proxies can open a connection, for example by a firewall, and the
    /// outermost of them removes what the client sent.
    pub fn dangerously_anyone() -> Self {
        Self {
            who: Who::Anyone,
            family: Family::default(),
        }
    }

    /// Reads `Forwarded` (RFC 7239) alone.
    pub fn forwarded_only(mut self) -> Self {
        self.family = Family::Forwarded;
        self
    }

    /// Reads `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` alone.
    pub fn x_forwarded_only(mut self) -> Self {
        self.family = Family::XForwarded;
        self
    }

    /// Tells whether the address is that of a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        match &self.who {
            Who::NoOne => false,
            Who::Networks(networks) => networks.iter().any(|network| network.contains(address)),
            Who::Anyone => true,
        }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }
}

impl FromStr for TrustedProxies {
    type Err = CidrError;

    /// Reads networks and addresses with commas between them. An empty list trusts no one.
    fn from_str(list: &str) -> Result<Self, CidrError> {
        let networks: Vec<Cidr> = list
            .split(',')
            .map(str::trim)
            .filter(|network| !network.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self::new(networks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_named_are_trusted() {
        let listed: TrustedProxies = "10.0.0.0/8, ,192.0.2.7,".parse().unwrap();
        let table = [
            (
                "by default no one",
                TrustedProxies::default(),
                "127.0.0.1",
                false,
            ),
            (
                "an empty list is no one",
                TrustedProxies::new([]),
                "127.0.0.1",
                false,
            ),
            (
                "an empty text is no one",
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
    fn one_bad_network_spoils_the_list() {
        let error = "10.0.0.0/8,proxy".parse::<TrustedProxies>().unwrap_err();
        assert!(error.is_address(), "{error}");
        assert!(error.to_string().contains("\"proxy\""), "{error}");
    }
}
