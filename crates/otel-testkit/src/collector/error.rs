//! The error of a receiver that did not start.

use std::{error::Error, fmt, io};

use crate::error::debug_as_display;

/// The error of a receiver that could not be started.
pub struct CollectorError {
    kind: Kind,
    source: io::Error,
}

#[derive(Debug)]
enum Kind {
    Bind(u16),
    Runtime,
}

impl CollectorError {
    pub(super) fn bind(port: u16, source: io::Error) -> Self {
        Self {
            kind: Kind::Bind(port),
            source,
        }
    }

    pub(super) fn runtime(source: io::Error) -> Self {
        Self {
            kind: Kind::Runtime,
            source,
        }
    }

    /// Returns whether another program uses the port.
    #[must_use]
    pub fn is_port_in_use(&self) -> bool {
        matches!(self.kind, Kind::Bind(_)) && self.source.kind() == io::ErrorKind::AddrInUse
    }
}

impl fmt::Display for CollectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Bind(port) if self.is_port_in_use() => write!(
                f,
                "port {port} on 127.0.0.1 is in use: stop the program that uses it, or choose another port"
            ),
            Kind::Bind(port) => write!(f, "cannot listen on port {port} of 127.0.0.1"),
            Kind::Runtime => write!(f, "cannot start the thread of the OTLP receiver"),
        }
    }
}

debug_as_display!(CollectorError);

impl Error for CollectorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The message already says that the port is in use.
        (!self.is_port_in_use()).then_some(&self.source)
    }
}
