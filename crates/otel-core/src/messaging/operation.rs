use opentelemetry::trace::SpanKind;

/// What is done with a message: `messaging.operation.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Send,
    Receive,
    Process,
    Settle,
}

impl Operation {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Settle => "settle",
        }
    }

    /// The span's kind by the table of the conventions. A sent message has a context of its own if it was created before.
    pub(super) const fn kind(self, has_own_context: bool) -> SpanKind {
        match self {
            Self::Send if has_own_context => SpanKind::Client,
            Self::Create | Self::Send => SpanKind::Producer,
            Self::Receive | Self::Settle => SpanKind::Client,
            Self::Process => SpanKind::Consumer,
        }
    }
}
