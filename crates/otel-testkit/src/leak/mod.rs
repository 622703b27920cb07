//! Where a secret came out: in which field of which span or log line, and in which disguise.

mod forms;
mod places;

use std::{collections::HashSet, fmt};

pub use self::forms::Form;
pub(crate) use self::forms::base64;
use self::{forms::Needle, places::each_place};
use crate::{log_line::LogLine, trace::Trace};

/// A place in a span or a log line that shows a secret, whole or in part.
///
/// `Display` names the place and the form, never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leak {
    place: String,
    field: String,
    form: Form,
}

impl Leak {
    /// Returns the whole place, such as `attribute url.full of span "GET /quote" (pricing)`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the field alone: an attribute's key, or `name`, `status`, `event`, `link`, `tracestate`, `resource`, `log`
    /// with what is in it behind a dot.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns how the secret was written there.
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

/// Searches all that spans and log lines hold for a secret: plain, in other letter case, percent-encoded, in base64, and
/// cut down to eight or more of its characters.
///
/// Names, statuses, attributes, events, links, resources, tracestates and every field of the log lines are searched, keys
/// included. A secret of less than eight characters is searched whole only.
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
    use crate::span::sample::span;

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
