//! Attributes that the application adds to the metrics of one request.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{Key, KeyValue, Value};

/// Collects attributes for the metrics of one request. Clones share the list.
///
/// An instrumentation puts one into the request's extensions where it is told to; the application adds to it. Values
/// must be few: each combination is a time series of its own.
#[derive(Debug, Clone, Default)]
pub struct MetricLabels {
    list: Arc<Mutex<Vec<KeyValue>>>,
    is_of_server: bool,
}

impl MetricLabels {
    /// Makes a list for the metrics of an incoming request. For instrumentations.
    #[must_use]
    pub fn of_server() -> Self {
        Self {
            is_of_server: true,
            ..Self::default()
        }
    }

    /// Whether it was made [`of_server`](Self::of_server): a proxy that sends the request on hands it to its client, which has
    /// no use for it. For instrumentations.
    #[must_use]
    pub fn is_of_server(&self) -> bool {
        self.is_of_server
    }

    /// Adds an attribute. A later one with the same key takes its place.
    pub fn add(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let label = KeyValue::new(key, value);
        let mut labels = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        labels.retain(|before| before.key != label.key);
        labels.push(label);
    }

    /// Adds what has been added so far to the attributes of a metric. For instrumentations.
    ///
    /// A label that has the name of an attribute that is there is left out: it would make a second value of it.
    pub fn add_to(&self, attributes: &mut Vec<KeyValue>) {
        let labels = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        for label in labels.iter() {
            let is_new = |attribute: &KeyValue| attribute.key != label.key;
            if attributes.iter().all(is_new) {
                attributes.push(label.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_list_and_the_last_value_of_a_key_counts() {
        let labels = MetricLabels::default();
        let clone = labels.clone();
        clone.add("tenant", "blue");
        clone.add("plan", "free");
        clone.add("tenant", "red");
        clone.add("http.route", "/mine");
        let mut attributes = vec![KeyValue::new("http.route", "/theirs")];
        labels.add_to(&mut attributes);
        assert_eq!(
            attributes,
            [
                KeyValue::new("http.route", "/theirs"),
                KeyValue::new("plan", "free"),
                KeyValue::new("tenant", "red"),
            ]
        );
    }
}
