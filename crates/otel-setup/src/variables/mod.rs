//! Environment variables: one table, one parser for each type, and one place that reads them.

mod choices;
mod environment;
mod lists;
mod numbers;
mod row;
pub(crate) mod table;
mod value_type;
mod variable;

pub(crate) use self::choices::{Aggregation, Compressed, SamplerName, Wire};
pub(crate) use self::environment::{Environment, Found};
pub(crate) use self::lists::{Directives, Exporters, PropagatorNames, percent_decoded};
pub(crate) use self::numbers::{Count, Delay, Limit, Timeout};
pub(crate) use self::value_type::ValueType;
#[cfg(feature = "tls")]
pub(crate) use self::variable::SignalVariable;
pub(crate) use self::variable::{Scope, Variable};
