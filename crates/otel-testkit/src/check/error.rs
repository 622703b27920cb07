//! The error of a check.

use crate::error::message_error;

message_error! {
    /// The error of a check whose requests could not be sent.
    CheckError
}
