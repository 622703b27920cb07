#![allow(dead_code, unreachable_pub, unnameable_types)] // each test file uses a part of this

pub mod records;
pub mod starting_spans;

use std::{
    env, fmt, io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, fmt::MakeWriter, registry::LookupSpan};

/// Collects what the layer writes, one entry per write call.
#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<Vec<u8>>>>);

impl Capture {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().concat()).unwrap()
    }

    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The lines so far, each checked: one write, one line, one JSON object, each key once.
    pub fn lines(&self) -> Vec<Map<String, Value>> {
        let writes = self.0.lock().unwrap().clone();
        writes
            .iter()
            .map(|write| parse(std::str::from_utf8(write).unwrap()))
            .collect()
    }

    pub fn line(&self) -> Map<String, Value> {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The line with this message.
    pub fn message(&self, message: &str) -> Map<String, Value> {
        let lines = self.lines();
        let found = lines.iter().find(|line| line["message"] == message);
        found
            .unwrap_or_else(|| panic!("no line {message:?} in {lines:?}"))
            .clone()
    }
}

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

pub fn parse(write: &str) -> Map<String, Value> {
    let line = write
        .strip_suffix('\n')
        .unwrap_or_else(|| panic!("no line feed: {write:?}"));
    assert!(!line.contains(['\n', '\r']), "more than one line: {line:?}");
    serde_json::from_str::<OnceEach>(line)
        .unwrap_or_else(|error| panic!("{error}: {line}"))
        .0
}

/// An object without double keys; serde_json would keep the last of them in silence.
struct OnceEach(Map<String, Value>);

impl<'de> Deserialize<'de> for OnceEach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Map<String, Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with each key once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = Map::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    assert!(
                        map.insert(key.clone(), value).is_none(),
                        "key {key:?} twice"
                    );
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Once).map(Self)
    }
}

/// 2026-11-22T10:20:30.000456Z
pub fn fixed_clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_795_342_830, 456_789)
}

pub fn log_layer(capture: &Capture) -> otel_log::Layer<Capture> {
    otel_log::layer()
        .writer(capture.clone())
        .clock(fixed_clock)
        .expect_ids(false)
}

pub fn provider() -> SdkTracerProvider {
    SdkTracerProvider::builder().build()
}

pub fn tracer() -> Tracer {
    provider().tracer("test")
}

/// Creates the span layer of this test run: otel-tracing's layer, or tracing-opentelemetry's layer if
/// `OTEL_TESTKIT_SPAN_LAYER` is `tracing-opentelemetry`.
pub fn span_layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if env::var("OTEL_TESTKIT_SPAN_LAYER").is_ok_and(|name| name == "tracing-opentelemetry") {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("test"))
            .boxed()
    } else {
        otel_tracing::layer(provider)
            .with_level(LevelFilter::TRACE)
            .boxed()
    }
}

/// Creates the span layer of this test run or, without activation, a layer of tracing-opentelemetry. Only this layer can leave
/// the context of an entered span inactive.
pub fn span_layer_with_activation<S>(
    provider: &SdkTracerProvider,
    activation: bool,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if activation {
        return span_layer(provider);
    }
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_context_activation(false)
        .boxed()
}

/// A new OpenTelemetry span, and the context that holds it.
pub fn otel_context() -> Context {
    use opentelemetry::trace::Tracer as _;

    Context::new().with_span(tracer().start("otel"))
}

/// Asserts that the line carries these ids, or none where the span context is invalid.
pub fn assert_ids(line: &Map<String, Value>, expected: &SpanContext) {
    let ids =
        ["trace_id", "span_id", "trace_flags"].map(|key| line.get(key).and_then(Value::as_str));
    if expected.is_valid() {
        let trace_id = expected.trace_id().to_string();
        let span_id = expected.span_id().to_string();
        let flags = format!("{:02x}", expected.trace_flags());
        assert_eq!(
            ids,
            [Some(&*trace_id), Some(&*span_id), Some(&*flags)],
            "{line:?}"
        );
    } else {
        assert_eq!(ids, [None; 3], "{line:?}");
    }
}
