//! Handles of spans, and what a thread has entered.

use opentelemetry::ContextGuard;
use tracing::Span;
use tracing::span::EnteredSpan;

/// A span of a slot.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) n: usize,
    pub(crate) span: Span,
    pub(crate) is_hidden: bool,
    /// The nearest span around a hidden one that the layer sees.
    pub(crate) around: Option<Box<Handle>>,
}

impl Handle {
    /// Returns the span or the nearest one around it that the layer sees.
    pub(crate) fn seen(&self) -> Option<&Self> {
        if self.span.is_disabled() {
            None
        } else if self.is_hidden {
            self.around.as_deref()
        } else {
            Some(self)
        }
    }
}

/// What a thread has entered and activated.
#[derive(Default)]
pub(crate) struct Thread {
    pub(crate) entered: Vec<EnteredSpan>,
    pub(crate) attached: Vec<ContextGuard>,
    /// The entered spans as the registry keeps them, and whether each was entered before.
    stack: Vec<(Handle, bool)>,
}

impl Thread {
    pub(crate) fn enter(&mut self, handle: &Handle) {
        let id = handle.span.id();
        if id.is_some() {
            let is_double = self.stack.iter().any(|(it, _)| it.span.id() == id);
            self.stack.push((handle.clone(), is_double));
        }
        self.entered.push(handle.span.clone().entered());
    }

    pub(crate) fn exit(&mut self, depth: usize) {
        let Some(place) = self.entered.len().checked_sub(depth + 1) else {
            return;
        };
        let span = self.entered.remove(place).exit();
        let mut stack = self.stack.iter();
        if let Some(place) = stack.rposition(|(it, _)| it.span.id() == span.id()) {
            self.stack.remove(place);
        }
    }

    pub(crate) fn current(&self, is_wanted: impl Fn(&Handle) -> bool) -> Option<&Handle> {
        let mut stack = self.stack.iter().rev().filter(|(_, is_double)| !is_double);
        stack.find(|(it, _)| is_wanted(it)).map(|(it, _)| it)
    }
}
