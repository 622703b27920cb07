//! Host and port from `Host`, `:authority` and similar values.

use std::net::Ipv6Addr;

/// A host and its port, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPort<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> HostPort<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. User info before an `@` is left out.
    ///
    /// Returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.rsplit_once('@').map_or(text, |(_, after)| after);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, after)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (host, after) = text.split_at_checked(end)?;
                if !is_name(host) {
                    return None;
                }
                (host, after)
            }
        };
        Some(Self {
            host,
            port: parse_port(port)?,
        })
    }

    /// Returns the name or address, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// RFC 3986, 3.2.2: unreserved characters, percent-encoding and sub-delimiters; here at least one of them.
fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte))
}

/// The outer `None` is an error, the inner one no port (`host` or `host:`).
fn parse_port(after_host: &str) -> Option<Option<u16>> {
    let Some(digits) = after_host.strip_prefix(':') else {
        return after_host.is_empty().then_some(None);
    };
    if digits.is_empty() {
        return Some(None);
    }
    // `parse` would accept a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_come_from_one_value() {
        let table = [
            ("a name", "example.com", Some(("example.com", None))),
            (
                "with port",
                "example.com:8080",
                Some(("example.com", Some(8080))),
            ),
            ("an empty port", "example.com:", Some(("example.com", None))),
            (
                "an IPv4 address",
                "127.0.0.1:80",
                Some(("127.0.0.1", Some(80))),
            ),
            (
                "an IPv6 address loses its brackets",
                "[::1]:80",
                Some(("::1", Some(80))),
            ),
            (
                "an IPv6 address without port",
                "[2001:db8::1]",
                Some(("2001:db8::1", None)),
            ),
            (
                "user info is left out",
                "ada:secret@example.com:1",
                Some(("example.com", Some(1))),
            ),
            ("nothing", "", None),
            ("a port alone", ":80", None),
            ("a port too large", "example.com:65536", None),
            ("a port with a sign", "example.com:+80", None),
            ("an IPv6 address without brackets", "::1", None),
            ("brackets around a name", "[example.com]", None),
            ("a bracket that stays open", "[::1", None),
            ("text after the bracket", "[::1]x", None),
            ("a path", "example.com/x", None),
            ("a blank", "exam ple.com", None),
            ("a list", "a.example:1,b.example:2", None),
        ];
        for (name, text, expected) in table {
            let parsed = HostPort::parse(text).map(|it| (it.host(), it.port()));
            assert_eq!(parsed, expected, "{name}");
        }
    }
}
