//! The rows of a picture from top to bottom: the order of the spans, and the lines of the tree before their names.

use std::collections::HashSet;

use crate::{span::Span, trace::Trace};

/// Deeper spans are drawn at this depth, so that a chain of thousands of spans stays readable and small.
const MAX_DEPTH: usize = 24;

pub(super) enum Row<'a> {
    /// A line above spans that are not below a root.
    Note(String),
    Span {
        guide: String,
        span: &'a Span,
    },
}

/// Returns the roots and the spans below them, then orphans grouped by their missing parent, then all other spans.
pub(super) fn rows(trace: &Trace) -> Vec<Row<'_>> {
    let mut walk = Walk {
        trace,
        seen: HashSet::new(),
        rows: Vec::with_capacity(trace.spans().len()),
    };
    let spans = || trace.spans().iter().enumerate();
    for (index, span) in spans() {
        if span.parent_span_id().is_none() {
            walk.subtree(index);
        }
    }
    for (index, span) in spans() {
        if let Some(missing) = span.parent_span_id()
            && trace.parent(span).is_none()
            && !walk.seen.contains(&index)
        {
            let note = format!("orphan, parent {missing} not seen");
            walk.rows.push(Row::Note(note));
            for sibling in trace.child_indexes(missing) {
                walk.subtree(*sibling);
            }
        }
    }
    // Spans that are their own ancestors. Only a broken or hostile exporter sends them.
    for (index, _) in spans() {
        if !walk.seen.contains(&index) {
            let note = "its own ancestor, in a circle".to_owned();
            walk.rows.push(Row::Note(note));
            walk.subtree(index);
        }
    }
    walk.rows
}

struct Walk<'a> {
    trace: &'a Trace,
    /// The spans that have a row: each span has one, even in a circle or if two spans share an id.
    seen: HashSet<usize>,
    rows: Vec<Row<'a>>,
}

impl Walk<'_> {
    /// Adds a span and the spans below it, without recursion, since any client can choose the depth.
    fn subtree(&mut self, top: usize) {
        let mut stack = vec![Step {
            index: top,
            depth: 0,
            guide: String::new(),
            last: true,
        }];
        while let Some(step) = stack.pop() {
            let Some(span) = self.trace.spans().get(step.index) else {
                continue;
            };
            if !self.seen.insert(step.index) {
                continue;
            }
            let depth = step.depth;
            let (own, below) = step.guides();
            self.rows.push(Row::Span { guide: own, span });
            let children = self.trace.child_indexes(span.span_id());
            // The last child is pushed first, since the stack reverses the order.
            for (place, index) in children.iter().rev().enumerate() {
                stack.push(Step {
                    index: *index,
                    depth: depth + 1,
                    guide: below.clone(),
                    last: place == 0,
                });
            }
        }
    }
}

struct Step {
    index: usize,
    depth: usize,
    /// The tree lines to the left of this span's own branch.
    guide: String,
    last: bool,
}

impl Step {
    /// Returns the tree lines before this span and before its children.
    fn guides(self) -> (String, String) {
        let Self {
            depth, guide, last, ..
        } = self;
        if depth == 0 {
            return (guide.clone(), guide);
        }
        if depth >= MAX_DEPTH {
            return (format!("{guide}… "), guide);
        }
        let own = format!("{guide}{}", if last { "└─ " } else { "├─ " });
        let below = format!("{guide}{}", if last { "   " } else { "│  " });
        (own, below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{span, trace};

    #[test]
    fn the_tree_lines_before_a_name_are_limited() {
        let spans = (1..=1_000).map(|id| span(id, id - 1, "deeper", id, 2_000).build());
        let trace = trace(spans.collect());
        let mut guides = 0;
        for row in rows(&trace) {
            if let Row::Span { guide, .. } = row {
                guides += 1;
                assert!(guide.chars().count() <= MAX_DEPTH * 3, "{guide:?}");
            }
        }
        assert_eq!(guides, 1_000);
    }
}
