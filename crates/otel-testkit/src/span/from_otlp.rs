//! Spans from OTLP messages. Any client may have sent them, so lengths and ids are checked.

use std::{
    str::FromStr as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    SpanId, TraceFlags, TraceId,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1 as otlp,
};

use super::{Fields, Resource, Span};
use crate::otlp_value::attributes;

/// Converts the spans of an export request one by one. A span without valid ids becomes `None` (OTLP, "Partial Success").
///
/// Spans share their scope and resource, since a request may have a scope of a megabyte with thousands of empty spans.
pub(crate) fn from_otlp(request: ExportTraceServiceRequest) -> impl Iterator<Item = Option<Span>> {
    request.resource_spans.into_iter().flat_map(|it| {
        let resource = it.resource.unwrap_or_default().attributes;
        let resource = Arc::new(Resource::from(attributes(resource)));
        it.scope_spans.into_iter().flat_map(move |it| {
            let resource = Arc::clone(&resource);
            let scope: Arc<str> = it.scope.unwrap_or_default().name.into();
            let spans = it.spans.into_iter();
            spans.map(move |span| convert(span, &resource, &scope))
        })
    })
}

fn convert(span: otlp::Span, resource: &Arc<Resource>, scope: &Arc<str>) -> Option<Span> {
    let parent_span_id = if span.parent_span_id.is_empty() {
        None
    } else {
        let id = SpanId::from_bytes(span.parent_span_id.try_into().ok()?);
        (id != SpanId::INVALID).then_some(id)
    };
    let fields = Fields {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id,
        parent_is_remote: is_remote(span.flags),
        trace_flags: trace_flags(span.flags),
        trace_state: span.trace_state,
        name: span.name,
        kind: kind(span.kind),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        start: time(span.start_time_unix_nano),
        end: time(span.end_time_unix_nano),
        status: status(span.status.unwrap_or_default()),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().filter_map(link).collect(),
    };
    Some(fields.into())
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let id = TraceId::from_bytes(bytes.try_into().ok()?);
    (id != TraceId::INVALID).then_some(id)
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id = SpanId::from_bytes(bytes.try_into().ok()?);
    (id != SpanId::INVALID).then_some(id)
}

/// Returns the W3C trace flags, which are bits 0-7 (trace.proto, `SpanFlags`).
fn trace_flags(flags: u32) -> TraceFlags {
    let [low, ..] = flags.to_le_bytes();
    TraceFlags::new(low)
}

/// Returns bit 9, or `None` if bit 8 marks it as unknown (trace.proto, `SpanFlags`).
fn is_remote(flags: u32) -> Option<bool> {
    let is_known = flags & otlp::SpanFlags::ContextHasIsRemoteMask as u32 != 0;
    is_known.then_some(flags & otlp::SpanFlags::ContextIsRemoteMask as u32 != 0)
}

fn kind(kind: i32) -> SpanKind {
    use otlp::span::SpanKind as Otlp;
    match Otlp::try_from(kind) {
        Ok(Otlp::Server) => SpanKind::Server,
        Ok(Otlp::Client) => SpanKind::Client,
        Ok(Otlp::Producer) => SpanKind::Producer,
        Ok(Otlp::Consumer) => SpanKind::Consumer,
        Ok(Otlp::Internal | Otlp::Unspecified) | Err(_) => SpanKind::Internal,
    }
}

fn status(status: otlp::Status) -> Status {
    match otlp::status::StatusCode::try_from(status.code) {
        Ok(otlp::status::StatusCode::Ok) => Status::Ok,
        Ok(otlp::status::StatusCode::Error) => Status::error(status.message),
        Ok(otlp::status::StatusCode::Unset) | Err(_) => Status::Unset,
    }
}

fn time(unix_nano: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nano)
}

fn event(event: otlp::span::Event) -> Event {
    Event::new(
        event.name,
        time(event.time_unix_nano),
        attributes(event.attributes),
        event.dropped_attributes_count,
    )
}

fn link(link: otlp::span::Link) -> Option<Link> {
    let context = SpanContext::new(
        trace_id(&link.trace_id)?,
        span_id(&link.span_id)?,
        trace_flags(link.flags),
        is_remote(link.flags).unwrap_or_default(),
        TraceState::from_str(&link.trace_state).unwrap_or_default(),
    );
    Some(Link::new(
        context,
        attributes(link.attributes),
        link.dropped_attributes_count,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_without_valid_ids_are_rejected() {
        let good = otlp::Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            ..Default::default()
        };
        let with = |change: fn(&mut otlp::Span)| {
            let mut span = good.clone();
            change(&mut span);
            span
        };
        let cases = [
            ("good", good.clone(), true),
            ("no trace id", with(|s| s.trace_id.clear()), false),
            ("short trace id", with(|s| s.trace_id.truncate(15)), false),
            ("long trace id", with(|s| s.trace_id.push(1)), false),
            ("zero trace id", with(|s| s.trace_id = vec![0; 16]), false),
            ("no span id", with(|s| s.span_id.clear()), false),
            ("zero span id", with(|s| s.span_id = vec![0; 8]), false),
            (
                "short parent id",
                with(|s| s.parent_span_id = vec![1; 7]),
                false,
            ),
            (
                "zero parent id",
                with(|s| s.parent_span_id = vec![0; 8]),
                true,
            ),
        ];
        for (name, span, kept) in cases {
            let request = ExportTraceServiceRequest {
                resource_spans: vec![otlp::ResourceSpans {
                    scope_spans: vec![otlp::ScopeSpans {
                        spans: vec![span],
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
            };
            let received: Vec<_> = from_otlp(request).map(|it| it.is_some()).collect();
            assert_eq!(received, [kept], "{name}");
        }
    }

    #[test]
    fn the_remote_flag_counts_only_if_it_is_declared() {
        let cases = [
            (0x000, None),
            (0x200, None),
            (0x101, Some(false)),
            (0x301, Some(true)),
        ];
        for (flags, expected) in cases {
            assert_eq!(is_remote(flags), expected, "{flags:#x}");
        }
        assert_eq!(trace_flags(0x301), TraceFlags::SAMPLED);
    }
}
