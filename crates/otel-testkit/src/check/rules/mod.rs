//! The rules that services should follow.

mod logs;
mod requests;
mod spans;
mod split;

use super::{
    finding::{Finding, Findings},
    outcome::Answer,
};
use crate::{log_line::LogLine, trace::Trace};

/// Returns what breaks a rule, problems first.
pub(super) fn find(answers: &[Answer<'_>], traces: &[Trace], logs: &[LogLine]) -> Vec<Finding> {
    let mut findings = Findings::default();
    split::find(answers, traces, &mut findings);
    requests::find(answers, &mut findings);
    spans::find(answers, traces, &mut findings);
    logs::find(answers, traces, logs, &mut findings);
    findings.into_sorted()
}
