//! The contexts that are active on a thread because spans are entered.

use std::cell::RefCell;

use opentelemetry::{Context, ContextGuard};
use otel_core::active_context;
use tracing_core::span::Id;

thread_local! {
    /// The entered spans and the guards of their contexts, innermost last.
    static GUARDS: RefCell<Vec<(u64, ContextGuard)>> = const { RefCell::new(Vec::new()) };
}

/// Activates the context of a span that is entered.
#[inline]
pub(crate) fn enter(id: &Id, context: Context) {
    if !active_context::is_alive() {
        return;
    }
    let guard = context.attach();
    // While the thread ends, the guard is dropped here.
    let _ = GUARDS.try_with(|guards| guards.borrow_mut().push((id.into_u64(), guard)));
}

/// Restores the context that was active before the span was entered. Spans may be left in any order.
#[inline]
pub(crate) fn exit(id: &Id) {
    let id = id.into_u64();
    let guard = GUARDS.try_with(|guards| {
        let mut guards = guards.borrow_mut();
        if guards.last().is_some_and(|(last, _)| *last == id) {
            return guards.pop();
        }
        let place = guards.iter().rposition(|(entered, _)| *entered == id)?;
        Some(guards.remove(place))
    });
    // Dropping a context may end a span, whose processor may enter spans. So nothing is borrowed here.
    drop(guard);
}
