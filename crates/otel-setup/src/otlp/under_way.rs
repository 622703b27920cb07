//! The current export of a signal, and the time that is left for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The current export of one signal. The signal's client and the exporter that reports failures share it.
///
/// A signal never has two exports at the same time.
#[derive(Debug)]
pub(crate) struct UnderWay {
    limit: Duration,
    export: Mutex<Export>,
}

#[derive(Debug, Default)]
struct Export {
    began: Option<Instant>,
    cause: Option<String>,
}

impl UnderWay {
    /// Limits each export, with its retries, to this time.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            export: Mutex::default(),
        }
    }

    /// Notes that an export begins.
    pub(crate) fn begin(&self) {
        *self.export() = Export {
            began: Some(Instant::now()),
            cause: None,
        };
    }

    /// Returns how long the next attempt may take.
    ///
    /// opentelemetry-otlp starts no attempt after the limit, but gives each attempt the time of a complete export.
    pub(super) fn left(&self) -> Duration {
        let began = self.export().began;
        self.limit
            .saturating_sub(began.map(|it| it.elapsed()).unwrap_or_default())
    }

    /// Notes why the last attempt failed, because the error of opentelemetry-otlp does not contain the cause.
    pub(super) fn fail(&self, cause: Option<String>) {
        self.export().cause = cause;
    }

    /// Returns why the last attempt failed, if the client knows the cause.
    pub(crate) fn take_cause(&self) -> Option<String> {
        self.export().cause.take()
    }

    fn export(&self) -> MutexGuard<'_, Export> {
        self.export.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for UnderWay {
    /// Creates the state of an exporter without a time limit.
    fn default() -> Self {
        Self::new(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_export_has_the_full_limit() {
        let long = UnderWay::new(Duration::from_secs(1000));
        assert_eq!(long.left(), Duration::from_secs(1000));
        long.begin();
        assert!(long.left() < Duration::from_secs(1000));
        assert!(long.left() > Duration::from_secs(900));
        let short = UnderWay::new(Duration::ZERO);
        short.begin();
        assert_eq!(short.left(), Duration::ZERO);
    }

    #[test]
    fn the_cause_belongs_to_the_last_attempt_of_the_current_export() {
        let export = UnderWay::default();
        export.begin();
        export.fail(Some("refused".to_owned()));
        export.fail(None);
        assert_eq!(export.take_cause(), None);
        export.fail(Some("refused".to_owned()));
        export.begin();
        assert_eq!(export.take_cause(), None);
    }
}
