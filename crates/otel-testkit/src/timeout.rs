//! The message of a wait that took too long.

use std::time::Duration;

use crate::{error::TimeoutError, picture::summary, trace::Trace};

impl TimeoutError {
    pub(crate) fn new(limit: Duration, traces: &[Trace]) -> Self {
        let traces = summary(traces);
        Self(format!(
            "the condition was not met within {limit:?}; {traces}"
        ))
    }
}

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
