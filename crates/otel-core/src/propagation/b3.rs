use std::{fmt, str::FromStr};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::{
    hex,
    parse_error::{ParseError, Problem},
};

/// The sampling decision of a B3 caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum B3Sampling {
    /// Not sampled: `0`.
    Deny,
    /// Sampled: `1`.
    Accept,
    /// Sampled whatever the ratio: `d`, or `X-B3-Flags: 1`.
    Debug,
    /// Left to the receiver: no state.
    Defer,
}

/// The B3 context of a request, from the single header or the `X-B3-*` headers: ids, a sampling decision, or both.
///
/// The ids are never zero. A 64-bit trace-id is padded with zeros on the left. `parse` reads the single form, and
/// [`Display`](fmt::Display) writes it. Its last part may be the parent's id without a state before it, as Brave writes a deferred
/// decision.
///
/// # Examples
///
/// ```
/// use otel_core::propagation::{B3, B3Sampling};
///
/// let b3: B3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d".parse()?;
/// assert_eq!(b3.sampling(), B3Sampling::Debug);
/// assert_eq!("0".parse::<B3>()?.ids(), None);
/// # Ok::<(), otel_core::propagation::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct B3 {
    ids: Option<(TraceId, SpanId)>,
    parent_span_id: Option<SpanId>,
    sampling: B3Sampling,
}

impl B3 {
    /// Creates a value with ids. Returns `None` if one of them is zero.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, sampling: B3Sampling) -> Option<Self> {
        let valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        valid.then_some(Self {
            ids: Some((trace_id, span_id)),
            parent_span_id: None,
            sampling,
        })
    }

    /// Creates a value without ids. Returns `None` for a deferred decision, which has no header.
    pub(super) fn from_decision(sampling: B3Sampling) -> Option<Self> {
        (sampling != B3Sampling::Defer).then_some(Self {
            ids: None,
            parent_span_id: None,
            sampling,
        })
    }

    /// Reads the `X-B3-*` headers, which `get` looks up by their names in lower case. Returns `None` if no such header is present.
    ///
    /// # Errors
    ///
    /// Fails if one of the headers is malformed or empty, or if only one of the two ids is present.
    pub fn from_headers<'a>(
        get: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Self>, ParseError> {
        let debug = get(FLAGS) == Some("1");
        let sampling = match get(SAMPLED) {
            _ if debug => B3Sampling::Debug,
            // B3 asks receivers to accept the words of old tracers, and senders not to send them.
            Some("1" | "true") => B3Sampling::Accept,
            Some("0" | "false") => B3Sampling::Deny,
            Some(_) => return Err(ParseError::new(SAMPLED, "state", 0, Problem::UnknownState)),
            None => B3Sampling::Defer,
        };
        let (trace_id, span_id) = match (get(TRACE_ID), get(SPAN_ID)) {
            (Some(trace_id), Some(span_id)) => (trace_id.as_bytes(), span_id.as_bytes()),
            (None, None) => return Ok(Self::from_decision(sampling)),
            (Some(_), None) => {
                return Err(ParseError::new(SPAN_ID, "span id", 0, Problem::Missing));
            }
            (None, Some(_)) => {
                return Err(ParseError::new(TRACE_ID, "trace id", 0, Problem::Missing));
            }
        };
        let parent_span_id = match get(PARENT_SPAN_ID) {
            Some(parent) => parse_parent(parent.as_bytes(), PARENT_SPAN_ID, 0)?,
            None => None,
        };
        let ids = Some((
            parse_trace_id(trace_id, TRACE_ID)?,
            parse_span_id(span_id, SPAN_ID, 0)?,
        ));
        Ok(Some(Self {
            ids,
            parent_span_id,
            sampling,
        }))
    }

    /// Returns the trace-id and the id of the caller's span. Returns `None` if there is only a decision.
    #[must_use]
    pub fn ids(&self) -> Option<(TraceId, SpanId)> {
        self.ids
    }

    /// Returns the id of the parent of the caller's span, which is never sent on.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<SpanId> {
        self.parent_span_id
    }

    /// Returns the caller's sampling decision.
    #[must_use]
    pub fn sampling(&self) -> B3Sampling {
        self.sampling
    }

    /// Returns the remote span context that a local span takes as its parent.
    ///
    /// A deferred decision counts as sampled, because a sampler that follows its parent would otherwise drop the trace. A
    /// sampler that reads [`SamplingRequest`](super::SamplingRequest) decides it as for a root. Without ids the context is
    /// invalid and the trace begins here. The SDK's `Sampler::ParentBased` still follows its sampled bit.
    pub(super) fn to_span_context(self) -> SpanContext {
        let (trace_id, span_id) = self.ids.unwrap_or((TraceId::INVALID, SpanId::INVALID));
        let flags = TraceFlags::NOT_SAMPLED.with_sampled(self.sampling != B3Sampling::Deny);
        SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE)
    }

    fn parse(value: &[u8]) -> Result<Self, ParseError> {
        if value.len() > MAX_LENGTH {
            let limit = MAX_LENGTH;
            let problem = Problem::TooLong { limit };
            return Err(ParseError::new(SINGLE, "value", limit, problem));
        }
        let mut b3 = Self {
            ids: None,
            parent_span_id: None,
            sampling: B3Sampling::Defer,
        };
        if value.len() <= 1 {
            b3.sampling = parse_state(value, 0)?;
            return Ok(b3);
        }
        let dash = value.iter().position(|&b| b == b'-');
        let (trace_id, rest) = hex::split_part(value, dash.unwrap_or(value.len()));
        let trace_id = parse_trace_id(trace_id, SINGLE)?;
        let at = value.len() - rest.len();
        let (span_id, rest) = hex::split_part(rest, 16);
        b3.ids = Some((trace_id, parse_span_id(span_id, SINGLE, at)?));
        let at = at + 16;
        check_dash(value, rest, at, "span id")?;
        if value.len() == at + 1 + PARENT_LENGTH {
            // Brave writes a deferred decision as `{trace}-{span}-{parent}`.
            b3.parent_span_id = parse_parent(rest, SINGLE, at + 1)?;
        } else if value.len() > at {
            let (state, rest) = hex::split_part(rest, 1);
            b3.sampling = parse_state(state, at + 1)?;
            check_dash(value, rest, at + 2, "state")?;
            if value.len() > at + 2 {
                b3.parent_span_id = parse_parent(rest, SINGLE, at + 3)?;
            }
        }
        Ok(b3)
    }
}

