//! What the set-ups of spans, metrics and log records share.

use std::time::Duration;

use opentelemetry_sdk::Resource;

use crate::export::{Export, Exporter};
use crate::otlp::{CodeSettings, has_endpoint};
use crate::signal::Signal;
use crate::variables::{Environment, Exporters, ValueType, Variable};

pub(crate) struct SignalContext<'a> {
    pub(crate) environment: &'a Environment,
    /// The export of all signals.
    pub(crate) for_all: &'a Export,
    pub(crate) only_if_configured: bool,
    pub(crate) resource: Resource,
    pub(crate) report_interval: Duration,
}

impl<'a> SignalContext<'a> {
    /// Returns what code has set about the export of a signal.
    pub(crate) fn code(&self, own: &'a Export) -> CodeSettings<'a> {
        CodeSettings {
            for_all: self.for_all,
            own,
        }
    }

    /// Chooses the exporters of a signal by its variable, then by code. Leaves out OTLP if it needs an endpoint and has none.
    pub(crate) fn exporters<T>(
        &self,
        signal: Signal,
        variable: &Variable<T>,
        code: Option<Exporter>,
        own: &'a Export,
    ) -> Exporters
    where
        T: ValueType + From<Exporters> + Into<Exporters>,
    {
        let code = code.map(|exporter| T::from(exporter.into()));
        let mut exporters: Exporters = self.environment.get(variable, code).into();
        exporters.otlp &=
            !self.only_if_configured || has_endpoint(signal, self.environment, self.code(own));
        exporters
    }
}
