//! Networks of IP addresses, such as `10.0.0.0/8`.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network of IP addresses.
///
/// It is read from an address, a slash and the length of the prefix, or from an address alone, which is a network of
/// one. IPv4 addresses that are written as IPv6 ones (`::ffff:10.0.0.1`) count as IPv4 throughout; apart from that no
/// network holds addresses of both kinds.
///
/// ```
/// use otel_core::http::Cidr;
///
/// let network: Cidr = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!network.contains("11.0.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr(Network);

/// The mask is kept, not the length, so that a look-up is one `&` and one `==`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Cidr {
    /// Tells whether the address belongs to the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.0, address.to_canonical()) {
            (Network::V4 { bits, mask }, IpAddr::V4(address)) => address.to_bits() & mask == bits,
            (Network::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            (Network::V4 { .. }, IpAddr::V6(_)) | (Network::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }

    /// The network that the address lies in, whatever bits follow the prefix. `None` where the prefix is too long.
    fn around(address: IpAddr, prefix: u32) -> Option<Self> {
        let network = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX
                    .checked_shl(Ipv4Addr::BITS.checked_sub(prefix)?)
                    .unwrap_or(0);
                Network::V4 {
                    bits: address.to_bits() & mask,
                    mask,
                }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX
                    .checked_shl(Ipv6Addr::BITS.checked_sub(prefix)?)
                    .unwrap_or(0);
                Network::V6 {
                    bits: address.to_bits() & mask,
                    mask,
                }
            }
        };
        Some(Self(network))
    }

    fn address(self) -> IpAddr {
        match self.0 {
            Network::V4 { bits, .. } => Ipv4Addr::from_bits(bits).into(),
            Network::V6 { bits, .. } => Ipv6Addr::from_bits(bits).into(),
        }
    }

    fn prefix(self) -> u32 {
        match self.0 {
            Network::V4 { mask, .. } => mask.count_ones(),
            Network::V6 { mask, .. } => mask.count_ones(),
        }
    }
}

impl From<IpAddr> for Cidr {
    /// The network of this address alone.
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Network::V4 {
                bits: address.to_bits(),
                mask: u32::MAX,
            },
            IpAddr::V6(address) => Network::V6 {
                bits: address.to_bits(),
                mask: u128::MAX,
            },
        })
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let error = |kind| CidrError {
            text: text.into(),
            kind,
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error(Kind::Address))?;
        let Some(prefix) = prefix else {
            return Ok(address.into());
        };
        let longest = if address.is_ipv4() {
            Ipv4Addr::BITS
        } else {
            Ipv6Addr::BITS
        };
        let network = parse_prefix(prefix)
            .and_then(|prefix| Self::around(address, prefix))
            .ok_or_else(|| error(Kind::Prefix { longest }))?;
        // Mostly a slip, and a slip in a list of those to trust should not be guessed at.
        if network.address() != address {
            return Err(error(Kind::HostBits { network }));
        }
        Ok(network.canonical())
    }
}

impl Cidr {
    /// Turns a network inside `::ffff:0:0/96` into the IPv4 network that it stands for.
    fn canonical(self) -> Self {
        self.prefix()
            .checked_sub(MAPPED_PREFIX)
            .filter(|_| self.address().is_ipv6())
            .filter(|_| self.address().to_canonical().is_ipv4())
            .and_then(|prefix| Self::around(self.address().to_canonical(), prefix))
            .unwrap_or(self)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix())
    }
}

/// Says why a text is no network and what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub struct CidrError {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Prefix { longest: u32 },
    HostBits { network: Cidr },
}

impl CidrError {
    /// Returns true if what stands before the slash is no IP address, for example a name.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self.kind, Kind::Address)
    }

    /// Returns true if what stands after the slash is no length, or one too long for the address.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        matches!(self.kind, Kind::Prefix { .. })
    }

    /// Returns true if the address has bits set after the prefix, such as `10.1.2.3/8`.
    #[must_use]
    pub fn is_host_bits(&self) -> bool {
        matches!(self.kind, Kind::HostBits { .. })
    }
}

impl fmt::Display for CidrError {
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

/// The message, for a `main` or a test that returns the error.
impl fmt::Debug for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CidrError {}

/// `parse` alone would take a sign.
fn parse_prefix(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// IPv4 addresses as IPv6 ones are `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u32 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_alone() {
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
            let network: Cidr = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
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
            let message = text.parse::<Cidr>().unwrap_err().to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
    }

    #[test]
    fn an_error_has_one_kind() {
        let kinds = |text: &str| {
            let error = text.parse::<Cidr>().unwrap_err();
            (error.is_address(), error.is_prefix(), error.is_host_bits())
        };
        assert_eq!(kinds("proxy.example"), (true, false, false));
        assert_eq!(kinds("10.0.0.0/33"), (false, true, false));
        assert_eq!(kinds("10.0.0.1/8"), (false, false, true));
    }

    #[test]
    fn a_network_is_shown_as_it_is_written() {
        for text in [
            "10.0.0.0/8",
            "0.0.0.0/0",
            "2001:db8::/32",
            "::/0",
            "::1/128",
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
    }
}
