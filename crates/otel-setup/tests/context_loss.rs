//! A variable starts the detection of context loss. One test, because a set-up is for the whole process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod environment;
    pub(crate) mod span_layer;
}

use otel_core::context_loss;
use otel_setup::Exporter;

use self::support::environment::with_only;
use self::support::span_layer::with_span_layer;

#[test]
fn only_true_turns_detection_on() {
    let builder = || {
        with_span_layer(otel_setup::builder())
            .service_name("checkout")
            .traces_exporter(Exporter::None)
            .metrics_exporter(Exporter::None)
    };
    let variable = "OTEL_RUST_CONTEXT_LOSS_DETECTION";
    assert_eq!(context_loss::VARIABLE, variable);
    let error = with_only(&[(variable, "yes")], || builder().strict().init());
    let error = error.unwrap_err();
    assert!(error.is_invalid_variable(), "{error}");
    assert!(!context_loss::is_started());
    let _telemetry = with_only(&[(variable, "TRUE")], || builder().init().unwrap());
    assert!(context_loss::is_started());
}
