//! The export that is under way, and the time that is left for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the client of one signal and the part that reports its failures tell each other. Of one signal no two exports are
/// under way at once.
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
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            export: Mutex::default(),
        }
    }

    pub(crate) fn begin(&self) {
        *self.export() = Export {
            began: Some(Instant::now()),
            cause: None,
        };
    }

    /// What the next attempt may take: opentelemetry-otlp begins none too late, but lets each run as long as the first.
    pub(super) fn left(&self) -> Duration {
        let began = self.export().began;
        self.limit
            .saturating_sub(began.map(|it| it.elapsed()).unwrap_or_default())
    }

    /// Notes why the last attempt failed, which opentelemetry-otlp does not say.
    pub(super) fn fail(&self, cause: Option<String>) {
        self.export().cause = cause;
    }

    /// Why the last attempt failed, where the client knows more than the exporter's error says.
    pub(crate) fn take_cause(&self) -> Option<String> {
        self.export().cause.take()
    }

    fn export(&self) -> MutexGuard<'_, Export> {
        self.export.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for UnderWay {
    /// Of an exporter that waits for no one.
    fn default() -> Self {
        Self::new(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_begins_anew_with_each_export() {
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
    fn the_cause_is_that_of_the_last_attempt_of_this_export() {
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
