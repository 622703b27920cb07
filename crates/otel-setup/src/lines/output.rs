//! Where log lines go.

use std::env;
use std::io::{self, IsTerminal as _};

use otel_log::BoxedWriter;
use tracing_subscriber::fmt::MakeWriter;

use super::format::LogFormat;

/// Where log lines go.
#[derive(Debug, Default)]
pub(crate) enum LineOutput {
    #[default]
    Stdout,
    Stderr,
    Writer(BoxedWriter),
}

impl LineOutput {
    pub(crate) fn from_writer<W>(make_writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        Self::Writer(BoxedWriter::new(make_writer))
    }

    /// Returns what a report calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
            Self::Writer(_) => "a writer of the application",
        }
    }

    /// Returns text for people if the lines go to a terminal, or JSON otherwise.
    pub(crate) fn default_format(&self) -> LogFormat {
        if self.is_terminal() {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        }
    }

    /// Returns `true` if text can have colors.
    pub(super) fn has_colors(&self) -> bool {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.is_terminal() && !no_color
    }

    fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::Writer(_) => false,
        }
    }

    /// Makes a layer that writes its lines here.
    pub(super) fn layer(self) -> otel_log::Layer<BoxedWriter> {
        let layer = otel_log::layer();
        match self {
            Self::Stdout => layer.boxed_writer(),
            Self::Stderr => layer.writer(io::stderr).boxed_writer(),
            Self::Writer(writer) => layer.writer(writer),
        }
    }
}
