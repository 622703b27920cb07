//! What code can set about log lines and the subscriber.

use otel_log::BoxedWriter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{Layer, Registry};

use crate::builder::Builder;
use crate::lines::{LineOutput, LogFormat};

impl Builder {
    /// Changes the layer that writes log lines: every option of [`otel_log::Layer`] can be set. Further calls change it further.
    ///
    /// The function runs once, after all other options of lines.
    ///
    /// ```
    /// use otel_setup::otel_log::Format;
    ///
    /// let builder = otel_setup::builder().log(|layer| layer.format(Format::elastic()).location(true));
    /// # drop(builder);
    /// ```
    pub fn log<W>(
        mut self,
        change: impl FnOnce(otel_log::Layer<BoxedWriter>) -> otel_log::Layer<W> + Send + 'static,
    ) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.lines.push(change);
        self
    }

    /// Sets the format of log lines, if `OTEL_RUST_LOG_FORMAT` is not set. Default: text if the lines go to a terminal, JSON
    /// otherwise.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.lines.format = Some(format);
        self
    }

    /// Writes log lines to standard error instead of standard output.
    pub fn log_to_stderr(mut self) -> Self {
        self.lines.output = LineOutput::Stderr;
        self
    }

    /// Sets the writer of log lines. Default: standard output.
    ///
    /// For a file, use [`BufferedWriter::file`](otel_log::BufferedWriter::file).
    pub fn log_writer<W>(mut self, writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.lines.output = LineOutput::from_writer(writer);
        self
    }

    /// Writes no log lines, for a program that adds a layer of its own for them by [`layer`](Self::layer).
    pub fn without_log_lines(mut self) -> Self {
        self.has_lines = false;
        self
    }

    /// Sets which log lines are written if `RUST_LOG` is not set, by directives such as `info,shop=debug`. Default: `info`.
    ///
    /// Lines of OpenTelemetry's own crates stay off, unless a directive names them. Directives that cannot be parsed are a warning,
    /// and `info` is used.
    pub fn default_filter(mut self, directives: impl Into<String>) -> Self {
        self.default_filter = Some(directives.into());
        self
    }

    /// Sets which log lines are written, whatever `RUST_LOG` says: for a level of a command line or a settings file.
    ///
    /// Directives that cannot be parsed are a warning, and `RUST_LOG` is used.
    pub fn override_filter(mut self, directives: impl Into<String>) -> Self {
        self.override_filter = Some(directives.into());
        self
    }

    /// Adds a `tracing` layer to the subscriber of [`init`](Self::init), for example that of Sentry or of tokio-console.
    ///
    /// The layer sees all spans and events. Give it a filter of its own if it should see fewer
    /// ([`with_filter`](tracing_subscriber::Layer::with_filter)).
    pub fn layer(mut self, layer: impl Layer<Registry> + Send + Sync) -> Self {
        self.layers.push(layer.boxed());
        self
    }
}
