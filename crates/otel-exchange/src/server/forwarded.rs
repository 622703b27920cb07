//! Elements of `Forwarded` (RFC 7239), and the nodes of `Forwarded` and `X-Forwarded-For`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One proxy's report of the request that it received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// `for`: the sender of the request.
    pub(super) node: Option<Cow<'a, str>>,
    /// `host`: the request's `Host`.
    pub(super) host: Option<Cow<'a, str>>,
    /// `proto`: the request's scheme.
    pub(super) proto: Option<Cow<'a, str>>,
}

impl<'a> Element<'a> {
    /// Reads `name=value` pairs separated by semicolons. Returns `None` if the element is invalid or repeats a parameter.
    ///
    /// More lenient than RFC 7239 in two points, as proxies are: blanks around a pair and addresses without quotes are valid.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut element = Self::default();
        let mut rest = skip_separators(text);
        while !rest.is_empty() {
            let (name, after_name) = rest.split_once('=')?;
            let (value, after_value) = take_value(after_name)?;
            let after_value = after_value.trim_start_matches(BLANKS);
            if !is_token(name) || !(after_value.is_empty() || after_value.starts_with(';')) {
                return None;
            }
            rest = skip_separators(after_value);

            let known = [
                ("for", &mut element.node),
                ("host", &mut element.host),
                ("proto", &mut element.proto),
            ];
            let known = known
                .into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, parameter)) = known {
                // RFC 7239, 4: no parameter occurs more than once in an element.
                if parameter.replace(value).is_some() {
                    return None;
                }
            }
        }
        Some(element)
    }
}

/// Returns the address of a node: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
///
/// Returns `None` for `unknown`, for a `_hidden` name and for anything else. IPv4 addresses written as IPv6 become IPv4.
pub(super) fn node_address(node: &str) -> Option<IpAddr> {
    let address = if let Ok(address) = node.parse::<IpAddr>() {
        address
    } else if let Some(rest) = node.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok()?;
        (port.is_empty() || port.strip_prefix(':').is_some_and(is_node_port))
            .then_some(address)?
            .into()
    } else {
        let (address, port) = node.split_once(':')?;
        let address = address.parse::<Ipv4Addr>().ok()?;
        is_node_port(port).then_some(address)?.into()
    };
    Some(address.to_canonical())
}

