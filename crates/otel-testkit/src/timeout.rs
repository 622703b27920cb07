//! The error of a wait that took too long.

use std::{error::Error, fmt, time::Duration};

use crate::{error::debug_as_display, picture::summary, trace::Trace};

/// The error of a wait whose condition was not met in time.
///
/// The message shows the traces that existed when the time was over.
pub struct TimeoutError {
    limit: Duration,
    traces: String,
}

impl TimeoutError {
    pub(crate) fn new(limit: Duration, traces: &[Trace]) -> Self {
        Self {
            limit,
            traces: summary(traces),
        }
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, traces } = self;
        write!(f, "the condition was not met within {limit:?}; {traces}")
    }
}

debug_as_display!(TimeoutError);

impl Error for TimeoutError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::checkout;

    #[test]
    fn the_error_shows_what_was_seen() {
        let limit = Duration::from_secs(2);
        let message = TimeoutError::new(limit, &Trace::group(checkout())).to_string();
        assert!(
            message.starts_with("the condition was not met within 2s; 1 trace was seen (5 spans):"),
            "{message}"
        );
        assert!(message.contains("price the cart"), "{message}");
        let message = TimeoutError::new(limit, &[]).to_string();
        assert!(message.ends_with("no span was seen"), "{message}");
    }
}
