use std::{
    any::type_name,
    fmt,
    io::{self, IsTerminal as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tracing_core::{
    Dispatch, Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{fmt::MakeWriter, layer::Context, registry::LookupSpan};

use crate::{
    Counts, Format, Key, Spans,
    config::Config,
    facts::Facts,
    fields::Fields,
    ids::{self, Ids},
    line,
    notice::{self, Notice},
    plan::EventPlan,
    pretty, rate_limit, scratch,
    secret::SecretNames,
    span_data::SpanData as _,
    span_fields::{self, SpanFields},
    template::Template,
};

/// Creates a layer that writes each event as one JSON line to standard output.
///
/// See the [crate docs](crate) for an example and for what a line holds.
pub fn layer() -> Layer {
    Layer {
        make_writer: io::stdout,
        clock: SystemTime::now,
        config: Config::default(),
        template: OnceLock::new(),
        ids: ids::Source::default(),
        counts: Counts::default(),
        notice: Notice::default(),
        lines_left_out: AtomicU64::new(0),
    }
}

/// A layer that writes each event as one JSON line with the ids of its trace and span.
///
/// Made by [`layer`].
#[must_use = "a layer does nothing until it is added to a subscriber"]
pub struct Layer<W = fn() -> io::Stdout> {
    make_writer: W,
    clock: fn() -> SystemTime,
    config: Config,
    /// Made from the settings when the first line is written.
    template: OnceLock<Template>,
    ids: ids::Source,
    counts: Counts,
    notice: Notice,
    /// Kept back by the rate limit since it was last said.
    lines_left_out: AtomicU64,
}

impl<W> Layer<W> {
    /// Sets where the lines go; standard output by default.
    ///
    /// Each line is one `write_all`. A line that cannot be written is counted ([`Counts::failed`]) and never ends the
    /// program; the first is reported on standard error. [`BufferedWriter`](crate::BufferedWriter) writes many at once.
    pub fn writer<W2>(self, make_writer: W2) -> Layer<W2>
    where
        W2: for<'a> MakeWriter<'a> + 'static,
    {
        Layer {
            make_writer,
            clock: self.clock,
            config: self.config,
            template: self.template,
            ids: self.ids,
            counts: self.counts,
            notice: self.notice,
            lines_left_out: self.lines_left_out,
        }
    }

    /// Sets the clock that the time of a line is read from; [`SystemTime::now`] by default.
    ///
    /// With a clock that stands still, a test can compare whole lines.
    pub fn clock(self, clock: fn() -> SystemTime) -> Self {
        Self { clock, ..self }
    }

    /// Sets the names and forms of what each line says; [`Format::opentelemetry`] by default.
    pub fn format(self, format: Format) -> Self {
        self.with(|config| config.format = format)
    }

    /// Sets which spans' fields a line has; [`Spans::Current`] by default.
    pub fn spans(self, spans: Spans) -> Self {
        self.with(|config| config.spans = spans)
    }

    /// Puts the event's fields into an object `fields`, and those of spans into an object `span`; off by default.
    ///
    /// Without it they stand beside the line's own, and a field with one of those names gets `field.` in front.
    pub fn nested(self, nested: bool) -> Self {
        self.with(|config| config.nested = nested)
    }

    /// Adds the source file and line of each event; off by default.
    pub fn location(self, location: bool) -> Self {
        self.with(|config| config.location = location)
    }

    /// Adds the name and number of the thread; off by default.
    pub fn thread(self, thread: bool) -> Self {
        self.with(|config| config.thread = thread)
    }

    /// Adds fields to every line; see [`fields`](crate::fields).
    pub fn with_fields(self, fields: Fields) -> Self {
        self.with(|config| config.extra.push(fields))
    }

    /// Adds names of fields whose values become `REDACTED`, to those that are known already.
    ///
    /// A name is meant where it is the last part of a field's name, or ends it: `token` means `token`, `auth.token`,
    /// `access_token` and `accessToken`, not `token_count`. Known are `password`, `secret`, `token`, `authorization`,
    /// `cookie`, `api_key`, `credentials` and more of their kind. Messages are not searched.
    pub fn secret_fields(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.with(|config| config.secrets = std::mem::take(&mut config.secrets).and(names))
    }

    /// Redacts these fields only, and none of those that are known to hold secrets.
    pub fn dangerously_redact_only(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.with(|config| config.secrets = SecretNames::dangerously_only(names))
    }

    /// Sets how many bytes a text may have; 16 KiB by default, 64 KiB at most.
    ///
    /// A longer one is cut at the end of a character and marked with `…[cut]`. Bytes count as they are before escaping.
    pub fn value_limit(self, bytes: usize) -> Self {
        self.with(|config| config.value_limit = bytes.min(span_fields::MAX_KEPT))
    }

    /// Sets how many bytes the fields may bring a line to; 128 KiB by default.
    ///
    /// A field that would go beyond is left out, and `fields_left_out` says how many were. The ids are always written.
    pub fn line_limit(self, bytes: usize) -> Self {
        self.with(|config| config.line_limit = bytes)
    }

    /// Sets how many lines one place in the code may write in one second; as many as it likes by default.
    ///
    /// Lines of sampled traces are always written. The next line of any place says in `lines_left_out` how many were not.
    pub fn rate_limit(self, lines_per_second: u32) -> Self {
        self.with(|config| config.rate_limit = Some(lines_per_second))
    }

    /// Says whether lines in spans should have ids; they should by default.
    ///
    /// Where they should and nothing knows them, one line says so. Without OpenTelemetry there are none to be had.
    pub fn expect_ids(self, expected: bool) -> Self {
        self.with(|config| config.expects_ids = expected)
    }

    /// Writes text for people instead of JSON: time of day, level, message, fields, target, the start of the trace id.
    ///
    /// In colours where standard output is a terminal and `NO_COLOR` is not set; see [`color`](Self::color).
    pub fn pretty(self) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = io::stdout().is_terminal() && !no_color;
        self.with(|config| config.pretty = true).color(color)
    }

    /// Sets whether [`pretty`](Self::pretty) lines have colours.
    pub fn color(self, color: bool) -> Self {
        self.with(|config| config.color = color)
    }

    /// Returns the counts of this layer, which stay readable when it has gone into a subscriber.
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self.template = OnceLock::new();
        self
    }

    fn template(&self) -> &Template {
        self.template
            .get_or_init(|| Template::new(self.config.clone()))
    }

    /// Whether the rate limit lets this line through; a sampled trace is whole with its lines.
    fn is_allowed(
        &self,
        template: &Template,
        plan: &EventPlan,
        record: Option<&Metadata<'_>>,
        time: SystemTime,
        ids: Option<&Ids>,
    ) -> bool {
        let Some(limit) = self.config.rate_limit else {
            return true;
        };
        let is_sampled = ids.is_some_and(|ids| ids.trace_flags.is_sampled());
        let of_record = record.and_then(|record| template.log_rates.of(record));
        if is_sampled || rate_limit::allows(of_record.unwrap_or(&plan.rate), limit, time) {
            return true;
        }
        self.lines_left_out.fetch_add(1, Ordering::Relaxed);
        self.counts.line_limited();
        false
    }
}

impl<W> Layer<W>
where
    W: for<'a> MakeWriter<'a>,
{
    /// Neither a broken pipe nor a poisoned lock in a writer may harm the program that logs.
    fn emit(&self, metadata: &Metadata<'_>, line: &[u8]) -> bool {
        let written = catch_unwind(AssertUnwindSafe(|| {
            self.make_writer.make_writer_for(metadata).write_all(line)
        }));
        let error = match written {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error,
            Err(_) => io::Error::other("the writer panicked"),
        };
        if self.counts.line_failed() {
            notice::write_failed(&error);
        }
        false
    }
}

impl<S, W> tracing_subscriber::Layer<S> for Layer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.ids.on_register_dispatch(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            SpanFields::on_new_span(&span, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            SpanFields::on_record(&span, values);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            self.ids.on_enter(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let template = self.template();
        let plan = template.event_plan(event);
        let record = if plan.is_log_crate {
            event.normalized_metadata()
        } else {
            None
        };
        let metadata = record.as_ref().unwrap_or_else(|| event.metadata());
        let ids = self.ids.of_event(event, &ctx);
        let time = (self.clock)();
        if !self.is_allowed(template, plan, record.as_ref(), time, ids.as_ref()) {
            return;
        }
        // A span that was never entered, or is hidden from the OpenTelemetry layer as too fine, may well have no ids.
        let in_span = || {
            let current = ctx.lookup_current().filter(|_| event.is_contextual());
            current.is_some_and(|span| *span.metadata().level() <= Level::INFO)
        };
        let says_no_ids = self.config.expects_ids && self.notice.is_due(ids.is_some(), in_span);
        let facts = Facts {
            time,
            event,
            record: record.as_ref(),
            plan,
            ids,
            lines_left_out: self.take_lines_left_out(template),
        };
        scratch::with(|scratch| {
            if template.config.pretty {
                pretty::write(scratch, template, &facts, &ctx);
            } else {
                line::write(scratch, template, &facts, &ctx);
            }
            if !self.emit(metadata, &scratch.line) {
                self.lines_left_out
                    .fetch_add(facts.lines_left_out, Ordering::Relaxed);
            }
            if says_no_ids {
                scratch.clear();
                if template.config.pretty {
                    pretty::write_notice(scratch, template, time, notice::NO_IDS);
                } else {
                    line::write_notice(scratch, template, time, notice::NO_IDS);
                }
                self.emit(metadata, &scratch.line);
            }
        });
    }
}

impl<W> Layer<W> {
    /// How many lines were kept back since a line last said so, for the line that says so now.
    fn take_lines_left_out(&self, template: &Template) -> u64 {
        let count = self.lines_left_out.load(Ordering::Relaxed);
        if count == 0 || template.keys.get(Key::LinesLeftOut).is_none() {
            return 0;
        }
        self.lines_left_out.swap(0, Ordering::Relaxed)
    }
}

impl<W> fmt::Debug for Layer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("make_writer", &type_name::<W>())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
