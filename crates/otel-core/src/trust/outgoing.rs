//! Which hosts receive our trace and our baggage.

use ::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;

use super::{BAGGAGE, HostPolicy, is_baggage};
use crate::propagator::PropagatorChoice;

/// Decides which hosts receive the trace and which receive the baggage. By default every host receives both.
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
    /// The previous values of the propagator's header fields are removed in any case.
    pub fn inject(
        &self,
        propagator: &PropagatorChoice,
        context: &Context,
        host: &str,
        headers: &mut HeaderMap,
    ) {
        propagator.inject(context, headers);
        self.restrict(propagator, host, headers);
    }

    /// Removes what this host must not receive from the headers. It never adds anything.
    pub fn restrict(&self, propagator: &PropagatorChoice, host: &str, headers: &mut HeaderMap) {
        if !self.trace.allows(host) {
            propagator.with(|propagator| remove(propagator, headers, |field| !is_baggage(field)));
        }
        if !self.baggage.allows(host) {
            headers.remove(BAGGAGE);
        }
    }
}

fn remove(propagator: &dyn TextMapPropagator, headers: &mut HeaderMap, which: fn(&str) -> bool) {
    for field in propagator.fields().filter(|field| which(field)) {
        headers.remove(field);
    }
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
