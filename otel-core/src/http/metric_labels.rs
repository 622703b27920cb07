//! Attributes that the application adds to the metrics of one request.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{Key, KeyValue, Value};

/// Collects attributes for the metrics of one request. Clones share the list.
///
/// An instrumentation puts one into the request's extensions where it is told to; the application adds to it. Values
/// must be few: each combination is a time series of its own.
#[derive(Debug, Clone, Default)]
pub struct MetricLabels(Arc<Mutex<Vec<KeyValue>>>);

impl MetricLabels {
    /// Adds an attribute. A later one with the same key takes its place.
    pub fn add(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let label = KeyValue::new(key, value);
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        labels.retain(|before| before.key != label.key);
        labels.push(label);
    }

    /// What has been added so far. For instrumentations that measure one request several times, as when it is resent.
    #[must_use]
    pub fn list(&self) -> Vec<KeyValue> {
        let labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        labels.clone()
    }

    /// Takes what has been added. For instrumentations.
    #[must_use]
    pub fn take(&self) -> Vec<KeyValue> {
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *labels)
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
        let expected = [
            KeyValue::new("plan", "free"),
            KeyValue::new("tenant", "red"),
        ];
        assert_eq!(labels.list(), expected);
        assert_eq!(labels.take(), expected);
        assert!(labels.take().is_empty());
    }
}
