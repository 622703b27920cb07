//! How log lines look and where they go.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::{Context, KeyValue};
use otel_log::{Format, Key, Secrets, Spans, Timestamp, fields};
use otel_setup::{Builder, Exporter, LogFormat};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

use self::support::own_process::{Output, command, in_own_process, json_lines};

const FORMAT: &str = "OTEL_RUST_LOG_FORMAT";
/// The row of a table that a process is for.
const ROW: &str = "OTEL_SETUP_TEST_ROW";

/// A set-up that exports nothing.
fn quiet() -> Builder {
    let builder = otel_setup::builder().service_name("shop");
    builder
        .traces_exporter(Exporter::None)
        .metrics_exporter(Exporter::None)
}

/// Writes one line with this set-up, in a process with these variables.
fn output(name: &str, variables: &[(&str, &str)], builder: impl FnOnce() -> Builder) -> Output {
    in_own_process(name, variables, || log_with(builder()))
}

fn log_with(builder: Builder) {
    let _telemetry = builder.init().unwrap();
    tracing::info_span!("outer", user = "ann").in_scope(|| {
        tracing::info_span!("inner", step = 1).in_scope(|| {
            tracing::warn!(target: "shop", iban = "DE07", cart = 7, "slow");
        });
    });
}

/// Returns the format of the line that [`log_with`] writes.
fn format_of(text: &str) -> &'static str {
    let is_json = json_lines(text)
        .iter()
        .any(|line| line["message"] == "slow");
    let is_text = text
        .lines()
        .any(|line| line.contains("WARN") && line.contains("slow"));
    match (is_json, is_text && !is_json, text.contains('\u{1b}')) {
        (true, false, false) => "json",
        (false, true, false) => "text",
        (false, true, true) => "text with colors",
        (false, false, false) => "none",
        other => panic!("{other:?}: {text}"),
    }
}

/// Returns the line of [`log_with`].
fn line(output: &Output) -> Value {
    let mut lines = output.lines();
    lines.retain(|line| line.to_string().contains("slow"));
    assert_eq!(lines.len(), 1, "{output:?}");
    lines.remove(0)
}

#[test]
fn lines_are_text_or_json_as_code_and_variable_say() {
    type Change = fn(Builder) -> Builder;

    let name = "lines_are_text_or_json_as_code_and_variable_say";
    let table: [(&str, Change, &str); 10] = [
        ("", |it| it, "json"),
        ("pretty", |it| it, "text"),
        ("PRETTY", |it| it, "text"),
        ("Json", |it| it, "json"),
        ("", |it| it.log_format(LogFormat::Pretty), "text"),
        ("json", |it| it.log_format(LogFormat::Pretty), "json"),
        ("pretty", |it| it.log_format(LogFormat::Json), "text"),
        ("", |it| it.log(otel_log::Layer::pretty), "text"),
        // A change of the layer is made last.
        ("json", |it| it.log(otel_log::Layer::pretty), "text"),
        ("pretty", |it| it.log(otel_log::Layer::json), "json"),
    ];
    for (row, (variable, change, expected)) in table.into_iter().enumerate() {
        let row_name = row.to_string();
        let variables = [(FORMAT, variable), (ROW, row_name.as_str())];
        // The process of each row runs the whole loop.
        if env::var(ROW).is_ok_and(|it| it != row_name) {
            continue;
        }
        let output = output(name, &variables, || change(quiet()));
        assert_eq!(format_of(&output.stdout), expected, "row {row}");
        assert_eq!(output.stderr, "", "row {row}");
    }
}

#[test]
fn an_unknown_format_is_one_warning_and_lines_are_written() {
    let name = "an_unknown_format_is_one_warning_and_lines_are_written";
    let output = output(name, &[(FORMAT, "yaml")], quiet);
    assert_eq!(line(&output)["cart"], 7);
    let lines = output.lines();
    let about = lines.iter().filter(|line| {
        let message = line["message"].as_str().unwrap();
        line["level"] == "WARN" && message.contains("OTEL_RUST_LOG_FORMAT=\"yaml\"")
    });
    assert_eq!(about.count(), 1, "{lines:?}");
}

