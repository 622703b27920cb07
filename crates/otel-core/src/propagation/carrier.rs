use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use super::{b3, found::FoundHeaders, stale_fields::for_each_stale_field};

/// Reads the context from request headers into a child of `parent`. Missing and invalid headers leave `parent` as it is.
#[must_use]
pub fn extract(
    propagator: &dyn TextMapPropagator,
    parent: &Context,
    headers: &HeaderMap,
) -> Context {
    let extractor = HeaderExtractor(headers);
    if propagator.fields().next().is_none() {
        // The API's default propagator reads nothing, so the pass would be wasted.
        return propagator.extract_with_context(parent, &extractor);
    }
    let _guard = FoundHeaders::new(headers).keep_for(&extractor);
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
#[derive(Clone, Copy, Debug)]
struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match known(key) {
            Some(name) => self.0.get(name),
            None => self.0.get(key),
        };
        value.map(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values = match known(key) {
            Some(name) if is_missing(self.0, name) => return None,
            Some(name) => self.0.get_all(name),
            None => self.0.get_all(key),
        };
        let mut lines = values.iter();
        // For the usual single line this allocates one entry. `collect` would allocate four.
        let first = text(lines.next()?);
        let mut all = vec![first];
        if let Some(second) = lines.next() {
            all.push(text(second));
            all.extend(lines.map(text));
        }
        Some(all)
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
    Some(match key {
        "traceparent" => &TRACEPARENT,
        "tracestate" => &TRACESTATE,
        "baggage" => &BAGGAGE,
        b3::SINGLE => &B3_SINGLE,
        b3::TRACE_ID => &B3_TRACE_ID,
        b3::SPAN_ID => &B3_SPAN_ID,
        b3::PARENT_SPAN_ID => &B3_PARENT_SPAN_ID,
        b3::SAMPLED => &B3_SAMPLED,
        b3::FLAGS => &B3_FLAGS,
        _ => return None,
    })
}

const UNREADABLE: &str = "?";
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");
static B3_SINGLE: HeaderName = HeaderName::from_static(b3::SINGLE);
static B3_TRACE_ID: HeaderName = HeaderName::from_static(b3::TRACE_ID);
static B3_SPAN_ID: HeaderName = HeaderName::from_static(b3::SPAN_ID);
static B3_PARENT_SPAN_ID: HeaderName = HeaderName::from_static(b3::PARENT_SPAN_ID);
static B3_SAMPLED: HeaderName = HeaderName::from_static(b3::SAMPLED);
static B3_FLAGS: HeaderName = HeaderName::from_static(b3::FLAGS);

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
        let extractor = HeaderExtractor(&headers);
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
