//! Starts a set-up with variables, uses it, and describes as text what a user would see.

use std::ffi::OsString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::IdGenerator;
use otel_setup::{Builder, SetUp, SetupError, Warning};
use tracing_subscriber::Registry;

use crate::messages;
use crate::receiver::Receiver;
use crate::support::{Mood, wait_until};

/// More than the default limits of the specification.
const MANY: usize = 130;
/// More than the default size of the queue.
const MORE_THAN_QUEUE: usize = 2100;
/// More than the default size of a batch.
const MORE_THAN_BATCH: usize = 600;

/// The variables of a set-up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) variables: Vec<(String, OsString)>,
    pub(crate) is_strict: bool,
}

impl Case {
    /// Leaves out the exports, which take the most time of a start. The variable that is tested stays.
    pub(crate) fn without_exports(mut self, tested: &str) -> Self {
        for name in [
            "OTEL_TRACES_EXPORTER",
            "OTEL_METRICS_EXPORTER",
            "OTEL_LOGS_EXPORTER",
        ] {
            if name != tested {
                self.variables.push((name.to_owned(), "none".into()));
            }
        }
        self
    }
}

/// What a user sees, and the warnings.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) warnings: Vec<Warning>,
}

pub(crate) type Probe = fn(&Case) -> Result<Seen, SetupError>;

/// Builds a set-up whose exports go to the receiver unless a variable says otherwise. `{address}` in a value is its address.
pub(crate) fn build(
    case: &Case,
    receiver: &Receiver,
    change: impl FnOnce(Builder) -> Builder,
) -> Result<SetUp<Registry>, SetupError> {
    let base = [
        // Inherited on purpose in some test runs.
        ("OTEL_RUST_CONTEXT_LOSS_DETECTION", ""),
        (
            "OTEL_LOGS_EXPORTER",
            if cfg!(feature = "logs") { "otlp" } else { "" },
        ),
    ];
    let base = base.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let given = case.variables.iter().map(|(name, value)| {
        let value = match value.to_str() {
            Some(text) => text.replace("{address}", &receiver.address()).into(),
            None => value.clone(),
        };
        (OsString::from(name), value)
    });
    let variables: Vec<_> = base
        .into_iter()
        .chain(given)
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let mut builder = otel_setup::builder()
        .service_name("checkout")
        .without_detected_resource()
        .id_generator(EvenIds::default())
        .flush_limit(Duration::from_secs(3))
        .otlp_endpoint(receiver.endpoint().url());
    if case.is_strict {
        builder = builder.strict();
    }
    temp_env::with_vars(variables, || change(builder).build())
}

/// Starts and exports nothing.
pub(crate) fn start(case: &Case) -> Result<Seen, SetupError> {
    let receiver = Receiver::start(Mood::Fine);
    let set_up = build(case, &receiver, |builder| builder)?;
    let warnings = set_up.warnings.take();
    Ok(Seen {
        text: String::new(),
        warnings,
    })
}

/// Ids of which a ratio samples exactly its part.
#[derive(Debug, Default)]
struct EvenIds(AtomicU64);

impl IdGenerator for EvenIds {
    fn new_trace_id(&self) -> TraceId {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        // The fractions of multiples of the golden ratio are spread evenly.
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        TraceId::from(u128::from(number + 1) << 64 | u128::from(random))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn caller(flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(7), SpanId::from(7));
    let caller = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(caller)
}

/// Exports spans, metrics and log records of each kind, and describes all exports, the propagators and the resource.
pub(crate) fn exports(case: &Case) -> Result<Seen, SetupError> {
    let receiver = Receiver::start(Mood::Fine);
    let set_up = build(case, &receiver, |builder| builder)?;
    let warnings = set_up.warnings.take();
    let mut fields: Vec<_> = set_up.propagator.fields().map(str::to_owned).collect();
    fields.sort();
    record_all(&set_up);
    drop(set_up.telemetry);
    let mut text = format!("propagators {fields:?}\n");
    for export in receiver.exports() {
        text += &messages::described(&export);
    }
    if receiver.tls_handshakes() > 0 {
        text += "TLS handshakes\n";
    }
    Ok(Seen { text, warnings })
}

/// The kind of the first connection to the receiver.
pub(crate) fn connection(case: &Case) -> Result<Seen, SetupError> {
    let receiver = Receiver::start(Mood::Fine);
    let set_up = build(case, &receiver, |builder| {
        builder.flush_limit(Duration::from_millis(10))
    })?;
    let warnings = set_up.warnings.take();
    record_all(&set_up);
    let kind = || match (receiver.tls_handshakes(), receiver.exports().first()) {
        (0, None) => None,
        (0, Some(export)) => Some(export.transport),
        _ => Some("TLS"),
    };
    let kind = wait_until(kind, Option::is_some);
    Ok(Seen {
        text: format!("{kind:?}"),
        warnings,
    })
}

/// Makes spans, metrics and log records of each kind.
pub(crate) fn record_all(set_up: &SetUp<Registry>) {
    if let Some(provider) = &set_up.tracer_provider {
        let tracer = provider.tracer(messages::SPANS);
        for _ in 0..20 {
            tracer
                .build_with_context(SpanBuilder::from_name("root"), &Context::new())
                .end();
        }
        for (name, flags) in [
            ("of a sampled trace", TraceFlags::SAMPLED),
            ("of an unsampled trace", TraceFlags::NOT_SAMPLED),
        ] {
            tracer
                .build_with_context(SpanBuilder::from_name(name), &caller(flags))
                .end();
        }
        let caller = caller(TraceFlags::SAMPLED).span().span_context().clone();
        // One of each kind is large. All at once would take a test's time.
        let large_link = Link::new(caller.clone(), attributes(), 0);
        let links = std::iter::once(large_link);
        let links = links.chain((1..MANY).map(|_| Link::with_context(caller.clone())));
        let builder = SpanBuilder::from_name("large")
            .with_attributes(attributes())
            .with_links(links.collect());
        let mut large = tracer.build_with_context(builder, &Context::new());
        large.add_event("event", attributes());
        for _ in 1..MANY {
            large.add_event("event", Vec::new());
        }
        large.end();
    }
    if let Some(provider) = &set_up.meter_provider {
        let meter = provider.meter(messages::METRICS);
        meter.u64_counter("counter").build().add(1, &[]);
        meter.i64_up_down_counter("up_down").build().add(1, &[]);
        let _observed = meter
            .u64_observable_counter("observed")
            .with_callback(|it| it.observe(1, &[]))
            .build();
        meter.f64_histogram("histogram").build().record(1.0, &[]);
    }
    #[cfg(feature = "logs")]
    if let Some(provider) = &set_up.logger_provider {
        log_record(provider);
    }
}

fn attributes() -> Vec<KeyValue> {
    let text = KeyValue::new("text", "t".repeat(40));
    let others = (1..MANY).map(|number| KeyValue::new(format!("key{number}"), 1));
    std::iter::once(text).chain(others).collect()
}

#[cfg(feature = "logs")]
fn log_record(provider: &opentelemetry_sdk::logs::SdkLoggerProvider) {
    use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};

