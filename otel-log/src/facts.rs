//! What a line needs to know about its event.

use std::time::SystemTime;

use tracing_core::{Event, Metadata};

use crate::{ids::Ids, plan::EventPlan};

/// An event, with the facts that are known before its fields are read.
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event<'a>,
    /// Level, target and location of a record of the `log` crate.
    pub(crate) record: Option<&'a Metadata<'a>>,
    pub(crate) plan: &'a EventPlan,
    pub(crate) ids: Option<Ids>,
    pub(crate) time: SystemTime,
    /// The suppressed lines that this line reports.
    pub(crate) lines_left_out: u64,
}

impl Facts<'_> {
    /// Returns the metadata of the `log` crate's record, or else of the event.
    pub(crate) fn metadata(&self) -> &Metadata<'_> {
        self.record.unwrap_or_else(|| self.event.metadata())
    }
}
