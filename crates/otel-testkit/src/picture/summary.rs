//! Several traces in one text, for error messages.

use crate::trace::Trace;

/// Counts the traces and draws them, up to 200 lines.
pub(crate) fn summary(traces: &[Trace]) -> String {
    let spans: usize = traces.iter().map(|trace| trace.spans().len()).sum();
    let mut text = match traces.len() {
        0 => return "no span was seen".to_owned(),
        1 => format!("1 trace was seen ({spans} spans):"),
        many => format!("{many} traces were seen ({spans} spans):"),
    };
    let mut lines = 0;
    for trace in traces {
        for line in trace.to_string().lines() {
            if lines == MAX_LINES {
                text.push_str("\n…");
                return text;
            }
            lines += 1;
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

const MAX_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::span;

    #[test]
    fn long_summaries_are_cut() {
        let spans = (1..=10_000).map(|id| span(id, 0, "x", 0, 1).build());
        assert_eq!(summary(&Trace::group(spans)).lines().count(), MAX_LINES + 2);
    }
}
