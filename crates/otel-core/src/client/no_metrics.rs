//! In place of `metrics` where that feature is off: nothing is measured.

use std::borrow::Cow;
use std::convert::Infallible;

use ::http::Extensions;
use opentelemetry::{Context, InstrumentationScope};

use super::attributes::Target;
use super::sizes::BodySizes;
use crate::ResponseHead;
use crate::rpc::GrpcCall;

#[derive(Debug, Clone)]
pub(super) struct ClientMetrics;

impl ClientMetrics {
    pub(super) fn new(_: &InstrumentationScope) -> Self {
        Self
    }

    pub(super) fn begin(&self, _: &Target<'_>, _: &Context, _: &Extensions) -> Option<Measured> {
        None
    }
}

/// There is none.
#[derive(Debug)]
pub(super) struct Measured(Infallible);

impl Measured {
    pub(super) fn respond(&mut self, _: &ResponseHead<'_>) {
        match self.0 {}
    }

    pub(super) fn end(
        self,
        _: &ClientMetrics,
        _: &Context,
        _: Option<&GrpcCall>,
        _: &BodySizes,
        _: Option<Cow<'static, str>>,
    ) {
        match self.0 {}
    }
}
