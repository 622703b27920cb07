use std::{fmt, str::FromStr};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::{
    hex,
    parse_error::{ParseError, Problem},
};

/// Says what a B3 caller has decided about sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum B3Sampling {
    /// Not sampled: `0`.
    Deny,
    /// Sampled: `1`.
    Accept,
    /// Sampled, whatever limits apply: `d`, or `X-B3-Flags: 1`.
    Debug,
    /// Left to the receiver: no state.
    Defer,
}

/// Holds what one request carries in B3, in the single header or in several: ids, a decision, or both.
///
/// The ids are never zero; 64-bit trace-ids are padded with zeros on the left. [`Display`](fmt::Display) writes the
/// single form.
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
    /// Creates a value with ids, or `None` if one of them is zero.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, sampling: B3Sampling) -> Option<Self> {
        let valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        valid.then_some(Self {
            ids: Some((trace_id, span_id)),
            parent_span_id: None,
            sampling,
        })
    }

    /// Creates a decision without ids; one that is deferred says nothing and is `None`.
    #[must_use]
    pub fn decision(sampling: B3Sampling) -> Option<Self> {
        (sampling != B3Sampling::Defer).then_some(Self {
            ids: None,
            parent_span_id: None,
            sampling,
        })
    }

    /// Reads the `X-B3-*` headers, which `get` looks up by their names in lower case; `None` if there are none.
    ///
    /// # Errors
    ///
    /// Fails if one of them is malformed, as an empty one is, or if only one of the two ids is there.
    pub fn from_headers<'a>(
        get: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Self>, ParseError> {
        let debug = get(FLAGS) == Some("1");
        let sampling = match get(SAMPLED) {
            _ if debug => B3Sampling::Debug,
            // Lenient towards old tracers, as B3 asks; nobody sends these words.
            Some("1" | "true") => B3Sampling::Accept,
            Some("0" | "false") => B3Sampling::Deny,
            Some(_) => return Err(ParseError::new(SAMPLED, "state", 0, Problem::UnknownState)),
            None => B3Sampling::Defer,
        };
        let (trace_id, span_id) = match (get(TRACE_ID), get(SPAN_ID)) {
            (Some(trace_id), Some(span_id)) => (trace_id.as_bytes(), span_id.as_bytes()),
            (None, None) => return Ok(Self::decision(sampling)),
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

    /// Returns the trace-id and the id of the caller's span, or `None` if only a decision came.
    #[must_use]
    pub fn ids(&self) -> Option<(TraceId, SpanId)> {
        self.ids
    }

    /// Returns the id of the caller's own parent, which is never sent on.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<SpanId> {
        self.parent_span_id
    }

    /// Returns what the caller has decided.
    #[must_use]
    pub fn sampling(&self) -> B3Sampling {
        self.sampling
    }

    /// Returns the remote span context that a local span takes as its parent.
    ///
    /// Deferred counts as sampled, since a sampler that follows its parent would drop the trace otherwise. Without ids
    /// the context is not valid, so the trace begins here, but the SDK's `Sampler::ParentBased` follows its sampled bit.
    #[must_use]
    pub fn to_span_context(&self) -> SpanContext {
        let (trace_id, span_id) = self.ids.unwrap_or((TraceId::INVALID, SpanId::INVALID));
        let flags = TraceFlags::NOT_SAMPLED.with_sampled(self.sampling != B3Sampling::Deny);
        SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE)
    }

    fn parse(value: &[u8]) -> Result<Self, ParseError> {
        if value.len() > MAX_LENGTH {
            return Err(ParseError::new(
                SINGLE,
                "value",
                MAX_LENGTH,
                Problem::TooLong { limit: MAX_LENGTH },
            ));
        }
        if value.len() <= 1 {
            return Ok(Self {
                ids: None,
                parent_span_id: None,
                sampling: parse_state(value, 0)?,
            });
        }
        let (trace_id, rest) = part(
            value,
            value.iter().position(|&b| b == b'-').unwrap_or(value.len()),
        );
        let trace_id = parse_trace_id(trace_id, SINGLE)?;
        let at = value.len() - rest.len();
        let (span_id, rest) = part(rest, 16);
        let ids = Some((trace_id, parse_span_id(span_id, SINGLE, at)?));
        check_dash(value, rest, at + 16, "span id")?;
        if value.len() == at + 16 {
            return Ok(Self {
                ids,
                parent_span_id: None,
                sampling: B3Sampling::Defer,
            });
        }
        let at = at + 17;
        let (state, rest) = part(rest, 1);
        let sampling = parse_state(state, at)?;
        check_dash(value, rest, at + 1, "state")?;
        let parent_span_id = if value.len() == at + 1 {
            None
        } else {
            parse_parent(rest, SINGLE, at + 2)?
        };
        Ok(Self {
            ids,
            parent_span_id,
            sampling,
        })
    }
}

