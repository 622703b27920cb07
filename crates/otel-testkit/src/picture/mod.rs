//! A trace as a waterfall of text.

mod bar;
mod columns;
mod style;
mod summary;
mod text;
mod tree;

use std::{collections::HashSet, env, fmt};

use anstyle::{AnsiColor, Style};

pub(crate) use self::summary::summary;
pub(crate) use self::text::count;
pub use self::text::escape_json;
use self::{
    bar::Axis,
    columns::{Columns, Line, MIN_NAME},
    style::{Palette, RED, kind_style, stdout_wants_color},
    tree::Row,
};
use crate::{span::Span, trace::Trace};

/// A trace as a waterfall of text, which `Display` draws.
///
/// Each span has one line: kind, service, name in the tree, status, duration, and a bar on the common time axis. Spans whose
/// parent is missing follow below a line that says so. Control characters in names are escaped, since names come from the
/// network.
///
/// By default a picture is 100 characters wide and has no colours. Longer names are cut, at most down to 16 characters.
#[derive(Clone, Debug)]
#[must_use = "a picture does nothing until it is displayed"]
pub struct Picture<'a> {
    trace: &'a Trace,
    color: bool,
    width: usize,
}

impl<'a> Picture<'a> {
    fn new(trace: &'a Trace) -> Self {
        Self {
            trace,
            color: false,
            width: DEFAULT_WIDTH,
        }
    }

    /// Creates a picture for standard output.
    ///
    /// The picture has colours if standard output is a terminal, `TERM` is not `dumb`, and `NO_COLOR` is unset or empty. Its
    /// width is `COLUMNS` if this variable is set.
    pub fn for_terminal(trace: &'a Trace) -> Self {
        let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        Self::new(trace)
            .color(stdout_wants_color())
            .width(columns.unwrap_or(DEFAULT_WIDTH))
    }

    /// Enables or disables ANSI colours. By default they are disabled.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Limits the characters in a line. The default is 100.
    pub fn width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    fn paint(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    fn header(&self, f: &mut fmt::Formatter<'_>, axis: &Axis) -> fmt::Result {
        let spans = self.trace.spans();
        let services: HashSet<_> = spans.iter().filter_map(Span::service).collect();
        let errors = spans.iter().filter(|span| span.is_error()).count();
        let bold = self.paint(Style::new().bold());
        write!(f, "{bold}trace {}{bold:#}", self.trace.id())?;
        write!(f, " · {}", text::count(spans.len(), "span"))?;
        if !services.is_empty() {
            write!(f, " · {}", text::count(services.len(), "service"))?;
        }
        write!(f, " · {}", text::duration(axis.length()))?;
        if errors > 0 {
            let red = self.paint(RED);
            write!(f, " · {red}{}{red:#}", text::count(errors, "error"))?;
        }
        writeln!(f)
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, line: &Line<'_>, columns: &Columns) -> fmt::Result {
        let kind = self.paint(kind_style(line.span.kind()));
        let service = self.paint(line.service_style);
        let dim = self.paint(Style::new().dimmed());
        let error = line.span.is_error();
        let red = self.paint(if error { RED } else { Style::new() });
        let bar = if error { red } else { service };

        write!(f, "{kind}{:1$}{kind:#}  ", line.kind, columns.kind)?;
        if columns.service > 0 {
            let name = text::cut(&line.service, columns.service);
            write!(f, "{service}{name:0$}{service:#}  ", columns.service)?;
        }
        let kept = text::width(&line.name).min(MIN_NAME / 2);
        let guide = text::cut(&line.guide, columns.name.saturating_sub(kept));
        let room = columns.name.saturating_sub(text::width(&guide));
        let name = text::cut(&line.name, room);
        if !guide.is_empty() {
            write!(f, "{dim}{guide}{dim:#}")?;
        }
        write!(f, "{red}{name:room$}{red:#}  ")?;
        if columns.status > 0 {
            write!(f, "{red}{:1$}{red:#}  ", line.status, columns.status)?;
        }
        write!(f, "{:>1$}  ", line.duration, columns.duration)?;
        writeln!(f, "{bar}{}{bar:#}", columns.axis.bar(line.span))
    }
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = tree::rows(self.trace);
        let palette = Palette::new(self.trace);
        let lines: Vec<_> = rows.iter().map(|row| Line::new(row, &palette)).collect();
        let columns = Columns::new(self.trace, &lines, self.width);
        self.header(f, &columns.axis)?;
        let yellow = self.paint(AnsiColor::Yellow.on_default());
        for (row, line) in rows.iter().zip(&lines) {
            match (row, line) {
                (Row::Note(note), _) => writeln!(f, "{yellow}{note}{yellow:#}")?,
                (Row::Span { .. }, Some(line)) => self.line(f, line, &columns)?,
                (Row::Span { .. }, None) => {}
            }
        }
        Ok(())
    }
}

impl Trace {
    /// Returns a picture of this trace, whose width and colours can be set.
    pub fn picture(&self) -> Picture<'_> {
        Picture::new(self)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.picture().fmt(f)
    }
}