/// Runs a test's process with a terminal as standard output or standard error. Returns the text at the
/// terminal and the text of the other stream.
fn with_terminal(
    name: &str,
    variables: &[(&str, &str)],
    is_stdout: bool,
    builder: impl FnOnce() -> Builder,
) -> (String, String) {
    let mut command = command(name, variables, || log_with(builder()));
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap();
    let mut options = OpenOptions::new();
    let terminal = options.read(true).write(true).open(path.to_str().unwrap());
    let terminal = terminal.unwrap();
    if is_stdout {
        command.stdout(terminal).stderr(Stdio::piped());
    } else {
        command.stderr(terminal).stdout(Stdio::piped());
    }
    let child = command.spawn().unwrap();
    // The terminal ends when the last process has closed it.
    drop(command);
    let mut shown = Vec::new();
    let end = File::from(controller).read_to_end(&mut shown);
    assert!(end.is_ok() || end.is_err_and(|error| error.raw_os_error().is_some()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let other = if is_stdout {
        output.stderr
    } else {
        output.stdout
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(shown), text(other))
}

#[test]
fn a_terminal_shows_text_with_colors_and_a_pipe_gets_json() {
    let name = "a_terminal_shows_text_with_colors_and_a_pipe_gets_json";
    let none: &[(&str, &str)] = &[];
    let no_color: &[(&str, &str)] = &[("NO_COLOR", "1")];
    let json: &[(&str, &str)] = &[(FORMAT, "json")];
    // Whether standard output is the terminal, whether lines go to standard error, and the format at the terminal and elsewhere.
    let table = [
        (none, true, false, "text with colors", "none"),
        (none, false, true, "text with colors", "none"),
        (none, true, true, "none", "json"),
        (none, false, false, "none", "json"),
        (no_color, true, false, "text", "none"),
        (no_color, false, true, "text", "none"),
        (json, true, false, "json", "none"),
    ];
    for (row, (variables, is_stdout, to_stderr, shown, other)) in table.into_iter().enumerate() {
        let row_name = row.to_string();
        if env::var(ROW).is_ok_and(|it| it != row_name) {
            continue;
        }
        let variables = [variables, &[(ROW, row_name.as_str())]].concat();
        let (at_terminal, elsewhere) = with_terminal(name, &variables, is_stdout, || {
            if to_stderr {
                quiet().log_to_stderr()
            } else {
                quiet()
            }
        });
        assert_eq!(format_of(&at_terminal), shown, "row {row}");
        assert_eq!(format_of(&elsewhere), other, "row {row}");
    }
}

#[test]
fn lines_go_to_standard_error_if_the_program_says_so() {
    let name = "lines_go_to_standard_error_if_the_program_says_so";
    let output = output(name, &[], || quiet().log_to_stderr());
    assert_eq!(format_of(&output.stdout), "none");
    assert_eq!(format_of(&output.stderr), "json");
}

/// A writer that keeps all bytes.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn lines_go_to_any_writer_of_the_program() {
    let name = "lines_go_to_any_writer_of_the_program";
    let output = in_own_process(name, &[], || {
        let kept = Kept::default();
        let writer = kept.clone();
        log_with(quiet().log_writer(move || writer.clone()));
        assert_eq!(format_of(&kept.text()), "json");
    });
    assert_eq!(format_of(&output.stdout), "none");
}

#[test]
fn a_change_of_the_layer_can_replace_the_writer_by_level() {
    let name = "a_change_of_the_layer_can_replace_the_writer_by_level";
    let output = in_own_process(name, &[], || {
        let warnings = io::stderr.with_max_level(tracing::Level::WARN);
        let writer = warnings.or_else(io::stdout);
        let telemetry = quiet()
            .log(move |layer| layer.writer(writer))
            .init()
            .unwrap();
        tracing::info!("calm");
        tracing::warn!("urgent");
        drop(telemetry);
    });
    assert_eq!(output.messages(), ["calm"]);
    let urgent = json_lines(&output.stderr);
    assert_eq!(urgent.len(), 1, "{urgent:?}");
    assert_eq!(urgent[0]["message"], "urgent");
}

#[test]
fn every_option_of_the_layer_changes_the_lines() {
    let name = "every_option_of_the_layer_changes_the_lines";
    let output = output(name, &[], || {
        let builder = quiet().log(|layer| {
            let format = Format::google_cloud("acme").timestamp(Timestamp::EpochMillis);
            let layer = layer.format(format.name(Key::Message, "text"));
            let layer = layer.spans(Spans::List).nested(true).location(true);
            layer.thread(true).expect_ids(false)
        });
        let builder = builder.log(|layer| {
            let layer = layer.clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(5));
            let layer = layer.with_fields(fields::fixed("region", "north"));
            let layer = layer.secrets(Secrets::default().also(["iban"]));
            layer.value_limit(100).line_limit(10_000).rate_limit(100)
        });
        builder.log(|layer| {
            assert_eq!(layer.counts().failed(), 0);
            layer.pretty().color(true).json().boxed_writer()
        })
    });
    let line = line(&output);
    assert_eq!(line["text"], "slow");
    assert_eq!(line["severity"], "WARNING");
    assert_eq!(line["time"], 5_000);
    assert_eq!(line["fields"]["cart"], 7);
    assert_eq!(line["fields"]["iban"], "REDACTED");
    assert_eq!(line["region"], "north");
    let spans: Vec<_> = (0..2).map(|at| line["spans"][at]["name"].clone()).collect();
    assert_eq!(spans, ["outer", "inner"]);
    let trace = line["logging.googleapis.com/trace"].as_str().unwrap();
    assert!(trace.starts_with("projects/acme/traces/"), "{trace}");
    let place = &line["logging.googleapis.com/sourceLocation"];
    assert!(place["file"].as_str().unwrap().ends_with("line_output.rs"));
    assert!(line["thread.name"].is_string(), "{line}");
}

#[test]
fn listed_baggage_entries_are_fields_of_each_line() {
    let name = "listed_baggage_entries_are_fields_of_each_line";
    let output = in_own_process(name, &[], || {
        let telemetry = quiet().baggage_keys(["tenant"]).init().unwrap();
        let entries = [("tenant", "acme"), ("plan", "gold")];
        let entries = entries.map(|(key, value)| KeyValue::new(key, value));
        let context = Context::new().with_baggage(entries).attach();
        tracing::info!("with");
        drop(context);
        tracing::info!("without");
        drop(telemetry);
    });
    let lines = output.lines();
    let of = |message: &str| {
        lines
            .iter()
            .find(|line| line["message"] == message)
            .unwrap()
    };
    assert_eq!(of("with")["tenant"], "acme");
    assert!(of("with")["plan"].is_null() && of("without")["tenant"].is_null());
}

#[test]
fn lines_are_the_same_with_and_without_an_sdk() {
    let name = "lines_are_the_same_with_and_without_an_sdk";
    let output = in_own_process(name, &[("OTEL_SDK_DISABLED", "true")], || {
        let telemetry = quiet().log(|it| it.location(true)).init().unwrap();
        telemetry.filter_handle().set("debug").unwrap();
        assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
        tracing::debug!("small");
        telemetry.filter_handle().set("info").unwrap();
        tracing::debug!("hidden");
    });
    assert_eq!(output.messages(), ["small"]);
}
