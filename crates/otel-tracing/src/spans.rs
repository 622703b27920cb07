//! Starts the OpenTelemetry spans of `tracing` spans.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::thread;

use opentelemetry::trace::{Span as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use otel_core::callsites::Callsites;
use otel_core::span_access::{AccessSpans, SpanAccess};
use otel_core::span_fields::{Kind, SpanFields, Started, Turn};
use tracing_core::dispatcher::{self, Dispatch, WeakDispatch};
use tracing_core::span::Id;
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::callsite::{self, SpanPlan};
use crate::options::Options;
use crate::start::Start;
use crate::tracers::Tracers;

/// The spans of a layer: what is needed to start them.
pub(crate) struct Spans<S> {
    pub(crate) options: Options,
    tracers: Tracers,
    plans: Callsites<SpanPlan>,
    dispatch: OnceLock<WeakDispatch>,
    /// Another layer sees new spans before this one, and keeps their fields.
    pub(crate) comes_second: AtomicBool,
    subscriber: PhantomData<fn(S)>,
}

impl<S> Spans<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(provider: SdkTracerProvider, options: Options) -> Self {
        Self {
            options,
            tracers: Tracers::new(provider),
            plans: Callsites::new(),
            dispatch: OnceLock::new(),
            comes_second: AtomicBool::new(false),
            subscriber: PhantomData,
        }
    }

    pub(crate) fn plan(&self, metadata: &'static Metadata<'static>) -> &SpanPlan {
        self.plans.get(metadata, || {
            let own = callsite::own_scope(metadata);
            let scope = own.as_ref().unwrap_or(&self.options.scope);
            SpanPlan {
                name: metadata.name(),
                fields: callsite::fields(metadata, self.options.secrets.get()),
                function_name: if self.options.function_names && own.is_none() {
                    callsite::function_name(metadata)
                } else {
                    None
                },
                tracer: self.tracers.with(scope, SdkTracer::clone),
            }
        })
    }

    /// Returns the span, which is started if it has not started.
    ///
    /// Returns `None` if the layer does not know the span, and if this thread is starting it.
    #[inline]
    pub(crate) fn start(&self, span: &SpanRef<'_, S>) -> Option<Started> {
        loop {
            let extensions = span.extensions();
            let fields = extensions.get::<SpanFields>()?;
            let otel = fields.otel()?;
            match otel.take_turn() {
                Turn::Done(started) => return Some(started),
                Turn::Now(waiting) => {
                    let plan = self.plan(span.metadata());
                    let start = Start::new(plan, &self.options, fields, waiting);
                    drop(extensions);
                    return Some(self.start_now(span, plan, start));
                }
                Turn::ThroughTrait => {
                    drop(extensions);
                    tracing_opentelemetry::get_otel_context(&span.id(), &self.dispatch()?)?;
                }
                // The span may be one that this thread starts further out.
                Turn::Elsewhere if is_starting() => return None,
                Turn::Elsewhere => {
                    drop(extensions);
                    // Another thread asks the sampler and the processors, which takes microseconds.
                    thread::yield_now();
                }
            }
        }
    }

    /// Starts the span for tracing-opentelemetry, with the changes that its extension trait has made.
    ///
    /// Also returns the status that the fields of the span say, which is not set yet. Returns `None` if the span has started
    /// before, or if the layer does not know it.
    pub(crate) fn start_with(
        &self,
        span: &SpanRef<'_, S>,
        changes: &mut Option<SpanBuilder>,
        parent: &Context,
    ) -> Option<(Started, Status)> {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>()?;
        let otel = fields.otel()?;
        let waiting = otel.take_turn_through_trait(parent)?;
        let plan = self.plan(span.metadata());
        let mut start = Start::new(plan, &self.options, fields, waiting);
        drop(extensions);
        if let Some(changes) = changes.take() {
            start.apply(changes);
        }
        let status = mem::take(&mut start.status);
        Some((self.start_now(span, plan, start), status))
    }

    /// Starts a span whose turn the caller has taken. No lock is held while the SDK runs.
    fn start_now(&self, span: &SpanRef<'_, S>, plan: &SpanPlan, start: Start) -> Started {
        let Start {
            builder,
            parent,
            status,
        } = start;
        let starting = Starting::new(&span.id());
        // A sampler or processor may be the application's code.
        let context = catch_unwind(AssertUnwindSafe(|| {
            let mut span = plan.tracer.build_with_context(builder, &parent);
            if status != Status::Unset {
                span.set_status(status);
            }
            parent.with_span(span)
        }));
        drop(starting);
        let started = match context {
            // After a shutdown, the SDK's spans have no ids.
            Ok(context) if context.span().span_context().is_valid() => Started {
                context,
                kind: Kind::Own,
            },
            Ok(_) | Err(_) => Started {
                context: parent,
                kind: Kind::Parent,
            },
        };
        let extensions = span.extensions();
        if let Some(otel) = extensions.get().and_then(SpanFields::otel) {
            otel.set_started(started.clone());
        }
        started
    }

    /// Keeps the dispatch through which spans are found.
    pub(crate) fn set_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    /// Looks for the dispatch if it is not known. `Option` and `Vec` do not forward `on_register_dispatch`.
    ///
    /// The default dispatch of the thread is hidden in the callbacks of new spans and events, but not while a span is entered.
    #[inline]
    pub(crate) fn look_for_dispatch(&self) {
        if self.dispatch.get().is_none() {
            self.dispatch();
        }
    }

    /// Returns the dispatch of the subscriber that has this layer.
    pub(crate) fn dispatch(&self) -> Option<Dispatch> {
        if let Some(known) = self.dispatch.get() {
            return known.upgrade();
        }
        dispatcher::get_default(|dispatch| {
            let is_ours = SpanAccess::of(dispatch).is_some_and(|access| access.is_of(self));
            is_ours.then(|| {
                self.set_dispatch(dispatch);
                dispatch.clone()
            })
        })
    }
}

