use std::{fmt, str::FromStr};

use opentelemetry::{
    Context, TraceFlags,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceId, TraceState},
};

use super::{
    hex,
    parse_error::{ParseError, Problem},
    remote,
};

/// A W3C `traceparent` (Trace Context level 2): the ids and the flags `sampled` and `random`.
///
/// It is always valid: the ids are never zero. Of a higher version only the parts of version 00 are read.
/// [`Display`](fmt::Display) writes version 00 with all other flags unset.
///
/// # Examples
///
/// ```
/// use otel_core::propagation::Traceparent;
///
/// let sent: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03".parse()?;
/// assert!(sent.is_sampled() && sent.is_random());
///
/// let error = "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03".parse::<Traceparent>().unwrap_err();
/// assert_eq!(error.to_string(), "traceparent: trace-id has an uppercase digit at position 4; use lowercase hex");
/// # Ok::<(), otel_core::propagation::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace_id: TraceId,
    parent_id: SpanId,
    flags: u8,
}

impl Traceparent {
    /// The length of version 00, and the minimum length of a higher version.
    pub(super) const LENGTH: usize = 55;

    /// Creates a traceparent without the random flag. Returns `None` if one of the ids is zero.
    #[must_use]
    pub fn new(trace_id: TraceId, parent_id: SpanId, sampled: bool) -> Option<Self> {
        let valid = trace_id != TraceId::INVALID && parent_id != SpanId::INVALID;
        valid.then_some(Self {
            trace_id,
            parent_id,
            flags: u8::from(sampled),
        })
    }

    /// Creates the traceparent that a span sends. Returns `None` if the span's context is invalid.
    #[must_use]
    pub fn from_span_context(span: &SpanContext) -> Option<Self> {
        let this = Self::new(span.trace_id(), span.span_id(), span.is_sampled())?;
        Some(this.with_random(span.trace_flags() & remote::RANDOM == remote::RANDOM))
    }

    /// Creates the traceparent that the span of a context sends. Returns `None` if the span's context is invalid.
    ///
    /// It has the caller's random flag also if the SDK does not record the span and has therefore dropped the flag.
    #[doc(hidden)]
    #[must_use]
    pub fn from_context(cx: &Context) -> Option<Self> {
        let this = Self::from_span_context(cx.span().span_context())?;
        Some(this.with_random(remote::trace_flags(cx) & remote::RANDOM == remote::RANDOM))
    }

    /// Sets the random flag, which says that the rightmost 7 bytes of the trace-id are random.
    #[must_use]
    pub fn with_random(mut self, random: bool) -> Self {
        self.flags = self.flags & SAMPLED | if random { RANDOM } else { 0 };
        self
    }

    /// Returns the trace-id, which is never zero.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the id of the sender's span, which is never zero.
    #[must_use]
    pub fn parent_id(&self) -> SpanId {
        self.parent_id
    }

    /// Returns true if the caller may have recorded its span.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns true if the rightmost 7 bytes of the trace-id are random (level 2).
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.flags & RANDOM != 0
    }

    /// Returns the remote span context that a local span takes as its parent. It has both flags.
    #[must_use]
    pub fn to_span_context(&self, state: TraceState) -> SpanContext {
        let flags = TraceFlags::new(self.flags);
        SpanContext::new(self.trace_id, self.parent_id, flags, true, state)
    }

    pub(super) fn parse(value: &[u8]) -> Result<Self, ParseError> {
        if value.len() > MAX_LENGTH {
            let limit = MAX_LENGTH;
            return Err(error("value", limit, Problem::TooLong { limit }));
        }
        let Some((fields, tail)) = value.split_first_chunk::<{ Self::LENGTH }>() else {
            let needed = Self::LENGTH;
            return Err(error("value", value.len(), Problem::TooShort { needed }));
        };
        let (version, rest) = hex::split_part(fields, 2);
        let (trace_id, rest) = hex::split_part(rest, 32);
        let (parent_id, flags) = hex::split_part(rest, 16);

        let version = hex::parse(version, FIELD, "version", 0)?;
        let trace_id = hex::parse_u128(trace_id, FIELD, "trace-id", 3)?;
        let parent_id = hex::parse(parent_id, FIELD, "parent-id", 36)?;
        let flags = hex::parse(flags, FIELD, "flags", 53)?;
        check_dash(fields, "version", 2)?;
        check_dash(fields, "trace-id", 35)?;
        check_dash(fields, "parent-id", 52)?;
        if version == 0xff {
            return Err(error("version", 0, Problem::ForbiddenVersion));
        }
        if trace_id == 0 {
            return Err(error("trace-id", 3, Problem::AllZero));
        }
        if parent_id == 0 {
            return Err(error("parent-id", 36, Problem::AllZero));
        }
        check_tail(version, tail)?;

        Ok(Self {
            trace_id: TraceId::from(trace_id),
            parent_id: SpanId::from(parent_id),
            flags: (flags as u8) & (SAMPLED | RANDOM),
        })
    }
}

impl FromStr for Traceparent {
    type Err = ParseError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::parse(value.as_bytes())
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = *b"00-00000000000000000000000000000000-0000000000000000-00";
        for (range, value) in [
            (3..35, u128::from_be_bytes(self.trace_id.to_bytes())),
            (
                36..52,
                u128::from(u64::from_be_bytes(self.parent_id.to_bytes())),
            ),
            (53..55, u128::from(self.flags)),
        ] {
            if let Some(slot) = buffer.get_mut(range) {
                hex::write(value, slot);
            }
        }
        f.pad(std::str::from_utf8(&buffer).map_err(|_| fmt::Error)?)
    }
}

fn check_dash(
    fields: &[u8; Traceparent::LENGTH],
    part: &'static str,
    position: usize,
) -> Result<(), ParseError> {
    match fields.get(position) {
        Some(b'-') => Ok(()),
        _ => Err(error(part, position, Problem::NotADash)),
    }
}

/// Checks the bytes after the flags: none in version 00; none, or a dash and more, in higher versions (level 2, 4.2).
fn check_tail(version: u64, tail: &[u8]) -> Result<(), ParseError> {
    let Some(first) = tail.first() else {
        return Ok(());
    };
    // A proxy joins repeated headers with a comma, and repeated headers are invalid.
    if let Some(offset) = tail.iter().position(|&b| b == b',') {
        return Err(error("value", Traceparent::LENGTH + offset, Problem::Comma));
    }
    match first {
        _ if version == 0 => Err(error(
            "flags",
            Traceparent::LENGTH,
            Problem::NotEmptyAfterEnd,
        )),
        b'-' => Ok(()),
        _ => Err(error("flags", Traceparent::LENGTH, Problem::NotADash)),
    }
}

const fn error(part: &'static str, position: usize, problem: Problem) -> ParseError {
    ParseError::new(FIELD, part, position, problem)
}

const FIELD: &str = "traceparent";
const SAMPLED: u8 = 0x01;
const RANDOM: u8 = 0x02;
/// The maximum length of a higher version. The specification sets none.
const MAX_LENGTH: usize = 512;
