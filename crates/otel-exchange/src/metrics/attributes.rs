//! Attributes that the application adds to the metrics of one request.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{Key, KeyValue, Value};

/// Additional attributes for the metrics of one request. Clones share the list.
///
/// On a server the adapter puts the list into the request's extensions if the option `metric_attributes` is set. On a client
/// the application puts it there. Use few values: each combination is a time series of its own.
#[derive(Debug, Clone, Default)]
pub struct MetricAttributes {
    list: Arc<Mutex<Vec<KeyValue>>>,
    belongs_to_server: bool,
}

impl MetricAttributes {
    /// Makes the list of an incoming request.
    pub(crate) fn for_server() -> Self {
        Self {
            belongs_to_server: true,
            ..Self::default()
        }
    }

    /// Returns `true` for the list of an incoming request. A proxy's client must ignore such a list.
    pub(crate) fn belongs_to_server(&self) -> bool {
        self.belongs_to_server
    }

    /// Adds an attribute. If the key was added before, its value is replaced.
    pub fn add(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|before| before.key != attribute.key);
        list.push(attribute);
    }

    /// Appends the list to the attributes of a metric. Keys that are already there are left out.
    pub(crate) fn append_to(&self, attributes: &mut Vec<KeyValue>) {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        for attribute in list.iter() {
            if attributes.iter().all(|it| it.key != attribute.key) {
                attributes.push(attribute.clone());
            }
        }
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
        clone.add("http.route", "/mine");
        let mut attributes = vec![KeyValue::new("http.route", "/theirs")];
        list.append_to(&mut attributes);
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
