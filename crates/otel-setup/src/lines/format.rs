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
