//! Removes attributes that were set again.

use std::collections::{HashMap, HashSet};

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::trace::SpanData;

/// Up to this number, attributes are compared in pairs, which is faster than hashing and allocates nothing.
const FEW: usize = 32;

/// Keeps the last value of each attribute, at the position of the first.
///
/// The SDK appends an attribute that is set again, although the specification says that the new value replaces the earlier one. The
/// attributes of events and links are lists that may contain a key twice too.
pub(crate) fn keep_last_values(span: &mut SpanData) {
    keep_last(&mut span.attributes);
    for event in &mut span.events.events {
        keep_last(&mut event.attributes);
    }
    for link in &mut span.links.links {
        keep_last(&mut link.attributes);
    }
}

fn keep_last(attributes: &mut Vec<KeyValue>) {
    if !has_duplicate(attributes) {
        return;
    }
    let mut positions: HashMap<Key, usize> = HashMap::with_capacity(attributes.len());
    let mut kept: Vec<KeyValue> = Vec::with_capacity(attributes.len());
    for attribute in attributes.drain(..) {
        let position = *positions.entry(attribute.key.clone()).or_insert(kept.len());
        match kept.get_mut(position) {
            Some(earlier) => earlier.value = attribute.value,
            None => kept.push(attribute),
        }
    }
    *attributes = kept;
}

fn has_duplicate(attributes: &[KeyValue]) -> bool {
    if attributes.len() > FEW {
        let mut seen = HashSet::with_capacity(attributes.len());
        return !attributes.iter().all(|it| seen.insert(it.key.as_str()));
    }
    let mut rest = attributes;
    while let [first, after @ ..] = rest {
        let key = first.key.as_str();
        if after.iter().any(|it| it.key.as_str() == key) {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(keys: &[(&'static str, i64)]) -> Vec<(String, String)> {
        let pair = |(key, value): &(&'static str, i64)| KeyValue::new(*key, *value);
        let mut attributes: Vec<_> = keys.iter().map(pair).collect();
        keep_last(&mut attributes);
        let text = |it: &KeyValue| (it.key.to_string(), it.value.to_string());
        attributes.iter().map(text).collect()
    }

    #[test]
    fn the_last_value_of_a_key_replaces_the_first() {
        let pairs = |text: &str| -> Vec<_> {
            let pairs = text.split_terminator(' ');
            let pair = |it: &str| it.split_once('=').map(|(k, v)| (k.into(), v.into()));
            pairs.filter_map(pair).collect()
        };
        assert_eq!(kept(&[]), []);
        assert_eq!(kept(&[("a", 1)]), pairs("a=1"));
        assert_eq!(kept(&[("a", 1), ("b", 2)]), pairs("a=1 b=2"));
        assert_eq!(kept(&[("a", 1), ("a", 2)]), pairs("a=2"));
        let three = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 6)];
        assert_eq!(kept(&three), pairs("a=6 b=5 c=4"));
    }

    #[test]
    fn attributes_without_duplicates_are_not_moved() {
        for number in [1, 20, FEW, FEW + 1, 500] {
            let all = || (0..number).map(|it| KeyValue::new(format!("key {it}"), 1));
            let mut attributes: Vec<_> = all().collect();
            let address = attributes.as_ptr();
            keep_last(&mut attributes);
            assert!(attributes.iter().cloned().eq(all()));
            assert_eq!(attributes.as_ptr(), address);
            attributes.push(KeyValue::new("key 0", 2));
            keep_last(&mut attributes);
            assert_eq!(attributes.len(), number);
            assert_eq!(attributes.first(), Some(&KeyValue::new("key 0", 2)));
        }
    }
}