impl FromStr for B3 {
    type Err = ParseError;

    /// Reads the single form.
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::parse(value.as_bytes())
    }
}

impl fmt::Display for B3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.sampling {
            B3Sampling::Deny => "0",
            B3Sampling::Accept => "1",
            B3Sampling::Debug => "d",
            B3Sampling::Defer => "",
        };
        let Some((trace_id, span_id)) = self.ids else {
            return f.pad(state);
        };
        write!(f, "{trace_id}-{span_id}")?;
        if !state.is_empty() {
            write!(f, "-{state}")?;
        }
        match self.parent_span_id {
            Some(parent) => write!(f, "-{parent}"),
            None => Ok(()),
        }
    }
}

/// Checks that the value ends at `position`, or that a dash and more follow there.
fn check_dash(
    value: &[u8],
    rest: &[u8],
    position: usize,
    part: &'static str,
) -> Result<(), ParseError> {
    let problem = match value.get(position) {
        None => return Ok(()),
        Some(b'-') if !rest.is_empty() => return Ok(()),
        Some(b'-') => Problem::NotEmptyAfterEnd,
        Some(_) => Problem::NotADash,
    };
    Err(ParseError::new(SINGLE, part, position, problem))
}

fn parse_state(state: &[u8], at: usize) -> Result<B3Sampling, ParseError> {
    match state {
        b"0" => Ok(B3Sampling::Deny),
        b"1" => Ok(B3Sampling::Accept),
        b"d" => Ok(B3Sampling::Debug),
        b"" => Err(ParseError::new(SINGLE, "value", at, Problem::Empty)),
        _ => Err(ParseError::new(SINGLE, "state", at, Problem::UnknownState)),
    }
}

fn parse_trace_id(digits: &[u8], field: &'static str) -> Result<TraceId, ParseError> {
    const PART: &str = "trace id";
    let (position, problem) = match digits.len() {
        16 | 32 => match hex::parse_u128(digits, field, PART, 0)? {
            0 => (0, Problem::AllZero),
            id => return Ok(TraceId::from(id)),
        },
        length @ 0..=15 => (length, Problem::TooShort { needed: 16 }),
        length @ 17..=31 => (length, Problem::TooShort { needed: 32 }),
        _ => (32, Problem::TooLong { limit: 32 }),
    };
    Err(ParseError::new(field, PART, position, problem))
}

fn parse_span_id(digits: &[u8], field: &'static str, at: usize) -> Result<SpanId, ParseError> {
    match parse_16(digits, field, "span id", at)? {
        0 => Err(ParseError::new(field, "span id", at, Problem::AllZero)),
        id => Ok(SpanId::from(id)),
    }
}

/// Reads the parent's id. Some tracers send zeros for a root span.
fn parse_parent(
    digits: &[u8],
    field: &'static str,
    at: usize,
) -> Result<Option<SpanId>, ParseError> {
    let id = parse_16(digits, field, "parent span id", at)?;
    Ok((id != 0).then_some(SpanId::from(id)))
}

fn parse_16(
    digits: &[u8],
    field: &'static str,
    part: &'static str,
    at: usize,
) -> Result<u64, ParseError> {
    let (offset, problem) = match digits.len() {
        16 => return hex::parse(digits, field, part, at),
        length @ 0..=15 => (length, Problem::TooShort { needed: 16 }),
        _ => (16, Problem::TooLong { limit: 16 }),
    };
    Err(ParseError::new(field, part, at + offset, problem))
}

pub(super) const SINGLE: &str = "b3";
pub(super) const TRACE_ID: &str = "x-b3-traceid";
pub(super) const SPAN_ID: &str = "x-b3-spanid";
pub(super) const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
pub(super) const SAMPLED: &str = "x-b3-sampled";
pub(super) const FLAGS: &str = "x-b3-flags";
/// All headers that B3 libraries write. This crate does not write `X-B3-ParentSpanId`.
pub(super) const FIELDS: [&str; 6] = [SINGLE, TRACE_ID, SPAN_ID, PARENT_SPAN_ID, SAMPLED, FLAGS];
const PARENT_LENGTH: usize = 16;
/// The length of `{32}-{16}-{1}-{16}`.
const MAX_LENGTH: usize = 68;
