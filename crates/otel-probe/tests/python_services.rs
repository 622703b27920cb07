//! Checks and audits of Python services with OpenTelemetry's own instrumentation.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use otel_testkit::{Audit, AuditReport, Check, CheckReport, Collector, Form, LogLine, Process};

const LIMIT: Duration = Duration::from_secs(60);

/// Returns the virtual environment that `cargo xtask tools` creates in the target directory.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("python/bin");
    assert!(
        python.join("opentelemetry-instrument").is_file(),
        "OpenTelemetry for Python is missing in {}: run `cargo xtask tools`",
        python.display()
    );
    python
}

/// Running services, named after their files, and the receiver that they export to.
struct Services {
    collector: Collector,
    processes: Vec<Process>,
    urls: Vec<String>,
}

type Variables<'a> = &'a [(&'a str, &'a str)];

impl Services {
    fn new() -> Self {
        Self {
            collector: Collector::start().unwrap(),
            processes: Vec::new(),
            urls: Vec::new(),
        }
    }

    /// Starts a service, which calls the service that was started before it.
    fn start(mut self, name: &str, variables: Variables<'_>) -> Self {
        let python = python();
        let file = format!(
            "{}/tests/python/{name}_service.py",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut command = Command::new(python.join("opentelemetry-instrument"));
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("OTEL_") {
                command.env_remove(name);
            }
        }
        command
            .arg(python.join("python"))
            .arg(file)
            .env("OTEL_SERVICE_NAME", name)
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                self.collector.http_endpoint(),
            )
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_TRACES_EXPORTER", "otlp")
            .env("OTEL_LOGS_EXPORTER", "otlp")
            .env("OTEL_METRICS_EXPORTER", "none")
            .env("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true")
            .envs(variables.iter().copied());
        if let Some(next) = self.urls.last() {
            command.env("NEXT", next);
        }
        let process = Process::start(name, &mut command).unwrap();
        let url = process
            .wait_for_stderr(LIMIT, |line| {
                let (_, url) = line.split_once(" listening on ")?;
                Some(format!("{url}/users/7"))
            })
            .unwrap();
        self.urls.push(url);
        self.processes.push(process);
        self
    }

    /// Ends all services, which flushes their telemetry.
    fn end(mut self) -> (Collector, Vec<LogLine>) {
        for process in self.processes.iter_mut().rev() {
            process.terminate(LIMIT).unwrap();
        }
        let logs = self.collector.logs();
        (self.collector, logs)
    }

    /// Checks the services. The service that was started last receives the first requests.
    fn check(self) -> CheckReport {
        let mut check = Check::new();
        for url in self.urls.iter().rev() {
            check.send(url).unwrap();
        }
        let (collector, logs) = self.end();
        assert!(!logs.is_empty(), "Python's log lines come as OTLP");
        check.report(&collector.traces(), &logs)
    }

    fn audit(self) -> AuditReport {
        let audit = Audit::new();
        for url in &self.urls {
            audit.send(url).unwrap();
        }
        let (collector, logs) = self.end();
        audit.report(&collector.traces(), &logs)
    }
}

fn kinds(report: &CheckReport) -> Vec<&str> {
    report.findings().iter().map(|it| it.kind()).collect()
}

const NEW_NAMES: (&str, &str) = ("OTEL_SEMCONV_STABILITY_OPT_IN", "http");

#[test]
fn flask_and_fastapi_continue_w3c_and_use_old_names_by_default() {
    for name in ["flask", "fastapi"] {
        let report = Services::new().start(name, &[]).check();
        report.assert_ok();
        assert_eq!(kinds(&report), ["old-attributes"], "{report}");

        let report = Services::new().start(name, &[NEW_NAMES]).check();
        assert_eq!(kinds(&report), [""; 0], "{report}");
        let json = report.to_json();
        let service = &json["services"][0];
        assert_eq!(service["service"], name);
        assert_eq!(service["reads"], serde_json::json!(["tracecontext"]));
        let outcomes: Vec<_> = service["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["outcome"].as_str().unwrap())
            .collect();
        let expected = ["continued", "not recorded"].into_iter();
        let expected = expected.chain(["restarted"; 7]);
        assert!(outcomes.iter().copied().eq(expected), "{report}");
    }
}

#[test]
fn two_services_share_a_trace_unless_their_formats_differ() {
    let whole = Services::new()
        .start("fastapi", &[NEW_NAMES])
        .start("flask", &[NEW_NAMES])
        .check();
    assert_eq!(kinds(&whole), [""; 0], "{whole}");
    let path = &whole.to_json()["services"][0]["requests"][0]["services"];
    assert_eq!(*path, serde_json::json!(["flask", "fastapi"]), "{whole}");

    let broken = Services::new()
        .start(
            "fastapi",
            &[NEW_NAMES, ("OTEL_PROPAGATORS", "tracecontext")],
        )
        .start("flask", &[NEW_NAMES, ("OTEL_PROPAGATORS", "b3")])
        .check();
    assert_eq!(kinds(&broken), ["split"], "{broken}");
    let text = broken.findings()[0].text();
    assert!(
        text.ends_with("flask sends b3, fastapi reads tracecontext only"),
        "{text}"
    );
}

/// Returns the leaks in spans. (Werkzeug also logs its request lines.)
fn leaks(report: &AuditReport) -> BTreeSet<(&str, &str, Form)> {
    let in_spans = report
        .exposures()
        .iter()
        .filter(|it| !it.leak().field().starts_with("log."));
    in_spans
        .map(|it| (it.source(), it.leak().field(), it.leak().form()))
        .collect()
}

#[test]
fn a_query_leaks_if_the_instrumentation_keeps_it() {
    let flask = Services::new().start("flask", &[]).audit();
    let expected = ["query-token", "query-sig", "query-api-key"]
        .map(|source| (source, "http.target", Form::PercentEncoded));
    assert_eq!(leaks(&flask), BTreeSet::from(expected), "{flask}");

    // FastAPI's instrumentation redacts some keys, such as `sig`.
    let fastapi = Services::new().start("fastapi", &[]).audit();
    let expected =
        ["query-token", "query-api-key"].map(|source| (source, "http.url", Form::PercentEncoded));
    assert_eq!(leaks(&fastapi), BTreeSet::from(expected), "{fastapi}");
}

#[test]
fn captured_headers_leak_unless_they_are_sanitized() {
    let capture = (
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
        ".*",
    );
    let report = Services::new().start("fastapi", &[capture]).audit();
    let sources: BTreeSet<_> = leaks(&report).into_iter().map(|(from, ..)| from).collect();
    for source in [
        "authorization",
        "user-info",
        "cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "baggage",
    ] {
        assert!(sources.contains(source), "{source}: {report}");
    }
    assert!(!sources.contains("body"), "{report}");

    let sanitize = (
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS",
        "authorization,cookie,.*key,.*token,baggage",
    );
    let report = Services::new()
        .start("fastapi", &[capture, sanitize])
        .audit();
    let headers = leaks(&report)
        .into_iter()
        .filter(|(_, field, _)| field.contains("header"))
        .count();
    assert_eq!(headers, 0, "{report}");
}
