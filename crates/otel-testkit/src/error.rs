//! What the errors of this crate have in common.

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

/// Defines an error that consists of its message.
macro_rules! message_error {
    ($(#[$attribute:meta])* $error:ident) => {
        $(#[$attribute])*
        pub struct $error(String);

        impl $error {
            pub(super) fn new(message: String) -> Self {
                Self(message)
            }
        }

        impl ::std::fmt::Display for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::error::debug_as_display!($error);

        impl ::std::error::Error for $error {}
    };
}

pub(crate) use {debug_as_display, message_error};
