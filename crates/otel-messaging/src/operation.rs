use opentelemetry::trace::SpanKind;

/// The value of `messaging.operation.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Send,
    Receive,
    Process,
    Settle,
}

impl Operation {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Settle => "settle",
        }
    }

    /// Returns the span's kind by the table of the conventions. Sent messages have contexts if they were created before.
    pub(crate) const fn kind(self, messages_have_contexts: bool) -> SpanKind {
        match self {
            Self::Send if messages_have_contexts => SpanKind::Client,
            Self::Create | Self::Send => SpanKind::Producer,
            Self::Receive | Self::Settle => SpanKind::Client,
            Self::Process => SpanKind::Consumer,
        }
    }
}
