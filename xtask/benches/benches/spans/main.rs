//! Spans inside a request: the SDK's spans, fastrace, and `tracing` spans with four subscribers. One subscriber only has a registry,
//! one has tracing-opentelemetry's layer, one has otel-tracing's layer, and one is installed by `otel_setup::init`.
//!
//! The figures are over the same request without these spans.

mod fastrace_spans;
mod sdk_spans;
#[path = "../server/setup.rs"]
mod setup;
mod tracing_spans;

use otel_benches::{Case, Contender};
use otel_setup::Exporter;
use tracing_subscriber::layer::{Identity, SubscriberExt as _};

fn main() {
    otel_benches::main_in_processes(&[
        ("registry", || {
            // A registry without any layer never removes closed spans.
            let registry = tracing_subscriber::registry().with(Identity::new());
            setup::install(registry);
            cases(("registry only", tracing_spans::request))
        }),
        ("tracing-opentelemetry", || {
            setup::install(setup::with_tracing_opentelemetry());
            cases(("tracing-opentelemetry", tracing_spans::request))
        }),
        ("otel-tracing", || {
            setup::install(setup::with_sdk());
            cases(("otel-tracing", tracing_spans::request))
        }),
        ("init", || {
            let telemetry = otel_setup::builder()
                .service_name("bench")
                .traces_exporter(Exporter::None)
                .metrics_exporter(Exporter::None)
                .init();
            // Dropping the guard would shut down the provider.
            std::mem::forget(telemetry.expect("the set-up is complete"));
            cases(("otel_setup::init", tracing_spans::request))
        }),
        ("sdk", || cases(("SDK span", sdk_spans::request))),
        ("fastrace", || {
            fastrace_spans::install();
            cases(("fastrace", fastrace_spans::request))
        }),
    ]);
}

/// The spans inside one request.
#[derive(Clone, Copy)]
pub(crate) struct Spans {
    pub(crate) form: Form,
    pub(crate) count: usize,
    pub(crate) has_fields: bool,
    pub(crate) is_sampled: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// Entered once.
    Sync,
    /// Around a future that is ready when it is polled.
    Async,
}

/// The name of a contender, and a function that makes it.
type Handler = (&'static str, fn(&str, Spans) -> Contender);

fn cases(handler: Handler) -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, name) in [(Form::Sync, "sync"), (Form::Async, "async")] {
        for (is_sampled, decision) in [(true, "sampled"), (false, "unsampled")] {
            let spans = |count, has_fields| Spans {
                form,
                count,
                has_fields,
                is_sampled,
            };
            for count in [1, 5, 20] {
                let name = format!("{count} {name}, {decision}");
                cases.push(case(&name, handler, spans(count, false)));
            }
            let name = format!("1 {name} with five fields, {decision}");
            cases.push(case(&name, handler, spans(1, true)));
        }
    }
    cases
}

fn case(name: &str, (contender, handler): Handler, spans: Spans) -> Case {
    let without = Spans { count: 0, ..spans };
    Case::new(
        name,
        handler("no span", without),
        [handler(contender, spans)],
    )
}
