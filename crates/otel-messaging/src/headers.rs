use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use otel_core::propagation::for_each_stale_field;

/// Reads the context from message headers into a child of `parent`.
///
/// Headers are pairs of text and text, or of text and bytes: `&HashMap<String, String>`, `&[(String, Vec<u8>)]` or an iterator.
/// Keys are compared without regard to case. Equal keys count as several lines of one header, so two `traceparent` headers are
/// invalid. A value that is not UTF-8 counts as a line that no format accepts.
#[must_use]
pub fn extract<I>(propagator: &dyn TextMapPropagator, parent: &Context, headers: I) -> Context
where
    I: IntoIterator<Item: HeaderPair>,
{
    propagator.extract_with_context(parent, &Pairs::new(headers))
}

/// Writes `cx` into message headers, with keys in lower case.
///
/// Before that it removes the propagator's fields, which an earlier use of the message may have left.
pub fn inject<H>(propagator: &dyn TextMapPropagator, cx: &Context, headers: &mut H)
where
    H: HeadersMut + ?Sized,
{
    for_each_stale_field(propagator, |field| headers.remove_all(field));
    propagator.inject_context(cx, &mut Writer(headers));
}

/// The key and value of a message header. This trait is sealed.
///
/// It is implemented for `(K, V)` and `&(K, V)`, where `K: AsRef<str>` and `V: AsRef<[u8]>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pair of a message header's key and value",
    note = "map the headers to pairs of text and bytes: `headers.iter().map(|h| (h.key, h.value))`"
)]
pub trait HeaderPair: sealed::HeaderPair {}

/// Message headers that can be written. This trait is sealed.
///
/// It is implemented for `HashMap<K, V>`, `BTreeMap<K, V>` and `Vec<(K, V)>`, where `K` and `V` implement `From<String>`: text,
/// or bytes for the values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a map of message headers that can be written",
    note = "add the pairs of `MessageSpan::headers` to it with `extend` or in a loop"
)]
pub trait HeadersMut: sealed::HeadersMut {}

impl<P: sealed::HeaderPair> HeaderPair for P {}
impl<H: sealed::HeadersMut + ?Sized> HeadersMut for H {}

mod sealed {
    #[expect(unnameable_types, reason = "seals the public trait")]
    pub trait HeaderPair {
        fn key(&self) -> &str;
        fn value(&self) -> &[u8];
    }

    #[expect(unnameable_types, reason = "seals the public trait")]
    pub trait HeadersMut {
        /// Removes all headers with this key, in any case.
        fn remove_all(&mut self, key: &str);
        fn set(&mut self, key: String, value: String);
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> sealed::HeaderPair for (K, V) {
    fn key(&self) -> &str {
        self.0.as_ref()
    }

    fn value(&self) -> &[u8] {
        self.1.as_ref()
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> sealed::HeaderPair for &(K, V) {
    fn key(&self) -> &str {
        self.0.as_ref()
    }

    fn value(&self) -> &[u8] {
        self.1.as_ref()
    }
}

impl<K, V> sealed::HeadersMut for Vec<(K, V)>
where
    K: AsRef<str> + From<String>,
    V: From<String>,
{
    fn remove_all(&mut self, key: &str) {
        self.retain(|(k, _)| !k.as_ref().eq_ignore_ascii_case(key));
    }

    fn set(&mut self, key: String, value: String) {
        self.push((key.into(), value.into()));
    }
}

impl<K, V, S> sealed::HeadersMut for HashMap<K, V, S>
where
    K: AsRef<str> + From<String> + Eq + Hash,
    V: From<String>,
    S: BuildHasher,
{
    fn remove_all(&mut self, key: &str) {
        self.retain(|k, _| !k.as_ref().eq_ignore_ascii_case(key));
    }

    fn set(&mut self, key: String, value: String) {
        self.insert(key.into(), value.into());
    }
}

impl<K, V> sealed::HeadersMut for BTreeMap<K, V>
where
    K: AsRef<str> + From<String> + Ord,
    V: From<String>,
{
    fn remove_all(&mut self, key: &str) {
        self.retain(|k, _| !k.as_ref().eq_ignore_ascii_case(key));
    }

    fn set(&mut self, key: String, value: String) {
        self.insert(key.into(), value.into());
    }
}

/// Message headers as an extractor.
pub(crate) struct Pairs<P>(Vec<P>);

impl<P: HeaderPair> Pairs<P> {
    pub(crate) fn new(headers: impl IntoIterator<Item = P>) -> Self {
        Self(headers.into_iter().collect())
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |pair| pair.key().eq_ignore_ascii_case(key))
            // `?` is not valid in any format, but it counts as a line: two lines of `traceparent` never look like a single one.
            .map(|pair| std::str::from_utf8(pair.value()).unwrap_or("?"))
    }
}

impl<P: HeaderPair> Extractor for Pairs<P> {
    fn get(&self, key: &str) -> Option<&str> {
        self.values(key).next()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|pair| pair.key()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines: Vec<&str> = self.values(key).collect();
        (!lines.is_empty()).then_some(lines)
    }
}

struct Writer<'a, H: ?Sized>(&'a mut H);

impl<H: HeadersMut + ?Sized> Injector for Writer<'_, H> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key.to_ascii_lowercase(), value);
    }
}
