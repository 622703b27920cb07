//! The format of log lines.

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Text for people. This is the default if the lines go to a terminal.
    Pretty,
    /// One JSON object per line. This is the default if the lines do not go to a terminal.
    Json,
}

impl LogFormat {
    /// Returns the format that `OTEL_RUST_LOG_FORMAT` names. Returns `None` if the name is unknown.
    #[cfg(test)]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Pretty, Self::Json]
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        }
    }
}
