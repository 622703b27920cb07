//! Whether a caller's trace and baggage are adopted.

use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use crate::RequestHead;
use crate::propagation::{SamplingRequest, with_baggage_of};
use crate::propagator::PropagatorChoice;

/// What a service does with the trace that a caller sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Continues the caller's trace with the caller's sampling decision. This is the default.
    #[default]
    Continue,
    /// Continues the caller's trace, and makes a sampling decision of its own instead of following the caller's.
    ///
    /// It is meant for a front end whose decision is of no use here, for example one that sends `-00` with nine of ten requests.
    /// The sampler decides as for a root, by the trace id of the caller. This needs `otel_setup`, or its `RequestSampler` around
    /// the sampler of your own provider. Any other sampler sees the caller's decision.
    Resample,
    /// Starts a new trace whose first span links to the caller's span.
    Link,
    /// Starts a new trace, as if the caller had sent none.
    Ignore,
}

/// Decides which callers are trusted, separately for the trace and for the baggage.
///
/// By default every trace is continued and all baggage is adopted, as is usual inside a private network. A policy made
/// from a [`Trust`] or a function adopts baggage only if it continues the trace ([`Trust::Continue`], [`Trust::Resample`]). [`baggage`](Self::baggage) and
/// [`baggage_by`](Self::baggage_by) change that. The [module docs](super) have examples.
#[derive(Clone, Default)]
pub struct TrustPolicy {
    trace: Rule<Trust>,
    baggage: Option<Rule<bool>>,
}

#[derive(Clone)]
enum Rule<T> {
    Always(T),
    By(Arc<dyn Fn(&RequestHead<'_>) -> T + Send + Sync>),
}

impl TrustPolicy {
    /// Makes a policy that decides by the head of each request. The function runs before anything is extracted.
    pub fn by(decide: impl Fn(&RequestHead<'_>) -> Trust + Send + Sync + 'static) -> Self {
        Self {
            trace: Rule::By(Arc::new(decide)),
            baggage: None,
        }
    }

    /// Adopts or drops baggage, whatever the policy decides about the trace.
    #[must_use]
    pub fn baggage(mut self, take: bool) -> Self {
        self.baggage = Some(Rule::Always(take));
        self
    }

    /// Decides by the head of each request whether baggage is adopted, whatever the policy decides about the trace.
    #[must_use]
    pub fn baggage_by(
        mut self,
        decide: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.baggage = Some(Rule::By(Arc::new(decide)));
        self
    }

    /// Returns `true` if a function decides by the head of each request. For instrumentations.
    #[doc(hidden)]
    #[must_use]
    pub fn sees_heads(&self) -> bool {
        let by_baggage = matches!(self.baggage, Some(Rule::By(_)));
        by_baggage || matches!(self.trace, Rule::By(_))
    }

    /// Extracts from a request what this policy adopts, into a child of `ambient`. For instrumentations.
    #[must_use]
    pub fn admit(
        &self,
        propagator: &PropagatorChoice,
        ambient: &Context,
        request: &RequestHead<'_>,
    ) -> Incoming {
        let headers = request.headers();
        let trust = self.trace.decide(request);
        let is_continued = matches!(trust, Trust::Continue | Trust::Resample);
        let baggage = match &self.baggage {
            None => is_continued,
            Some(rule) => rule.decide(request),
        };
        if !is_continued {
            let mut adopted = Incoming {
                context: ambient.clone(),
                link: None,
                is_continued,
            };
            if trust == Trust::Link || baggage {
                // An untrusted client can send anything, so headers that are refused here are not reported as lost context.
                let unreported = Context::new().with_telemetry_suppressed();
                let sent = propagator.extract(&unreported, headers);
                if baggage && !sent.baggage().is_empty() {
                    adopted.context = with_baggage_of(ambient, &sent);
                }
                let caller = sent.span().span_context().clone();
                adopted.link = (trust == Trust::Link && caller.is_valid()).then_some(caller);
            }
            return adopted;
        }
        let mut context = propagator.extract(ambient, headers);
        if !baggage && !context.baggage().is_empty() {
            context = with_baggage_of(&context, ambient);
        }
        if trust == Trust::Resample && context.has_active_span() {
            context = SamplingRequest::AsRoot.added_to(&context);
        }
        Incoming {
            context,
            link: None,
            is_continued,
        }
    }
}

impl From<Trust> for TrustPolicy {
    fn from(trust: Trust) -> Self {
        Self {
            trace: Rule::Always(trust),
            baggage: None,
        }
    }
}

impl fmt::Debug for TrustPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustPolicy")
            .field("trace", &self.trace)
            .field("baggage", &self.baggage)
            .finish()
    }
}

/// The context that was adopted from a caller, and the caller's span if the request links to it.
#[derive(Debug, Clone)]
pub struct Incoming {
    context: Context,
    link: Option<SpanContext>,
    is_continued: bool,
}

impl Incoming {
    /// Asks the sampler to sample the request. It does nothing if the policy does not continue the caller's trace.
    pub fn sample(&mut self) {
        if self.is_continued {
            self.context = SamplingRequest::Sample.added_to(&self.context);
        }
    }

