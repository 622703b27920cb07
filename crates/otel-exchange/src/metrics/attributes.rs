//! Attributes that the application adds to the metrics of one request.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{Key, KeyValue, Value};

/// Additional attributes for the metrics of one outgoing request. Clones share the list.
///
/// The application puts the list into the extensions of a request that it sends. On a server, use
/// [`CurrentRequest::add_metric_attribute`](otel_core::CurrentRequest::add_metric_attribute). Use few values: each combination is a
/// time series of its own.
#[derive(Debug, Clone, Default)]
pub struct MetricAttributes(Arc<Mutex<Vec<KeyValue>>>);

impl MetricAttributes {
    /// Adds an attribute. If the key was added before, its value is replaced.
    pub fn add(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|before| before.key != attribute.key);
        list.push(attribute);
    }

    /// Returns the list.
    pub(crate) fn list(&self) -> Vec<KeyValue> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_list_and_the_last_value_of_a_key_counts() {
        let list = MetricAttributes::default();
        let clone = list.clone();
        clone.add("tenant", "blue");
        clone.add("plan", "free");
        clone.add("tenant", "red");
        assert_eq!(
            list.list(),
            [
                KeyValue::new("plan", "free"),
                KeyValue::new("tenant", "red"),
            ]
        );
    }
}