const DEFAULT_WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanKind;
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{checkout, span, trace};

    const CODE: &str = "http.response.status_code";

    /// Compares whole pictures; the indentation of the expected text is the reader's.
    #[track_caller]
    fn assert_picture(given: &impl ToString, expected: &str) {
        let given = given.to_string();
        let lines: Vec<_> = expected.trim().lines().map(str::trim_start).collect();
        assert_eq!(given.lines().collect::<Vec<_>>(), lines, "\n{given}");
    }

    #[test]
    fn a_trace_over_two_services() {
        assert_picture(
            &trace(checkout()),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 5 spans · 2 services · 12.3 ms
            SERVER    gateway  GET /checkout/{cart}       200  12.3 ms  ████████████████████████████████████████
            INTERNAL  gateway  └─ price the cart               11.8 ms  ███████████████████████████████████████▎
            CLIENT    gateway     └─ GET                  200  11.0 ms    ████████████████████████████████████
            SERVER    pricing        └─ GET /quote/{sku}  200   2.1 ms                 ███████
            CLIENT    pricing           └─ SELECT quotes        1.1 ms                  ███▊
            ",
        );
    }

    #[test]
    fn colours_follow_kind_service_and_error() {
        let trace = trace(vec![
            span(1, 0, "GET /a", 0, 100)
                .kind(SpanKind::Server)
                .service("a")
                .build(),
            span(2, 1, "GET", 50, 100)
                .kind(SpanKind::Client)
                .service("a")
                .attribute(CODE, 500)
                .error("")
                .build(),
            span(3, 2, "GET /b", 60, 90)
                .kind(SpanKind::Server)
                .service("b")
                .build(),
        ]);
        assert_picture(
            &trace.picture().color(true).width(60).to_string().replace('\x1b', "^"),
            "
            ^[1mtrace 4bf92f3577b34da6a3ce929d0e0e4736^[0m · 3 spans · 2 services · 100.0 µs · ^[31m1 error^[0m
            ^[1mSERVER^[0m  ^[36ma^[0m  GET /a                   100.0 µs  ^[36m██████████████^[0m
            CLIENT  ^[36ma^[0m  ^[2m└─ ^[0m^[31mGET      ^[0m  ^[31m500 ERROR^[0m   50.0 µs  ^[31m       ███████^[0m
            ^[1mSERVER^[0m  ^[32mb^[0m  ^[2m   └─ ^[0mGET /b              30.0 µs  ^[32m        ████▌^[0m
            ",
        );
    }

    #[test]
    fn orphans_are_below_a_line_that_names_the_missing_parent() {
        let mut spans = checkout();
        spans.retain(|span| span.name() != "GET");
        spans.push(
            span(9, 3, "send mail", 900, 1_900)
                .kind(SpanKind::Producer)
                .service("gateway")
                .build(),
        );
        assert_picture(
            &trace(spans),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 5 spans · 2 services · 12.3 ms
            SERVER    gateway  GET /checkout/{cart}  200  12.3 ms  █████████████████████████████████████████████
            INTERNAL  gateway  └─ price the cart          11.8 ms   ███████████████████████████████████████████▎
            orphan, parent 0000000000000003 not seen
            PRODUCER  gateway  send mail                   1.0 ms     ███▉
            SERVER    pricing  GET /quote/{sku}      200   2.1 ms                   ███████▉
            CLIENT    pricing  └─ SELECT quotes            1.1 ms                    ████▎
            ",
        );
    }

    #[test]
    fn errors_show_their_type_or_description() {
        let spans = vec![
            span(1, 0, "GET /a", 0, 80)
                .attribute(CODE, 502)
                .attribute("error.type", "502")
                .error("")
                .build(),
            span(2, 1, "refused", 0, 20)
                .attribute("error.type", "connect")
                .error("not this")
                .build(),
            span(3, 1, "described", 20, 40)
                .error("card declined")
                .build(),
            span(4, 1, "bare", 40, 60).error("").build(),
            span(5, 1, "missing", 60, 80).attribute(CODE, 404).build(),
        ];
        assert_picture(
            &trace(spans),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 5 spans · 80.0 µs · 4 errors
            INTERNAL  GET /a        502 ERROR            80.0 µs  ██████████████████████████████████████████████
            INTERNAL  ├─ refused    ERROR connect        20.0 µs  ███████████▌
            INTERNAL  ├─ described  ERROR card declined  20.0 µs             ████████████
            INTERNAL  ├─ bare       ERROR                20.0 µs                         ███████████▌
            INTERNAL  └─ missing    404                  20.0 µs                                    ████████████
            ",
        );
    }

    #[test]
    fn long_names_are_cut_and_the_bars_stay_aligned() {
        let mut spans = checkout();
        let name = "SELECT sku, price, currency FROM quotes WHERE sku = ? AND valid_until > now()";
        let service = "a-service-with-a-very-long-name";
        spans.push(
            span(6, 5, name, 5_100, 6_000)
                .kind(SpanKind::Client)
                .service(service)
                .build(),
        );
        assert_picture(
            &trace(spans.clone()),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 6 spans · 3 services · 12.3 ms
            SERVER    gateway               GET /checkout/{cart}                     200   12.3 ms  ████████████
            INTERNAL  gateway               └─ price the cart                              11.8 ms  ███████████▊
            CLIENT    gateway                  └─ GET                                200   11.0 ms  ███████████▍
            SERVER    pricing                     └─ GET /quote/{sku}                200    2.1 ms      ██▋
            CLIENT    pricing                        └─ SELECT quotes                       1.1 ms      █▉
            CLIENT    a-service-with-a-ve…              └─ SELECT sku, price, curr…       900.0 µs      ▉
            ",
        );
        assert_picture(
            &trace(spans).picture().width(70),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 6 spans · 3 services · 12.3 ms
            SERVER    gateway               GET /checkout/{…  200   12.3 ms  ████████████
            INTERNAL  gateway               └─ price the ca…        11.8 ms  ███████████▊
            CLIENT    gateway                  └─ GET         200   11.0 ms  ███████████▍
            SERVER    pricing                     └…GET /qu…  200    2.1 ms      ██▋
            CLIENT    pricing                      …SELECT …         1.1 ms      █▉
            CLIENT    a-service-with-a-ve…         …SELECT …       900.0 µs      ▉
            ",
        );
    }

    #[test]
    fn a_span_without_duration_has_a_bar() {
        let spans = vec![
            span(1, 0, "work", 0, 100).build(),
            span(2, 1, "instant", 50, 50).build(),
            span(3, 1, "ends before it starts", 100, 20).build(),
        ];
        assert_picture(
            &trace(spans),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 3 spans · 100.0 µs
            INTERNAL  work                      100.0 µs  ██████████████████████████████████████████████████████
            INTERNAL  ├─ instant                    0 ns                             ▏
            INTERNAL  └─ ends before it starts      0 ns                                                       ▏
            ",
        );
    }

    #[test]
    fn spans_in_a_circle_are_drawn_once() {
        let spans = vec![
            span(1, 2, "hen", 0, 100).build(),
            span(2, 1, "egg", 50, 100).build(),
            span(3, 3, "own parent", 60, 100).build(),
        ];
        assert_picture(
            &trace(spans),
            "
            trace 4bf92f3577b34da6a3ce929d0e0e4736 · 3 spans · 100.0 µs
            its own ancestor, in a circle
            INTERNAL  hen         100.0 µs  ████████████████████████████████████████████████████████████
            INTERNAL  └─ egg       50.0 µs                                ██████████████████████████████
            its own ancestor, in a circle
            INTERNAL  own parent   40.0 µs                                      ████████████████████████
            ",
        );
    }

    #[test]
    fn a_chain_of_thousands_stays_small() {
        let spans = (1..=20_000).map(|id| span(id, id - 1, "deeper", id, 40_000 - id).build());
        let picture = trace(spans.collect()).to_string();
        assert_eq!(picture.lines().count(), 20_001);
        assert!(
            picture
                .lines()
                .all(|line| line.chars().count() <= DEFAULT_WIDTH)
        );
    }

    #[test]
    fn nothing_from_the_network_reaches_the_terminal_raw() {
        let hostile = "a\x1b\u{9b}\r";
        let cases = [
            ("name", span(1, 0, hostile, 0, 1).build()),
            ("service", span(1, 0, "", 0, 1).service(hostile).build()),
            ("description", span(1, 0, "", 0, 1).error(hostile).build()),
            (
                "status code",
                span(1, 0, "", 0, 1).attribute(CODE, hostile).build(),
            ),
            (
                "error type",
                span(1, 0, "", 0, 1)
                    .attribute("error.type", hostile)
                    .error("")
                    .build(),
            ),
        ];
        for (name, span) in cases {
            let picture = trace(vec![span]).to_string();
            assert!(
                picture.contains("a\\u{1b}\\u{9b}\\r"),
                "{name}: {picture:?}"
            );
            assert!(
                !picture.contains(['\x1b', '\u{9b}', '\r']),
                "{name}: {picture:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_span_has_one_escaped_line(
            given in prop::collection::vec(
                (1..8_u64, 0..8_u64, prop::collection::vec(any::<char>(), 0..30), any::<u32>(), any::<u64>()),
                1..20,
            ),
            width in 0..200_usize,
        ) {
            let spans: Vec<_> = given
                .iter()
                .map(|(id, parent, name, start, end)| {
                    let text: String = name.iter().collect();
                    let span = span(*id, *parent, &text, u64::from(*start), end >> 1);
                    span.service(text.clone()).error(text).build()
                })
                .collect();
            let count = spans.len();
            let picture = trace(spans).picture().width(width).to_string();
            prop_assert!(!picture.chars().any(|c| c.is_control() && c != '\n'));
            let lines = picture.lines().filter(|line| line.starts_with("INTERNAL")).count();
            prop_assert_eq!(lines, count);
        }
    }
}
