//! What events say about their spans.

use std::error::Error;
use std::fmt;

use opentelemetry::trace::Status;
use tracing::{error, info, info_span, warn};

use crate::common::{get, named, span, spans, spans_with};

#[tracing::instrument(err)]
fn pay() -> Result<(), &'static str> {
    Err("no money")
}

#[tracing::instrument(err(level = "warn"))]
fn look() -> Result<(), &'static str> {
    Err("not there")
}

#[test]
fn a_function_that_fails_sets_the_status_of_its_span() {
    assert_eq!(
        span(|| {
            let _ = pay();
        })
        .status,
        Status::error("no money")
    );
    assert_eq!(
        span(|| {
            let _ = look();
        })
        .status,
        Status::error("not there")
    );
    let without = spans_with(
        |it| it.with_error_fields(false),
        || {
            let _ = pay();
        },
    );
    assert_eq!(without[0].status, Status::error(""));
    let without = spans_with(
        |it| it.with_error_fields(false).with_error_events(false),
        || {
            let _ = pay();
        },
    );
    assert_eq!(without[0].status, Status::Unset);
}

#[test]
fn only_error_events_set_a_status_and_it_never_replaces_ok() {
    let warned = span(|| info_span!("x").in_scope(|| warn!("slow")));
    assert_eq!(warned.status, Status::Unset);
    let failed = span(|| info_span!("x").in_scope(|| error!("broken")));
    assert_eq!(failed.status, Status::error(""));
    let ok = span(|| {
        info_span!("x", otel.status_code = "ok").in_scope(|| error!("tried again"));
    });
    assert_eq!(ok.status, Status::Ok);
    let before = span(|| {
        let span = info_span!("x");
        error!(parent: &span, "before the start");
    });
    assert_eq!(before.status, Status::error(""));
}

#[test]
fn an_event_belongs_to_its_own_span() {
    let spans = spans(|| {
        let other = info_span!("other");
        info_span!("current").in_scope(|| {
            error!(parent: &other, "elsewhere");
            error!(parent: None, "nowhere");
        });
    });
    assert_eq!(named(&spans, "other").status, Status::error(""));
    assert_eq!(named(&spans, "current").status, Status::Unset);
}

#[test]
fn events_are_on_the_span_by_option() {
    let work = || {
        let span = info_span!("x");
        info!(parent: &span, cart = 7, "priced");
        span.in_scope(|| {
            tracing::event!(name: "named", tracing::Level::INFO, a = 1);
            info!(error = "odd");
            tracing::debug!("too fine");
            warn!(target: "opentelemetry_sdk", "of the SDK itself");
        });
    };
    assert!(spans(work)[0].events.events.is_empty());
    let span = spans_with(|layer| layer.with_events(true), work).remove(0);
    let events = &span.events.events;
    let names: Vec<_> = events.iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["priced", "named", "exception"]);
    assert_eq!(get(&events[0].attributes, "cart"), Some(7.into()));
    assert_eq!(get(&events[0].attributes, "level"), Some("INFO".into()));
    assert_eq!(
        get(&events[0].attributes, "target"),
        Some(module_path!().into())
    );
    assert_eq!(
        get(&events[2].attributes, "exception.message"),
        Some("odd".into())
    );
}

#[test]
fn events_of_an_application_whose_name_starts_like_opentelemetrys_crates_are_on_their_span() {
    let span = spans_with(
        |layer| layer.with_events(true),
        || {
            info_span!("x").in_scope(|| {
                info!(target: "opentelemetry_shop", "priced");
                info!(target: "opentelemetry_shop::cart", "paid");
                warn!(target: "opentelemetry-otlp", "of the exporter");
                warn!(target: "opentelemetry_sdk::trace", "of the SDK itself");
            });
        },
    )
    .remove(0);
    let names: Vec<_> = span
        .events
        .events
        .iter()
        .map(|event| &*event.name)
        .collect();
    assert_eq!(names, ["priced", "paid"]);
}

#[test]
fn an_error_of_an_event_is_an_exception_of_its_span() {
    let error: &(dyn Error + 'static) = &fmt::Error;
    let failed = span(|| info_span!("x").in_scope(|| error!(cause = error, "broken")));
    assert_eq!(failed.status, Status::error(""));
    assert_eq!(
        get(&failed.attributes, "exception.message"),
        Some(fmt::Error.to_string().into())
    );
}
