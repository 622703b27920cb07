//! Removes secrets and repeated keys from the attributes of spans before they are exported.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otel_core::redact::{FieldKind, Secrets};

use crate::last_values::keep_last_values;
use crate::limits::attributes_mut;

/// An exporter that redacts attributes with secret names and keeps only the last value of each attribute.
///
/// Redaction is needed because `#[instrument]` makes an attribute of each argument of a function. It runs on the exporting thread, so no
/// request waits for it. The secret names are those of log fields.
pub(crate) struct RedactingExporter<E> {
    exporter: E,
    secrets: Secrets,
    /// The kinds of names that were seen before. Finding a name here is faster than classifying it.
    known: Mutex<HashMap<Key, FieldKind>>,
}

/// The most names that are kept, because an application may make names without end.
const MOST_KNOWN: usize = 1024;

impl<E> RedactingExporter<E> {
    pub(crate) fn new(exporter: E, secrets: Secrets) -> Self {
        Self {
            exporter,
            secrets,
            known: Mutex::default(),
        }
    }

    fn clean(&self, batch: &mut [SpanData]) {
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for span in batch {
            keep_last_values(span);
            for attribute in attributes_mut(span) {
                let kind = self.kind(known, &attribute.key);
                self.secrets.redact_value(kind, &mut attribute.value);
            }
        }
    }

    fn kind(&self, known: &mut HashMap<Key, FieldKind>, key: &Key) -> FieldKind {
        if let Some(kind) = known.get(key) {
            return *kind;
        }
        let kind = self.secrets.field_kind(key.as_str());
        if known.len() < MOST_KNOWN {
            known.insert(key.clone(), kind);
        }
        kind
    }
}

impl<E: SpanExporter> SpanExporter for RedactingExporter<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        self.clean(&mut batch);
        self.exporter.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E> fmt::Debug for RedactingExporter<E> {
    // The inner exporter is not shown, because its headers may contain a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactingExporter")
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use otel_core::redact::REDACTED;

    use super::*;
    use crate::test_environment;

    #[test]
    fn secrets_are_found_after_the_limit_of_known_names() {
        let exporter = InMemorySpanExporter::default();
        let redacting = RedactingExporter::new(exporter.clone(), Secrets::default());
        let mut known = HashMap::new();
        for number in 0..2 * MOST_KNOWN {
            let kind = redacting.kind(&mut known, &format!("n{number}").into());
            assert_eq!(kind, FieldKind::Shown);
        }
        assert_eq!(known.len(), MOST_KNOWN);
        assert_eq!(
            redacting.kind(&mut known, &"token".into()),
            FieldKind::Secret
        );

        let provider = test_environment::with_only(&[], || {
            SdkTracerProvider::builder()
                .with_simple_exporter(redacting)
                .build()
        });
        let mut span = provider.tracer("test").start("work");
        span.set_attribute(KeyValue::new("user.pin", 1234));
        span.end();
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans[0].attributes, [KeyValue::new("user.pin", REDACTED)]);
    }
}
