//! The formats in which context travels.

/// A format, as the services of a chain are told to speak it.
#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) title: &'static str,
    /// The value of `OTEL_PROPAGATORS`, the same in every language.
    pub(crate) propagators: &'static str,
    /// The header that this format alone sends.
    mark: &'static str,
}

pub(crate) const W3C: Format = Format {
    title: "W3C",
    propagators: "tracecontext,baggage",
    mark: "traceparent",
};

pub(crate) const B3: Format = Format {
    title: "B3 single",
    propagators: "b3,baggage",
    mark: "b3",
};

pub(crate) const B3_MULTI: Format = Format {
    title: "B3 multi",
    propagators: "b3multi,baggage",
    mark: "x-b3-traceid",
};

pub(crate) const FORMATS: [Format; 3] = [W3C, B3, B3_MULTI];

/// Which formats the headers of a request speak.
pub(crate) fn spoken(headers: &[String]) -> Vec<&'static str> {
    let formats = FORMATS.into_iter();
    formats
        .filter(|format| headers.iter().any(|header| header == format.mark))
        .map(|format| format.title)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_headers() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["traceparent", "tracestate", "baggage"], &["W3C"]),
            (&["b3", "baggage"], &["B3 single"]),
            (
                &["x-b3-spanid", "x-b3-sampled", "x-b3-traceid"],
                &["B3 multi"],
            ),
            (&["b3", "traceparent"], &["W3C", "B3 single"]),
            (&["baggage"], &[]),
        ];
        for (headers, expected) in cases {
            let headers: Vec<_> = headers.iter().map(ToString::to_string).collect();
            assert_eq!(spoken(&headers), expected, "{headers:?}");
        }
    }
}
