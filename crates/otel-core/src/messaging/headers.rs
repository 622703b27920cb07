use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::propagation::each_stale_field;

/// Reads what the propagator knows from message headers into a child of `parent`.
///
/// Headers are pairs of text and text or bytes: `&HashMap<String, String>`, `&[(String, Vec<u8>)]`, an iterator. Keys are
/// compared without regard to case. Keys that are equal count as several lines of one header, so two `traceparent` are no parent;
/// and so do values that are no text, which no format accepts.
#[must_use]
pub fn extract<I>(propagator: &dyn TextMapPropagator, parent: &Context, headers: I) -> Context
where
    I: IntoIterator<Item: HeaderPair>,
{
    propagator.extract_with_context(parent, &Pairs::of(headers))
}

/// Writes `cx` into message headers, with keys in lower case, after removing what an earlier use of the message may have
/// left in the propagator's fields.
pub fn inject<H>(propagator: &dyn TextMapPropagator, cx: &Context, headers: &mut H)
where
    H: HeadersMut + ?Sized,
{
    let mut stale = Vec::new();
    each_stale_field(propagator, |field| stale.push(field.to_owned()));
    headers.remove_all(&stale);
    propagator.inject_context(cx, &mut Writer(headers));
}

/// The key and value of a message header, as text and text or bytes. It is sealed.
///
/// It is there for each pair `(K, V)` and each reference to one, where `K: AsRef<str>` and `V: AsRef<[u8]>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no pair of a message header's key and value",
    note = "map the headers to pairs of text and bytes: `headers.iter().map(|h| (h.key, h.value))`"
)]
pub trait HeaderPair: sealed::HeaderPair {}

/// Message headers that can be written. It is sealed.
///
/// It is there for `HashMap<K, V>`, `BTreeMap<K, V>` and `Vec<(K, V)>`, where `K` and `V` are made from `String`: text, and
/// for the values also bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no map of message headers that can be written",
    note = "write `MessageSpan::headers` into it, whose pairs fit any `Extend` and any loop"
)]
pub trait HeadersMut: sealed::HeadersMut {}

impl<P: sealed::HeaderPair> HeaderPair for P {}
impl<H: sealed::HeadersMut + ?Sized> HeadersMut for H {}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "no one else can implement what has no name"
    )]
    pub trait HeaderPair {
        fn key(&self) -> &str;
        fn value(&self) -> &[u8];
    }

    #[expect(
        unnameable_types,
        reason = "no one else can implement what has no name"
    )]
    pub trait HeadersMut {
        fn remove_all(&mut self, fields: &[String]);
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
    fn remove_all(&mut self, fields: &[String]) {
        self.retain(|(key, _)| !is_one_of(fields, key.as_ref()));
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
    fn remove_all(&mut self, fields: &[String]) {
        self.retain(|key, _| !is_one_of(fields, key.as_ref()));
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
    fn remove_all(&mut self, fields: &[String]) {
        self.retain(|key, _| !is_one_of(fields, key.as_ref()));
    }

    fn set(&mut self, key: String, value: String) {
        self.insert(key.into(), value.into());
    }
}

fn is_one_of(fields: &[String], key: &str) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case(key))
}

/// Message headers as an extractor.
pub(super) struct Pairs<P>(Vec<P>);

impl<P: HeaderPair> Pairs<P> {
    pub(super) fn of(headers: impl IntoIterator<Item = P>) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl<P: HeaderPair> Extractor for Pairs<P> {
    fn get(&self, key: &str) -> Option<&str> {
        let of_key = |pair: &&P| pair.key().eq_ignore_ascii_case(key);
        self.0.iter().find(of_key).map(|pair| text(pair.value()))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|pair| pair.key()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let of_key = |pair: &&P| pair.key().eq_ignore_ascii_case(key);
        let lines = self.0.iter().filter(of_key);
        let lines: Vec<&str> = lines.map(|pair| text(pair.value())).collect();
        (!lines.is_empty()).then_some(lines)
    }
}

/// Hands out `?` for what is no text: it is still a line, so two lines of `traceparent` never look like one.
fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or("?")
}

struct Writer<'a, H: ?Sized>(&'a mut H);

impl<H: HeadersMut + ?Sized> Injector for Writer<'_, H> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key.to_ascii_lowercase(), value);
    }
}
