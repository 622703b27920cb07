//! Writes JSON values (RFC 8259) straight into a byte buffer.

use std::{
    error::Error,
    fmt::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Appends a string in quotes, cut after `limit` bytes.
pub(crate) fn string(out: &mut Vec<u8>, text: &str, limit: usize) {
    out.push(b'"');
    if text.len() <= limit {
        escaped(out, text);
    } else {
        escaped(out, start_of(text, limit));
        out.extend_from_slice(CUT.as_bytes());
    }
    out.push(b'"');
}

/// Appends the text of a value that formats itself, as a string, cut after `limit` bytes.
///
/// `format_args!` of a user's type runs the user's code. When that fails or panics, the string says so in the place of
/// the text: the line and the program go on.
pub(crate) fn formatted(out: &mut Vec<u8>, value: fmt::Arguments<'_>, limit: usize) {
    if let Some(text) = value.as_str() {
        return string(out, text, limit);
    }
    let start = out.len();
    out.push(b'"');
    let mut escaper = Escaper {
        out: &mut *out,
        left: limit,
        cut: false,
    };
    let result = catch_unwind(AssertUnwindSafe(|| escaper.write_fmt(value)));
    let failure = match result {
        Ok(Ok(())) => return out.push(b'"'),
        Ok(Err(fmt::Error)) if escaper.cut => {
            out.extend_from_slice(CUT.as_bytes());
            return out.push(b'"');
        }
        Ok(Err(fmt::Error)) => FAILED,
        Err(_) => PANICKED,
    };
    out.truncate(start);
    string(out, failure, usize::MAX);
}

/// Appends a value that is JSON already; a string is cut after `limit` bytes of its text.
pub(crate) fn cut(out: &mut Vec<u8>, value: &[u8], limit: usize) {
    let text = match value.split_first() {
        Some((b'"', text)) if text.len() > limit => text,
        _ => return out.extend_from_slice(value),
    };
    let (mut end, mut left) = (0, limit);
    while let Some((written, meant)) = text.get(end..).and_then(length_of_first) {
        let Some(rest) = left.checked_sub(meant) else {
            out.push(b'"');
            out.extend_from_slice(text.get(..end).unwrap_or_default());
            out.extend_from_slice(CUT.as_bytes());
            return out.push(b'"');
        };
        (end, left) = (end + written, rest);
    }
    out.extend_from_slice(value);
}

/// The bytes of the first character of a JSON string, as they are written and as they are meant; `None` at its end.
fn length_of_first(text: &[u8]) -> Option<(usize, usize)> {
    match (*text.first()?, text.get(1)) {
        (b'"', _) => None,
        (b'\\', Some(b'u')) => Some((6, 1)), // only control characters are written so
        (b'\\', _) => Some((2, 1)),
        (..0x80, _) => Some((1, 1)),
        (..0xe0, _) => Some((2, 2)),
        (..0xf0, _) => Some((3, 3)),
        _ => Some((4, 4)),
    }
}

fn start_of(text: &str, limit: usize) -> &str {
    let ends = (0..=limit).rev();
    ends.filter_map(|end| text.get(..end))
        .next()
        .unwrap_or_default()
}

/// Appends an integer of any width.
pub(crate) fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a float in its shortest form; JSON has no number for NaN and the infinities, so they become strings.
pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(br#""NaN""#);
    } else if value > 0.0 {
        out.extend_from_slice(br#""inf""#);
    } else {
        out.extend_from_slice(br#""-inf""#);
    }
}

/// Appends `true` or `false`.
pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends bytes as a string of lower-case hex digits, cut after `limit` digits.
pub(crate) fn bytes(out: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    match bytes.get(..limit / 2) {
        Some(start) if start.len() < bytes.len() => {
            hex(out, start);
            out.pop();
            out.extend_from_slice(CUT.as_bytes());
            out.push(b'"');
        }
        _ => hex(out, bytes),
    }
}

/// Appends bytes as a string of lower-case hex digits.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for byte in bytes {
        out.push(hex_digit(byte >> 4));
        out.push(hex_digit(byte & 0xf));
    }
    out.push(b'"');
}

/// Appends an error and its sources, outermost first, as an array of strings.
pub(crate) fn error(out: &mut Vec<u8>, error: &(dyn Error + 'static), limit: usize) {
    out.push(b'[');
    let mut next = Some(error);
    for depth in 0..MAX_SOURCES {
        let Some(error) = next else { break };
        if depth > 0 {
            out.push(b',');
        }
        formatted(out, format_args!("{error}"), limit);
        next = source(error);
    }
    out.push(b']');
}

fn source<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    catch_unwind(AssertUnwindSafe(|| error.source())).unwrap_or(None)
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(plain) = rest.iter().position(|&byte| must_escape(byte)) {
        let (before, from) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, after)) = from.split_first() else {
            break;
        };
        escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// RFC 8259 section 7: quotation mark, reverse solidus and the control characters. DEL is added since terminals act on it.
fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(hex_digit(byte >> 4));
            return out.push(hex_digit(byte & 0xf));
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

