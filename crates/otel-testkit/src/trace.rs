//! The spans of one trace, as a tree.

use std::{
    cmp::Reverse,
    collections::HashMap,
    time::{Duration, SystemTime},
};

use opentelemetry::{SpanId, TraceId, trace::SpanKind};

use crate::span::Span;

/// The spans of one trace, as a tree.
///
/// `Display` draws the trace without colours, see [`Picture`](crate::Picture).
#[derive(Clone, Debug)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
    by_id: HashMap<SpanId, usize>,
    children: HashMap<SpanId, Vec<usize>>,
}

impl Trace {
    /// Groups spans by trace id. The trace that started first comes first.
    #[must_use]
    pub fn group(spans: impl IntoIterator<Item = Span>) -> Vec<Self> {
        let mut groups: HashMap<TraceId, Vec<Span>> = HashMap::new();
        for span in spans {
            groups.entry(span.trace_id()).or_default().push(span);
        }
        let mut traces: Vec<_> = groups
            .into_iter()
            .map(|(id, spans)| Self::new(id, spans))
            .collect();
        traces.sort_by_key(|trace| (trace.spans.first().map(Span::start), trace.id.to_bytes()));
        traces
    }

    pub(crate) fn new(id: TraceId, mut spans: Vec<Span>) -> Self {
        // Of two spans that start together, the longer one is the outer one.
        spans.sort_by_key(|span| {
            let id = span.span_id().to_bytes();
            (span.start(), Reverse(span.end()), id)
        });
        let mut by_id = HashMap::new();
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            by_id.entry(span.span_id()).or_insert(index);
            if let Some(parent) = span.parent_span_id() {
                children.entry(parent).or_default().push(index);
            }
        }
        Self {
            id,
            spans,
            by_id,
            children,
        }
    }

    /// Returns the trace id.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// Returns all spans in the order they started.
    ///
    /// A span that was exported twice appears twice.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Returns the first span with this name.
    #[must_use]
    pub fn span(&self, name: &str) -> Option<&Span> {
        self.spans.iter().find(|span| span.name() == name)
    }

    /// Returns the spans without a parent id. A complete trace has one root.
    #[must_use]
    pub fn roots(&self) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| span.parent_span_id().is_none())
            .collect()
    }

    /// Returns the direct children of a span in the order they started.
    #[must_use]
    pub fn children(&self, span: &Span) -> Vec<&Span> {
        self.child_indexes(span.span_id())
            .iter()
            .filter_map(|index| self.spans.get(*index))
            .collect()
    }

    /// Returns the parent of a span, or `None` if the span is a root or an orphan.
    #[must_use]
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        let index = self.by_id.get(&span.parent_span_id()?)?;
        self.spans.get(*index)
    }

    /// Returns the spans whose parent is missing: they have a parent id, but no span with this id was received.
    ///
    /// Usually the parent was not exported or the context was lost. A SERVER span is also an orphan if its caller does not
    /// export to this recording; then [`Span::parent_is_remote`] is `Some(true)`.
    #[must_use]
    pub fn orphans(&self) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| span.parent_span_id().is_some() && self.parent(span).is_none())
            .collect()
    }

    /// Returns the time that each call between two services spent outside both services.
    ///
    /// There is one gap for each SERVER span that is the child of a CLIENT span of another service.
    pub(crate) fn gaps(&self) -> Vec<Gap<'_>> {
        self.spans
            .iter()
            .filter_map(|server| {
                let client = self.parent(server)?;
                let crosses = *server.kind() == SpanKind::Server
                    && *client.kind() == SpanKind::Client
                    && server.service() != client.service();
                crosses.then_some(Gap { client, server })
            })
            .collect()
    }

    /// Asserts that a span named `child` is a direct child of a span named `parent`.
    ///
    /// If several spans share a name, one such pair is enough.
    ///
    /// # Panics
    ///
    /// Panics and shows the trace if there is no such pair.
    #[track_caller]
    pub fn assert_child_of(&self, child: &str, parent: &str) {
        let named: Vec<_> = self.spans.iter().filter(|s| s.name() == child).collect();
        let found = named
            .iter()
            .any(|span| self.parent(span).is_some_and(|p| p.name() == parent));
        if found {
            return;
        }
        let reason = match named.first() {
            None => format!("no span is named {child:?}"),
            Some(_) if self.span(parent).is_none() => {
                format!("no span is named {parent:?}, so {child:?} is not its child")
            }
            Some(span) => match (self.parent(span), span.parent_span_id()) {
                (Some(other), _) => format!(
                    "{child:?} is not a child of {parent:?} but of {:?}",
                    other.name()
                ),
                (None, Some(id)) => {
                    format!("{child:?} is not a child of {parent:?}: its parent {id} is missing")
                }
                (None, None) => {
                    format!("{child:?} is not a child of {parent:?}: it has no parent")
                }
            },
        };
        panic!("{reason}\n\n{self}");
    }

    /// Asserts that no span's parent is missing.
    ///
    /// # Panics
    ///
    /// Panics and shows the trace if there are [orphans](Self::orphans).
    #[track_caller]
    pub fn assert_no_orphans(&self) {
        let orphans: Vec<_> = self.orphans().into_iter().map(Span::name).collect();
        assert!(
            orphans.is_empty(),
            "the parent of these spans is missing: {orphans:?}\n\n{self}"
        );
    }

    /// Returns the indexes in [`spans`](Self::spans) of a span's children. The span itself may be missing.
    pub(crate) fn child_indexes(&self, parent: SpanId) -> &[usize] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }
}

