//! The rule for keys that clash: the line's own names win, and no two fields get the same key.

use crate::json;

/// The keys of the line itself, which no field can take.
pub(crate) const TIMESTAMP: &str = "timestamp";
pub(crate) const LEVEL: &str = "level";
pub(crate) const TARGET: &str = "target";
pub(crate) const MESSAGE: &str = "message";
pub(crate) const TRACE_ID: &str = "trace_id";
pub(crate) const SPAN_ID: &str = "span_id";
pub(crate) const TRACE_FLAGS: &str = "trace_flags";

/// The name of a field as it is meant: a raw identifier (`r#type`) without its mark.
pub(crate) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Appends `,"key":` for a user's field.
///
/// A field named like one of the line's own gets `field.` in front. So does a field that is named like the result of
/// this rule, so that different names always give different keys and comparing names is enough to keep keys apart.
pub(crate) fn write(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    if is_reserved(name) {
        out.extend_from_slice(b"\"field.");
        out.extend_from_slice(name.as_bytes()); // reserved names need no escapes
        out.push(b'"');
    } else {
        json::string(out, name);
    }
    out.push(b':');
}

fn is_reserved(name: &str) -> bool {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("field.") {
        name = rest;
    }
    matches!(
        name,
        TIMESTAMP | LEVEL | TARGET | MESSAGE | TRACE_ID | SPAN_ID | TRACE_FLAGS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &'static str) -> String {
        let mut out = Vec::new();
        write(&mut out, plain(name));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_of_the_line_are_kept_for_the_line() {
        let cases = [
            ("user.id", r#","user.id":"#),
            ("level", r#","field.level":"#),
            ("trace_id", r#","field.trace_id":"#),
            ("field.level", r#","field.field.level":"#),
            ("field.other", r#","field.other":"#),
            ("r#type", r#","type":"#),
            ("r#target", r#","field.target":"#),
            ("quoted \"name\"", r#","quoted \"name\"":"#),
        ];
        for (name, expected) in cases {
            assert_eq!(key(name), expected, "{name}");
        }
    }
}