    let logger = provider.logger(messages::RECORDS);
    let mut record = logger.create_log_record();
    record.set_body("a record".into());
    record.add_attribute("text", "t".repeat(40));
    record.add_attributes((1..MANY).map(|number| (format!("key{number}"), 1)));
    logger.emit(record);
}

#[cfg(feature = "logs")]
fn log_records(set_up: &SetUp<Registry>, count: usize) {
    use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};

    let logger = set_up
        .logger_provider
        .as_ref()
        .unwrap()
        .logger(messages::RECORDS);
    for _ in 0..count {
        let mut record = logger.create_log_record();
        record.set_body("a record".into());
        logger.emit(record);
    }
}

fn spans(set_up: &SetUp<Registry>, count: usize) {
    let tracer = set_up
        .tracer_provider
        .as_ref()
        .unwrap()
        .tracer(messages::SPANS);
    for _ in 0..count {
        tracer.start("work").end();
    }
}

/// The size of the largest of the batches in which spans leave.
pub(crate) fn span_batches(case: &Case) -> Result<Seen, SetupError> {
    batches(case, "/v1/traces", |set_up| spans(set_up, MORE_THAN_BATCH))
}

/// The size of the largest of the batches in which log records leave.
#[cfg(feature = "logs")]
pub(crate) fn log_batches(case: &Case) -> Result<Seen, SetupError> {
    batches(case, "/v1/logs", |set_up| {
        log_records(set_up, MORE_THAN_BATCH);
    })
}

fn batches(case: &Case, path: &str, record: fn(&SetUp<Registry>)) -> Result<Seen, SetupError> {
    let receiver = Receiver::start(Mood::Fine);
    let set_up = build(case, &receiver, |builder| builder)?;
    let warnings = set_up.warnings.take();
    record(&set_up);
    drop(set_up.telemetry);
    let exports = receiver
        .exports()
        .into_iter()
        .filter(|export| export.path == path);
    let largest = exports.map(|export| messages::count(&export)).max();
    Ok(Seen {
        text: format!("{largest:?}"),
        warnings,
    })
}

/// How many of many spans are dropped while the first export hangs.
pub(crate) fn span_queue(case: &Case) -> Result<Seen, SetupError> {
    queue(case, spans, |set_up| {
        set_up.telemetry.span_counts().unwrap().dropped
    })
}

/// How many of many log records are dropped while the first export hangs.
#[cfg(feature = "logs")]
pub(crate) fn log_queue(case: &Case) -> Result<Seen, SetupError> {
    queue(case, log_records, |set_up| {
        set_up.telemetry.log_counts().unwrap().dropped
    })
}

fn queue(
    case: &Case,
    record: fn(&SetUp<Registry>, usize),
    dropped: fn(&SetUp<Registry>) -> u64,
) -> Result<Seen, SetupError> {
    let receiver = Receiver::start(Mood::Hangs);
    let set_up = build(case, &receiver, |builder| {
        builder.flush_limit(Duration::from_millis(10))
    })?;
    let warnings = set_up.warnings.take();
    record(&set_up, 1);
    receiver
        .endpoint()
        .wait_for(|requests| !requests.is_empty());
    record(&set_up, MORE_THAN_QUEUE);
    let text = format!("{} dropped", dropped(&set_up));
    Ok(Seen { text, warnings })
}
