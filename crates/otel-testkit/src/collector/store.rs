//! The received spans and log lines, within limits.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use opentelemetry::TraceId;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest,
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
};

use crate::{
    log_line::{self, LogLine},
    span::{Span, from_otlp},
};

/// The received data.
#[derive(Debug, Default)]
pub(super) struct Store {
    limit: usize,
    pub(super) len: usize,
    memory_limit: usize,
    /// The estimated bytes of the spans.
    bytes: usize,
    lines: VecDeque<LogLine>,
    line_bytes: usize,
    traces: HashMap<TraceId, ReceivedTrace>,
    /// The traces by the number of their last arrival.
    order: BTreeMap<u64, TraceId>,
    arrivals: u64,
    pub(super) dropped: u64,
    pub(super) rejected: u64,
    pub(super) other_signals: u64,
}

#[derive(Debug)]
struct ReceivedTrace {
    last_arrival: u64,
    last_arrival_at: Instant,
    bytes: usize,
    spans: Vec<Span>,
}

impl Store {
    pub(super) fn new(limit: usize, memory_limit: usize) -> Self {
        Self {
            limit,
            memory_limit,
            ..Self::default()
        }
    }

    /// Adds the spans of an export, and returns the answer to the exporter.
    pub(super) fn export_traces(
        &mut self,
        request: ExportTraceServiceRequest,
    ) -> ExportTraceServiceResponse {
        let mut rejected = 0;
        // Each span is counted against the limits before the next one is created.
        for span in from_otlp(request) {
            match span {
                Some(span) => self.insert(span),
                None => rejected += 1,
            }
        }
        self.rejected += rejected;
        let partial_success = (rejected > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: "a trace, span or parent id has a wrong length or is zero".to_owned(),
        });
        ExportTraceServiceResponse { partial_success }
    }

    pub(super) fn export_logs(&mut self, request: ExportLogsServiceRequest) {
        for line in log_line::from_otlp(request) {
            self.insert_line(line);
        }
    }

    pub(super) fn logs(&self) -> Vec<LogLine> {
        self.lines.iter().cloned().collect()
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.traces
            .values()
            .flat_map(|trace| trace.spans.iter().cloned())
            .collect()
    }

    pub(super) fn clear(&mut self) {
        self.traces.clear();
        self.order.clear();
        self.lines.clear();
        (self.len, self.bytes, self.line_bytes) = (0, 0, 0);
    }

    pub(super) fn take_finished(&mut self, quiet: Duration) -> Vec<Span> {
        let ids = self.finished(quiet);
        ids.into_iter().flat_map(|id| self.remove(id)).collect()
    }

    /// Returns the traces without a new span for `quiet`.
    pub(super) fn finished(&self, quiet: Duration) -> Vec<TraceId> {
        self.traces
            .iter()
            .filter(|(_, trace)| trace.last_arrival_at.elapsed() >= quiet)
            .map(|(id, _)| *id)
            .collect()
    }

    fn insert(&mut self, span: Span) {
        let id = span.trace_id();
        let bytes = span.weight();
        while self.len >= self.limit || self.bytes.saturating_add(bytes) > self.memory_limit {
            if !self.drop_quietest_except(id) {
                self.dropped += 1;
                return;
            }
        }
        self.arrivals += 1;
        let now = Instant::now();
        let trace = self.traces.entry(id).or_insert_with(|| ReceivedTrace {
            last_arrival: 0,
            last_arrival_at: now,
            bytes: 0,
            spans: Vec::new(),
        });
        self.order.remove(&trace.last_arrival);
        self.order.insert(self.arrivals, id);
        trace.last_arrival = self.arrivals;
        trace.last_arrival_at = now;
        trace.bytes += bytes;
        trace.spans.push(span);
        self.len += 1;
        self.bytes += bytes;
    }

    fn insert_line(&mut self, line: LogLine) {
        let bytes = line.weight();
        while !self.lines.is_empty() && self.line_bytes.saturating_add(bytes) > self.memory_limit {
            let oldest = self.lines.pop_front();
            self.line_bytes -= oldest.map_or(0, |line| line.weight());
        }
        if bytes <= self.memory_limit {
            self.line_bytes += bytes;
            self.lines.push_back(line);
        }
    }

    fn remove(&mut self, id: TraceId) -> Vec<Span> {
        let Some(trace) = self.traces.remove(&id) else {
            return Vec::new();
        };
        self.order.remove(&trace.last_arrival);
        self.len -= trace.spans.len();
        self.bytes -= trace.bytes;
        trace.spans
    }

    /// Drops the trace without a new span for the longest time, except `newest`. Returns `false` if no other trace exists.
    ///
    /// The trace is dropped as a whole, since an incomplete trace looks like a defect of the services.
    fn drop_quietest_except(&mut self, newest: TraceId) -> bool {
        let quietest = self.order.iter().find(|(_, id)| **id != newest);
        let Some(id) = quietest.map(|(_, id)| *id) else {
            return false;
        };
        let spans = self.remove(id).len();
        self.dropped += u64::try_from(spans).unwrap_or(u64::MAX);
        true
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        resource::v1::Resource,
        trace::v1::{self as otlp, ResourceSpans, ScopeSpans},
    };

    use super::*;
    use crate::sample::span;

    fn state(limit: usize, trace_ids: &[u128]) -> Store {
        let mut state = Store {
            limit,
            memory_limit: usize::MAX,
            ..Store::default()
        };
        for (id, trace) in (1..).zip(trace_ids) {
            state.insert(span(id, 0, "x", 0, 1).trace(*trace).build());
        }
        state
    }

    #[test]
    fn the_span_limit_holds() {
        /// Name, limit, trace ids in order of arrival, kept spans of each trace, dropped spans.
        type Case = (
            &'static str,
            usize,
            &'static [u128],
            &'static [(u128, usize)],
            u64,
        );
        let cases: [Case; 6] = [
            ("within", 3, &[1, 1, 2], &[(1, 2), (2, 1)], 0),
            (
                "the oldest trace goes whole",
                3,
                &[1, 1, 2, 3],
                &[(2, 1), (3, 1)],
                2,
            ),
            (
                "a quiet trace before an older busy one",
                3,
                &[1, 2, 1, 3],
                &[(1, 2), (3, 1)],
                1,
            ),
            ("not the trace that grows", 2, &[1, 2, 1], &[(1, 2)], 1),
            ("one trace over the limit", 2, &[1, 1, 1], &[(1, 2)], 1),
            ("no room at all", 0, &[1, 2], &[], 2),
        ];
        for (name, limit, arriving, expected, dropped) in cases {
            let state = state(limit, arriving);
            let mut kept: Vec<_> = state
                .traces
                .iter()
                .map(|(id, kept)| (u128::from_be_bytes(id.to_bytes()), kept.spans.len()))
                .collect();
            kept.sort_unstable();
            assert_eq!(kept, expected, "{name}");
            assert_eq!(state.dropped, dropped, "{name}");
            assert_eq!(state.len, state.spans().len(), "{name}");
            assert_eq!(state.order.len(), state.traces.len(), "{name}");
        }
    }

    #[test]
    fn the_estimate_of_the_memory_stays_within_its_limit() {
        let long = "x".repeat(10_000);
        let mut state = Store {
            limit: usize::MAX,
            memory_limit: 100_000,
            ..Store::default()
        };
        for id in 1..=100 {
            let span = span(id, 0, &long, 0, 1).trace(u128::from(id)).build();
            state.insert(span);
            assert!(state.bytes <= 100_000, "{}", state.bytes);
            state.insert_line(LogLine::parse(&format!(r#"{{"message":"{long}"}}"#)).unwrap());
            assert!(state.line_bytes <= 100_000, "{}", state.line_bytes);
        }
        assert_eq!(state.len, 9);
        assert_eq!(state.dropped, 91);
        assert_eq!(state.lines.len(), 3);
        state.clear();
        assert_eq!(
            (state.spans().len(), state.bytes, state.line_bytes),
            (0, 0, 0)
        );
    }

    /// A scope and a resource of 1 MiB each with many empty entries. Copies would take 40 GiB.
    #[test]
    fn shared_scopes_and_resources_are_kept_once_and_counted_for_each_span() {
        const MANY: u64 = 20_000;
        let long = "x".repeat(1 << 20);
        let resource = Resource {
            attributes: vec![KeyValue {
                key: "long".to_owned(),
                value: Some(AnyValue {
                    value: Some(any_value::Value::StringValue(long.clone())),
                }),
                ..Default::default()
            }],
            ..Default::default()
        };
        let scope = InstrumentationScope {
            name: long.clone(),
            ..Default::default()
        };
        let span = |id: u64| otlp::Span {
            trace_id: u128::from(id).to_be_bytes().to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            ..Default::default()
        };
        let spans = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope.clone()),
                    spans: (1..=MANY).map(span).collect(),
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        let logs = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource),
                scope_logs: vec![ScopeLogs {
                    scope: Some(scope),
                    log_records: vec![LogRecord::default(); 20_000],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        let mut store = Store::new(usize::MAX, 10 << 20);
        store.export_traces(spans);
        store.export_logs(logs);

        let spans = store.spans();
        assert_eq!(spans.len(), 4, "of 2 MiB each");
        assert_eq!(store.len, 4);
        assert_eq!(store.dropped, MANY - 4);
        let same = |a: &str, b: &str| a.len() == long.len() && std::ptr::eq(a, b);
        assert!(spans.iter().all(|it| same(it.scope(), spans[0].scope())));
        let attributes = spans.iter().map(Span::resource);
        assert!(
            attributes
                .clone()
                .all(|it| std::ptr::eq(it, spans[0].resource()))
        );

        let lines = store.logs();
        assert_eq!(lines.len(), 4, "of 2 MiB each");
        assert!(lines.iter().all(|it| same(it.target(), lines[0].target())));
        let resource = |line: &LogLine| std::ptr::from_ref(line.field("resource").unwrap());
        assert!(lines.iter().all(|it| resource(it) == resource(&lines[0])));
        assert!(store.bytes.max(store.line_bytes) <= 10 << 20);
    }

    #[test]
    fn a_finished_trace_is_taken_once() {
        let mut store = Store::new(10, usize::MAX);
        store.insert(span(1, 0, "x", 0, 1).build());
        assert!(store.take_finished(Duration::from_secs(60)).is_empty());
        assert_eq!(store.take_finished(Duration::ZERO).len(), 1);
        assert!(store.take_finished(Duration::ZERO).is_empty());
        assert!(store.spans().is_empty());
    }
}
