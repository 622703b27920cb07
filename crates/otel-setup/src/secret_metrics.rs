//! The global meter provider: it hides secrets in the attributes of measurements.
//!
//! An exporter cannot change what the SDK has aggregated, so secrets are hidden before a measurement reaches the SDK. Measurements
//! that differ only in secrets then have the same attributes, and the SDK aggregates them as one time series.

use std::borrow::Cow;
use std::mem;
use std::sync::{Arc, OnceLock};

use opentelemetry::metrics::{
    AsyncInstrument, AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder,
    InstrumentBuilder, InstrumentProvider, Meter, MeterProvider, ObservableCounter,
    ObservableGauge, ObservableUpDownCounter, SyncInstrument, UpDownCounter,
};
#[cfg(feature = "bound-instruments")]
use opentelemetry::metrics::{
    BoundCounter, BoundGauge, BoundHistogram, BoundSyncInstrument, BoundUpDownCounter,
};
use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use otel_core::redact::{FieldKind, Secrets};

/// The scopes of our instruments. They hide secrets themselves, with the list of their layer or client.
const OURS: [&str; 2] = ["otel_reqwest", "otel_tower"];

/// The number of keys that an instrument remembers. The kind of any other key is decided for each measurement.
const MOST_KNOWN: usize = 16;

/// Makes instruments that hide secrets in the attributes of their measurements.
#[derive(Debug)]
pub(crate) struct RedactingMeterProvider {
    provider: SdkMeterProvider,
    secrets: Secrets,
}

impl RedactingMeterProvider {
    pub(crate) fn new(provider: SdkMeterProvider, secrets: Secrets) -> Self {
        Self { provider, secrets }
    }

    fn redact_scope(&self, scope: InstrumentationScope) -> InstrumentationScope {
        let mut attributes: Vec<_> = scope.attributes().cloned().collect();
        if attributes.is_empty() {
            return scope;
        }
        attributes.iter_mut().for_each(|it| self.secrets.redact(it));
        let mut safe =
            InstrumentationScope::builder(scope.name().to_owned()).with_attributes(attributes);
        if let Some(version) = scope.version() {
            safe = safe.with_version(version.to_owned());
        }
        if let Some(url) = scope.schema_url() {
            safe = safe.with_schema_url(url.to_owned());
        }
        safe.build()
    }
}

impl MeterProvider for RedactingMeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        if OURS.contains(&scope.name()) {
            return self.provider.meter_with_scope(scope);
        }
        Meter::new(Arc::new(RedactingInstruments {
            meter: self.provider.meter_with_scope(self.redact_scope(scope)),
            secrets: self.secrets.clone(),
        }))
    }
}

/// The instruments of one meter.
struct RedactingInstruments {
    meter: Meter,
    secrets: Secrets,
}

impl RedactingInstruments {
    /// Returns the provider that the SDK's meter passes to its builders.
    fn inner(&self) -> &dyn InstrumentProvider {
        self.meter.u64_counter("").instrument_provider
    }

    fn redact_observations<T: 'static>(&self, callback: Callback<T>) -> Callback<T> {
        let attributes = RedactedAttributes::new(&self.secrets);
        Box::new(move |observer: &dyn AsyncInstrument<T>| {
            callback(&RedactingObserver {
                observer,
                attributes: &attributes,
            });
        })
    }
}

/// Passes on the builder with all its fields, and wraps the instrument.
macro_rules! synchronous {
    ($($method:ident($builder:ident) -> $instrument:ident<$number:ty>;)*) => {$(
        fn $method(&self, builder: $builder<'_, $instrument<$number>>) -> $instrument<$number> {
            let mut builder: $builder<'_, _> = builder;
            builder.instrument_provider = self.inner();
            $instrument::new(Arc::new(RedactingInstrument {
                instrument: builder.build(),
                attributes: RedactedAttributes::new(&self.secrets),
            }))
        }
    )*};
}

