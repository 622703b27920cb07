use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use super::b3;
use super::stale_fields::for_each_stale_field;

/// Reads what the propagator knows from request headers into a child of `parent`.
#[must_use]
pub fn extract(
    propagator: &dyn TextMapPropagator,
    parent: &Context,
    headers: &HeaderMap,
) -> Context {
    propagator.extract_with_context(parent, &HeaderExtractor(headers))
}

/// Writes `cx` into request headers, after removing what an earlier request may have left in the propagator's fields.
///
/// Of B3's fields all are removed if one is the propagator's: a leftover `b3` header would win over the `X-B3-*` ones.
pub fn inject(propagator: &dyn TextMapPropagator, cx: &Context, headers: &mut HeaderMap) {
    for_each_stale_field(propagator, |field| match known(field) {
        Some(name) if is_missing(headers, name) => {}
        Some(name) => drop(headers.remove(name)),
        None => drop(headers.remove(field)),
    });
    propagator.inject_context(cx, &mut HeaderInjector(headers));
}

/// Among the few headers of most requests a name is sooner compared with all than hashed. Of many it is not known.
fn is_missing(headers: &HeaderMap, name: &HeaderName) -> bool {
    const FEW: usize = 8;
    headers.keys_len() <= FEW && headers.keys().all(|key| key != name)
}

/// Lets a propagator read request headers, all lines of a name in their order.
///
/// A line that is no text is handed out as `?`, which no propagation format accepts: it still counts as a line, so
/// two lines of `traceparent` never look like one.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a plain wrapper, constructed like opentelemetry-http's"
)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl<'a> HeaderExtractor<'a> {
    /// Creates an extractor over these headers.
    #[must_use]
    pub const fn new(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }
}

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
        // The usual single line takes one small allocation instead of `collect`'s four entries.
        let first = text(lines.next()?);
        let mut all = vec![first];
        if let Some(second) = lines.next() {
            all.push(text(second));
            all.extend(lines.map(text));
        }
        Some(all)
    }
}

/// Lets a propagator write request headers; what is not a legal name or value is left out.
#[derive(Debug)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a plain wrapper, constructed like opentelemetry-http's"
)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl<'a> HeaderInjector<'a> {
    /// Creates an injector over these headers.
    #[must_use]
    pub const fn new(headers: &'a mut HeaderMap) -> Self {
        Self(headers)
    }
}

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match known(key) {
            Some(name) => Ok(name.clone()),
            None => HeaderName::from_bytes(key.as_bytes()),
        };
        let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) else {
            return;
        };
        // Fails only for a map with its tens of thousands of entries full, and then the request matters more.
        let _ = self.0.try_insert(name, value);
    }

    fn reserve(&mut self, additional: usize) {
        let _ = self.0.try_reserve(additional);
    }
}

/// Returns the line's text; members of a list that are ASCII stay readable beside one that is not.
fn text(value: &HeaderValue) -> &str {
    value
        .to_str()
        .ok()
        .or_else(|| std::str::from_utf8(value.as_bytes()).ok())
        .unwrap_or(UNREADABLE)
}

/// Finds the name among those that propagators use; with it a look-up need not check and hash the text first.
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
