//! Trust and host policies with propagators of other crates, which write the baggage under names of their own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue, SpanId, TraceId};
use otel_core::RequestHead;
use otel_core::propagation::{BaggagePropagator, CompositePropagator, TraceContextPropagator};
use otel_core::propagator::PropagatorChoice;
use otel_core::trust::{HostPolicy, OutgoingPolicy, Trust, TrustPolicy};

/// Jaeger's headers: `uber-trace-id`, and `uberctx-<key>` for each member of the baggage. Only the former is a field.
#[derive(Debug)]
struct Jaeger([String; 1]);

/// The trace and the baggage in one header: `x-context: <trace id>-<span id>;user=ada`.
#[derive(Debug)]
struct OneHeader([String; 1]);

/// A value of the application's own in the header `x-tenant`.
#[derive(Debug)]
struct TenantPropagator([String; 1]);

#[derive(Clone, Debug, PartialEq)]
struct Tenant(String);

/// Sends `b3: 0` without a span, as the B3 propagators of other crates do.
#[derive(Debug)]
struct DenyingB3([String; 1]);

fn jaeger() -> Jaeger {
    Jaeger(["uber-trace-id".to_owned()])
}

fn span_text(cx: &Context) -> Option<String> {
    let span = cx.span();
    let span = span.span_context();
    span.is_valid()
        .then(|| format!("{}-{}", span.trace_id(), span.span_id()))
}

fn with_span(cx: &Context, text: Option<&str>) -> Context {
    let ids = text.and_then(|text| text.split_once('-'));
    let ids = ids.and_then(|(trace, span)| {
        Some((TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?))
    });
    let Some((trace, span)) = ids else {
        return cx.clone();
    };
    let (flags, state) = (TraceFlags::SAMPLED, TraceState::NONE);
    cx.with_remote_span_context(SpanContext::new(trace, span, flags, true, state))
}

