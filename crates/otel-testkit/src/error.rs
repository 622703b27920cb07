//! The errors that consist of a message.

/// Implements `Debug` with the text of `Display`, so that a `main` or a test that returns the error shows its message.
macro_rules! debug_as_display {
    ($error:ty) => {
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use debug_as_display;

/// Defines errors that consist of a message.
macro_rules! message_errors {
    ($($(#[$attribute:meta])* $error:ident;)*) => {$(
        $(#[$attribute])*
        pub struct $error(pub(crate) String);

        impl ::std::fmt::Display for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        debug_as_display!($error);

        impl ::std::error::Error for $error {}
    )*};
}

message_errors! {
    /// The error of an audit whose requests could not be created or sent.
    AuditError;

    /// The error of a line that is not a JSON object.
    LogLineError;

    /// The error of a wait for a process. The message contains the standard error of the process.
    ProcessError;

    /// The error of a wait whose condition was not met in time.
    ///
    /// The message shows the traces that existed when the time was over.
    TimeoutError;
}

#[cfg(feature = "http")]
message_errors! {
    /// The error of a check whose requests could not be sent.
    CheckError;
}
