//! Keeps log records as a test may look at them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::{
    InstrumentationScope,
    logs::{AnyValue, LoggerProvider as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord, SdkLogger, SdkLoggerProvider},
};

#[derive(Debug, Clone, Default)]
pub struct Records(Arc<Mutex<Vec<SdkLogRecord>>>);

impl LogProcessor for Records {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        self.0.lock().unwrap().push(record.clone());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Records {
    pub fn logger(&self) -> SdkLogger {
        SdkLoggerProvider::builder()
            .with_log_processor(self.clone())
            .build()
            .logger("")
    }

    pub fn all(&self) -> Vec<SdkLogRecord> {
        self.0.lock().unwrap().clone()
    }

    pub fn one(&self) -> SdkLogRecord {
        let mut records = self.all();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// The record with this text as its body.
    pub fn body(&self, body: &str) -> SdkLogRecord {
        let records = self.all();
        let found = records.iter().find(|record| text(record.body()) == body);
        found
            .unwrap_or_else(|| panic!("no record {body:?} in {records:?}"))
            .clone()
    }
}

pub fn text(value: Option<&AnyValue>) -> String {
    match value {
        Some(AnyValue::String(text)) => text.to_string(),
        other => format!("{other:?}"),
    }
}