struct Escaper<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    cut: bool,
}

impl fmt::Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(left) = self.left.checked_sub(text.len()) {
            self.left = left;
            escaped(self.out, text);
            return Ok(());
        }
        // The error ends a `Debug` that might otherwise go on for ever.
        escaped(self.out, start_of(text, self.left));
        self.left = 0;
        self.cut = true;
        Err(fmt::Error)
    }
}

/// Follows what is left of a value that was too long.
const CUT: &str = "…[cut]";
const FAILED: &str = "<formatting failed>";
const PANICKED: &str = "<formatting panicked>";
/// An error may name itself as its source; no honest chain is this long.
const MAX_SOURCES: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped() {
        let cases = [
            ("plain", "abc", r#""abc""#),
            ("empty", "", r#""""#),
            ("quote and backslash", r#"a"b\c"#, r#""a\"b\\c""#),
            ("line breaks and tab", "a\nb\r\tc", r#""a\nb\r\tc""#),
            (
                "control characters",
                "\0\u{1b}[31m\u{1f}",
                r#""\u0000\u001b[31m\u001f""#,
            ),
            ("delete", "\u{7f}", r#""\u007f""#),
            ("beyond ASCII", "é\u{2028}😀", "\"é\u{2028}😀\""),
        ];
        for (name, text, expected) in cases {
            assert_eq!(
                written(|out| string(out, text, usize::MAX)),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn numbers_keep_their_value() {
        let cases = [
            (
                "smallest i128",
                written(|out| integer(out, i128::MIN)),
                "-170141183460469231731687303715884105728",
            ),
            (
                "largest u128",
                written(|out| integer(out, u128::MAX)),
                "340282366920938463463374607431768211455",
            ),
            ("float", written(|out| float(out, 0.1)), "0.1"),
            ("whole float", written(|out| float(out, 3.0)), "3.0"),
            ("large float", written(|out| float(out, 1e300)), "1e300"),
            ("negative zero", written(|out| float(out, -0.0)), "-0.0"),
            (
                "not a number",
                written(|out| float(out, f64::NAN)),
                r#""NaN""#,
            ),
            (
                "infinity",
                written(|out| float(out, f64::INFINITY)),
                r#""inf""#,
            ),
            (
                "minus infinity",
                written(|out| float(out, f64::NEG_INFINITY)),
                r#""-inf""#,
            ),
            (
                "bytes",
                written(|out| hex(out, &[0, 0x0f, 0xff])),
                r#""000fff""#,
            ),
        ];
        for (name, text, expected) in cases {
            assert_eq!(text, expected, "{name}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_and_marked() {
        let cases = [
            ("short", "abc", 3, "abc"),
            ("long", "abcd", 3, "abc…[cut]"),
            ("nothing left", "abcd", 0, "…[cut]"),
            ("within a character", "aé", 2, "a…[cut]"),
            ("after a character", "aéx", 3, "aé…[cut]"),
            ("within four bytes", "😀x", 3, "…[cut]"),
            (
                "escapes count as one",
                "\n\u{1}\"\\x",
                4,
                "\n\u{1}\"\\…[cut]",
            ),
            ("escapes that fit", "\n\u{1}\"\\", 4, "\n\u{1}\"\\"),
        ];
        for (name, text, limit, expected) in cases {
            let stored = written(|out| string(out, text, usize::MAX));
            for line in [
                written(|out| string(out, text, limit)),
                written(|out| formatted(out, format_args!("{text}"), limit)),
                written(|out| cut(out, stored.as_bytes(), limit)),
            ] {
                assert_eq!(
                    serde_json::from_str::<String>(&line).unwrap(),
                    expected,
                    "{name}: {line}"
                );
            }
        }
        assert_eq!(written(|out| bytes(out, &[1, 2, 3], 4)), "\"0102…[cut]\"");
        assert_eq!(written(|out| bytes(out, &[1, 2], 4)), "\"0102\"");
        assert_eq!(written(|out| cut(out, b"12345678", 4)), "12345678");
    }

    #[derive(Debug)]
    struct Looped;

    impl fmt::Display for Looped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("looped")
        }
    }

    impl Error for Looped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Looped)
        }
    }

    #[test]
    fn an_error_that_is_its_own_source_ends() {
        let value: Value =
            serde_json::from_str(&written(|out| error(out, &Looped, usize::MAX))).unwrap();
        assert_eq!(value, json!(vec!["looped"; MAX_SOURCES]));
    }

    proptest! {
        #[test]
        fn any_string_comes_back(text: String) {
            for line in [written(|out| string(out, &text, usize::MAX)), written(|out| formatted(out, format_args!("{text}"), usize::MAX))] {
                prop_assert!(!line.bytes().any(|byte| byte < 0x20));
                prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text.as_str());
            }
        }

        #[test]
        fn any_finite_float_comes_back(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let line = written(|out| float(out, value));
            prop_assert_eq!(line.parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert!(serde_json::from_str::<Value>(&line).unwrap().is_number());
        }
    }
}
