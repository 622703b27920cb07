//! A test suite that is searched for lost context. This file has one test, since the variable and the counts are global.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::Context;
use otel_core::context_loss;
use otel_exchange::context_loss::{StartingRequest, call_starts};
use otel_testkit::Recorder;

/// Makes a call without a parent while a request is served.
fn lose() {
    let request = StartingRequest::begin("test", || "GET /".to_owned());
    call_starts(&Context::new(), "test", || "GET".to_owned());
    drop(request);
}

#[test]
fn a_recorder_fails_its_test_after_a_loss_if_the_environment_enables_it() {
    temp_env::with_var_unset(context_loss::VARIABLE, || {
        let recorder = Recorder::new();
        assert!(!context_loss::is_started());
        lose();
        drop(recorder);
    });

    temp_env::with_var(context_loss::VARIABLE, Some("True"), || {
        let expecting = Recorder::builder().expect_context_loss().build();
        assert!(!context_loss::is_started());
        drop(expecting);

        let recorder = Recorder::new();
        let clone = recorder.clone();
        lose();
        drop(recorder);
        let failure = catch_unwind(AssertUnwindSafe(|| drop(clone))).unwrap_err();
        let failure = failure.downcast_ref::<String>().unwrap();
        assert!(failure.contains("call_without_parent"), "{failure}");

        // A recorder does not report losses from before its creation.
        drop(Recorder::new());
        lose();
        drop(Recorder::new());
    });
}
