//! Which hosts receive our trace and our baggage.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::TextMapPropagator;

use super::HostPolicy;
use crate::propagation::{self, for_each_stale_field, with_baggage_of};
use crate::propagator::PropagatorChoice;

/// Decides which hosts receive the trace and which receive the baggage. By default every host receives both.
///
/// The decision is about the context, so it applies to every propagator, whatever headers it writes. A host that receives only the
/// trace receives everything of the context except its baggage. A host that receives only the baggage receives nothing else.
#[derive(Debug, Clone, Default)]
pub struct OutgoingPolicy {
    trace: HostPolicy,
    baggage: HostPolicy,
}

impl OutgoingPolicy {
    /// Sends the trace only to these hosts.
    #[must_use]
    pub fn trace(mut self, hosts: HostPolicy) -> Self {
        self.trace = hosts;
        self
    }

    /// Sends the baggage only to these hosts.
    #[must_use]
    pub fn baggage(mut self, hosts: HostPolicy) -> Self {
        self.baggage = hosts;
        self
    }

    /// Returns `true` if every host receives both.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        self.trace.is_all() && self.baggage.is_all()
    }

    /// Writes what this host may receive into the headers.
    ///
    /// The previous values of the propagator's header fields are removed in any case. If the host may not receive everything, so are
    /// other headers from which the propagator would extract a context.
    pub fn inject(
        &self,
        propagator: &PropagatorChoice,
        context: &Context,
        host: &str,
        headers: &mut HeaderMap,
    ) {
        let Some(part) = self.part(host) else {
            return propagator.inject(context, headers);
        };
        propagator.with(|propagator| {
            remove_context(propagator, headers);
            for (name, value) in &part.written_by(propagator, context) {
                set(headers, name, value);
            }
        });
    }

    /// Removes what this host must not receive from headers into which a context was injected. It never adds anything.
    ///
    /// The context is the one that the propagator extracts from the headers. A `baggage` header is removed even if another propagator
    /// has written it.
    pub fn restrict(&self, propagator: &PropagatorChoice, host: &str, headers: &mut HeaderMap) {
        let Some(part) = self.part(host) else {
            return;
        };
        propagator.with(|propagator| {
            let injected = extracted(propagator, headers);
            let kept = part.written_by(propagator, &injected);
            for (name, value) in &written(propagator, &injected) {
                match kept.get(name) {
                    Some(kept) if kept == value => {}
                    Some(kept) if headers.contains_key(name) => set(headers, name, kept),
                    _ => drop(headers.remove(name)),
                }
            }
            if part != Part::Trace {
                for_each_stale_field(propagator, |field| {
                    if !kept.contains_key(field) {
                        headers.remove(field);
                    }
                });
            }
            if part != Part::Baggage {
                headers.remove("baggage");
            }
        });
    }

    /// Returns the part of a context that this host may receive. Returns `None` if it may receive everything.
    fn part(&self, host: &str) -> Option<Part> {
        match (self.trace.allows(host), self.baggage.allows(host)) {
            (true, true) => None,
            (true, false) => Some(Part::Trace),
            (false, true) => Some(Part::Baggage),
            (false, false) => Some(Part::Nothing),
        }
    }
}

/// The part of a context that a host may receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Everything except the baggage.
    Trace,
    /// Only the baggage.
    Baggage,
    Nothing,
}

impl Part {
    /// Returns the headers that the propagator writes for this part of the context.
    fn written_by(self, propagator: &dyn TextMapPropagator, context: &Context) -> HeaderMap {
        match self {
            Self::Trace => written(propagator, &context.with_cleared_baggage()),
            Self::Baggage => {
                let mut headers = written(propagator, &with_baggage_of(&Context::new(), context));
                // A propagator may write a header for an empty context, such as `b3: 0`.
                for (name, value) in &written(propagator, &Context::new()) {
                    if headers.get(name) == Some(value) {
                        headers.remove(name);
                    }
                }
                headers
            }
            Self::Nothing => HeaderMap::new(),
        }
    }
}

fn written(propagator: &dyn TextMapPropagator, context: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    propagation::inject(propagator, context, &mut headers);
    headers
}

/// Extracts the context that was injected into these headers. Refused headers are not reported as lost context.
fn extracted(propagator: &dyn TextMapPropagator, headers: &HeaderMap) -> Context {
    let unreported = Context::new().with_telemetry_suppressed();
    propagation::extract(propagator, &unreported, headers)
}

/// Removes the propagator's fields, and all headers that it would write for the context that it extracts from the rest. The names of
/// the latter may depend on the baggage, as with Jaeger's `uberctx-user`.
fn remove_context(propagator: &dyn TextMapPropagator, headers: &mut HeaderMap) {
    let injected = written(propagator, &extracted(propagator, headers));
    for_each_stale_field(propagator, |field| drop(headers.remove(field)));
    for name in injected.keys() {
        headers.remove(name);
    }
}

fn set(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    // It fails only if the map is full (tens of thousands of entries). The request is then sent without the header.
    let _ = headers.try_insert(name, value.clone());
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry::baggage::BaggageExt as _;

    use super::*;
    use crate::propagation::CompositePropagator;

    #[test]
    fn trace_and_baggage_are_decided_apart_and_old_fields_always_go() {
        let ours = || HostPolicy::only(["ours.example"]).unwrap();
        // name, policy, host, trace, baggage
        let table = [
            (
                "the default",
                OutgoingPolicy::default(),
                "any.example",
                true,
                true,
            ),
            (
                "trace to ours, at ours",
                OutgoingPolicy::default().trace(ours()),
                "ours.example",
                true,
                true,
            ),
            (
                "trace to ours, elsewhere",
                OutgoingPolicy::default().trace(ours()),
                "any.example",
                false,
                true,
            ),
            (
                "baggage to ours, elsewhere",
                OutgoingPolicy::default().baggage(ours()),
                "any.example",
                true,
                false,
            ),
            (
                "neither",
                OutgoingPolicy::default().trace(ours()).baggage(ours()),
                "any.example",
                false,
                false,
            ),
        ];
        assert!(OutgoingPolicy::default().is_unrestricted());
        assert!(!OutgoingPolicy::default().trace(ours()).is_unrestricted());
        assert!(!OutgoingPolicy::default().baggage(ours()).is_unrestricted());
        let propagator: CompositePropagator = "tracecontext,b3,b3multi,baggage".parse().unwrap();
        let propagator = PropagatorChoice::from_propagator(propagator);
        let mut incoming = HeaderMap::new();
        incoming.insert(
            "b3",
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"
                .parse()
                .unwrap(),
        );
        let context = propagator
            .extract(&Context::new(), &incoming)
            .with_baggage([KeyValue::new("user", "ada")]);
        for (name, policy, host, trace, baggage) in table {
            let mut headers = HeaderMap::new();
            headers.insert("x-b3-traceid", "old".parse().unwrap());
            headers.insert("tracestate", "old=1".parse().unwrap());
            headers.insert("baggage", "old=1".parse().unwrap());
            headers.insert("accept", "*/*".parse().unwrap());
            policy.inject(&propagator, &context, host, &mut headers);
            for field in ["traceparent", "b3", "x-b3-traceid"] {
                assert_eq!(headers.contains_key(field), trace, "{name}: {field}");
            }
            assert_eq!(headers.contains_key("baggage"), baggage, "{name}");
            assert!(headers.contains_key("accept"), "{name}");
            assert!(
                !format!("{headers:?}").contains("old"),
                "{name}: {headers:?}"
            );
        }
    }
}
