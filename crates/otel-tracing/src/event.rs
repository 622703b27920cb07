//! What a `tracing` event says about its span.

use opentelemetry::trace::{Event as OtelEvent, Status};
use opentelemetry::{KeyValue, Value};
use otel_core::span_fields::{FieldValue, Owner, SpanFields};
use tracing_core::{Event, Level};

use crate::attributes::{self, EXCEPTION_MESSAGE};
use crate::options::Options;

const MESSAGE: &str = "message";
/// The field of an event that `#[instrument(err)]` makes.
const ERROR: &str = "error";
/// The name of an event that has an error and no message.
const EXCEPTION: &str = "exception";
/// The prefix of the fields with which tracing-log adds the target and the place of a record.
const LOG_CRATE: &str = "log.";
const LOG_TARGET: &str = "log.target";

/// What an event says about its span.
#[derive(Debug)]
pub(crate) struct SpanEvent {
    /// The event itself, if events are recorded.
    pub(crate) event: Option<OtelEvent>,
    /// Attributes of the span.
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) status: Status,
}

impl SpanEvent {
    /// Reads an event.
    pub(crate) fn new(event: &Event<'_>, options: &Options) -> Self {
        let metadata = event.metadata();
        let mut fields = SpanFields::new(Owner::SpanLayer);
        event.record(&mut fields);
        let named: Vec<_> = fields
            .iter()
            .filter_map(|(index, value)| Some((metadata.fields().iter().nth(index)?.name(), value)))
            .collect();
        let message = find(&named, MESSAGE);
        let error = find(&named, ERROR).filter(|error| is_error(error));
        let mut new = Self {
            event: None,
            attributes: Vec::new(),
            status: Status::Unset,
        };
        if options.error_events && *metadata.level() == Level::ERROR {
            new.status = Status::error("");
        }
        if options.error_fields {
            if let (None, Some(error)) = (message, error) {
                let description = attributes::text(error, options);
                new.status = Status::error(String::from(description));
            }
            let mut last_first = named.iter().rev();
            if let Some((_, error)) = last_first.find(|(_, it)| matches!(it, FieldValue::Error(_)))
            {
                let message = attributes::text(error, options);
                new.attributes
                    .push(KeyValue::new(EXCEPTION_MESSAGE, message));
            }
        }
        if options.events {
            new.event = Some(otel_event(event, options, &named));
        }
        new
    }
}

/// Returns `false` for values that cannot be the text of an error, as in `info!(error = false)`.
fn is_error(value: &FieldValue) -> bool {
    !matches!(
        value,
        FieldValue::Bool(_) | FieldValue::F64(_) | FieldValue::I64(_)
    )
}

fn find<'f>(named: &[(&'static str, &'f FieldValue)], wanted: &str) -> Option<&'f FieldValue> {
    let mut fields = named.iter();
    fields
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| *value)
}

fn otel_event(
    event: &Event<'_>,
    options: &Options,
    named: &[(&'static str, &FieldValue)],
) -> OtelEvent {
    let metadata = event.metadata();
    let target = match find(named, LOG_TARGET) {
        Some(target) => Value::String(attributes::text(target, options)),
        None => metadata.target().into(),
    };
    let mut list = vec![
        KeyValue::new("level", metadata.level().as_str()),
        KeyValue::new("target", target),
    ];
    let mut event_name = find(named, MESSAGE).map(|it| String::from(attributes::text(it, options)));
    for (name, value) in named {
        if *name == MESSAGE || name.starts_with(LOG_CRATE) {
            continue;
        }
        let is_exception = *name == ERROR && event_name.is_none() && is_error(value);
        let has_sources = matches!(value, FieldValue::Error(_));
        if options.error_fields && (is_exception || has_sources) {
            let text = attributes::text(value, options);
            list.push(KeyValue::new(EXCEPTION_MESSAGE, text));
            if is_exception {
                event_name = Some(EXCEPTION.to_owned());
            }
            if !has_sources {
                continue;
            }
        }
        let kind = options.secrets.get().field_kind(name);
        attributes::push(&mut list, (name, kind), value, options);
    }
    let event_name = event_name.map_or(metadata.name().into(), Into::into);
    OtelEvent::new::<std::borrow::Cow<'static, str>>(
        event_name,
        opentelemetry::time::now(),
        list,
        0,
    )
}
