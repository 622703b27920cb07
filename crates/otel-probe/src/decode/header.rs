//! Propagation headers in text that people paste.

/// A propagation header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The name in lower case.
    pub(super) name: &'static str,
    /// The value without surrounding whitespace.
    pub(super) value: String,
}

/// Finds the propagation headers in lines of text and skips all other lines.
///
/// A line is either `name: value` as curl prints it, or only a value whose shape shows that it is a `traceparent` or `b3`.
pub(super) fn find_all(text: &str) -> Vec<Header> {
    text.lines().filter_map(from_line).collect()
}

fn from_line(line: &str) -> Option<Header> {
    // curl -v marks lines that it sent or received.
    let line = line.trim_start_matches(['<', '>', ' ', '\t']);
    let named = line.split_once(':').and_then(|(name, value)| {
        let name = name.trim().trim_matches('"');
        Some((known_name(name)?, value))
    });
    let (name, value) = match named {
        Some(named) => named,
        None => (name_from_shape(line.trim())?, line),
    };
    Some(Header {
        name,
        value: value.trim_matches([' ', '\t', '\r']).to_owned(),
    })
}

fn known_name(name: &str) -> Option<&'static str> {
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// Tells `traceparent` and `b3` apart by their dashes, which works even if a digit is wrong.
fn name_from_shape(value: &str) -> Option<&'static str> {
    if value.contains(|char: char| !char.is_ascii_alphanumeric() && char != '-') {
        return None;
    }
    let parts: Vec<_> = value.split('-').map(str::len).collect();
    match parts[..] {
        [0..=4, second, ..] if second >= 20 => Some("traceparent"),
        [first, second, ..] if first >= 12 && second >= 8 => Some("b3"),
        _ => None,
    }
}

const KNOWN: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_pasted_lines() {
        let cases = [
            ("traceparent: 00-1", Some(("traceparent", "00-1"))),
            ("TraceParent:00-1\r", Some(("traceparent", "00-1"))),
            ("> X-B3-Sampled: 1", Some(("x-b3-sampled", "1"))),
            ("< baggage: a=b:c", Some(("baggage", "a=b:c"))),
            ("tracestate:", Some(("tracestate", ""))),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                Some((
                    "traceparent",
                    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                )),
            ),
            (
                "80f198ee56343ba8-e457b5a2e4d86bd1-1",
                Some(("b3", "80f198ee56343ba8-e457b5a2e4d86bd1-1")),
            ),
            ("> GET / HTTP/1.1", None),
            ("* Connected to localhost", None),
            ("Accept: */*", None),
            ("Date: Wed, 25 Nov 2026 03:00:00 GMT", None),
            ("", None),
        ];
        for (line, expected) in cases {
            let found = from_line(line);
            let found = found.as_ref().map(|it| (it.name, it.value.as_str()));
            assert_eq!(found, expected, "{line}");
        }
    }
}