/// Passes on the builder with all its fields, and wraps the callbacks.
macro_rules! observable {
    ($($method:ident -> $instrument:ident<$number:ty>;)*) => {$(
        fn $method(
            &self,
            builder: AsyncInstrumentBuilder<'_, $instrument<$number>, $number>,
        ) -> $instrument<$number> {
            let mut builder: AsyncInstrumentBuilder<'_, _, _> = builder;
            builder.instrument_provider = self.inner();
            let callbacks = mem::take(&mut builder.callbacks).into_iter();
            builder.callbacks = callbacks.map(|it| self.redact_observations(it)).collect();
            builder.build()
        }
    )*};
}

impl InstrumentProvider for RedactingInstruments {
    synchronous! {
        u64_counter(InstrumentBuilder) -> Counter<u64>;
        f64_counter(InstrumentBuilder) -> Counter<f64>;
        i64_up_down_counter(InstrumentBuilder) -> UpDownCounter<i64>;
        f64_up_down_counter(InstrumentBuilder) -> UpDownCounter<f64>;
        u64_gauge(InstrumentBuilder) -> Gauge<u64>;
        i64_gauge(InstrumentBuilder) -> Gauge<i64>;
        f64_gauge(InstrumentBuilder) -> Gauge<f64>;
        u64_histogram(HistogramBuilder) -> Histogram<u64>;
        f64_histogram(HistogramBuilder) -> Histogram<f64>;
    }

    observable! {
        u64_observable_counter -> ObservableCounter<u64>;
        f64_observable_counter -> ObservableCounter<f64>;
        i64_observable_up_down_counter -> ObservableUpDownCounter<i64>;
        f64_observable_up_down_counter -> ObservableUpDownCounter<f64>;
        u64_observable_gauge -> ObservableGauge<u64>;
        i64_observable_gauge -> ObservableGauge<i64>;
        f64_observable_gauge -> ObservableGauge<f64>;
    }
}

/// An instrument of the SDK that gets attributes without secrets.
struct RedactingInstrument<I> {
    instrument: I,
    attributes: RedactedAttributes,
}

#[cfg(feature = "bound-instruments")]
struct BoundInstrument<I>(I);

macro_rules! measure {
    ($($instrument:ident, $bound:ident: $record:ident;)*) => {$(
        impl<T: 'static> SyncInstrument<T> for RedactingInstrument<$instrument<T>> {
            fn measure(&self, measurement: T, attributes: &[KeyValue]) {
                self.instrument.$record(measurement, &self.attributes.redact(attributes));
            }

            #[cfg(feature = "bound-instruments")]
            fn bind(
                &self,
                attributes: &[KeyValue],
            ) -> Box<dyn BoundSyncInstrument<T> + Send + Sync> {
                let attributes = self.attributes.redact(attributes);
                Box::new(BoundInstrument(self.instrument.bind(&attributes)))
            }
        }

        #[cfg(feature = "bound-instruments")]
        impl<T> BoundSyncInstrument<T> for BoundInstrument<$bound<T>> {
            fn measure(&self, measurement: T) {
                self.0.$record(measurement);
            }
        }
    )*};
}

measure! {
    Counter, BoundCounter: add;
    UpDownCounter, BoundUpDownCounter: add;
    Gauge, BoundGauge: record;
    Histogram, BoundHistogram: record;
}

/// The observer that a callback gets instead of the SDK's.
struct RedactingObserver<'a, T> {
    observer: &'a dyn AsyncInstrument<T>,
    attributes: &'a RedactedAttributes,
}

impl<T> AsyncInstrument<T> for RedactingObserver<'_, T> {
    fn observe(&self, measurement: T, attributes: &[KeyValue]) {
        let attributes = self.attributes.redact(attributes);
        self.observer.observe(measurement, &attributes);
    }
}

/// Hides secrets in the attributes of one instrument.
struct RedactedAttributes {
    secrets: Secrets,
    /// The kinds of the first keys, without a lock. An attribute looks first at its own position, because most instruments get
    /// the same keys in the same order each time.
    known: [OnceLock<(Key, FieldKind)>; MOST_KNOWN],
}