    /// Returns the context in which the request's span starts.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the context and the span to link to.
    #[must_use]
    pub fn into_parts(self) -> (Context, Option<SpanContext>) {
        (self.context, self.link)
    }

    /// Returns the caller's span if the request links to it instead of continuing its trace.
    #[must_use]
    pub fn link(&self) -> Option<&SpanContext> {
        self.link.as_ref()
    }
}

impl<T: Copy> Rule<T> {
    fn decide(&self, request: &RequestHead<'_>) -> T {
        match self {
            Self::Always(value) => *value,
            Self::By(decide) => decide(request),
        }
    }
}

impl<T: Default> Default for Rule<T> {
    fn default() -> Self {
        Self::Always(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Rule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(value) => value.fmt(f),
            Self::By(_) => f.write_str("by function"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::Request;

    use super::*;
    use crate::propagation::CompositePropagator;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn admit(policy: &TrustPolicy, header: (&str, String)) -> Incoming {
        let request = Request::builder()
            .uri("/internal/x")
            .header(header.0, header.1)
            .header("baggage", "user=ada")
            .body(())
            .unwrap();
        let propagator: CompositePropagator = "tracecontext,b3,baggage".parse().unwrap();
        policy.admit(
            &PropagatorChoice::from_propagator(propagator),
            &Context::new(),
            &RequestHead::from_request(&request),
        )
    }

    #[test]
    fn trace_and_baggage_are_decided_apart() {
        let by_path = TrustPolicy::by(|request| match request.uri().path() {
            "/internal/x" => Trust::Continue,
            _ => Trust::Ignore,
        });
        let by_host = TrustPolicy::from(Trust::Link)
            .baggage_by(|request| request.headers().contains_key("baggage"));
        // name, policy, continued, linked, baggage
        let table = [
            ("the default", TrustPolicy::default(), true, false, true),
            ("continue", Trust::Continue.into(), true, false, true),
            ("resample", Trust::Resample.into(), true, false, true),
            (
                "continue without baggage",
                TrustPolicy::from(Trust::Continue).baggage(false),
                true,
                false,
                false,
            ),
            ("link", Trust::Link.into(), false, true, false),
            (
                "link with baggage",
                TrustPolicy::from(Trust::Link).baggage(true),
                false,
                true,
                true,
            ),
            ("link, baggage by request", by_host, false, true, true),
            ("ignore", Trust::Ignore.into(), false, false, false),
            (
                "ignore with baggage",
                TrustPolicy::from(Trust::Ignore).baggage(true),
                false,
                false,
                true,
            ),
            ("by request", by_path, true, false, true),
        ];
        let headers = [
            ("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")),
            ("b3", format!("{TRACE}-00f067aa0ba902b7-d")),
        ];
        for (name, policy, continued, linked, baggage) in table {
            for header in headers.clone() {
                let incoming = admit(&policy, header);
                let span = incoming.context().span().span_context().clone();
                assert_eq!(span.is_valid(), continued, "{name}");
                assert_eq!(incoming.context().has_active_span(), continued, "{name}");
                let link = incoming.link().map(|link| link.trace_id().to_string());
                assert_eq!(link.as_deref(), linked.then_some(TRACE), "{name}");
                let user = incoming
                    .context()
                    .baggage()
                    .get("user")
                    .map(ToString::to_string);
                assert_eq!(user.is_some(), baggage, "{name}");
            }
        }
    }

    #[test]
    fn a_sampling_decision_without_ids_is_ignored_with_the_rest() {
        let incoming = admit(&Trust::Ignore.into(), ("b3", "0".to_owned()));
        assert!(!incoming.context().has_active_span());
        assert_eq!(
            crate::propagation::B3Propagator::decision(incoming.context()),
            None
        );
    }

    #[test]
    fn an_invalid_caller_is_not_linked() {
        let incoming = admit(&Trust::Link.into(), ("traceparent", "00-0-0-00".to_owned()));
        assert!(incoming.link().is_none());
    }
}