impl FromStr for B3 {
    type Err = ParseError;

    /// Reads the single form.
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::parse(value.as_bytes())
    }
}

impl TryFrom<&str> for B3 {
    type Error = ParseError;

    fn try_from(value: &str) -> Result<Self, Self::Error> {
        value.parse()
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
            // The parent's place is behind the state, so without a state it cannot be said.
            Some(parent) if !state.is_empty() => write!(f, "-{parent}"),
            _ => Ok(()),
        }
    }
}

/// Splits off `length` bytes and steps over the byte behind them, which the caller checks.
fn part(value: &[u8], length: usize) -> (&[u8], &[u8]) {
    let (part, rest) = value.split_at_checked(length).unwrap_or((value, &[]));
    (part, rest.get(1..).unwrap_or(&[]))
}

/// Checks that the value ends at `position`, or has a dash there and something behind it.
fn check_dash(
    value: &[u8],
    rest: &[u8],
    position: usize,
    part: &'static str,
) -> Result<(), ParseError> {
    match value.get(position) {
        None => Ok(()),
        Some(b'-') if !rest.is_empty() => Ok(()),
        Some(b'-') => Err(ParseError::new(
            SINGLE,
            part,
            position,
            Problem::NotEmptyAfterEnd,
        )),
        Some(_) => Err(ParseError::new(SINGLE, part, position, Problem::NotADash)),
    }
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
    let error = |(offset, problem)| ParseError::new(field, "trace id", offset, problem);
    match digits.len() {
        16 | 32 => {}
        0..=15 => return Err(error((digits.len(), Problem::TooShort { needed: 16 }))),
        17..=31 => return Err(error((digits.len(), Problem::TooShort { needed: 32 }))),
        _ => return Err(error((32, Problem::TooLong { limit: 32 }))),
    }
    match hex::parse_u128(digits).map_err(error)? {
        0 => Err(error((0, Problem::AllZero))),
        id => Ok(TraceId::from(id)),
    }
}

fn parse_span_id(digits: &[u8], field: &'static str, at: usize) -> Result<SpanId, ParseError> {
    match parse_16(digits, field, "span id", at)? {
        0 => Err(ParseError::new(field, "span id", at, Problem::AllZero)),
        id => Ok(SpanId::from(id)),
    }
}

/// Reads the parent's id; some tracers send zeros for a root span.
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
    let error = |(offset, problem)| ParseError::new(field, part, at + offset, problem);
    match digits.len() {
        16 => hex::parse(digits).map_err(error),
        0..=15 => Err(error((digits.len(), Problem::TooShort { needed: 16 }))),
        _ => Err(error((16, Problem::TooLong { limit: 16 }))),
    }
}

pub(super) const SINGLE: &str = "b3";
pub(super) const TRACE_ID: &str = "x-b3-traceid";
pub(super) const SPAN_ID: &str = "x-b3-spanid";
pub(super) const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
pub(super) const SAMPLED: &str = "x-b3-sampled";
pub(super) const FLAGS: &str = "x-b3-flags";
/// All that any B3 library writes; `X-B3-ParentSpanId` is read by none of ours.
pub(super) const FIELDS: [&str; 6] = [SINGLE, TRACE_ID, SPAN_ID, PARENT_SPAN_ID, SAMPLED, FLAGS];
/// The length of `{32}-{16}-{1}-{16}`.
const MAX_LENGTH: usize = 68;
