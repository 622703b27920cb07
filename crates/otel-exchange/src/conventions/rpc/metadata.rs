//! The values of metadata: text as it was sent, binary values in base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use otel_core::limits::cut;

/// Reads values with padding and without (gRPC over HTTP/2, "Custom-Metadata"), and writes them with padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Returns `true` if the values of the metadata with this name are binary.
pub(crate) fn is_binary(name: &str) -> bool {
    name.ends_with("-bin")
}

/// Returns the values of a line of binary metadata, each in base64 with padding and of at most `limit` bytes.
///
/// A line may contain several values, separated by commas. They are base64 already, usually without padding. A value that is not
/// base64 is treated as text.
pub(crate) fn binary_values(line: &[u8], limit: usize) -> impl Iterator<Item = String> {
    line.split(|byte| *byte == b',').map(move |value| {
        let value = value.trim_ascii();
        let start = value.get(..limit / 4 * 4).unwrap_or(value);
        match BASE64.decode(start) {
            Ok(decoded) => BASE64.encode(decoded),
            Err(_) => text_value(value, limit),
        }
    })
}

/// Returns a text of at most `limit` bytes. Bytes that are not UTF-8 are encoded in base64.
pub(crate) fn text_value(value: &[u8], limit: usize) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => cut(text, limit).to_owned(),
        Err(_) => BASE64.encode(value.get(..limit / 4 * 3).unwrap_or(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_values_are_base64_with_padding_however_they_were_sent() {
        let table: [(&[u8], &[&str]); 12] = [
            (b"AP8=", &["AP8="]),
            (b"AP8", &["AP8="]),
            (b"AA==", &["AA=="]),
            (b"AA", &["AA=="]),
            (b"AAEC", &["AAEC"]),
            // trailing bits that a decoder ignores
            (b"AB", &["AA=="]),
            (b"AP8,AA", &["AP8=", "AA=="]),
            (b"AP8= , AA==", &["AP8=", "AA=="]),
            (b"", &[""]),
            (b"not base64!", &["not base64!"]),
            (b"A", &["A"]),
            (b"\xff\x00", &["/wA="]),
        ];
        for (line, expected) in table {
            let values: Vec<_> = binary_values(line, 1024).collect();
            assert_eq!(values, expected, "{line:?}");
        }
    }

    #[test]
    fn a_long_value_is_cut_and_can_still_be_decoded() {
        let sent = BASE64.encode([0xff; 3000]);
        for limit in [4, 10, 1023, 1024] {
            let values: Vec<_> = binary_values(sent.as_bytes(), limit).collect();
            assert_eq!(values[0].len(), limit / 4 * 4);
            let not_utf_8 = text_value(&[0xff; 3000], limit);
            assert_eq!(not_utf_8.len(), limit / 4 * 4);
            assert!(BASE64.decode(not_utf_8).is_ok());
            assert!(text_value("é".repeat(2000).as_bytes(), limit).len() <= limit);
        }
    }
}
