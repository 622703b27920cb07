//! Writes JSON values (RFC 8259) into a byte buffer.

use std::{error::Error, fmt, iter};

use otel_core::limits::cut;
use otel_core::span_fields::{
    FieldValue, KeptField,
    text::{CUT, chain, push_formatted},
};

use crate::value::Value;

/// Appends the value of a field. A text is cut after `limit` bytes.
// Inlined where the type of the value is known.
#[inline(always)]
pub(crate) fn value(out: &mut Vec<u8>, value: Value<'_>, limit: usize) {
    match value {
        Value::F64(value) => float(out, value),
        Value::I64(value) => integer(out, value),
        Value::U64(value) => integer(out, value),
        Value::I128(value) => integer(out, value),
        Value::U128(value) => integer(out, value),
        Value::Bool(value) => boolean(out, value),
        Value::Str(text) => string(out, text, limit),
        // Only complete bytes.
        Value::Bytes(value) => bytes(out, value, limit & !1),
        Value::Error(value) => error(out, value, limit),
        Value::Debug(value) => formatted(out, format_args!("{value:?}"), limit),
    }
}

/// Appends the value of a field that a span keeps, like [`value`]. The first line notes whether a text needs no escapes.
#[inline(always)]
pub(crate) fn kept_field(out: &mut Vec<u8>, field: &KeptField, limit: usize) {
    match field.value() {
        FieldValue::Text(text) if text.len() <= limit => {
            if field.is_plain() {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                return out.push(b'"');
            }
            let start = out.len();
            string(out, text, limit);
            if out.len() - start == text.len() + 2 {
                field.set_plain();
            }
        }
        value => kept_value(out, value, limit),
    }
}

/// Appends the value of a field that a span keeps, cut after `limit` bytes.
fn kept_value(out: &mut Vec<u8>, value: &FieldValue, limit: usize) {
    match value {
        FieldValue::F64(value) => float(out, *value),
        FieldValue::I64(value) => integer(out, *value),
        FieldValue::U64(value) => integer(out, *value),
        FieldValue::I128(value) => integer(out, **value),
        FieldValue::U128(value) => integer(out, **value),
        FieldValue::Bool(value) => boolean(out, *value),
        FieldValue::Text(text) => string(out, text, limit),
        FieldValue::Bytes(value) => bytes(out, value, limit),
        FieldValue::Error(error) => {
            let texts = iter::once(&error.message).chain(&error.sources);
            errors(out, texts, limit, |out, text, left| string(out, text, left));
        }
    }
}

/// Appends a string in quotes, cut after `limit` bytes.
pub(crate) fn string(out: &mut Vec<u8>, text: &str, limit: usize) {
    out.push(b'"');
    if text.len() <= limit {
        escaped(out, text);
    } else {
        escaped(out, cut(text, limit));
        out.extend_from_slice(CUT.as_bytes());
    }
    out.push(b'"');
}

/// Appends the text of a value that formats itself as a string, cut after `limit` bytes.
///
/// If the formatting fails or panics, the string says so instead.
pub(crate) fn formatted(out: &mut Vec<u8>, value: fmt::Arguments<'_>, limit: usize) {
    if let Some(text) = value.as_str() {
        return string(out, text, limit);
    }
    let start = out.len();
    out.push(b'"');
    match push_formatted(value, limit, |text| escaped(out, text)) {
        Ok(mark) => {
            out.extend_from_slice(mark.as_bytes());
            out.push(b'"');
        }
        Err(failure) => {
            out.truncate(start);
            string(out, failure, usize::MAX);
        }
    }
}

/// Appends an integer.
pub(crate) fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a float in its shortest form. NaN and the infinities, for which JSON has no numbers, become strings.
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
    match bytes.get(..limit.div_ceil(2)) {
        Some(start) if limit < 2 * bytes.len() => {
            let end = out.len() + 1 + limit;
            hex(out, start);
            out.truncate(end);
            out.extend_from_slice(CUT.as_bytes());
            out.push(b'"');
        }
        _ => hex(out, bytes),
    }
}

/// Appends bytes as a string of lower-case hex digits.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for some in bytes.chunks(16) {
        let mut text = [[0; 2]; 16];
        for (digits, byte) in text.iter_mut().zip(some) {
            *digits = HEX.get(usize::from(*byte)).copied().unwrap_or_default();
        }
        out.extend_from_slice(
            text.as_flattened()
                .get(..2 * some.len())
                .unwrap_or_default(),
        );
    }
    out.push(b'"');
}

/// The two hex digits of each byte.
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
        {
            table[byte] = [hex_digit(byte as u8 >> 4), hex_digit(byte as u8 & 0xf)];
        }
        byte += 1;
    }
    table
};

