//! Changes which log lines are written, while the process runs.

use std::sync::{Mutex, PoisonError};

use super::filter::LineFilter;
use super::filter_error::FilterError;
use super::log_crate;

/// Held during a change, because levels and decisions about callsites belong to the process.
static CHANGING: Mutex<()> = Mutex::new(());

/// Changes at run time which log lines are written. Spans are never affected.
///
/// Clones change the same filter.
#[derive(Debug, Clone)]
pub struct FilterHandle(LineFilter);

impl LineFilter {
    /// Returns a handle that changes this filter and its clones at run time.
    #[must_use]
    pub fn handle(&self) -> FilterHandle {
        FilterHandle(self.clone())
    }
}

impl FilterHandle {
    /// Replaces the directives that decide which log lines are written, for example by `info` or `warn,shop=debug`.
    ///
    /// The change applies to the whole process at once, also to lines of the `log` crate. A call takes some time, because each
    /// place in the code that logs is decided again.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing
    ///
    /// - if the text is not a list of directives, or
    /// - if a directive selects lines by their spans (`[request{id=7}]=debug`) and the filter had no such directive at startup.
    pub fn set(&self, directives: &str) -> Result<(), FilterError> {
        let rules = self.0.parse(directives)?;
        let changing = CHANGING.lock();
        let _changing = changing.unwrap_or_else(PoisonError::into_inner);
        // Asked first, because the question changes the level of the process for a moment.
        let is_bridged = log_crate::is_bridged();
        self.0.replace(rules);
        if is_bridged {
            log_crate::follow_max_level();
        }
        Ok(())
    }

    /// Returns the directives in force.
    #[must_use]
    pub fn current(&self) -> String {
        self.0.directives()
    }
}
