use std::{env, error::Error, fmt, str::FromStr};

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::{
    b3_propagator::B3Propagator, baggage::BaggagePropagator, trace_context::TraceContextPropagator,
};

/// Carries the context in several formats at once. It is parsed from a list such as `tracecontext,b3,baggage`.
///
/// | name | format |
/// | --- | --- |
/// | `tracecontext` | W3C Trace Context |
/// | `baggage` | W3C Baggage |
/// | `b3` | B3, sent as the single header |
/// | `b3multi` | B3, sent as `X-B3-*` headers |
/// | `none` | no format; cannot be combined with other names |
///
/// The case of a name does not matter. Repeated names count once. An empty list means `tracecontext,baggage`. Both B3 names
/// read both forms of B3; together they send both forms.
///
/// All formats are sent. When headers are read, a valid traceparent takes precedence over B3, whatever the order of the names.
/// B3 is read if traceparent is missing or invalid, and for its debug and deferred states if both have the same ids. Baggage is
/// independent of both.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::{propagation::TextMapPropagator as _, Context};
/// use otel_core::propagation::CompositePropagator;
///
/// let bridge: CompositePropagator = "tracecontext,b3,baggage".parse()?;
/// let mut headers = HashMap::new();
/// headers.insert("b3".to_owned(), "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1".to_owned());
/// let cx = bridge.extract_with_context(&Context::new(), &headers);
///
/// let mut sent = HashMap::new();
/// bridge.inject_context(&cx, &mut sent);
/// assert_eq!(sent["traceparent"], "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01");
/// assert_eq!(sent["b3"], headers["b3"]);
/// # Ok::<(), otel_core::propagation::PropagatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CompositePropagator {
    trace_context: Option<TraceContextPropagator>,
    b3: Option<B3Propagator>,
    baggage: Option<BaggagePropagator>,
    fields: Vec<String>,
}

/// Creates the propagator that `OTEL_PROPAGATORS` names. If the variable is unset or empty, that is `tracecontext,baggage`.
///
/// # Errors
///
/// Fails if a name is unknown, or if `none` is combined with other names.
pub fn from_env() -> Result<CompositePropagator, PropagatorError> {
    let names = env::var_os(VARIABLE).unwrap_or_default();
    names.to_string_lossy().parse()
}

impl CompositePropagator {
    /// Sets the random flag on traces that begin here: see [`TraceContextPropagator::random_trace_ids`].
    #[must_use]
    pub fn random_trace_ids(mut self, random: bool) -> Self {
        self.trace_context = self
            .trace_context
            .map(|propagator| propagator.random_trace_ids(random));
        self
    }

    /// Sets how many bytes of baggage are sent: see [`BaggagePropagator::max_bytes`].
    #[must_use]
    pub fn max_baggage_bytes(mut self, limit: usize) -> Self {
        self.baggage = self.baggage.map(|propagator| propagator.max_bytes(limit));
        self
    }

    fn new([trace_context, baggage, b3, b3multi]: [bool; 4]) -> Self {
        let mut this = Self {
            trace_context: trace_context.then(TraceContextPropagator::new),
            b3: match (b3, b3multi) {
                (false, false) => None,
                (true, false) => Some(B3Propagator::single()),
                (false, true) => Some(B3Propagator::multi()),
                (true, true) => Some(B3Propagator::both()),
            },
            baggage: baggage.then(BaggagePropagator::new),
            fields: Vec::new(),
        };
        this.fields = this
            .parts()
            .flat_map(|part| part.fields().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        this
    }

    fn parts(&self) -> impl Iterator<Item = &dyn TextMapPropagator> {
        let trace_context = self
            .trace_context
            .as_ref()
            .map(|part| part as &dyn TextMapPropagator);
        let b3 = self.b3.as_ref().map(|part| part as _);
        let baggage = self.baggage.as_ref().map(|part| part as _);
        [trace_context, b3, baggage].into_iter().flatten()
    }
}

impl Default for CompositePropagator {
    /// Creates the default of `OTEL_PROPAGATORS`: `tracecontext,baggage`.
    fn default() -> Self {
        Self::new([true, true, false, false])
    }
}

impl FromStr for CompositePropagator {
    type Err = PropagatorError;

    fn from_str(names: &str) -> Result<Self, Self::Err> {
        let mut found = [false; KNOWN.len()];
        for name in names.split(',').map(str::trim) {
            if name.is_empty() {
                continue;
            }
            let index = KNOWN.iter().position(|it| it.eq_ignore_ascii_case(name));
            match index.and_then(|index| found.get_mut(index)) {
                Some(found) => *found = true,
                None => return Err(PropagatorError(Kind::UnknownName(name.to_owned()))),
            }
        }
        match found {
            [false, false, false, false, false] => Ok(Self::default()),
            [false, false, false, false, true] => Ok(Self::new([false; 4])),
            [.., true] => Err(PropagatorError(Kind::NoneWithOthers)),
            [trace_context, baggage, b3, b3multi, false] => {
                Ok(Self::new([trace_context, baggage, b3, b3multi]))
            }
        }
    }
}

impl TextMapPropagator for CompositePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.parts()
            .for_each(|part| part.inject_context(cx, injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let w3c = self
            .trace_context
            .and_then(|part| part.try_extract(cx, extractor));
        let traced = match (w3c, self.b3) {
            (Some(traced), Some(b3)) => b3.complete(traced, extractor),
            (Some(traced), None) => traced,
            (None, Some(b3)) => b3.extract_with_context(cx, extractor),
            (None, None) => cx.clone(),
        };
        self.baggage
            .and_then(|_| BaggagePropagator::try_extract(&traced, extractor))
            .unwrap_or(traced)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// The reason why a list of propagators is invalid.
#[derive(Clone, PartialEq, Eq)]
pub struct PropagatorError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    UnknownName(String),
    NoneWithOthers,
}

impl PropagatorError {
    /// Returns true if the list contains an unknown name.
    #[must_use]
    pub fn is_unknown_name(&self) -> bool {
        matches!(self.0, Kind::UnknownName(_))
    }
}

impl fmt::Display for PropagatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::UnknownName(name) => {
                let known = KNOWN.join(", ");
                write!(
                    f,
                    "{VARIABLE}: unknown propagator {name:?}; use a list of {known}"
                )
            }
            Kind::NoneWithOthers => write!(
                f,
                "{VARIABLE}: \"none\" is combined with other propagators; use it alone or remove it"
            ),
        }
    }
}

/// Shows the message, for a `main` or a test that returns the error.
impl fmt::Debug for PropagatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for PropagatorError {}

const VARIABLE: &str = "OTEL_PROPAGATORS";
const KNOWN: [&str; 5] = ["tracecontext", "baggage", "b3", "b3multi", "none"];