/// Returns the first start, and the time from there to the last end.
pub(crate) fn time_range(spans: &[Span]) -> (SystemTime, Duration) {
    let start = spans.iter().map(Span::start).min();
    let start = start.unwrap_or(SystemTime::UNIX_EPOCH);
    let end = spans.iter().map(|span| span.end().max(span.start())).max();
    let length = end.and_then(|end| end.duration_since(start).ok());
    (start, length.unwrap_or_default())
}

/// A call from a CLIENT span to a SERVER span of another service, with the time that neither service accounts for: network,
/// queues, proxies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap<'a> {
    pub(crate) client: &'a Span,
    pub(crate) server: &'a Span,
}

impl Gap<'_> {
    /// Returns the time from the start of the CLIENT span to the start of the SERVER span.
    ///
    /// The time is zero if the server's clock is behind by more than that.
    pub(crate) fn before(&self) -> Duration {
        let start = self.server.start();
        start
            .duration_since(self.client.start())
            .unwrap_or_default()
    }

    /// Returns the time from the end of the SERVER span to the end of the CLIENT span, or zero if the clocks disagree as in
    /// [`before`](Self::before).
    pub(crate) fn after(&self) -> Duration {
        let end = self.client.end();
        end.duration_since(self.server.end()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::sample::{checkout, span, trace};

    fn names(spans: &[&Span]) -> Vec<String> {
        spans.iter().map(|span| span.name().to_owned()).collect()
    }

    fn failure(check: impl FnOnce()) -> Option<String> {
        let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
        panic.downcast_ref::<String>().cloned()
    }

    #[test]
    fn the_tree_knows_parents_and_children() {
        let trace = trace(checkout());
        let client = trace.span("GET").unwrap();
        assert_eq!(names(&trace.roots()), ["GET /checkout/{cart}"]);
        assert_eq!(names(&trace.children(client)), ["GET /quote/{sku}"]);
        assert_eq!(trace.parent(client).unwrap().name(), "price the cart");
        assert!(trace.orphans().is_empty());
        assert!(trace.span("POST").is_none());
    }

    #[test]
    fn spans_are_in_the_order_they_started() {
        let mut spans = checkout();
        let expected = trace(spans.clone()).to_string();
        spans.reverse();
        assert_eq!(trace(spans).to_string(), expected);
    }

    #[test]
    fn a_span_whose_parent_is_absent_is_an_orphan() {
        let mut spans = checkout();
        spans.retain(|span| span.name() != "GET");
        let trace = trace(spans);
        assert_eq!(names(&trace.orphans()), ["GET /quote/{sku}"]);
        assert!(trace.parent(trace.orphans()[0]).is_none());
        let message = failure(|| trace.assert_no_orphans()).unwrap();
        assert!(message.contains("GET /quote/{sku}"), "{message}");
        assert!(message.contains(&trace.to_string()), "{message}");
    }

    #[test]
    fn a_gap_is_the_time_between_client_and_server() {
        let trace = trace(checkout());
        let gaps = trace.gaps();
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].client.name(), "GET");
        assert_eq!(gaps[0].server.name(), "GET /quote/{sku}");
        assert_eq!(gaps[0].before(), Duration::from_micros(4_000));
        assert_eq!(gaps[0].after(), Duration::from_micros(4_900));
    }

    #[test]
    fn only_a_call_to_another_service_has_a_gap() {
        let cases = [
            ("other service", SpanKind::Client, SpanKind::Server, "b", 1),
            ("same service", SpanKind::Client, SpanKind::Server, "a", 0),
            ("not a client", SpanKind::Internal, SpanKind::Server, "b", 0),
            ("not a server", SpanKind::Client, SpanKind::Internal, "b", 0),
        ];
        for (name, parent, child, service, gaps) in cases {
            let trace = trace(vec![
                span(1, 0, "call", 0, 30).kind(parent).service("a").build(),
                span(2, 1, "serve", 10, 20)
                    .kind(child)
                    .service(service)
                    .build(),
            ]);
            assert_eq!(trace.gaps().len(), gaps, "{name}");
        }
    }

    #[test]
    fn a_server_clock_that_is_behind_makes_no_negative_gap() {
        let trace = trace(vec![
            span(1, 0, "call", 10, 20)
                .kind(SpanKind::Client)
                .service("a")
                .build(),
            span(2, 1, "serve", 0, 30)
                .kind(SpanKind::Server)
                .service("b")
                .build(),
        ]);
        assert_eq!(trace.gaps()[0].before(), Duration::ZERO);
        assert_eq!(trace.gaps()[0].after(), Duration::ZERO);
    }

    #[test]
    fn assert_child_of_passes_for_a_direct_child_only() {
        let trace = trace(checkout());
        trace.assert_child_of("GET /quote/{sku}", "GET");
        trace.assert_no_orphans();
        let cases = [
            (
                "grandchild",
                "GET",
                "GET /checkout/{cart}",
                "but of \"price the cart\"",
            ),
            ("root", "GET /checkout/{cart}", "GET", "it has no parent"),
            ("no such child", "POST", "GET", "no span is named \"POST\""),
            ("no such parent", "GET", "POST", "no span is named \"POST\""),
        ];
        for (name, child, parent, reason) in cases {
            let message = failure(|| trace.assert_child_of(child, parent)).expect(name);
            assert!(message.contains(reason), "{name}: {message}");
            assert!(message.contains(&trace.to_string()), "{name}: {message}");
        }
    }

    #[test]
    fn traces_are_grouped_by_id_and_sorted_by_start() {
        let traces = Trace::group([
            span(1, 0, "late", 20, 30).trace(7).build(),
            span(2, 0, "early", 10, 15).trace(9).build(),
            span(3, 1, "late too", 21, 22).trace(7).build(),
        ]);
        assert_eq!(traces.len(), 2);
        assert_eq!(names(&traces[0].roots()), ["early"]);
        assert_eq!(traces[1].spans().len(), 2);
    }
}
