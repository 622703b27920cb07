//! Colours.

use std::{
    collections::HashMap,
    env,
    ffi::OsStr,
    io::{self, IsTerminal as _},
};

use anstyle::{AnsiColor, Style};
use opentelemetry::trace::SpanKind;

use crate::{span::Span, trace::Trace};

pub(super) const RED: Style = AnsiColor::Red.on_default();

pub(super) fn kind_style(kind: &SpanKind) -> Style {
    match kind {
        SpanKind::Server | SpanKind::Consumer => Style::new().bold(),
        SpanKind::Client | SpanKind::Producer => Style::new(),
        SpanKind::Internal => Style::new().dimmed(),
    }
}

/// The colour of each service.
pub(super) struct Palette<'a>(HashMap<&'a str, Style>);

impl<'a> Palette<'a> {
    /// Assigns the colours in the order in which the services appear.
    pub(super) fn new(trace: &'a Trace) -> Self {
        let mut colors = SERVICE_COLORS.iter().cycle();
        let mut styles = HashMap::new();
        for service in trace.spans().iter().filter_map(Span::service) {
            styles
                .entry(service)
                .or_insert_with(|| match colors.next() {
                    Some(color) => color.on_default(),
                    None => Style::new(),
                });
        }
        Self(styles)
    }

    pub(super) fn style(&self, span: &Span) -> Style {
        let style = span.service().and_then(|service| self.0.get(service));
        style.copied().unwrap_or_default()
    }
}

/// Returns whether standard output should be coloured.
pub(super) fn stdout_wants_color() -> bool {
    wants_color(
        io::stdout().is_terminal(),
        env::var_os("NO_COLOR").as_deref(),
        env::var_os("TERM").as_deref(),
    )
}

/// `NO_COLOR` counts unless it is empty (<https://no-color.org>).
fn wants_color(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

const SERVICE_COLORS: [AnsiColor; 5] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::BrightCyan,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_need_a_terminal_that_supports_them() {
        let cases = [
            ("terminal", true, None, Some("xterm"), true),
            ("pipe", false, None, Some("xterm"), false),
            ("NO_COLOR", true, Some("1"), Some("xterm"), false),
            ("NO_COLOR empty", true, Some(""), None, true),
            ("dumb terminal", true, None, Some("dumb"), false),
        ];
        for (name, terminal, no_color, term, expected) in cases {
            let given = wants_color(terminal, no_color.map(OsStr::new), term.map(OsStr::new));
            assert_eq!(given, expected, "{name}");
        }
    }
}
