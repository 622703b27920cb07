//! An explanation as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::explain::{ExplainedHeader, Explanation};

/// Writes an explanation for people.
pub(super) fn text(explanation: &Explanation) -> String {
    if explanation.headers.is_empty() {
        return "no propagation header found: pass traceparent, tracestate, baggage, b3 or X-B3-* as \"name: value\"\n"
            .to_owned();
    }
    let mut out = String::new();
    for explained in &explanation.headers {
        header(&mut out, explained);
    }
    if !explanation.formats.is_empty() {
        line(&mut out, "\nthe same context in each format");
        for (name, value) in &explanation.formats {
            line(&mut out, &format!("  {name}: {value}"));
        }
    }
    for note in &explanation.notes {
        line(&mut out, &format!("\nnote: {note}"));
    }
    out
}

fn header(out: &mut String, explained: &ExplainedHeader) {
    let ExplainedHeader {
        header,
        facts,
        problem,
    } = explained;
    line(
        out,
        &format!("{}: {}", header.name, printable(&header.value)),
    );
    if let Some(problem) = problem {
        let before = header.value.char_indices();
        let before = before.take_while(|(at, _)| *at < problem.position).count();
        let column = header.name.len() + 2 + before;
        line(out, &format!("{}^", " ".repeat(column)));
        line(out, &format!("  invalid    {}", problem.message));
        line(out, &format!("  rule       {}", problem.rule));
    }
    for (name, value) in facts {
        line(out, &format!("  {name:<10} {}", printable(value)));
    }
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}"); // writing to a String does not fail
}

/// Replaces each control character by one printable character, so that the caret stays in its column.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Writes an explanation as one JSON object.
pub(super) fn json(explanation: &Explanation) -> String {
    let headers: Vec<_> = explanation.headers.iter().map(header_json).collect();
    let formats: Map<_, _> = explanation
        .formats
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let all = json!({
        "valid": explanation.is_valid(),
        "headers": headers,
        "formats": formats,
        "notes": explanation.notes,
    });
    format!("{all}\n")
}

fn header_json(explained: &ExplainedHeader) -> Value {
    let mut fields = Map::new();
    let mut members = Vec::new();
    for (name, value) in &explained.facts {
        if *name == "member" {
            members.push(value.as_str());
        } else {
            fields.insert(name.replace(' ', "_"), value.as_str().into());
        }
    }
    if !members.is_empty() {
        fields.insert("members".to_owned(), members.into());
    }
    let error = explained.problem.as_ref().map(|problem| {
        json!({
            "position": problem.position,
            "message": problem.message,
            "rule": problem.rule,
        })
    });
    json!({
        "name": explained.header.name,
        "value": explained.header.value,
        "valid": explained.problem.is_none(),
        "fields": fields,
        "error": error,
    })
}
