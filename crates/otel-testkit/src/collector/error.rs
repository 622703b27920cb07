//! The error of a receiver that did not start.

use std::{error::Error, fmt, io};

use crate::error::debug_as_display;

/// The error of a receiver that could not be started.
pub struct CollectorError {
    message: String,
    source: io::Error,
}

impl CollectorError {
    pub(super) fn bind(port: u16, source: io::Error) -> Self {
        let message = if is_in_use(&source) {
            format!(
                "port {port} on 127.0.0.1 is in use: stop the program that uses it, or choose another port"
            )
        } else {
            format!("cannot listen on port {port} of 127.0.0.1")
        };
        Self { message, source }
    }

    pub(super) fn runtime(source: io::Error) -> Self {
        let message = "cannot start the thread of the OTLP receiver".to_owned();
        Self { message, source }
    }

    /// Returns whether another program uses the port.
    #[must_use]
    pub fn is_port_in_use(&self) -> bool {
        is_in_use(&self.source)
    }
}

fn is_in_use(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

impl fmt::Display for CollectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

debug_as_display!(CollectorError);

impl Error for CollectorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The message already says that the port is in use.
        (!self.is_port_in_use()).then_some(&self.source)
    }
}
