//! The bars of the spans, on a common time axis.

use std::time::{Duration, SystemTime};

use crate::{span::Span, trace::time_range};

/// Left-aligned blocks, from no to seven eighths of a cell.
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The time from the first start to the last end, divided into cells.
pub(super) struct Axis {
    start: SystemTime,
    length: Duration,
    cells: usize,
}

impl Axis {
    pub(super) fn new(spans: &[Span], cells: usize) -> Self {
        let (start, length) = time_range(spans);
        Self {
            start,
            length,
            cells,
        }
    }

    /// Returns the time from the first start to the last end.
    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Draws the bar of a span. The bar starts at a whole cell, ends at an eighth of a cell, and is at least an eighth long.
    pub(super) fn bar(&self, span: &Span) -> String {
        let cells = self.cells as u128;
        let eighths = |time: SystemTime| {
            let at = time.duration_since(self.start).unwrap_or_default();
            // This cannot overflow: a Duration has less than 2^94 nanoseconds.
            let at = at.min(self.length).as_nanos() * cells * 8;
            at.checked_div(self.length.as_nanos()).unwrap_or(0)
        };
        let (start, end) = (eighths(span.start()), eighths(span.end()));
        let first = (start / 8).min(cells.saturating_sub(1));
        let length = match end.saturating_sub(start) {
            short @ 0..8 => short.max(1),
            _ => end - first * 8, // from the left edge of the first cell, so that the end is exact
        };
        let count = |cells: u128| usize::try_from(cells).unwrap_or(0);
        let part = PARTS.get(count(length % 8)).copied().unwrap_or_default();
        let (blank, full) = (" ".repeat(count(first)), "█".repeat(count(length / 8)));
        format!("{blank}{full}{part}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::span;

    #[test]
    fn bars_are_at_their_time() {
        let cases = [
            ("whole", 0, 80, "████████"),
            ("first half", 0, 40, "████"),
            ("second half", 40, 80, "    ████"),
            ("half a cell", 10, 15, " ▌"),
            ("starts within a cell", 19, 30, " ██"),
            ("no time at all", 30, 30, "   ▏"),
            ("no time at the end", 80, 80, "       ▏"),
            ("ends before it starts", 30, 10, "   ▏"),
        ];
        for (name, start, end, expected) in cases {
            let bounds = span(1, 0, "", 0, 80).build();
            let axis = Axis::new(&[bounds, span(2, 1, "", start, end).build()], 8);
            let bar = axis.bar(&span(2, 1, "", start, end).build());
            assert_eq!(bar, expected, "{name}");
        }
    }

    #[test]
    fn a_trace_without_length_still_has_bars() {
        let only = span(1, 0, "", 5, 5).build();
        assert_eq!(Axis::new(std::slice::from_ref(&only), 8).bar(&only), "▏");
    }
}
