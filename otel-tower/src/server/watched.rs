//! The request, for those who look where context gets lost.

use opentelemetry::trace::SpanContext;
use otel_core::RequestHead;
use otel_core::watch::WatchedRequest;

use crate::server::config::Config;
use crate::server::observed;
use crate::server::route;
use crate::server::span_name::SpanName;

const TARGET: &str = "otel_tower";
const UNNAMED: &str = "request";

/// A request that is watched, and the name under which a loss is reported.
#[derive(Debug)]
pub(crate) struct Watched {
    request: WatchedRequest,
    /// Nothing where names are too many to be kept: it moves about with the request.
    name: Option<&'static str>,
}

impl Watched {
    /// `None` while detection is off.
    pub(crate) fn begin(config: &Config, head: &RequestHead<'_>) -> Option<Self> {
        let name = || name(config, head).name.into_owned();
        let request = WatchedRequest::begin(TARGET, name)?;
        Some(Self {
            request,
            name: None,
        })
    }

    /// Notes the request's own span and its name.
    pub(crate) fn opened(&mut self, span: &SpanContext, name: Option<&'static str>) {
        self.request.opened(span);
        self.name = name;
    }

    pub(crate) fn rename(&mut self, name: &SpanName) {
        self.name = name.kept();
    }

    pub(crate) fn end(self, span: &SpanContext) {
        let name = || self.name.unwrap_or(UNNAMED).to_owned();
        self.request.end(span, TARGET, name);
    }
}

pub(crate) fn name(config: &Config, head: &RequestHead<'_>) -> SpanName {
    if let Some(call) = observed::call(config, head) {
        return SpanName::of_call(call.method());
    }
    let method = config.methods.find(head.method());
    SpanName::of(&method, route::of(config, head))
}
