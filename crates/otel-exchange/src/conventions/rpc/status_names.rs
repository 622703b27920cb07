//! The attributes of a call's status, by `OTEL_SEMCONV_STABILITY_OPT_IN`.

use std::env;

use opentelemetry::KeyValue;

use super::attribute::RPC_RESPONSE_STATUS_CODE;

const VARIABLE: &str = "OTEL_SEMCONV_STABILITY_OPT_IN";
const DUPLICATED: &str = "rpc/dup";

/// The names under which the status of a call is recorded: `rpc.status_code`, and by option also `rpc.response.status_code`, its
/// name in version 1.44.0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StatusNames {
    has_former: bool,
}

impl StatusNames {
    /// Reads `OTEL_SEMCONV_STABILITY_OPT_IN`. With `rpc/dup` in the comma-separated list both names are used.
    pub(crate) fn from_env() -> Self {
        env::var(VARIABLE).map_or_else(|_| Self::default(), |list| Self::from_list(&list))
    }

    /// Reads a comma-separated list. Case and blanks are ignored.
    fn from_list(list: &str) -> Self {
        let mut values = list.split(',').map(str::trim);
        Self {
            has_former: values.any(|value| value.eq_ignore_ascii_case(DUPLICATED)),
        }
    }

    /// Returns the attribute with the former name, if both names are used.
    #[inline]
    pub(crate) fn former(self, code: &'static str) -> Option<KeyValue> {
        self.has_former
            .then(|| KeyValue::new(RPC_RESPONSE_STATUS_CODE, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_are_used_if_the_list_asks_for_both() {
        let table = [
            ("", false),
            ("rpc", false),
            ("http/dup", false),
            ("rpc/dup2", false),
            ("xrpc/dup", false),
            ("rpc/dup", true),
            ("rpc,rpc/dup", true),
            ("http/dup, RPC/Dup ,database", true),
            (",rpc/dup,", true),
        ];
        for (list, has_former) in table {
            let names = StatusNames::from_list(list);
            assert_eq!(names, StatusNames { has_former }, "{list:?}");
            let former = KeyValue::new("rpc.response.status_code", "OK");
            assert_eq!(names.former("OK"), has_former.then_some(former));
        }
    }
}
