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

/// Appends a text as it stands in a string, without quotes: on one line, with nothing that a terminal acts on.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    escaped(out, text);
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

/// Appends a value that is JSON already. A string, or the strings of an array together, are cut after `limit` bytes.
pub(crate) fn cut(out: &mut Vec<u8>, value: &[u8], limit: usize) {
    if value.len() <= limit {
        return out.extend_from_slice(value);
    }
    match value.split_first() {
        Some((b'"', text)) => {
            cut_string(out, text, limit);
        }
        Some((b'[', strings)) => cut_array(out, strings, limit),
        _ => out.extend_from_slice(value),
    }
}

/// Cuts what follows the opening quotation mark; returns what follows the closing one.
fn cut_string<'a>(out: &mut Vec<u8>, text: &'a [u8], limit: usize) -> &'a [u8] {
    let (mut end, mut left, mut fits) = (0, limit, None);
    while let Some((written, meant)) = text.get(end..).and_then(length_of_first) {
        match left.checked_sub(meant) {
            Some(rest) => left = rest,
            None => {
                fits.get_or_insert(end);
            }
        }
        end += written;
    }
    out.push(b'"');
    out.extend_from_slice(text.get(..fits.unwrap_or(end)).unwrap_or_default());
    if fits.is_some() {
        out.extend_from_slice(CUT.as_bytes());
    }
    out.push(b'"');
    text.get(end + 1..).unwrap_or_default()
}

fn cut_array(out: &mut Vec<u8>, mut strings: &[u8], limit: usize) {
    let start = out.len();
    out.push(b'[');
    while let Some((b'"', text)) = strings.split_first() {
        let left = limit.saturating_sub(out.len() - start);
        if left == 0 {
            break;
        }
        strings = cut_string(out, text, left);
        match strings.split_first() {
            Some((b',', rest)) => (strings, _) = (rest, out.push(b',')),
            _ => break,
        }
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b']');
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

pub(crate) fn start_of(text: &str, limit: usize) -> &str {
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

/// The two digits of each byte.
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
        {
            table[byte] = [hex_digit(byte as u8 >> 4), hex_digit(byte as u8 & 0xf)];
        }
        byte += 1;
    }
    table
};

/// Appends an error and its sources, outermost first, as an array of strings that have `limit` bytes together.
pub(crate) fn error(out: &mut Vec<u8>, error: &(dyn Error + 'static), limit: usize) {
    let start = out.len();
    let mut next = Some(error);
    for _ in 0..MAX_SOURCES {
        let left = limit.saturating_sub(out.len() + 1 - start);
        let Some(error) = next.filter(|_| left > 0) else {
            break;
        };
        out.push(b',');
        formatted(out, format_args!("{error}"), left);
        next = source(error);
    }
    match out.get_mut(start) {
        Some(comma) => *comma = b'[',
        None => out.push(b'['),
    }
    out.push(b']');
}

pub(crate) fn source<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    catch_unwind(AssertUnwindSafe(|| error.source())).unwrap_or(None)
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(plain) = first_to_escape(rest) {
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

/// Looks at eight bytes at a time, as most text has none.
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

/// Whether one of the eight bytes is below 0x20, a quotation mark, a reverse solidus or DEL. It may be wrong about bytes
/// that follow such a one, never about the first.
fn may_escape(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let has = |byte: u8| has_zero(word ^ (ONES * u64::from(byte)));
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_control | has(b'"') | has(b'\\') | has(0x7f)) & TOPS != 0
}

fn must_escape(byte: u8) -> bool {
    ESCAPED.get(usize::from(byte)).copied().unwrap_or_default()
}

/// RFC 8259 section 7: quotation mark, reverse solidus and the control characters. DEL is added since terminals act on it.
static ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
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
pub(crate) const CUT: &str = "…[cut]";
pub(crate) const FAILED: &str = "<formatting failed>";
pub(crate) const PANICKED: &str = "<formatting panicked>";
/// An error may name itself as its source; no honest chain is this long.
pub(crate) const MAX_SOURCES: usize = 32;

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
        assert_eq!(
            written(|out| cut(out, br#"["abc","def","ghi"]"#, 8)),
            r#"["abc","d…[cut]"]"#
        );
        assert_eq!(written(|out| cut(out, b"[]", 1)), "[]");
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
