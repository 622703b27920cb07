//! One request and its one end.

use std::cell::OnceCell;
use std::mem;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, StringValue};
use otel_core::http::attribute::{
    ERROR_TYPE, HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE, HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
};
use otel_core::http::server_error_type;
use otel_core::predicate::ask;
use otel_core::rpc::attribute::RPC_RESPONSE_STATUS_CODE;
use otel_core::rpc::{self, GrpcCall, GrpcCode};
use otel_core::span_update::{HookResults, Verdict};
use otel_core::{RequestHead, ResponseHead};
use tracing::span::EnteredSpan;

use crate::server::asked::Asked;
use crate::server::config::Config;
use crate::server::end::{End, is_bodyless};
use crate::server::end_at::EndAt;
use crate::server::late_route::LateRoute;
use crate::server::measurement::{Measurement, Outcome};
use crate::server::observed::Observed;
use crate::server::request_span::{Served, Serving};
use crate::server::span::ServerSpan;
use crate::server::watched::{self, Watched};

/// All that is known of a request. It moves from the service to the future to the body, and finishes exactly once.
#[derive(Debug)]
pub(crate) struct Exchange {
    config: Arc<Config>,
    span: ServerSpan,
    measurement: Option<Box<Measurement>>,
    late_route: Option<Box<LateRoute>>,
    grpc: Option<Box<GrpcCall>>,
    asked: Option<Box<Asked>>,
    hooks: HookResults,
    status: Option<StatusCode>,
    serving: Option<Serving>,
    watched: Option<Watched>,
    is_head: bool,
    is_finished: bool,
}

