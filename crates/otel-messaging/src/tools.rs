//! What every span of one messaging system is made with.

use std::borrow::Cow;
use std::sync::Arc;

use otel_core::propagator::PropagatorChoice;
use otel_core::tracer::LazyTracer;

#[derive(Clone, Debug)]
pub(crate) struct Tools {
    /// The value of `messaging.system.name`.
    pub(crate) system: Cow<'static, str>,
    pub(crate) tracer: Arc<LazyTracer>,
    pub(crate) propagator: PropagatorChoice,
}