impl RedactedAttributes {
    fn new(secrets: &Secrets) -> Self {
        Self {
            secrets: secrets.clone(),
            known: [const { OnceLock::new() }; MOST_KNOWN],
        }
    }

    /// Returns the attributes without secrets. Borrows if no attribute holds a secret.
    fn redact<'a>(&self, attributes: &'a [KeyValue]) -> Cow<'a, [KeyValue]> {
        let mut numbered = attributes.iter().enumerate();
        let Some(first) =
            numbered.position(|(at, it)| self.hides(self.kind(at, &it.key), &it.value))
        else {
            return Cow::Borrowed(attributes);
        };
        let mut safe = attributes.to_vec();
        for (at, attribute) in safe.iter_mut().enumerate().skip(first) {
            let kind = self.kind(at, &attribute.key);
            self.secrets.redact_value(kind, &mut attribute.value);
        }
        Cow::Owned(safe)
    }

    fn kind(&self, position: usize, key: &Key) -> FieldKind {
        let (before, from) = self.known.split_at(position.min(MOST_KNOWN));
        for known in from.iter().chain(before) {
            let (name, kind) =
                known.get_or_init(|| (key.clone(), self.secrets.field_kind(key.as_str())));
            if name == key {
                return *kind;
            }
        }
        self.secrets.field_kind(key.as_str())
    }

    fn hides(&self, kind: FieldKind, value: &Value) -> bool {
        let holds_secret = |text: &StringValue| {
            let shown = self.secrets.field_text(kind, text.as_str());
            matches!(shown, Cow::Owned(_))
        };
        match value {
            _ if kind == FieldKind::Secret => true,
            Value::String(text) => holds_secret(text),
            Value::Array(Array::String(texts)) => texts.iter().any(holds_secret),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use otel_core::redact::REDACTED;

    use super::*;

    #[test]
    fn harmless_attributes_are_passed_on_without_a_copy() {
        let redacted = RedactedAttributes::new(&Secrets::default());
        let attributes = [
            KeyValue::new("team", "shop"),
            KeyValue::new("prompt_tokens", 5),
            KeyValue::new("url", "https://shop.example/?page=2"),
            KeyValue::new("mail", "ada@shop.example"),
        ];
        for _ in 0..2 {
            assert!(matches!(redacted.redact(&attributes), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn keys_without_end_are_not_kept_and_secrets_are_still_hidden() {
        let redacted = RedactedAttributes::new(&Secrets::default());
        for number in 0..2 * MOST_KNOWN {
            let harmless = [KeyValue::new(format!("n{number}"), "x")];
            assert!(matches!(redacted.redact(&harmless), Cow::Borrowed(_)));
        }
        let many = (0..2 * MOST_KNOWN).map(|number| KeyValue::new(format!("n{number}"), "x"));
        let many: Vec<_> = many.chain([KeyValue::new("token", 1)]).collect();
        for _ in 0..2 {
            let safe = redacted.redact(&many);
            assert_eq!(safe.last(), Some(&KeyValue::new("token", REDACTED)));
            assert_eq!(
                safe.split_last().map(|it| it.1),
                many.split_last().map(|it| it.1)
            );
        }
    }

    #[test]
    fn a_key_is_found_at_any_position() {
        let redacted = RedactedAttributes::new(&Secrets::default());
        let (team, token) = (KeyValue::new("team", "shop"), KeyValue::new("token", "abc"));
        for attributes in [[team.clone(), token.clone()], [token, team]] {
            let safe = redacted.redact(&attributes);
            let values: Vec<_> = safe.iter().map(|it| it.value.as_str()).collect();
            let expected = attributes.each_ref().map(|it| match it.key.as_str() {
                "token" => REDACTED,
                _ => "shop",
            });
            assert_eq!(values, expected);
        }
    }
}
