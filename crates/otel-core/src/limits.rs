//! How many bytes of untrusted texts are recorded. All limits of texts from the network are in this file.

/// The default limit of a URL, a path or a query.
pub const MAX_URL: usize = 2_048;
/// The default limit of any other text, such as a header value or the message of an error.
pub const MAX_TEXT: usize = 1_024;
/// The default limit of all captured headers of one message, names and values together.
pub const MAX_CAPTURED: usize = 8 * MAX_TEXT;
/// The limit of the texts of all sources of an error.
pub const MAX_SOURCES: usize = 4 * MAX_TEXT;
/// The limit of the `tracestate` of a span that waits for its export. The propagated `tracestate` has another limit.
pub const MAX_EXPORTED_TRACESTATE: usize = MAX_TEXT;

/// Returns the longest start of the text that has at most `limit` bytes and ends between two characters.
#[must_use]
#[inline]
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let kept = cut_bytes(text.as_bytes(), limit).len();
    text.get(..kept).unwrap_or_default()
}

/// Returns a start of at most `limit` bytes. If the bytes are UTF-8, it is the longest that ends between two characters.
#[must_use]
#[inline]
pub fn cut_bytes(bytes: &[u8], limit: usize) -> &[u8] {
    let Some((kept, rest)) = bytes.split_at_checked(limit) else {
        return bytes;
    };
    if !rest.first().is_some_and(|byte| is_continuation(*byte)) {
        return kept;
    }
    // The cut character begins at most three bytes before the cut.
    let begun = kept
        .iter()
        .rev()
        .take(3)
        .position(|byte| !is_continuation(*byte))
        .map_or(0, |continued| continued + 1);
    kept.get(..kept.len() - begun).unwrap_or(kept)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_characters_whole() {
        let table = [
            ("one byte", "x", 1024),
            ("two bytes", "é", 1024),
            ("three bytes", "€", 1023),
            ("four bytes", "🦀", 1024),
            ("four bytes and one before", "x🦀", 1021),
        ];
        for (name, character, expected) in table {
            let text = character.repeat(2000);
            assert_eq!(cut(&text, 1024).len(), expected, "{name}");
        }
        for offset in 0..4 {
            let text = "x".repeat(offset) + &"🦀".repeat(2000);
            let kept = cut(&text, 1024);
            assert!(kept.len() > 1024 - 4, "offset {offset}");
            assert!(text.starts_with(kept), "offset {offset}");
        }
    }

    #[test]
    fn a_text_within_the_limit_is_unchanged() {
        for (text, limit) in [("", 0), ("é", 2), ("é", 1024)] {
            assert_eq!(cut(text, limit), text);
        }
        for (text, limit) in [("é", 1), ("🦀", 3), ("x", 0)] {
            assert_eq!(cut(text, limit), "");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_cut_at_the_limit() {
        assert_eq!(cut_bytes(&[0x80; 2000], 1024).len(), 1024);
        assert_eq!(cut_bytes(&[0x80; 2000], 2).len(), 2);
    }
}
