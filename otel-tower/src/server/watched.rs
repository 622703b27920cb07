//! The request, for those who look where context gets lost.

#[cfg(feature = "axum")]
use axum::extract::MatchedPath;
#[cfg(feature = "axum")]
use http::Method;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel_core::RequestHead;
use otel_core::watch::{BeginningRequest, WatchedRequest};

use crate::server::config::Config;
use crate::server::observed;
use crate::server::route;
use crate::server::span::ServerSpan;
use crate::server::span_name::SpanName;

const TARGET: &str = "otel_tower";
const UNNAMED: &str = "request";

/// A request that is watched, and the name under which a loss is reported.
#[derive(Debug)]
pub(crate) struct Watched {
    request: WatchedRequest,
    name: Name,
}

/// It moves about with the request, so it is small.
#[derive(Debug)]
enum Name {
    /// Names may be too many to be kept.
    Known(Option<&'static str>),
    /// What it is made of, where no one has wanted to know it: a request that is not sampled. The method is a place in
    /// [`METHODS`].
    #[cfg(feature = "axum")]
    Parts(u8, Option<MatchedPath>),
}

#[cfg(feature = "axum")]
static METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::HEAD,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// `None` while detection is off.
pub(crate) fn begin(config: &Config, head: &RequestHead<'_>) -> Option<BeginningRequest> {
    BeginningRequest::begin(TARGET, || name(config, head).name.into_owned())
}

impl Watched {
    /// Notes the request's own span, and its name where that has been found out. `None` where it has no span of its own: its
    /// calls have no parent by rights.
    pub(crate) fn opened(
        request: BeginningRequest,
        span: &ServerSpan,
        name: Option<&SpanName>,
        config: &Config,
        head: &RequestHead<'_>,
    ) -> Option<Self> {
        span.is_own().then(|| Self {
            request: request.opened(span.context().span().span_context()),
            name: name.map_or_else(|| parts(config, head), |name| Name::Known(name.kept())),
        })
    }

    pub(crate) fn rename(&mut self, name: &SpanName) {
        self.name = Name::Known(name.kept());
    }

    pub(crate) fn end(self, config: &Config, span: &SpanContext) {
        self.request.end(span, TARGET, || self.name.text(config));
    }
}

impl Name {
    fn text(&self, #[cfg_attr(not(feature = "axum"), expect(unused))] config: &Config) -> String {
        match self {
            Self::Known(name) => name.unwrap_or(UNNAMED).to_owned(),
            #[cfg(feature = "axum")]
            Self::Parts(method, path) => {
                let method = METHODS.get(usize::from(*method)).unwrap_or(&METHODS[0]);
                let method = config.methods.find(method);
                let name = SpanName::of(&method, path.as_ref().map(MatchedPath::as_str));
                name.name.into_owned()
            }
        }
    }
}

/// Finding the name out costs three times what it takes to remember what it is made of.
#[cfg(feature = "axum")]
fn parts(config: &Config, head: &RequestHead<'_>) -> Name {
    let mut methods = METHODS.iter().zip(0_u8..);
    let method = methods.find(|(method, _)| *method == head.method());
    match method {
        Some((_, method)) if config.route.is_none() && config.grpc.is_none() => {
            Name::Parts(method, head.extensions().get().cloned())
        }
        _ => Name::Known(name(config, head).kept()),
    }
}

#[cfg(not(feature = "axum"))]
fn parts(config: &Config, head: &RequestHead<'_>) -> Name {
    Name::Known(name(config, head).kept())
}

fn name(config: &Config, head: &RequestHead<'_>) -> SpanName {
    if let Some(call) = observed::call(config, head) {
        return SpanName::of_call(call.method());
    }
    let method = config.methods.find(head.method());
    SpanName::of(&method, route::of(config, head))
}
