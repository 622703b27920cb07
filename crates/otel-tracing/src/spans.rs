//! Starts the OpenTelemetry spans of `tracing` spans.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

use opentelemetry::trace::{Span as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use otel_core::callsites::Callsites;
use otel_core::span_access::{AccessSpans, SpanAccess};
use otel_core::span_fields::SpanFields;
use tracing_core::dispatcher::{self, Dispatch, WeakDispatch};
use tracing_core::span::Id;
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::attributes::Description;
use crate::callsite::{self, SpanPlan};
use crate::options::Options;
use crate::state::{Kind, OtelSpan, Started, Turn, Waiting};
use crate::tracers::Tracers;

const CODE_FUNCTION_NAME: &str = "code.function.name";

/// The spans of a layer: what is needed to start them.
pub(crate) struct Spans<S> {
    pub(crate) options: Options,
    tracers: Tracers,
    plans: Callsites<SpanPlan>,
    dispatch: OnceLock<WeakDispatch>,
    subscriber: PhantomData<fn(S)>,
}

/// What tracing-opentelemetry's extension trait has changed before a span starts.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) parent: Option<Context>,
    pub(crate) builder: Option<SpanBuilder>,
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
            subscriber: PhantomData,
        }
    }

    pub(crate) fn plan(&self, metadata: &'static Metadata<'static>) -> &SpanPlan {
        self.plans.get(metadata, || {
            let own = callsite::own_scope(metadata);
            let scope = own.as_ref().unwrap_or(&self.options.scope);
            SpanPlan {
                fields: callsite::fields(metadata),
                function_name: (self.options.function_names && own.is_none())
                    .then(|| callsite::function_name(metadata)),
                tracer: self.tracers.with(scope, SdkTracer::clone),
            }
        })
    }

    /// Returns the span, which is started if it has not started.
    ///
    /// Returns `None` if the layer does not know the span, and if this thread is starting it.
    #[inline]
    pub(crate) fn start(&self, span: &SpanRef<'_, S>) -> Option<Started> {
        if let Some(started) = span.extensions().get::<OtelSpan>()?.started() {
            return Some(started.clone());
        }
        self.start_waiting(span)
    }

    fn start_waiting(&self, span: &SpanRef<'_, S>) -> Option<Started> {
        loop {
            let turn = {
                let extensions = span.extensions();
                let otel = extensions.get::<OtelSpan>()?;
                match otel.started() {
                    Some(started) => return Some(started.clone()),
                    None => otel.take_turn(),
                }
            };
            match turn {
                Turn::Now(waiting) => {
                    return Some(self.start_now(span, waiting, Changes::default()));
                }
                Turn::ThroughTrait => {
                    tracing_opentelemetry::get_otel_context(&span.id(), &self.dispatch()?)?;
                }
                // The span may be one that this thread starts further out.
                Turn::Elsewhere if is_starting() => return None,
                // Another thread asks the sampler and the processors, which takes microseconds.
                Turn::Elsewhere => thread::yield_now(),
            }
        }
    }

    /// Starts a span whose turn the caller has taken. No lock is held while the SDK runs.
    pub(crate) fn start_now(
        &self,
        span: &SpanRef<'_, S>,
        mut waiting: Waiting,
        changes: Changes,
    ) -> Started {
        if let Some(parent) = &changes.parent {
            waiting.set_parent(parent);
        }
        let started = if waiting.is_skipped {
            Started {
                context: waiting.parent,
                kind: Kind::Parent,
            }
        } else {
            self.start_in_sdk(span, waiting, changes.builder)
        };
        if let Some(otel) = span.extensions().get::<OtelSpan>() {
            otel.set_started(started.clone());
        }
        started
    }

    fn start_in_sdk(
        &self,
        span: &SpanRef<'_, S>,
        waiting: Waiting,
        changes: Option<SpanBuilder>,
    ) -> Started {
        let metadata = span.metadata();
        let plan = self.plan(metadata);
        let mut builder = SpanBuilder::from_name(metadata.name());
        builder.start_time = Some(waiting.start_time);
        builder.links = Some(waiting.links);
        builder.events = Some(waiting.events);
        let mut status = Status::Unset;
        let mut attributes = Vec::new();
        if let Some(fields) = span.extensions().get::<SpanFields>() {
            let description = Description::new(plan, &self.options, fields.iter(), 1);
            if let Some(name) = description.name {
                builder.name = name;
            }
            builder.span_kind = description.kind;
            status = description.status;
            attributes = description.attributes;
        }
        if let Some(name) = plan.function_name {
            attributes.push(KeyValue::new(CODE_FUNCTION_NAME, name));
        }
        attributes.extend(waiting.attributes);
        builder.attributes = Some(attributes);
        if let Some(changes) = changes {
            apply(&mut builder, changes);
        }
        // Ok over Error over Unset, as in the SDK.
        if waiting.status > status {
            status = waiting.status;
        }
        let starting = Starting::new(&span.id());
        // A sampler or processor may be the application's code.
        let started = catch_unwind(AssertUnwindSafe(|| {
            let mut span = plan.tracer.build_with_context(builder, &waiting.parent);
            if status != Status::Unset {
                span.set_status(status);
            }
            // After a shutdown, the SDK's spans have no ids.
            (span.span_context().is_valid()).then(|| waiting.parent.with_span(span))
        }));
        drop(starting);
        match started {
            Ok(Some(context)) => Started {
                context,
                kind: Kind::Own,
            },
            Ok(None) | Err(_) => Started {
                context: waiting.parent,
                kind: Kind::Parent,
            },
        }
    }

    /// Keeps the dispatch through which spans are found.
    pub(crate) fn set_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    /// Returns the dispatch of the subscriber that has this layer.
    pub(crate) fn dispatch(&self) -> Option<Dispatch> {
        if let Some(known) = self.dispatch.get() {
            return known.upgrade();
        }
        // `Option` and `Vec` do not forward `on_register_dispatch`.
        dispatcher::get_default(|dispatch| {
            let is_ours = SpanAccess::of(dispatch).is_some_and(|access| access.is_of(self));
            is_ours.then(|| {
                self.set_dispatch(dispatch);
                dispatch.clone()
            })
        })
    }
}

fn apply(builder: &mut SpanBuilder, changes: SpanBuilder) {
    append(&mut builder.attributes, changes.attributes);
    append(&mut builder.links, changes.links);
    append(&mut builder.events, changes.events);
}

fn append<T>(list: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    match (list, more) {
        (_, None) => {}
        (Some(list), Some(more)) => list.extend(more),
        (list, more) => *list = more,
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
            let started = extensions.get::<OtelSpan>()?.started()?;
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
        parent.with_span(span)
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
