//! The error of an audit.

use crate::error::message_error;

message_error! {
    /// The error of an audit whose requests could not be created or sent.
    AuditError
}