/// Appends an error and its sources, outermost first, as an array of strings with `limit` bytes in all.
fn error(out: &mut Vec<u8>, error: &(dyn Error + 'static), limit: usize) {
    errors(out, chain(error), limit, |out, error, left| {
        formatted(out, format_args!("{error}"), left);
    });
}

/// Appends an array with the string of each error, with `limit` bytes in all. `write` appends a string that it cuts.
fn errors<T>(
    out: &mut Vec<u8>,
    errors: impl Iterator<Item = T>,
    limit: usize,
    write: impl Fn(&mut Vec<u8>, T, usize),
) {
    let start = out.len();
    for error in errors {
        let left = limit.saturating_sub(out.len() + 1 - start);
        if left == 0 {
            break;
        }
        out.push(b',');
        write(out, error, left);
    }
    match out.get_mut(start) {
        Some(comma) => *comma = b'[',
        None => out.push(b'['),
    }
    out.push(b']');
}

/// Appends a text without quotes, escaped as in a string: without line breaks and control characters.
#[inline]
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    match first_to_escape(text) {
        None => out.extend_from_slice(text),
        Some(first) => with_escapes(out, text, first),
    }
}

/// Appends a text whose first byte to escape is there.
#[inline(never)]
fn with_escapes(out: &mut Vec<u8>, mut rest: &[u8], first: usize) {
    let mut next = Some(first);
    while let Some((before, [byte, after @ ..])) = next.and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(before);
        escape(out, *byte);
        rest = after;
        next = first_to_escape(rest);
    }
    out.extend_from_slice(rest);
}

/// Returns where the first byte to escape is. Looks at eight bytes at a time, since most texts have no such byte.
#[inline]
fn first_to_escape(text: &[u8]) -> Option<usize> {
    let mut chunks = text.chunks_exact(8);
    for (at, chunk) in chunks.by_ref().enumerate() {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        if may_escape(word) {
            if let Some(found) = chunk.iter().position(|&byte| must_escape(byte)) {
                return Some(at * 8 + found);
            }
        }
    }
    let rest = chunks.remainder();
    let found = rest.iter().position(|&byte| must_escape(byte))?;
    Some(text.len() - rest.len() + found)
}

/// Whether one of the eight bytes is a control character, a quotation mark, a reverse solidus or DEL.
///
/// A byte that follows such a byte may be reported wrongly; the first such byte never is.
fn may_escape(word: u64) -> bool {
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    let is_other = has(word, b'"') | has(word, b'\\') | has(word, 0x7f);
    (is_control | is_other) & TOPS != 0
}

/// Sets the top bit of each byte of the word that equals `byte`.
/// See <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.
fn has(word: u64, byte: u8) -> u64 {
    let word = word ^ (ONES * u64::from(byte));
    word.wrapping_sub(ONES) & !word
}

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);

fn must_escape(byte: u8) -> bool {
    ESCAPED.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The bytes to escape: quotation mark, reverse solidus and control characters (RFC 8259 section 7), and DEL, since terminals
/// act on DEL.
static ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
        {
            table[byte] = byte < 0x20 || matches!(byte as u8, b'"' | b'\\' | 0x7f);
        }
        byte += 1;
    }
    table
};

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

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use otel_core::span_fields::{ErrorText, text::MAX_SOURCES};

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
            for line in [
                written(|out| string(out, text, limit)),
                written(|out| formatted(out, format_args!("{text}"), limit)),
                written(|out| kept_value(out, &FieldValue::Text(text.into()), limit)),
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
        assert_eq!(written(|out| bytes(out, &[1, 2], 3)), "\"010…[cut]\"");
        assert_eq!(
            written(|out| value(out, Value::Bytes(&[1, 2]), 3)),
            "\"01…[cut]\""
        );
        assert_eq!(
            written(|out| kept_value(out, &FieldValue::I64(12_345_678), 4)),
            "12345678"
        );
        let [message, def, ghi] = ["abc", "def", "ghi"].map(Into::into);
        let sources = vec![def, ghi];
        let error = FieldValue::Error(Box::new(ErrorText { message, sources }));
        assert_eq!(
            written(|out| kept_value(out, &error, 8)),
            r#"["abc","d…[cut]"]"#
        );
        assert_eq!(written(|out| kept_value(out, &error, 1)), "[]");
    }

    #[test]
    fn a_value_that_ignores_the_cut_is_marked_all_the_same() {
        struct Deaf;

        impl fmt::Display for Deaf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for part in ["gr", "ün", "x"] {
                    let _ = f.write_str(part);
                }
                Ok(())
            }
        }

        assert_eq!(
            written(|out| formatted(out, format_args!("{Deaf}"), 3)),
            format!("\"gr{CUT}\"")
        );
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
        let value: serde_json::Value =
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
            prop_assert!(serde_json::from_str::<serde_json::Value>(&line).unwrap().is_number());
        }
    }
}
