//! Hides secrets in a line.

use otel_core::redact::{FieldKind, REDACTED, Secrets};

use crate::{json, plan::Treatment, template::Template};

/// Appends the value of a field that is not simply shown: with `write`, which gets the limit of a value, or `REDACTED`.
#[cold]
pub(crate) fn write(
    out: &mut Vec<u8>,
    template: &Template,
    treatment: Treatment,
    write: impl FnOnce(&mut Vec<u8>, usize),
) {
    let limit = template.config.value_limit;
    match treatment {
        Treatment::Message | Treatment::Field(FieldKind::Shown) => write(out, limit),
        Treatment::Field(FieldKind::Secret) => json::string(out, REDACTED, usize::MAX),
        Treatment::Field(kind) => {
            let start = out.len();
            write(out, limit);
            redact_value(out, start, kind, template.config.secrets.get());
        }
    }
}

/// Hides secrets in the value that starts there, if it is a string.
fn redact_value(out: &mut Vec<u8>, start: usize, kind: FieldKind, secrets: &Secrets) {
    if out.get(start) != Some(&b'"') {
        if kind == FieldKind::Connection {
            out.truncate(start);
            json::string(out, REDACTED, usize::MAX);
        }
        return;
    }
    out.pop(); // the closing quote
    secrets.redact_from(start + 1, kind, out);
    out.push(b'"');
}
