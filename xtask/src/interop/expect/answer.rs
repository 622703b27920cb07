//! What the services say that they were sent.

use std::collections::BTreeMap;
use std::iter;

use serde::Deserialize;

use super::expected::{Expected, Verdict};
use crate::interop::format;

/// What each service answers, with the answer of the next one inside.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    service: String,
    /// The headers of its request that carry context.
    headers: Vec<String>,
    /// The entries that its own API sees.
    baggage: BTreeMap<String, String>,
    next: Option<Box<Answer>>,
}

/// An entry of the baggage.
pub(crate) struct Entry {
    key: &'static str,
    value: &'static str,
    pub(crate) header: &'static str,
}

/// What the first service of each chain is sent; the value cannot travel as it is.
pub(crate) const TENANT: Entry = Entry {
    key: "tenant",
    value: "Müller, Söhne & Co",
    header: "tenant=M%C3%BCller%2C%20S%C3%B6hne%20%26%20Co",
};

const PLUS_FOR_BLANK: &str = "OpenTelemetry for Python sends a blank in a value of the baggage as `+`, which is a plus \
     to everyone else (open-telemetry/opentelemetry-python#5566): `Müller, Söhne & Co` arrives as `Müller,+Söhne+&+Co`.";

impl Expected<'_> {
    pub(super) fn check_answer(&self, answer: &Answer, verdict: &mut Verdict) {
        let answers = || iter::successors(Some(answer), |it| it.next.as_deref());
        let asked: Vec<_> = answers().map(|it| it.service.as_str()).collect();
        if asked != self.services {
            let asked = asked.join(", ");
            verdict
                .breaches
                .push(format!("the request went to {asked} alone"));
        }
        for (index, answer) in answers().enumerate() {
            let before = self.services.get(..index).unwrap_or_default();
            // The request of the command itself carries baggage and no trace.
            if !before.is_empty() {
                self.check_headers(answer, &mut verdict.breaches);
            }
            self.check_baggage(answer, before, verdict);
        }
    }

    fn check_headers(&self, answer: &Answer, breaches: &mut Vec<String>) {
        if format::spoken(&answer.headers) != [self.format.title] {
            let (service, headers) = (&answer.service, &answer.headers);
            breaches.push(format!("{service} was sent the headers {headers:?}"));
        }
    }

    fn check_baggage(&self, answer: &Answer, before: &[&str], verdict: &mut Verdict) {
        let mut sent = BTreeMap::from([(TENANT.key.to_owned(), TENANT.value.to_owned())]);
        let theirs = self.theirs.name();
        // Ours add an entry, theirs hand on what they have.
        if let Some(ours) = before.iter().rfind(|name| **name != theirs) {
            sent.insert("via".to_owned(), format!("über {ours}"));
        }
        if answer.baggage == sent {
            return;
        }
        let came_through_python = self.theirs.is_python() && before.contains(&theirs);
        sent.values_mut()
            .for_each(|value| *value = value.replace(' ', "+"));
        if came_through_python && answer.baggage == sent {
            verdict.notes.insert(PLUS_FOR_BLANK);
        } else {
            let (service, baggage) = (&answer.service, &answer.baggage);
            let breach = format!("{service} saw the baggage {baggage:?}");
            verdict.breaches.push(breach);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::interop::format::{B3, W3C};
    use crate::interop::theirs::Theirs;

    fn verdict_of(theirs: Theirs, answer: Value) -> Verdict {
        let expected = Expected {
            services: &["ours-a", theirs.name(), "ours-b"],
            format: &W3C,
            theirs,
        };
        let mut verdict = Verdict::default();
        expected.check_answer(&serde_json::from_value(answer).unwrap(), &mut verdict);
        verdict
    }

    fn answer(theirs: Theirs, tenant: &str, via: &str) -> Value {
        let headers = ["traceparent", "baggage"];
        let last = json!({"service": "ours-b", "headers": headers, "baggage": {"tenant": tenant, "via": via}, "next": null});
        let baggage = json!({"tenant": TENANT.value, "via": "über ours-a"});
        let middle =
            json!({"service": theirs.name(), "headers": headers, "baggage": baggage, "next": last});
        json!({"service": "ours-a", "headers": ["baggage"], "baggage": {"tenant": TENANT.value}, "next": middle})
    }

    #[test]
    fn entries_that_arrive_as_they_were_sent_are_no_breach() {
        for theirs in [Theirs::Flask, Theirs::Express] {
            let answer = answer(theirs, TENANT.value, "über ours-a");
            assert_eq!(verdict_of(theirs, answer), Verdict::default());
        }
    }

    #[test]
    fn a_plus_for_a_blank_is_noted_where_python_sent_it() {
        let (tenant, via) = ("Müller,+Söhne+&+Co", "über+ours-a");
        let verdict = verdict_of(Theirs::FastApi, answer(Theirs::FastApi, tenant, via));
        assert!(verdict.breaches.is_empty(), "{verdict:?}");
        assert_eq!(verdict.notes.len(), 1);

        let verdict = verdict_of(Theirs::Express, answer(Theirs::Express, tenant, via));
        let breach =
            r#"ours-b saw the baggage {"tenant": "Müller,+Söhne+&+Co", "via": "über+ours-a"}"#;
        assert_eq!(verdict.breaches, [breach]);
        assert!(verdict.notes.is_empty());
    }

    #[test]
    fn another_format_than_was_asked_for_is_a_breach() {
        let expected = Expected {
            services: &["flask", "ours-b"],
            format: &B3,
            theirs: Theirs::Flask,
        };
        let baggage = json!({"tenant": TENANT.value});
        let last = json!({"service": "ours-b", "headers": ["traceparent"], "baggage": baggage, "next": null});
        let first =
            json!({"service": "flask", "headers": ["baggage"], "baggage": baggage, "next": last});
        let mut verdict = Verdict::default();
        expected.check_answer(&serde_json::from_value(first).unwrap(), &mut verdict);
        assert_eq!(
            verdict.breaches,
            [r#"ours-b was sent the headers ["traceparent"]"#]
        );
    }

    #[test]
    fn a_service_that_was_not_asked_is_a_breach() {
        let answer = json!({"service": "ours-a", "headers": [], "baggage": {"tenant": TENANT.value}, "next": null});
        let verdict = verdict_of(Theirs::Flask, answer);
        assert_eq!(verdict.breaches, ["the request went to ours-a alone"]);
    }

    #[test]
    fn the_header_says_what_the_value_is() {
        let (key, value) = TENANT.header.split_once('=').unwrap();
        assert_eq!(key, TENANT.key);
        let url = reqwest::Url::parse(&format!("http://localhost/?{key}={value}")).unwrap();
        let (_, decoded) = url.query_pairs().next().unwrap();
        assert_eq!(decoded, TENANT.value);
    }
}
