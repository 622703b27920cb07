//! The secrets that were found in a text, and the text without them.

use std::borrow::Cow;
use std::ops::Range;

use super::REDACTED;

const REDACTED_USER_INFO: &str = "REDACTED:REDACTED";

/// The secrets that were found in a text.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<(Range<usize>, &'static str)>);

impl Found {
    pub(super) fn add_value(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.0.push((range, REDACTED));
        }
    }

    pub(super) fn add_user_info(&mut self, range: Range<usize>, has_password: bool) {
        let instead = if has_password {
            REDACTED_USER_INFO
        } else {
            REDACTED
        };
        self.0.push((range, instead));
    }

    /// Returns the text without the secrets. Borrows if none was found.
    #[inline]
    pub(super) fn redact(self, text: &str) -> Cow<'_, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        self.replace(text).into()
    }

    fn replace(mut self, text: &str) -> String {
        // The longer of two that begin at the same place comes first.
        self.0
            .sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        let mut safe = String::with_capacity(text.len() + self.0.len() * REDACTED_USER_INFO.len());
        let mut end = 0;
        for (range, instead) in self.0 {
            if range.start >= end {
                safe.push_str(text.get(end..range.start).unwrap_or_default());
                safe.push_str(instead);
            }
            end = end.max(range.end);
        }
        safe.push_str(text.get(end..).unwrap_or_default());
        safe
    }
}
