//! The log lines of a chain.

use otel_testkit::{LogLine, Trace};

/// Each service has written one line with the trace's id and the id of a span of its own.
pub(super) fn check(
    services: &[&str],
    trace: &Trace,
    lines: &[(String, LogLine)],
    breaches: &mut Vec<String>,
) {
    let id = trace.id().to_string();
    for service in services {
        let lines = lines.iter().filter(|(name, line)| {
            name == service && line.message() == "relayed" && line.trace_id() == Some(&id)
        });
        let lines: Vec<_> = lines.map(|(_, line)| line).collect();
        let [line] = lines[..] else {
            let count = lines.len();
            breaches.push(format!("{service} wrote {count} lines in the trace"));
            continue;
        };
        let span = line.span_id().unwrap_or_default();
        let mut own = trace.spans().iter();
        if !own.any(|it| it.service() == Some(service) && it.span_id().to_string() == span) {
            breaches.push(format!("the line of {service} is in none of its spans"));
        }
    }
}

#[cfg(test)]
mod tests {
    use otel_testkit::Span;
    use otel_testkit::opentelemetry::trace::SpanKind::{Client, Server};

    use super::*;
    use crate::interop::expect::sample;

    fn line(service: &str, trace: &str, span: &str) -> (String, LogLine) {
        let text = format!(r#"{{"message":"relayed","trace_id":"{trace}","span_id":"{span}"}}"#);
        (service.to_owned(), LogLine::parse(&text).unwrap())
    }

    #[test]
    fn each_service_writes_one_line_in_a_span_of_its_own() {
        let spans = sample::spans(&[
            ("ours-a", Server, None),
            ("ours-a", Client, Some(0)),
            ("flask", Server, Some(1)),
        ]);
        let trace = spans[0].trace_id().to_string();
        let id = |span: &Span| span.span_id().to_string();
        let [server, client, flask] = [0, 1, 2].map(|index: usize| id(&spans[index]));
        let ours = line("ours-a", &trace, &server);
        let theirs = line("flask", &trace, &flask);
        let other_trace = line("flask", "0af7651916cd43dd8448eb211c80319c", &flask);
        let other_span = line("flask", &trace, &client);
        let none = "flask wrote 0 lines in the trace";
        let cases = [
            ("whole", vec![&ours, &theirs, &other_trace], vec![]),
            ("none", vec![&ours], vec![none]),
            ("another trace's", vec![&ours, &other_trace], vec![none]),
            (
                "twice",
                vec![&ours, &theirs, &theirs],
                vec!["flask wrote 2 lines in the trace"],
            ),
            (
                "in a span of the caller",
                vec![&ours, &other_span],
                vec!["the line of flask is in none of its spans"],
            ),
        ];
        let traces = Trace::group(spans);
        for (name, lines, expected) in cases {
            let lines: Vec<_> = lines.into_iter().cloned().collect();
            let mut breaches = Vec::new();
            check(&["ours-a", "flask"], &traces[0], &lines, &mut breaches);
            assert_eq!(breaches, expected, "{name}");
        }
    }
}