impl TextMapPropagator for Jaeger {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(span) = span_text(cx) {
            injector.set("uber-trace-id", span);
        }
        for (key, (value, _)) in cx.baggage() {
            injector.set(&format!("uberctx-{key}"), value.to_string());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let cx = with_span(cx, extractor.get("uber-trace-id"));
        let mut baggage = Baggage::new();
        for name in extractor.keys() {
            if let (Some(key), Some(value)) = (name.strip_prefix("uberctx-"), extractor.get(name)) {
                baggage.insert(key.to_owned(), value.to_owned());
            }
        }
        if baggage.is_empty() {
            return cx;
        }
        cx.with_baggage(baggage)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

impl TextMapPropagator for OneHeader {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let user = cx.baggage().get("user").map(|user| format!(";user={user}"));
        let text = span_text(cx).unwrap_or_default() + &user.unwrap_or_default();
        if !text.is_empty() {
            injector.set("x-context", text);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let text = extractor.get("x-context").unwrap_or_default();
        let (span, user) = text.split_once(";user=").unwrap_or((text, ""));
        let cx = with_span(cx, Some(span));
        if user.is_empty() {
            return cx;
        }
        cx.with_baggage([KeyValue::new("user", user.to_owned())])
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

impl TextMapPropagator for TenantPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(Tenant(tenant)) = cx.get() {
            injector.set("x-tenant", tenant.clone());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        match extractor.get("x-tenant") {
            Some(tenant) => cx.with_value(Tenant(tenant.to_owned())),
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

impl TextMapPropagator for DenyingB3 {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = span_text(cx).map(|span| format!("{span}-1"));
        injector.set("b3", span.unwrap_or_else(|| "0".to_owned()));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let b3 = extractor.get("b3").unwrap_or_default();
        with_span(cx, Some(b3.strip_suffix("-1").unwrap_or(b3)))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const B3: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1";

type Headers = &'static [(&'static str, &'static str)];

/// A propagator, and what it writes for the trace, for the baggage and for both.
struct Case {
    name: &'static str,
    propagator: PropagatorChoice,
    trace: Headers,
    baggage: Headers,
    both: Headers,
}

fn cases() -> [Case; 6] {
    let composite = |parts: Vec<Box<dyn TextMapPropagator + Send + Sync>>| {
        PropagatorChoice::from_propagator(TextMapCompositePropagator::new(parts))
    };
    let ours: CompositePropagator = "tracecontext,b3,baggage".parse().unwrap();
    [
        Case {
            name: "Jaeger",
            propagator: PropagatorChoice::from_propagator(jaeger()),
            trace: &[("uber-trace-id", IDS)],
            baggage: &[("uberctx-user", "ada")],
            both: &[("uber-trace-id", IDS), ("uberctx-user", "ada")],
        },
        Case {
            name: "Jaeger beside W3C",
            propagator: composite(vec![
                Box::new(TraceContextPropagator::new()),
                Box::new(BaggagePropagator::new()),
                Box::new(jaeger()),
            ]),
            trace: &[("traceparent", TRACEPARENT), ("uber-trace-id", IDS)],
            baggage: &[("baggage", "user=ada"), ("uberctx-user", "ada")],
            both: &[
                ("traceparent", TRACEPARENT),
                ("uber-trace-id", IDS),
                ("baggage", "user=ada"),
                ("uberctx-user", "ada"),
            ],
        },
        Case {
            name: "one header",
            propagator: PropagatorChoice::from_propagator(OneHeader(["x-context".to_owned()])),
            trace: &[("x-context", IDS)],
            baggage: &[("x-context", ";user=ada")],
            both: &[(
                "x-context",
                "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7;user=ada",
            )],
        },
        Case {
            name: "a value of the application",
            propagator: composite(vec![
                Box::new(TenantPropagator(["x-tenant".to_owned()])),
                Box::new(jaeger()),
            ]),
            trace: &[("uber-trace-id", IDS), ("x-tenant", "blue")],
            baggage: &[("uberctx-user", "ada")],
            both: &[
                ("uber-trace-id", IDS),
                ("x-tenant", "blue"),
                ("uberctx-user", "ada"),
            ],
        },
        Case {
            name: "a decision without a span",
            propagator: composite(vec![
                Box::new(DenyingB3(["b3".to_owned()])),
                Box::new(BaggagePropagator::new()),
            ]),
            trace: &[("b3", B3)],
            baggage: &[("baggage", "user=ada")],
            both: &[("b3", B3), ("baggage", "user=ada")],
        },
        Case {
            name: "ours",
            propagator: PropagatorChoice::from_propagator(ours),
            trace: &[("traceparent", TRACEPARENT), ("b3", B3)],
            baggage: &[("baggage", "user=ada")],
            both: &[
                ("traceparent", TRACEPARENT),
                ("b3", B3),
                ("baggage", "user=ada"),
            ],
        },
    ]
}

fn context() -> Context {
    with_span(&Context::new(), Some(IDS))
        .with_value(Tenant("blue".to_owned()))
        .with_baggage([KeyValue::new("user", "ada")])
}

fn header_map(headers: Headers) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        })
        .collect()
}

/// Each kind of policy, and whether it allows the trace and the baggage.
fn policies() -> [(OutgoingPolicy, bool, bool); 4] {
    let (all, none) = (OutgoingPolicy::default, HostPolicy::none);
    [
        (all(), true, true),
        (all().baggage(none()), true, false),
        (all().trace(none()), false, true),
        (all().trace(none()).baggage(none()), false, false),
    ]
}

impl Case {
    fn expected(&self, trace: bool, baggage: bool) -> HeaderMap {
        header_map(match (trace, baggage) {
            (true, true) => self.both,
            (true, false) => self.trace,
            (false, true) => self.baggage,
            (false, false) => &[],
        })
    }
}

#[test]
fn a_host_without_baggage_gets_none_from_any_propagator() {
    for case in cases() {
        for (policy, trace, baggage) in policies() {
            let mut headers = HeaderMap::new();
            policy.inject(&case.propagator, &context(), "any.example", &mut headers);
            let expected = case.expected(trace, baggage);
            assert_eq!(headers, expected, "{} {trace} {baggage}", case.name);
        }
    }
}

#[test]
fn an_inner_layer_takes_away_what_its_policy_forbids() {
    for case in cases() {
        for (policy, trace, baggage) in policies() {
            let mut headers = HeaderMap::new();
            case.propagator.inject(&context(), &mut headers);
            headers.insert("accept", HeaderValue::from_static("*/*"));
            policy.restrict(&case.propagator, "any.example", &mut headers);
            assert_eq!(headers.remove("accept").unwrap(), "*/*");
            let expected = case.expected(trace, baggage);
            assert_eq!(headers, expected, "{} {trace} {baggage}", case.name);
        }
    }
}

#[test]
fn an_inner_layer_never_adds_what_the_outer_one_has_withheld() {
    for case in cases() {
        for (outer, outer_trace, outer_baggage) in policies() {
            for (inner, inner_trace, inner_baggage) in policies() {
                let mut headers = HeaderMap::new();
                outer.inject(&case.propagator, &context(), "any.example", &mut headers);
                inner.restrict(&case.propagator, "any.example", &mut headers);
                let (trace, baggage) = (outer_trace && inner_trace, outer_baggage && inner_baggage);
                assert_eq!(headers, case.expected(trace, baggage), "{}", case.name);
            }
        }
    }
}

#[test]
fn headers_copied_from_another_request_do_not_pass_a_policy() {
    for case in cases() {
        for (policy, trace, baggage) in policies() {
            if trace && baggage {
                continue;
            }
            // As a gateway has them that copies the headers of its caller.
            let mut headers = header_map(&[
                ("uber-trace-id", "1-1"),
                ("x-context", "1-1;user=eve"),
                ("x-tenant", "red"),
                ("traceparent", "old"),
                ("b3", "1-1-1"),
                ("baggage", "user=eve"),
                ("uberctx-session", "secret"),
                ("accept", "*/*"),
            ]);
            policy.inject(&case.propagator, &context(), "any.example", &mut headers);
            let expected = case.expected(trace, baggage);
            let knows = |name: &str| case.both.iter().any(|(known, _)| *known == name);
            for name in headers.keys().filter(|name| knows(name.as_str())) {
                assert_eq!(
                    headers.get(name),
                    expected.get(name),
                    "{}: {name}",
                    case.name
                );
            }
            for name in expected.keys() {
                assert!(headers.contains_key(name), "{}: {name}", case.name);
            }
            if case
                .propagator
                .with(|it| it.fields().any(|it| it == "uber-trace-id"))
            {
                assert_eq!(headers.get("uberctx-session"), None, "{}", case.name);
            }
            assert_eq!(headers["accept"], "*/*");
        }
    }
}

#[test]
fn baggage_of_an_untrusted_caller_is_dropped_from_any_propagator() {
    for case in cases() {
        // name, policy, continued, linked, baggage
        let table = [
            ("the default", TrustPolicy::default(), true, false, true),
            (
                "no baggage",
                TrustPolicy::default().baggage(false),
                true,
                false,
                false,
            ),
            (
                "no baggage by request",
                TrustPolicy::default().baggage_by(|_| false),
                true,
                false,
                false,
            ),
            (
                "resample without baggage",
                TrustPolicy::from(Trust::Resample).baggage(false),
                true,
                false,
                false,
            ),
            (
                "link with baggage",
                TrustPolicy::from(Trust::Link).baggage(true),
                false,
                true,
                true,
            ),
            ("link", Trust::Link.into(), false, true, false),
            (
                "ignore with baggage",
                TrustPolicy::from(Trust::Ignore).baggage(true),
                false,
                false,
                true,
            ),
            ("ignore", Trust::Ignore.into(), false, false, false),
        ];
        for (name, policy, is_continued, is_linked, has_baggage) in table {
            let name = format!("{}: {name}", case.name);
            let mut request = Request::new(());
            *request.headers_mut() = header_map(case.both);
            let head = RequestHead::from_request(&request);
            let ambient = Context::new().with_baggage([KeyValue::new("ambient", "1")]);
            let incoming = policy.admit(&case.propagator, &ambient, &head);
            let cx = incoming.context();

            let link = incoming.link().map(SpanContext::trace_id);
            assert_eq!(link.is_some(), is_linked, "{name}");
            assert_eq!(span_text(cx).is_some(), is_continued, "{name}");
            let user = cx
                .baggage()
                .get("user")
                .map(|user| user.as_str().to_owned());
            assert_eq!(user.as_deref(), has_baggage.then_some("ada"), "{name}");
            // The baggage of the service itself stays if the caller's is not adopted.
            let ambient = cx.baggage().get("ambient").is_some();
            assert_eq!(ambient, !has_baggage, "{name}");
            let is_tenant_sent = case.both.iter().any(|(name, _)| *name == "x-tenant");
            let has_tenant = cx.get::<Tenant>().is_some();
            assert_eq!(has_tenant, is_tenant_sent && is_continued, "{name}");

            let mut sent = HeaderMap::new();
            case.propagator.inject(cx, &mut sent);
            let sent = format!("{sent:?}");
            assert_eq!(sent.contains("ada"), has_baggage, "{name}: {sent}");
        }
    }
}

#[test]
fn adopted_baggage_keeps_its_order_and_encoding() {
    let ours: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let propagator = PropagatorChoice::from_propagator(ours);
    let baggage = "z=%FF;p=%2C ; q,a=%61,k=1";
    let mut request = Request::new(());
    let headers = request.headers_mut();
    headers.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
    headers.insert("baggage", HeaderValue::from_static(baggage));
    let policy = TrustPolicy::from(Trust::Ignore).baggage(true);
    let head = RequestHead::from_request(&request);
    let incoming = policy.admit(&propagator, &Context::new(), &head);
    let outgoing = OutgoingPolicy::default().trace(HostPolicy::none());
    let mut sent = HeaderMap::new();
    outgoing.inject(&propagator, incoming.context(), "any.example", &mut sent);
    assert_eq!(sent["baggage"], baggage);
    assert_eq!(sent.len(), 1);
}
