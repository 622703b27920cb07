//! An explanation as text for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::explain::{Explained, Explanation};

pub(crate) fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    if explanation.headers.is_empty() {
        return "no propagation header found: give traceparent, tracestate, baggage, b3 or X-B3-* as \"name: value\"\n"
            .to_owned();
    }
    for explained in &explanation.headers {
        header(&mut out, explained);
    }
    if !explanation.others.is_empty() {
        line(&mut out, "\nthe same context in each format");
        for (name, value) in &explanation.others {
            line(&mut out, &format!("  {name}: {value}"));
        }
    }
    for note in &explanation.notes {
        line(&mut out, &format!("\nnote: {note}"));
    }
    out
}

fn header(out: &mut String, explained: &Explained) {
    let Explained {
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

/// One character for each, so that the caret stays in its place, and none that steers a terminal.
fn printable(text: &str) -> String {
    let safe = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    text.chars().map(safe).collect()
}

pub(crate) fn json(explanation: &Explanation) -> String {
    let headers: Vec<_> = explanation.headers.iter().map(header_json).collect();
    let others: Map<_, _> = explanation
        .others
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let all = json!({
        "valid": explanation.is_valid(),
        "headers": headers,
        "formats": others,
        "notes": explanation.notes,
    });
    format!("{all}\n")
}

fn header_json(explained: &Explained) -> Value {
    let members: Vec<_> = explained
        .facts
        .iter()
        .filter(|(name, _)| *name == "member")
        .map(|(_, value)| value.as_str())
        .collect();
    let mut fields: Map<_, _> = explained
        .facts
        .iter()
        .filter(|(name, _)| *name != "member")
        .map(|(name, value)| (name.replace(' ', "_"), Value::from(value.as_str())))
        .collect();
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
