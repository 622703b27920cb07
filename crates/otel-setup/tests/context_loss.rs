//! Detection of context loss, asked for by a variable. One test: what is set up is the process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod span_layer;
}

use otel_core::context_loss;
use otel_setup::Exporter;

use self::support::span_layer::with_span_layer;

#[test]
fn a_variable_turns_detection_on_and_one_that_cannot_be_used_is_an_error() {
    let builder = with_span_layer(otel_setup::builder())
        .service_name("checkout")
        .traces_exporter(Exporter::None)
        .metrics_exporter(Exporter::None);
    let variable = "OTEL_RUST_CONTEXT_LOSS_DETECTION";
    assert_eq!(context_loss::VARIABLE, variable);
    let init = |value| temp_env::with_var(variable, Some(value), || builder.clone().init());
    let error = init("yes").unwrap_err();
    assert!(error.is_invalid_variable(), "{error}");
    assert!(!context_loss::is_started());
    let _telemetry = init("TRUE").unwrap();
    assert!(context_loss::is_started());
}
