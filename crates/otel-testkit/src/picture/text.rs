//! Text for a terminal: escaped, of a known width, and durations in readable units.

use std::{fmt::Write as _, time::Duration};

/// Escapes characters that control a terminal or hide text: control characters, and invisible characters that change the
/// writing direction or join and split words. Names come from the network.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.extend(c.escape_default()),
            c if c.is_control() || is_invisible(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Escapes characters of a JSON text that control a terminal or hide text. The meaning of the JSON stays the same.
///
/// Use it to print JSON from the network to a terminal. Escaped are control characters and invisible characters, which in
/// valid JSON appear only in strings.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}"); // writing to a String does not fail
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Counts characters. Wide and combining characters are rare in span names; they may shift a line.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Shortens text to at most `limit` characters. The last character of a shortened text is `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Formats a duration with three or four digits in a suitable unit.
pub(super) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let tenths = |unit: u128| {
        let tenths = (nanos + unit / 20) / (unit / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    // At these limits rounding reaches the next unit.
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_950 => format!("{} µs", tenths(1_000)),
        999_950..999_950_000 => format!("{} ms", tenths(1_000_000)),
        999_950_000..59_995_000_000 => {
            let hundredths = (nanos + 5_000_000) / 10_000_000;
            format!("{}.{:02} s", hundredths / 100, hundredths % 100)
        }
        _ => {
            let seconds = (nanos + 500_000_000) / 1_000_000_000;
            match seconds {
                0..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
                _ => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
            }
        }
    }
}

/// Formats a number with its noun: `1 span`, `2 spans`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_network_cannot_control_the_terminal() {
        let cases = [
            ("plain", "GET /quote/{sku}", "GET /quote/{sku}"),
            ("other scripts", "prüfe 価格 ✓", "prüfe 価格 ✓"),
            ("colour", "\x1b[31mred", "\\u{1b}[31mred"),
            ("new line", "a\r\nb\tc", "a\\r\\nb\\tc"),
            ("bell, delete", "\x07\x7f", "\\u{7}\\u{7f}"),
            ("C1 control", "\u{9b}2J", "\\u{9b}2J"),
            ("direction", "abc\u{202e}def", "abc\\u{202e}def"),
            ("zero width", "a\u{200b}b", "a\\u{200b}b"),
        ];
        for (name, given, expected) in cases {
            assert_eq!(escape(given), expected, "{name}");
        }
    }

    #[test]
    fn escaped_json_means_the_same() {
        let text = "a\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}\u{e0041}\n\"\\ü✓";
        let json = serde_json::json!({ text: [text] });
        let escaped = escape_json(&json.to_string());
        assert_eq!(escape(&escaped), escaped, "every character is escaped");
        assert!(escaped.contains("ü✓"), "{escaped}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            json
        );
    }

    #[test]
    fn cut_text_is_as_wide_as_asked() {
        let cases = [
            ("fits", "price", 5, "price"),
            ("too long", "prices", 5, "pric…"),
            ("counts characters", "äöüäöü", 4, "äöü…"),
            ("no room", "ab", 1, "…"),
        ];
        for (name, given, limit, expected) in cases {
            assert_eq!(cut(given, limit), expected, "{name}");
        }
    }

    #[test]
    fn durations_change_unit_where_rounding_does() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (999_949, "999.9 µs"),
            (999_950, "1.0 ms"),
            (12_345_678, "12.3 ms"),
            (999_950_000, "1.00 s"),
            (59_994_999_999, "59.99 s"),
            (59_995_000_000, "1m 00s"),
            (3_599_499_999_999, "59m 59s"),
            (3_599_500_000_000, "1h 00m"),
            (u64::MAX, "5124095h 34m"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(duration(Duration::from_nanos(nanos)), expected, "{nanos}");
        }
    }
}
