//! In place of `metrics` where that feature is off: nothing is measured.

use std::borrow::Cow;
use std::convert::Infallible;

use http::Extensions;
use opentelemetry::{Context, InstrumentationScope};
use reqwest::Response;

use crate::attributes::Target;
use crate::sizes::Sizes;

#[derive(Debug, Clone)]
pub(crate) struct Metrics;

impl Metrics {
    pub(crate) fn new(_: InstrumentationScope) -> Self {
        Self
    }

    pub(crate) fn begin(&self, _: &Target<'_>, _: &Context, _: &Extensions) -> Option<Measured> {
        None
    }
}

/// There is none.
#[derive(Debug)]
pub(crate) struct Measured(Infallible);

impl Measured {
    pub(crate) fn respond(&mut self, _: &Response) {
        match self.0 {}
    }

    pub(crate) fn end(self, _: &Metrics, _: &Context, _: &Sizes, _: Option<Cow<'static, str>>) {
        match self.0 {}
    }
}