/// RFC 7239, 6: a number, or an obfuscated name that begins with `_`.
fn is_node_port(port: &str) -> bool {
    match port.strip_prefix('_') {
        Some(hidden) => !hidden.is_empty() && is_made_of(hidden, b"._-"),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn skip_separators(text: &str) -> &str {
    text.trim_start_matches([';', ' ', '\t'])
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && is_made_of(text, b"!#$%&'*+-.^_`|~")
}

fn is_made_of(text: &str, punctuation: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

/// Returns the value at the beginning of the text, quoted or not, and the rest.
fn take_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', '"', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end)?;
        return (!value.is_empty()).then_some((Cow::Borrowed(value), after));
    };
    let (value, after) = quoted.split_at_checked(closing_quote(quoted)?)?;
    Some((unescape(value), after.strip_prefix('"')?))
}

fn closing_quote(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// RFC 9110, 5.6.4: a backslash quotes the next character.
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut characters = value.chars();
    let mut text = String::with_capacity(value.len());
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    Cow::Owned(text)
}

const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_by_its_grammar() {
        type Parts = (
            Option<&'static str>,
            Option<&'static str>,
            Option<&'static str>,
        );
        let table: [(&str, &str, Option<Parts>); 27] = [
            (
                "all three",
                "for=192.0.2.1;host=a.example;proto=https",
                Some((Some("192.0.2.1"), Some("a.example"), Some("https"))),
            ),
            (
                "any order",
                "proto=http;for=192.0.2.1",
                Some((Some("192.0.2.1"), None, Some("http"))),
            ),
            (
                "names in any case",
                "For=192.0.2.1;HOST=a;pRoTo=http",
                Some((Some("192.0.2.1"), Some("a"), Some("http"))),
            ),
            (
                "others are passed over",
                "by=_p;for=192.0.2.1;secret=\"a;b\"",
                Some((Some("192.0.2.1"), None, None)),
            ),
            (
                "quotes",
                "for=\"[2001:db8::1]:4711\"",
                Some((Some("[2001:db8::1]:4711"), None, None)),
            ),
            (
                "semicolon in quotes",
                "host=\"a;for=b\"",
                Some((None, Some("a;for=b"), None)),
            ),
            (
                "escapes",
                r#"host="a\"b\\\c";proto=http"#,
                Some((None, Some("a\"b\\c"), Some("http"))),
            ),
            (
                "an empty quoted value",
                "for=\"\"",
                Some((Some(""), None, None)),
            ),
            (
                "empty pairs",
                ";;for=192.0.2.1;;",
                Some((Some("192.0.2.1"), None, None)),
            ),
            (
                "blanks around pairs",
                "for=192.0.2.1 ; proto=http ",
                Some((Some("192.0.2.1"), None, Some("http"))),
            ),
            (
                "blanks after quotes",
                "for=\"192.0.2.1\" ;proto=http",
                Some((Some("192.0.2.1"), None, Some("http"))),
            ),
            (
                "an address without quotes",
                "for=[2001:db8::1]:80",
                Some((Some("[2001:db8::1]:80"), None, None)),
            ),
            ("nothing", "", Some((None, None, None))),
            ("no equals sign", "for", None),
            ("no name", "=192.0.2.1", None),
            ("a name that is no token", "f(or=192.0.2.1", None),
            ("blank before the equals sign", "for =192.0.2.1", None),
            ("blank after the equals sign", "for= 192.0.2.1", None),
            ("no value", "for=", None),
            ("no value, but a pair after it", "for=;proto=http", None),
            ("an open quote", "for=\"192.0.2.1", None),
            (
                "an open quote, escaped at its end",
                r#"for="192.0.2.1\""#,
                None,
            ),
            ("text after quotes", "for=\"192.0.2.1\"x", None),
            ("quote within a value", "for=192\"0\"", None),
            ("blank within a value", "for=192.0.2.1 x", None),
            ("a parameter twice", "for=192.0.2.1;For=192.0.2.2", None),
            ("a bad pair after a good one", "for=192.0.2.1;proto", None),
        ];
        for (name, text, expected) in table {
            let element = Element::parse(text);
            let parts = element.as_ref().map(|element| {
                (
                    element.node.as_deref(),
                    element.host.as_deref(),
                    element.proto.as_deref(),
                )
            });
            assert_eq!(parts, expected, "{name}");
        }
    }

    #[test]
    fn a_value_without_escapes_is_borrowed() {
        let element = Element::parse("host=\"a.example\";for=_x").unwrap();
        assert!(matches!(element.host, Some(Cow::Borrowed("a.example"))));
        assert!(matches!(element.node, Some(Cow::Borrowed("_x"))));
    }

    #[test]
    fn a_node_is_an_address_or_nothing() {
        let table = [
            ("v4", "192.0.2.1", Some("192.0.2.1")),
            ("v4 and port", "192.0.2.1:80", Some("192.0.2.1")),
            ("v4 and hidden port", "192.0.2.1:_p.1", Some("192.0.2.1")),
            ("v6", "2001:db8::1", Some("2001:db8::1")),
            ("v6 in brackets", "[2001:db8::1]", Some("2001:db8::1")),
            ("v6 and port", "[2001:db8::1]:80", Some("2001:db8::1")),
            (
                "v6 and hidden port",
                "[2001:db8::1]:_p",
                Some("2001:db8::1"),
            ),
            ("mapped", "::ffff:192.0.2.1", Some("192.0.2.1")),
            (
                "mapped, in brackets",
                "[::ffff:192.0.2.1]:80",
                Some("192.0.2.1"),
            ),
            ("unknown", "unknown", None),
            ("hidden", "_hidden", None),
            ("nothing", "", None),
            ("a name", "client.example", None),
            ("a name and port", "client.example:80", None),
            ("v4 in brackets", "[192.0.2.1]", None),
            ("an open bracket", "[2001:db8::1", None),
            ("text after the bracket", "[2001:db8::1]80", None),
            ("a zone", "fe80::1%eth0", None),
            ("no port after the colon", "192.0.2.1:", None),
            ("a long port", "192.0.2.1:123456", None),
            ("a port with a sign", "192.0.2.1:+80", None),
            ("no hidden port after the line", "192.0.2.1:_", None),
            ("octets too large", "192.0.2.256", None),
            ("octets with leading zeros", "192.0.02.1", None),
            ("blanks", " 192.0.2.1", None),
        ];
        for (name, node, expected) in table {
            let expected: Option<IpAddr> = expected.map(|address| address.parse().unwrap());
            assert_eq!(node_address(node), expected, "{name}");
        }
    }
}
