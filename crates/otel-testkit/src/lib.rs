//! Records, receives and draws OpenTelemetry traces in tests.
//!
//! A test that fails when an axum service loses the context:
//!
//! ```
//! use axum::{Router, body::Body, extract::Path, http::Request, routing::get};
//! use otel_testkit::Recorder;
//! use tower::ServiceExt as _;
//!
//! async fn quote(Path(sku): Path<String>) -> String {
//!     tracing::info!(sku, "pricing");
//!     look_up(&sku).await
//! }
//!
//! #[tracing::instrument]
//! async fn look_up(sku: &str) -> String {
//!     format!("{sku} costs 3")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let recorder = Recorder::builder().service("pricing").build();
//! let _guard = tracing::subscriber::set_default(recorder.subscriber());
//!
//! let app = Router::new()
//!     .route("/quote/{sku}", get(quote))
//!     .layer(otel_tower::ServerLayer::new());
//! let request = Request::get("/quote/apple").body(Body::empty()).unwrap();
//! let response = app.oneshot(request).await.unwrap();
//! axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap(); // the span ends with the body
//!
//! let trace = recorder.trace(); // panics and shows both traces if the request became two traces
//! trace.assert_child_of("look_up", "GET /quote/{sku}");
//! trace.assert_no_orphans();
//!
//! let server = trace.span("GET /quote/{sku}").unwrap();
//! assert_eq!(server.attribute("http.route"), Some(&"/quote/{sku}".into()));
//!
//! let logs = recorder.logs();
//! assert_eq!(logs[0].message(), "pricing");
//! assert_eq!(logs[0].trace_id(), Some(&*trace.id().to_string()));
//! assert_eq!(logs[0].span_id(), Some(&*server.span_id().to_string()));
//! # }
//! ```
//!
//! - [`Recorder`] records the spans and log lines of this process.
//! - [`Collector`] receives the spans and log records of other processes over OTLP.
//! - [`Trace`] is the tree of a trace's spans, with assertions. Recorders and collectors return traces.
//! - [`assert_one_trace`], [`assert_linked`], [`assert_logs_correlated`] and [`assert_no_secret`] are assertions about several
//!   traces and log lines.
//! - [`assert_no_context_loss`] fails if this process has lost context.
//! - [`Audit`] finds the secrets that a service records.
//! - `Check` finds the place where a trace breaks between running services.
//! - [`Process`] runs a service and collects its output.
//! - [`HtmlPage`] is a web page of traces and log lines.
//! - [`Picture`] draws a trace. `println!("{trace}")` is the short form:
//!
//! ```text
//! trace 4bf92f3577b34da6a3ce929d0e0e4736 · 5 spans · 2 services · 12.3 ms
//! SERVER    gateway  GET /checkout/{cart}       200  12.3 ms  ████████████████████████████████████████
//! INTERNAL  gateway  └─ price the cart               11.8 ms  ███████████████████████████████████████▎
//! CLIENT    gateway     └─ GET                  200  11.0 ms    ████████████████████████████████████
//! SERVER    pricing        └─ GET /quote/{sku}  200   2.1 ms                 ███████
//! CLIENT    pricing           └─ SELECT quotes        1.1 ms                  ███▊
//! ```
//!
//! # Features
//!
//! | name | adds | default |
//! | --- | --- | --- |
//! | `http` | `Check` and `Audit::send`, which send requests to running services | yes |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod assertions;
mod audit;
#[cfg(feature = "http")]
mod check;
mod collector;
mod error;
mod leak;
mod log_line;
mod otlp_value;
mod page;
mod picture;
mod probe_request;
mod process;
mod recorder;
#[cfg(test)]
mod sample;
#[cfg(feature = "http")]
mod sender;
mod span;
mod time;
mod timeout;
mod trace;
mod watched;

pub use opentelemetry;

pub use self::{
    assertions::{
        assert_linked, assert_logs_correlated, assert_no_context_loss, assert_no_secret,
        assert_one_trace,
    },
    audit::{Audit, AuditReport, Exposure},
    collector::{Collector, CollectorBuilder, CollectorError},
    error::{AuditError, LogLineError, ProcessError, TimeoutError},
    leak::{Form, Leak, find_leaks},
    log_line::LogLine,
    page::HtmlPage,
    picture::{Picture, escape_json},
    process::Process,
    recorder::{Recorder, RecorderBuilder},
    span::Span,
    trace::Trace,
};
#[cfg(feature = "http")]
pub use self::{
    check::{Check, CheckReport, Finding, Severity},
    error::CheckError,
};