impl Exchange {
    /// `None` where nothing is to be done for the request: there is no SDK, and no context came in.
    pub(crate) fn begin<B: 'static>(
        config: &Arc<Config>,
        request: &mut Request<B>,
    ) -> Option<(Self, Option<EnteredSpan>)> {
        let head = RequestHead::of(request);
        if ask("skip", || config.skip.matches(&head)).unwrap_or(false) {
            let span = ServerSpan::forward(config, &head)?;
            return Some((Self::new(config, span, request.method()), None));
        }
        let mut observed = OnceCell::new();
        let watched = watched::begin(config, &head);
        let (span, entered) = ServerSpan::open(config, head, &observed);
        let is_measured = config.metrics.is_on();
        if !is_measured && span.is_idle() {
            return None;
        }
        let mut exchange = Self::new(config, span, request.method());
        if let Some(request) = watched {
            let name = observed.get().map(|it| &it.name);
            exchange.watched = Watched::opened(request, &exchange.span, name, config, &head);
        }
        if is_measured || exchange.span.is_recording() {
            let observed = observed.get_or_init(|| Observed::of(config, head));
            exchange.measurement =
                is_measured.then(|| Measurement::begin(&config.metrics, observed));
            exchange.late_route = LateRoute::expected(observed);
        }
        exchange.grpc = observed.get_mut().and_then(|it| it.grpc.take());
        exchange.show(request);
        Some((exchange, entered))
    }

    fn new(config: &Arc<Config>, span: ServerSpan, method: &Method) -> Self {
        let is_told = span.is_recording() || config.metrics.is_on();
        let serving = is_told.then(|| Serving::new(span.context().clone()));
        Self {
            config: Arc::clone(config),
            span,
            measurement: None,
            late_route: None,
            grpc: None,
            asked: None,
            hooks: HookResults::default(),
            status: None,
            serving,
            watched: None,
            is_head: method == Method::HEAD,
            is_finished: false,
        }
    }

    /// Shows the request to hooks, and gives it what the handler may ask for.
    fn show<B: 'static>(&mut self, request: &mut Request<B>) {
        let head = RequestHead::of(request);
        for hook in &self.config.on_request {
            let context = self.span.context();
            self.hooks.run(context, |update| hook(&head, update));
        }
        self.asked = Asked::by(&self.config, request);
        if let Some(late_route) = &self.late_route {
            late_route.hand_out(request.extensions_mut());
        }
        #[cfg(feature = "metrics")]
        if let Some(labels) = self.measurement.as_ref().and_then(|it| it.labels()) {
            request.extensions_mut().insert(labels.clone());
        }
    }

    /// Runs the first step of the request, inside the `tracing` span that has been entered since it was opened.
    pub(crate) fn run_first<T>(
        &mut self,
        entered: Option<EnteredSpan>,
        step: impl FnOnce() -> T,
    ) -> T {
        let Some(first) = entered else {
            return self.run(step);
        };
        let watch = PanicWatch(self);
        // A panic leaves the span before it finishes the request.
        let entered = first;
        let active = watch.0.span.activate(true);
        let served = Served::enter(&mut watch.0.serving);
        let result = step();
        drop((served, active));
        watch.0.span.leave(entered);
        mem::forget(watch);
        result
    }

    /// Runs a step of the request inside its context. A panic of the step finishes the request and goes on unwinding.
    pub(crate) fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let watch = PanicWatch(self);
        let entered = watch.0.span.enter();
        let served = Served::enter(&mut watch.0.serving);
        let result = step();
        drop((served, entered));
        mem::forget(watch);
        result
    }

    /// The same without entering the `tracing` span, for what writes no events: that costs more than a buffer's frame.
    pub(crate) fn run_in_context<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let watch = PanicWatch(self);
        let active = watch.0.span.activate(false);
        let served = Served::enter(&mut watch.0.serving);
        let result = step();
        drop((served, active));
        mem::forget(watch);
        result
    }

    /// Notes the response head and writes into it. Where no body can follow, the request is finished here.
    pub(crate) fn respond<B>(&mut self, response: &mut Response<B>) {
        self.status = Some(response.status());
        if !self.config.trace_headers.is_empty() {
            self.name_trace_to_caller(response);
        }
        if self.span.is_recording() && !self.config.response_headers.is_empty() {
            let (capture, headers) = (&self.config.response_headers, response.headers());
            match &self.grpc {
                Some(_) => self.span.add(capture.response_metadata(headers)),
                None => self.span.add(capture.response(headers)),
            }
        }
        if let Some(grpc) = &mut self.grpc {
            grpc.respond(response.status(), response.headers());
        }
        self.learn_route();
        let end_at = self.ask_about(&ResponseHead::of(response));
        if self.is_head || is_bodyless(response.status()) {
            self.finish(End::Complete);
        } else if end_at == EndAt::Headers && self.grpc.is_none() {
            if let Some(asked) = &mut self.asked {
                asked.forget_body();
            }
            self.finish(End::Complete);
        }
    }

    fn name_trace_to_caller<B>(&self, response: &mut Response<B>) {
        if let Some(span) = self.span.own() {
            for header in &self.config.trace_headers {
                header.write(&span, response.headers_mut());
            }
        }
    }

    /// Takes over the route that a router further in has told.
    fn learn_route(&mut self) {
        let Some(found) = self.late_route.as_mut().and_then(|late| late.take()) else {
            return;
        };
        if self.span.is_recording() {
            if let Some(watched) = &mut self.watched {
                watched.rename(&found);
            }
            if !self.is_named() {
                self.span.rename(found.name);
            }
            let route = found.route.clone();
            self.span
                .add(route.map(|route| KeyValue::new(HTTP_ROUTE, route)));
        }
        if let Some(measurement) = &mut self.measurement {
            measurement.learn_route(found.route);
        }
    }

    /// By the handler or by a hook: that name counts before those of route and method.
    fn is_named(&self) -> bool {
        self.hooks.is_named() || self.serving.as_ref().is_some_and(Serving::is_named)
    }

    /// Settles a method that was open until the answer. One that is none names nothing.
    fn settle_method(&mut self) {
        let Some(grpc) = &mut self.grpc else { return };
        let settled = grpc.settle();
        if !self.span.is_recording() || settled.iter().all(Option::is_none) {
            return;
        }
        if let [Some(_), Some(_original)] = &settled {
            if !self.is_named() {
                self.span.rename(rpc::attribute::GRPC.into());
            }
        }
        self.span.add(settled.into_iter().flatten());
    }

    /// Runs the hooks that see request and response, and tells when the request ends.
    fn ask_about(&mut self, response: &ResponseHead<'_>) -> EndAt {
        let kept = self.asked.as_mut().and_then(|asked| asked.request.take());
        let Some(request) = kept else {
            return self.config.end_at;
        };
        let request = RequestHead::of(&request);
        for hook in &self.config.on_response {
            self.hooks.run(self.span.context(), |update| {
                hook(&request, response, update);
            });
        }
        let by_function = self.config.end_at_by.as_ref();
        by_function
            .and_then(|by| ask("end_at_by", || by(&request, response)))
            .unwrap_or(self.config.end_at)
    }

    /// Notes a frame of the response body.
    pub(crate) fn sent(&mut self, length: usize) {
        if let Some(grpc) = self.grpc.as_mut().filter(|_| length > 0) {
            grpc.message();
        }
        if let Some(asked) = &mut self.asked {
            asked.sent(length, &self.span);
        }
    }

    /// Notes the status of a call of gRPC that the service's error tells.
    pub(crate) fn grpc_status(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.tell(code);
        }
    }

    /// Notes the trailers of the response.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(grpc) = &mut self.grpc {
            grpc.trailers(trailers);
        }
    }

    /// Finishes the request, outside its context; the first call counts.
    pub(crate) fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        // The answer to a call that no one records makes its method known as well.
        self.settle_method();
        if self.span.is_recording() || self.measurement.is_some() {
            self.tell(end);
        }
        if let Some(watched) = self.watched.take() {
            watched.end(&self.config, self.span.context().span().span_context());
        }
    }

    /// Tells the span and the metrics how the request has ended.
    fn tell(&mut self, end: End) {
        self.learn_route();
        let grpc_code = self.end_of_grpc(end);
        let mut error_type = self.error_type(end, grpc_code);
        let status = self.status.filter(|_| self.grpc.is_none());
        let sizes = self.asked.as_ref().map(|asked| asked.sizes());
        let sizes = sizes.filter(|_| self.grpc.is_none()).unwrap_or_default();
        // The application's own error type says more, also where the status is no error.
        let recorded = otel_core::error::take_recorded(self.span.id());
        // On the span it is there already.
        let own = error_type.clone().filter(|_| recorded.is_none());
        error_type = recorded.map(StringValue::from).or(error_type);
        if self.span.is_recording() {
            let code = match grpc_code {
                Some(code) => Some(KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str())),
                None => status.map(|status| {
                    KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()))
                }),
            };
            self.span.add(code);
            let size = |key, size: Option<u64>| size.map(|size| KeyValue::new(key, number(size)));
            let rest = [
                own.map(|own| KeyValue::new(ERROR_TYPE, own)),
                size(HTTP_REQUEST_BODY_SIZE, sizes.0),
                size(HTTP_RESPONSE_BODY_SIZE, sizes.1),
            ];
            // Most requests have none of these.
            if rest.iter().any(Option::is_some) {
                self.span.add(rest.into_iter().flatten());
            }
            self.span.end(error_type.is_some());
        }
        if let Some(measurement) = self.measurement.take() {
            let outcome = Outcome {
                status,
                grpc: self.grpc.take(),
                error_type,
                request_size: sizes.0,
                response_size: sizes.1,
            };
            measurement.end(self.span.context(), outcome);
        }
    }

    /// The status of a call of gRPC. There is none where the answer broke off: none was sent.
    fn end_of_grpc(&mut self, end: End) -> Option<GrpcCode> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Cancelled => grpc.give_up(),
            End::ServiceError | End::BodyError | End::Panicked => {}
        }
        grpc.code()
    }

    /// A status code that is an error says more than the way in which the response then ended.
    fn error_type(&self, end: End, grpc_code: Option<GrpcCode>) -> Option<StringValue> {
        let by_head = match self.hooks.verdict() {
            Some(Verdict::NoError) => None,
            Some(Verdict::Error(error_type)) => Some(StringValue::from(error_type.clone())),
            _ => {
                let told = self.serving.as_ref().and_then(Serving::take_error);
                let by_status = || match (grpc_code, self.status) {
                    (Some(code), _) => rpc::server_error_type(code),
                    (None, Some(status)) => server_error_type(status),
                    (None, None) => None,
                };
                let by_status = || by_status().map(StringValue::from);
                told.map(StringValue::from).or_else(by_status)
            }
        };
        // That a call of gRPC was given up is a status of its own, and what tonic makes of an error is one.
        let is_status = matches!(end, End::Cancelled | End::ServiceError) && grpc_code.is_some();
        let by_end = || end.error_type().filter(|_| !is_status);
        by_head.or_else(|| by_end().map(StringValue::from))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Cancelled);
    }
}

struct PanicWatch<'a>(&'a mut Exchange);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.finish(End::Panicked);
    }
}

fn number(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
