//! What must hold for a chain to be whole.

mod answer;
mod expected;
mod lines;
mod path;
#[cfg(test)]
mod sample;

use otel_testkit::{LogLine, Trace};

pub(crate) use self::answer::{Answer, TENANT};
pub(crate) use self::expected::{Expected, Verdict};

impl Expected<'_> {
    /// Judges by what the services answered, exported and wrote; only the lines may be those of other chains as well.
    pub(crate) fn verdict(
        &self,
        answer: &anyhow::Result<Answer>,
        traces: &[&Trace],
        lines: &[(String, LogLine)],
    ) -> Verdict {
        let mut verdict = Verdict::default();
        match answer {
            Ok(answer) => self.check_answer(answer, &mut verdict),
            Err(error) => verdict.breaches.push(format!("{error:#}")),
        }
        let breaches = &mut verdict.breaches;
        if let [trace] = traces {
            path::check(self.services, trace, breaches);
            lines::check(self.services, trace, lines, breaches);
        } else {
            let (count, services) = (traces.len(), beginnings(traces).join(", "));
            breaches.push(format!("{count} traces, begun by {services}"));
        }
        verdict
    }
}

/// The services whose spans have no parent.
pub(crate) fn beginnings<'a>(traces: &[&'a Trace]) -> Vec<&'a str> {
    let roots = traces.iter().flat_map(|trace| trace.roots());
    roots
        .map(|span| span.service().unwrap_or("no one"))
        .collect()
}

#[cfg(test)]
mod tests {
    use otel_testkit::opentelemetry::trace::SpanKind::{Client, Server};

    use super::*;
    use crate::interop::format::W3C;
    use crate::interop::theirs::Theirs;

    #[test]
    fn a_trace_that_was_begun_anew_is_a_breach() {
        let traces = Trace::group(sample::spans(&[
            ("ours-a", Server, None),
            ("ours-a", Client, Some(0)),
            ("flask", Server, None),
        ]));
        let traces: Vec<_> = traces.iter().collect();
        let expected = Expected {
            services: &["ours-a", "flask"],
            format: &W3C,
            theirs: Theirs::Flask,
        };
        let answer = Err(anyhow::anyhow!("no answer"));
        let verdict = expected.verdict(&answer, &traces, &[]);
        let breaches = ["no answer", "2 traces, begun by ours-a, flask"];
        assert_eq!(verdict.breaches, breaches);
        assert_eq!(beginnings(&traces), expected.services);
    }
}