impl<S> AccessSpans for Spans<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn started_context(&self, dispatch: &Dispatch, id: &Id) -> Option<Context> {
        let subscriber = dispatch.downcast_ref::<S>()?;
        subscriber.span(id)?.scope().find_map(|span| {
            let extensions = span.extensions();
            let started = extensions.get::<SpanFields>()?.otel()?.started()?;
            Some(started.context.clone())
        })
    }

    fn start(
        &self,
        scope: &InstrumentationScope,
        builder: SpanBuilder,
        parent: &Context,
    ) -> Context {
        let span = self
            .tracers
            .with(scope, |tracer| tracer.build_with_context(builder, parent));
        // After a shutdown, the SDK's spans have no ids.
        if span.span_context().is_valid() {
            parent.with_span(span)
        } else {
            parent.clone()
        }
    }
}

/// Marks a span that this thread starts, until this is dropped.
///
/// A processor may log meanwhile, and a layer may then ask for the context of the span. There is none yet, and nothing may wait
/// on this thread.
struct Starting;

impl Starting {
    fn new(id: &Id) -> Self {
        let id = id.into_u64();
        // While the thread ends, the span is not noted.
        let _ = STARTING.try_with(|ids| ids.borrow_mut().push(id));
        Self
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = STARTING.try_with(|ids| ids.borrow_mut().pop());
    }
}

/// Returns `true` if this thread starts a span.
pub(crate) fn is_starting() -> bool {
    let starts = STARTING.try_with(|ids| !ids.borrow().is_empty());
    starts.unwrap_or(false)
}

/// Returns `true` if this thread starts this span.
pub(crate) fn is_starting_span(id: &Id) -> bool {
    let starts = STARTING.try_with(|ids| ids.borrow().contains(&id.into_u64()));
    starts.unwrap_or(false)
}

thread_local! {
    static STARTING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}
