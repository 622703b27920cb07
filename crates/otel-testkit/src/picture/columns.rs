//! The text of each span, and the widths of the columns.

use anstyle::Style;
use opentelemetry::{Value, trace::Status};

use super::{bar::Axis, style::Palette, text, tree::Row};
use crate::{
    span::{Span, kind_name},
    trace::Trace,
};

/// The texts of one span, not yet cut or padded.
pub(super) struct Line<'a> {
    pub(super) span: &'a Span,
    pub(super) kind: &'static str,
    pub(super) service: String,
    pub(super) service_style: Style,
    pub(super) guide: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) duration: String,
}

impl<'a> Line<'a> {
    /// Returns `None` if the row is a note.
    pub(super) fn new(row: &Row<'a>, palette: &Palette<'a>) -> Option<Self> {
        let Row::Span { guide, span } = row else {
            return None;
        };
        Some(Self {
            span,
            kind: kind_name(span.kind()),
            service: text::escape(span.service().unwrap_or("-")),
            service_style: palette.style(span),
            guide: guide.clone(),
            name: text::escape(span.name()),
            status: text::cut(&text::escape(&status(span)), MAX_STATUS),
            duration: text::duration(span.duration()),
        })
    }
}

/// Returns the HTTP or gRPC status, with the type or description of an error: `404`, `500 ERROR`, `NOT_FOUND`,
/// `ERROR timeout`.
fn status(span: &Span) -> String {
    let code = STATUS_CODES.iter().find_map(|key| span.attribute(key));
    let code = code.map(ToString::to_string);
    let mut parts: Vec<String> = code.iter().cloned().collect();
    if let Status::Error { description } = span.status() {
        parts.push("ERROR".to_owned());
        let error_type = span.attribute("error.type").map(Value::as_str);
        match error_type.filter(|it| Some(it.as_ref()) != code.as_deref()) {
            Some(error_type) => parts.push(error_type.into_owned()),
            None if !description.is_empty() => parts.push(description.to_string()),
            None => {}
        }
    }
    parts.join(" ")
}

/// The widths of the columns in characters. A column of width 0 is left out.
pub(super) struct Columns {
    pub(super) kind: usize,
    pub(super) service: usize,
    pub(super) name: usize,
    pub(super) status: usize,
    pub(super) duration: usize,
    pub(super) axis: Axis,
}

impl Columns {
    /// Computes the widths so that lines have at most `width` characters if names and bars keep their smallest widths.
    pub(super) fn new(trace: &Trace, lines: &[Option<Line<'_>>], width: usize) -> Self {
        let has_service = trace.spans().iter().any(|span| span.service().is_some());
        let kind = widest(lines, |line| line.kind.len());
        let service = if has_service {
            widest(lines, |line| text::width(&line.service)).min(MAX_SERVICE)
        } else {
            0
        };
        let wanted = widest(lines, |line| {
            text::width(&line.guide) + text::width(&line.name)
        });
        let status = widest(lines, |line| text::width(&line.status));
        let duration = widest(lines, |line| text::width(&line.duration));

        let others = [kind, service, status, duration];
        let taken = others.iter().filter(|width| **width > 0);
        let room = width.saturating_sub(taken.map(|width| width + GAP).sum::<usize>() + GAP);
        let name = wanted.min(room.saturating_sub(MIN_BAR).max(MIN_NAME));
        let bar = room.saturating_sub(name).clamp(MIN_BAR, MAX_BAR);
        Self {
            kind,
            service,
            name,
            status,
            duration,
            axis: Axis::new(trace.spans(), bar),
        }
    }
}

fn widest(lines: &[Option<Line<'_>>], width: fn(&Line<'_>) -> usize) -> usize {
    lines.iter().flatten().map(width).max().unwrap_or(0)
}

/// The attributes of status codes, in the current and in former conventions.
const STATUS_CODES: [&str; 4] = [
    "http.response.status_code",
    "http.status_code",
    "rpc.status_code",
    "rpc.response.status_code",
];
const GAP: usize = 2;
const MAX_SERVICE: usize = 20;
const MAX_STATUS: usize = 24;
/// The smallest width of the name column.
pub(super) const MIN_NAME: usize = 16;
const MIN_BAR: usize = 12;
const MAX_BAR: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::span;

    #[test]
    fn a_call_of_grpc_shows_the_name_of_its_status() {
        let code = "rpc.status_code";
        let call = span(1, 0, "shop.Pricing/Quote", 0, 1000);
        let refused = call.attribute(code, "NOT_FOUND").build();
        assert_eq!(status(&refused), "NOT_FOUND");
        let failed = span(1, 0, "shop.Pricing/Quote", 0, 1000)
            .attribute(code, "INTERNAL")
            .attribute("error.type", "INTERNAL")
            .error("")
            .build();
        assert_eq!(status(&failed), "INTERNAL ERROR");
    }
}
