//! The differences between the layers.

use opentelemetry::trace::{SpanKind, Status};

use crate::history::History;
use crate::layers::Kind;
use crate::normal::{Attributes, NormalSpan, Shown};
use crate::program::{EventSite, Options, Site, VALUE_LIMIT};

/// Turns the spans of tracing-opentelemetry into those that otel-tracing must make of the same program.
///
/// `tests/properties/run.rs` has the only difference that spans do not show: a hidden span acts for the span around it. The
/// guide describes each difference.
pub(crate) fn differences(
    mut spans: Vec<NormalSpan>,
    options: &Options,
    kind: Kind,
) -> Vec<NormalSpan> {
    // A span of the OpenTelemetry API does not come from a layer.
    for span in spans.iter_mut().filter(|it| it.history.site.is_some()) {
        // The scope is the crate that makes the span if that is a crate of this project, so that its version is known.
        let is_own = span.history.site == Some(Site::OwnCrate);
        span.scope = if is_own {
            "otel_reqwest"
        } else {
            "otel_tracing"
        }
        .to_owned();

        // A span ends when it closes: fields and statuses between the last exit and the end belong to it.
        if !options.end_at_exit {
            span.end = span.closed;
        }

        // The start time of a span in an unsampled trace is not read. If the span gets another parent, it starts at the first
        // call, link or event.
        if let (Kind::ParentBased, true) = (kind, span.history.is_unsampled) {
            span.start = span.history.first_change.unwrap();
        }

        // A name that is recorded after the start counts, and a name that is a number is a name.
        if span.history.is_renamed || span.attributes.contains_key("otel.name") {
            span.name = span.history.names.last().unwrap().clone();
        }
        span.attributes.retain(|name, _| !name.starts_with("otel."));

        // The last kind before the start counts, also if it is unknown: fields that are recorded again replace each other.
        if span.history.kind.as_deref().is_some_and(is_unknown_kind) {
            span.kind = SpanKind::Internal;
        }

        // The texts of errors have no quotes of `Debug`.
        if let Status::Error { description } = &span.status {
            span.status = Status::error(without_quotes(description));
        }
        // An event that has an error as a value, no message and a field `error` sets the status, as with an error as text.
        // Events of OpenTelemetry itself do not belong to the span. Before the start, calls, fields and events have an order of
        // precedence, so that an event does not replace what the application has decided.
        if span.history.decides_status() {
            span.status = span.history.status();
        }

        if let Status::Error { description } = &span.status {
            span.status = Status::error(cut(description, options));
        }
        span.name = cut(&span.name, options);

        change(&mut span.attributes, options);
        // Before the start, the errors of events count more than those of fields. An event that is neither at ERROR nor has a
        // field `error` is looked at only if events are copied.
        if options.error_fields && span.history.decides_exception() {
            let name = "exception.message".to_owned();
            match span.history.exception() {
                Some(error) => span
                    .attributes
                    .insert(name, Shown::Text(cut(error, options))),
                None => span.attributes.remove(&name),
            };
        }
        // Spans with the same name can be told apart, and an own value counts.
        if options.function_names && !is_own {
            let own = format!(
                "{}::callsites::{}",
                env!("CARGO_CRATE_NAME"),
                span.history.site.unwrap().name()
            );
            let name = "code.function.name".to_owned();
            span.attributes.entry(name).or_insert(Shown::Text(own));
        }

        // Log lines have the events and the ids, so events are not copied by default. What `add_event` adds remains.
        span.events
            .retain(|it| options.events || it.name == "added");
        let events = span.history.events.clone();
        for event in &mut span.events {
            let site = events
                .iter()
                .find(|(n, _)| *n as i64 == event.n)
                .map(|(_, site)| *site);
            // What OpenTelemetry logs about itself does not belong to a span.
            if site == Some(EventSite::OpenTelemetry) {
                event.n = -1;
            }
            // The texts of errors have no quotes of `Debug`.
            for key in ["error", "exception.message"] {
                if let Some(Shown::Text(text)) = event.attributes.get_mut(key) {
                    *text = without_quotes(text);
                }
            }
            // Integers are integers.
            if site == Some(EventSite::InfoErrorUnsigned) {
                event
                    .attributes
                    .entry("error".to_owned())
                    .and_modify(make_integer);
            }
            // An error as a value is an exception too.
            let is_value = matches!(site, Some(EventSite::ErrorValue | EventSite::InfoValue));
            if is_value && options.error_fields {
                event.name = "exception".to_owned();
            }
            // The name of the callsite is not a value.
            if !event.name.starts_with("event ") {
                event.name = cut(&event.name, options);
            }
            change(&mut event.attributes, options);
        }
        span.events.retain(|it| it.n != -1);
        span.history = History::default();
    }
    spans
}

/// Applies the differences in the attributes of spans and events.
fn change(attributes: &mut Attributes, options: &Options) {
    // The sources of an error are not a stack trace. They are in `<field>.chain`.
    attributes.remove("exception.stacktrace");
    // A raw identifier is the name without `r#`.
    if let Some(value) = attributes.remove("r#type") {
        attributes.insert("type".to_owned(), value);
    }
    for (name, value) in attributes {
        match name.as_str() {
            // Integers of all widths are integers. What does not fit into 64 bits is text.
            "unsigned" | "wide" | "wide_unsigned" => make_integer(value),
            // Bytes are hex digits without brackets and spaces.
            "bytes" => {
                if let Shown::Text(text) = value {
                    text.retain(|it| it.is_ascii_hexdigit());
                }
            }
            _ => {}
        }
        match value {
            // One NaN makes Jaeger's search fail for the whole service.
            Shown::Float(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf") => {
                *value = Shown::Text(text.clone());
            }
            // A text has a limit.
            Shown::Text(text) => *text = cut(text, options),
            Shown::Texts(texts) => texts.iter_mut().for_each(|it| *it = cut(it, options)),
            _ => {}
        }
    }
}

fn make_integer(value: &mut Shown) {
    if let Shown::Text(text) = value {
        if let Ok(integer) = text.parse() {
            *value = Shown::Integer(integer);
        }
    }
}

fn is_unknown_kind(kind: &str) -> bool {
    let known = ["server", "client", "producer", "consumer", "internal"];
    !known.iter().any(|it| it.eq_ignore_ascii_case(kind))
}

fn cut(text: &str, options: &Options) -> String {
    if !options.value_limit || text.len() <= VALUE_LIMIT {
        return text.to_owned();
    }
    let end = (0..=VALUE_LIMIT)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    format!("{}…[cut]", &text[..end.unwrap()])
}

/// Undoes the `Debug` of an error that was recorded as a string.
fn without_quotes(text: &str) -> String {
    let Some(text) = text.strip_prefix("\"!").and_then(|it| it.strip_suffix('"')) else {
        return text.to_owned();
    };
    format!("!{text}")
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}
