use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use super::{b3, single_line::SingleLine, stale_fields::for_each_stale_field};

/// Reads the context from request headers into a child of `parent`. Missing and invalid headers leave `parent` as it is.
#[must_use]
pub fn extract(
    propagator: &dyn TextMapPropagator,
    parent: &Context,
    headers: &HeaderMap,
) -> Context {
    let extractor = HeaderExtractor::new(headers);
    let _mark = extractor
        .has_single_traceparent()
        .then(|| SingleLine::new(&extractor));
    propagator.extract_with_context(parent, &extractor)
}

/// Writes `cx` into request headers.
///
/// Before that it removes the propagator's fields, which an earlier use of the headers may have left: see
/// [`for_each_stale_field`].
pub fn inject(propagator: &dyn TextMapPropagator, cx: &Context, headers: &mut HeaderMap) {
    for_each_stale_field(propagator, |field| match known(field) {
        Some(name) if is_missing(headers, name) => {}
        Some(name) => drop(headers.remove(name)),
        None => drop(headers.remove(field)),
    });
    propagator.inject_context(cx, &mut HeaderInjector(headers));
}

/// Returns true if the name is missing from a map of few headers, where comparing all names is faster than hashing one.
fn is_missing(headers: &HeaderMap, name: &HeaderName) -> bool {
    const FEW: usize = 8;
    headers.keys_len() <= FEW && headers.keys().all(|key| key != name)
}

/// Request headers as an extractor. It returns all lines of a name in their order.
///
/// A line that is not text is returned as `?`, which no propagation format accepts. It still counts as a line, so two lines of
/// `traceparent` never look like a single line.
///
/// One pass over the headers finds those of this crate's propagators. Only other and repeated headers are looked up in the map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderExtractor<'a> {
    headers: &'a HeaderMap,
    /// The first lines of the headers in [`KNOWN`].
    known: [Option<&'a HeaderValue>; KNOWN.len()],
    /// The headers of [`KNOWN`] that have more lines, each as the bit of its position.
    repeated: u16,
}

impl<'a> HeaderExtractor<'a> {
    #[inline]
    pub(crate) fn new(headers: &'a HeaderMap) -> Self {
        let mut this = Self {
            headers,
            known: [None; KNOWN.len()],
            repeated: 0,
        };
        for (name, value) in headers {
            let Some(at) = position(name.as_str()) else {
                continue;
            };
            match this.known.get_mut(at) {
                Some(first @ None) => *first = Some(value),
                _ => this.repeated |= 1 << at,
            }
        }
        this
    }

    /// Returns true if `traceparent` has only one line, so that `get` returns all of it.
    fn has_single_traceparent(&self) -> bool {
        self.known.first().is_some_and(Option::is_some) && !self.is_repeated(0)
    }

    fn is_repeated(&self, position: usize) -> bool {
        self.repeated >> position & 1 != 0
    }

    /// Returns the first line of a header in [`KNOWN`], or `None` if the header is not in [`KNOWN`].
    fn known(&self, key: &str) -> Option<(usize, Option<&'a HeaderValue>)> {
        let at = position(key)?;
        Some((at, *self.known.get(at)?))
    }
}

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match self.known(key) {
            Some((_, first)) => first,
            None => self.headers.get(key),
        };
        value.map(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.headers.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        match self.known(key) {
            // This allocates one entry. `collect` would allocate four.
            Some((at, first)) if !self.is_repeated(at) => first.map(|line| vec![text(line)]),
            _ => {
                let lines: Vec<_> = self.headers.get_all(key).iter().map(text).collect();
                (!lines.is_empty()).then_some(lines)
            }
        }
    }
}

/// Request headers as an injector. It skips names and values that are not valid in a header.
struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match known(key) {
            Some(name) => Ok(name.clone()),
            None => HeaderName::from_bytes(key.as_bytes()),
        };
        let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) else {
            return;
        };
        // It fails only if the map is full (tens of thousands of entries). The request is then sent without the header.
        let _ = self.0.try_insert(name, value);
    }

    fn reserve(&mut self, additional: usize) {
        let _ = self.0.try_reserve(additional);
    }
}

/// Returns the line's text. UTF-8 is accepted, so that one such member of a list does not hide the others.
fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or(UNREADABLE)
}

/// Returns the name as a constant if a propagator of this crate uses it, so that a look-up need not validate the text.
fn known(key: &str) -> Option<&'static HeaderName> {
    KNOWN.get(position(key)?)
}

/// Returns the position in [`KNOWN`].
#[inline]
fn position(key: &str) -> Option<usize> {
    match key.as_bytes() {
        // Most other names of a request begin with another byte.
        [b't' | b'b' | b'x', ..] => search(key),
        _ => None,
    }
}

fn search(key: &str) -> Option<usize> {
    Some(match key {
        "traceparent" => 0,
        "tracestate" => 1,
        "baggage" => 2,
        b3::SINGLE => 3,
        b3::TRACE_ID => 4,
        b3::SPAN_ID => 5,
        b3::PARENT_SPAN_ID => 6,
        b3::SAMPLED => 7,
        b3::FLAGS => 8,
        _ => return None,
    })
}

const UNREADABLE: &str = "?";
static KNOWN: [HeaderName; 9] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static(b3::SINGLE),
    HeaderName::from_static(b3::TRACE_ID),
    HeaderName::from_static(b3::SPAN_ID),
    HeaderName::from_static(b3::PARENT_SPAN_ID),
    HeaderName::from_static(b3::SAMPLED),
    HeaderName::from_static(b3::FLAGS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extractor_returns_every_line() {
        let mut headers = HeaderMap::new();
        headers.append("Name", HeaderValue::from_static("1"));
        headers.append("name", HeaderValue::from_static("2"));
        headers.append("name", HeaderValue::from_bytes("é".as_bytes()).unwrap());
        headers.append("name", HeaderValue::from_bytes(&[0xff]).unwrap());
        let extractor = HeaderExtractor::new(&headers);
        assert_eq!(extractor.get_all("NAME"), Some(vec!["1", "2", "é", "?"]));
        assert_eq!(extractor.get("name"), Some("1"));
        assert_eq!(extractor.keys(), ["name"]);
        for absent in ["other", "not a name", ""] {
            assert_eq!(
                (extractor.get(absent), extractor.get_all(absent)),
                (None, None),
                "{absent:?}"
            );
        }
    }

    #[test]
    fn the_injector_skips_invalid_names_and_values() {
        let mut headers = HeaderMap::new();
        let mut injector = HeaderInjector(&mut headers);
        injector.reserve(usize::MAX);
        injector.set("traceparent", "a\r\nevil: 1".to_owned());
        injector.set("not a name", "v".to_owned());
        injector.set("", "v".to_owned());
        injector.set("X-Ok", "v".to_owned());
        injector.set("x-ok", "w".to_owned());
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-ok"], "w");
    }

    #[test]
    fn the_injector_survives_a_full_map() {
        let mut headers = HeaderMap::new();
        let mut number = 0_u32;
        while headers
            .try_insert(
                HeaderName::try_from(format!("n{number}")).unwrap(),
                HeaderValue::from_static("v"),
            )
            .is_ok()
        {
            number += 1;
        }
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        HeaderInjector(&mut headers).set("traceparent", value.to_owned());
        assert!(!headers.contains_key("traceparent"));
    }
}
