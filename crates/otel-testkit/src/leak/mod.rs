//! The search for a secret in spans and log lines.

mod forms;
mod places;

use std::{collections::HashSet, fmt};

pub use self::forms::Form;
use self::{forms::Needle, places::each_place};
use crate::{log_line::LogLine, trace::Trace};

/// A place in a span or a log line that shows a secret or a part of it.
///
/// `Display` names the place and the form, but not the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leak {
    place: String,
    field: String,
    form: Form,
}

impl Leak {
    /// Returns the place, such as `attribute url.full of span "GET /quote" (pricing)`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the field: the key of an attribute, `name`, `status` or `tracestate`. A field of an event, link, resource or log
    /// line has a prefix, as in `event.exception.message` or `log.message`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the form of the secret.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.form)
    }
}

/// Searches spans and log lines for a secret: plain, in another letter case, percent-encoded, in base64, and parts of eight or
/// more characters.
///
/// The search covers names, statuses, attributes, events, links, resources, tracestates and all fields of log lines, with
/// their keys. For a secret of up to eight characters, only the whole secret is searched.
///
/// # Examples
///
/// ```
/// use otel_testkit::{Form, LogLine, find_leaks};
///
/// let line = LogLine::parse(r#"{"message":"calling /pay?key=S3cr%2Ft-0f-Ada"}"#)?;
/// let leaks = find_leaks(&[], &[line], "S3cr/t-0f-Ada");
/// assert_eq!(leaks[0].form(), Form::PercentEncoded);
/// assert_eq!(leaks[0].place(), r#"message of log line "calling /pay?key=…""#);
/// # Ok::<(), otel_testkit::LogLineError>(())
/// ```
#[must_use]
pub fn find_leaks(traces: &[Trace], logs: &[LogLine], secret: &str) -> Vec<Leak> {
    let needle = Needle::new(secret);
    let mut leaks = Vec::new();
    let mut seen = HashSet::new();
    each_place(traces, logs, &mut |place| {
        let Some(form) = needle.form_in(place.text) else {
            return;
        };
        let leak = Leak {
            place: place.describe(&needle),
            field: place.field.to_owned(),
            form,
        };
        if seen.insert(leak.clone()) {
            leaks.push(leak);
        }
    });
    leaks
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        KeyValue,
        trace::{Event, Link, SpanContext},
    };

    use super::*;
    use crate::sample::span;

    const SECRET: &str = "Xk3Pq9Za/7LmW2rTb8Yc";

    fn fields(leaks: &[Leak]) -> Vec<&str> {
        leaks.iter().map(Leak::field).collect()
    }

    #[test]
    fn every_place_of_a_span_is_searched() {
        let event = Event::new(
            SECRET,
            std::time::SystemTime::UNIX_EPOCH,
            vec![KeyValue::new("exception.message", SECRET)],
            0,
        );
        let link = Link::new(
            SpanContext::empty_context(),
            vec![KeyValue::new("why", SECRET)],
            0,
        );
        let span = span(1, 0, SECRET, 0, 1)
            .service(SECRET)
            .attribute("url.full", format!("http://x/?k={SECRET}"))
            .attribute("safe", "nothing")
            .error(SECRET)
            .event(event)
            .link(link)
            .trace_state(&format!("x={SECRET}"))
            .build();
        let leaks = find_leaks(&Trace::group([span]), &[], SECRET);
        let expected = [
            "name",
            "status",
            "tracestate",
            "url.full",
            "event.name",
            "event.exception.message",
            "link.why",
            "resource.service.name",
        ];
        assert_eq!(fields(&leaks), expected);
        for leak in &leaks {
            assert!(!leak.to_string().contains(SECRET), "{leak}");
        }
    }

    #[test]
    fn every_field_of_a_line_is_searched_its_keys_and_lists_too() {
        let line = LogLine::parse(&format!(
            r#"{{"message":"x","headers":{{"a":["{SECRET}"]}},"{SECRET}":1,"fine":"yes"}}"#
        ))
        .unwrap();
        let leaks = find_leaks(&[], &[line], SECRET);
        assert_eq!(leaks.len(), 2, "{leaks:?}");
    }

    #[test]
    fn the_same_place_is_named_once() {
        let again = |id| {
            span(id, 0, "GET", 0, 1)
                .attribute("url.full", SECRET)
                .build()
        };
        assert_eq!(
            find_leaks(&Trace::group([again(1), again(2)]), &[], SECRET).len(),
            1
        );
    }
}
