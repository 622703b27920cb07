//! Which log lines are written, in which format, and where they go.

mod filter;
mod filter_error;
mod format;
mod handle;
mod log_crate;
mod output;
mod own_crates;
mod rules;
mod settings;

pub use self::filter::LineFilter;
pub use self::filter_error::FilterError;
pub use self::format::LogFormat;
pub use self::handle::FilterHandle;
pub(crate) use self::output::LineOutput;
pub(crate) use self::settings::LineSettings;
