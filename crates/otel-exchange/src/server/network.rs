//! Networks of IP addresses, such as `10.0.0.0/8`.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// IPv4 addresses written as IPv6 are `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Reads an address, a slash and a prefix length, or a single address, which is a network of one address.
///
/// IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) become IPv4.
pub(super) fn parse_network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(InvalidNetwork::new(text, Kind::Address));
    };
    let Some(prefix) = prefix else {
        return Ok(address.to_canonical().into());
    };
    let longest = IpNet::from(address).max_prefix_len();
    let Some(network) = parse_prefix(prefix).and_then(|it| IpNet::new(address, it).ok()) else {
        return Err(InvalidNetwork::new(text, Kind::Prefix { longest }));
    };
    // Usually a mistake, and a list of trusted proxies must not depend on a guess.
    if network.trunc() != network {
        let network = network.trunc();
        return Err(InvalidNetwork::new(text, Kind::HostBits { network }));
    }
    Ok(canonical(network))
}

/// Turns a network inside `::ffff:0:0/96` into its IPv4 network.
fn canonical(network: IpNet) -> IpNet {
    let address = network.addr().to_canonical();
    let prefix = network.prefix_len().checked_sub(MAPPED_PREFIX);
    match (network, prefix) {
        (IpNet::V6(_), Some(prefix)) if address.is_ipv4() => {
            IpNet::new(address, prefix).unwrap_or(network)
        }
        _ => network,
    }
}

/// `parse` would accept a sign.
fn parse_prefix(text: &str) -> Option<u8> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A network that is invalid. The message shows the text and what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidNetwork {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Prefix { longest: u8 },
    HostBits { network: IpNet },
}

impl InvalidNetwork {
    fn new(text: &str, kind: Kind) -> Self {
        Self {
            text: text.into(),
            kind,
        }
    }

    /// Returns `true` if the text before the slash is not an IP address, for example a name.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self.kind, Kind::Address)
    }

    /// Returns `true` if the text after the slash is not a prefix length that the address can have.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        matches!(self.kind, Kind::Prefix { .. })
    }

    /// Returns `true` if the address has bits set after the prefix, such as `10.1.2.3/8`.
    #[must_use]
    pub fn is_host_bits(&self) -> bool {
        matches!(self.kind, Kind::HostBits { .. })
    }
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, kind } = self;
        match kind {
            Kind::Address => write!(
                f,
                "{text:?} does not begin with an IP address; write one, or a network such as 10.0.0.0/8 or fd00::/8"
            ),
            Kind::Prefix { longest } => write!(
                f,
                "{text:?} has no valid prefix length; write a number from 0 to {longest} after the slash"
            ),
            Kind::HostBits { network } => write!(
                f,
                "{text:?} has bits set after its prefix; write {network} for the network or leave out the slash for one address"
            ),
        }
    }
}

/// Shows the message, for a `main` or a test that returns the error.
impl fmt::Debug for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_only_its_own_addresses() {
        let table = [
            ("v4, first", "10.0.0.0/8", "10.0.0.0", true),
            ("v4, last", "10.0.0.0/8", "10.255.255.255", true),
            ("v4, after", "10.0.0.0/8", "11.0.0.0", false),
            (
                "v4, prefix within a byte",
                "172.16.0.0/12",
                "172.31.255.255",
                true,
            ),
            (
                "v4, after a prefix within a byte",
                "172.16.0.0/12",
                "172.32.0.0",
                false,
            ),
            ("v4, one address", "192.0.2.1", "192.0.2.1", true),
            ("v4, not this address", "192.0.2.1", "192.0.2.2", false),
            ("v4, /32", "192.0.2.1/32", "192.0.2.1", true),
            ("v4, everything", "0.0.0.0/0", "203.0.113.9", true),
            ("v6", "2001:db8::/32", "2001:db8:ffff::1", true),
            ("v6, after", "2001:db8::/32", "2001:db9::", false),
            ("v6, one address", "::1", "::1", true),
            ("v6, everything", "::/0", "2001:db8::1", true),
            ("v6 holds no v4", "::/0", "203.0.113.9", false),
            ("v4 holds no v6", "0.0.0.0/0", "2001:db8::1", false),
            (
                "a mapped address is v4",
                "10.0.0.0/8",
                "::ffff:10.1.2.3",
                true,
            ),
            (
                "a mapped address is not v6",
                "::/0",
                "::ffff:10.1.2.3",
                false,
            ),
            (
                "a mapped network is v4",
                "::ffff:10.0.0.0/104",
                "10.1.2.3",
                true,
            ),
            (
                "a mapped network has its length",
                "::ffff:10.0.0.0/104",
                "11.1.2.3",
                false,
            ),
            ("all mapped addresses", "::ffff:0:0/96", "203.0.113.9", true),
            ("one mapped address", "::ffff:192.0.2.1", "192.0.2.1", true),
        ];
        for (name, network, address, expected) in table {
            let network = parse_network(network).unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(
                network.contains(&address.to_canonical()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_error_says_what_to_write() {
        let table = [
            ("nothing", "", "does not begin with an IP address"),
            ("a name", "localhost", "such as 10.0.0.0/8"),
            (
                "a blank",
                " 10.0.0.0/8",
                "does not begin with an IP address",
            ),
            ("a port", "10.0.0.1:80", "does not begin with an IP address"),
            ("brackets", "[::1]", "does not begin with an IP address"),
            ("no length", "10.0.0.0/", "from 0 to 32"),
            ("too long for v4", "10.0.0.0/33", "from 0 to 32"),
            ("too long for v6", "fd00::/129", "from 0 to 128"),
            ("far too long", "10.0.0.0/99999999999", "from 0 to 32"),
            ("a sign", "10.0.0.0/+8", "from 0 to 32"),
            ("a mask", "10.0.0.0/255.0.0.0", "from 0 to 32"),
            ("two slashes", "10.0.0.0/8/8", "from 0 to 32"),
            (
                "an address within a v4 network",
                "10.1.2.3/8",
                "write 10.0.0.0/8",
            ),
            (
                "an address within a v6 network",
                "2001:db8::1/32",
                "write 2001:db8::/32",
            ),
        ];
        for (name, text, expected) in table {
            let message = parse_network(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
    }

    #[test]
    fn an_error_has_one_kind() {
        let kinds = |text: &str| {
            let error = parse_network(text).unwrap_err();
            (error.is_address(), error.is_prefix(), error.is_host_bits())
        };
        assert_eq!(kinds("proxy.example"), (true, false, false));
        assert_eq!(kinds("10.0.0.0/33"), (false, true, false));
        assert_eq!(kinds("10.0.0.1/8"), (false, false, true));
    }
}
