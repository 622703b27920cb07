//! Lowercase hex digits in parts that are separated by dashes, the form of traceparent and B3.
//!
//! `from_str_radix` would accept signs and uppercase digits.

use super::parse_error::{ParseError, Problem};

/// Reads up to 16 lowercase hex digits. They are the `part` of the header `field` that starts at position `at`.
#[inline(always)] // the length is known to most callers
pub(super) fn parse(
    digits: &[u8],
    field: &'static str,
    part: &'static str,
    at: usize,
) -> Result<u64, ParseError> {
    let (value, invalid) = match digits.split_first_chunk::<8>() {
        Some((high, low)) if low.len() == 8 => {
            let (high, invalid_high) = parse_eight(high);
            let (low, invalid_low) = parse_eight(low.first_chunk().unwrap_or(&[0; 8]));
            (high << 32 | low, invalid_high | invalid_low)
        }
        _ => parse_each(digits),
    };
    // A single check at the end keeps the rest free of branches. Only the slow path looks for the invalid byte.
    if invalid == 0 {
        Ok(value)
    } else {
        Err(first_invalid(digits, field, part, at))
    }
}

/// Returns the value of up to 16 digits, and 0 if all of them are valid.
#[inline]
fn parse_each(digits: &[u8]) -> (u64, u64) {
    let mut value = 0;
    let mut seen = 0;
    for &byte in digits {
        let digit = VALUES.get(usize::from(byte)).copied().unwrap_or(INVALID);
        seen |= u64::from(digit);
        value = value << 4 | u64::from(digit);
    }
    (value, seen & 0xf0)
}

/// Returns the value of 8 digits, and 0 if all of them are valid.
///
/// Each byte of a `u64` holds one digit. No sum exceeds its byte, since the greatest is 0x6f.
#[inline]
fn parse_eight(digits: &[u8; 8]) -> (u64, u64) {
    let text = u64::from_be_bytes(*digits);
    // Of the valid digits only letters have bit 6. The lowest bits of the letters count from 1.
    let letters = (text >> 6) & EACH;
    let values = (text & (0x0f * EACH)) + 9 * letters;
    // All digits are valid if the values are below 16 and their digits are the same text.
    let above_nine = ((values + 6 * EACH) >> 4) & EACH;
    let letter_offset = u64::from(b'a' - b'0' - 10);
    let written = values + u64::from(b'0') * EACH + letter_offset * above_nine;
    let invalid = (written ^ text) | (values & (0xf0 * EACH));
    // Moves the values together: each gets half a byte instead of a byte.
    let values = (values | (values >> 4)) & 0x00ff_00ff_00ff_00ff;
    let values = (values | (values >> 8)) & 0x0000_ffff_0000_ffff;
    ((values | (values >> 16)) & 0xffff_ffff, invalid)
}

/// Reads up to 32 digits, like [`parse`].
#[inline(always)] // as `parse`
pub(super) fn parse_u128(
    digits: &[u8],
    field: &'static str,
    part: &'static str,
    at: usize,
) -> Result<u128, ParseError> {
    let (high, low) = digits.split_at(digits.len().saturating_sub(16));
    let low_at = at + high.len();
    let high = parse(high, field, part, at)?;
    let low = parse(low, field, part, low_at)?;
    Ok(u128::from(high) << 64 | u128::from(low))
}

/// Fills `out` with the lowest digits of `value` and leading zeros.
pub(super) fn write(mut value: u128, out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        *slot = DIGITS.get((value & 0x0f) as usize).copied().unwrap_or(b'0');
        value >>= 4;
    }
}

/// Splits off `length` bytes and skips the byte after them, which the caller checks.
pub(super) fn split_part(value: &[u8], length: usize) -> (&[u8], &[u8]) {
    let (part, rest) = value.split_at_checked(length).unwrap_or((value, &[]));
    (part, rest.get(1..).unwrap_or(&[]))
}

#[cold]
fn first_invalid(digits: &[u8], field: &'static str, part: &'static str, at: usize) -> ParseError {
    let offset = digits
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        .unwrap_or(0);
    let problem = match digits.get(offset) {
        Some(b'A'..=b'F') => Problem::UppercaseDigit,
        _ => Problem::NotHex,
    };
    ParseError::new(field, part, at + offset, problem)
}

/// Multiplied by it, a byte is repeated in all bytes of a `u64`.
const EACH: u64 = u64::from_ne_bytes([1; 8]);
const DIGITS: &[u8; 16] = b"0123456789abcdef";
const INVALID: u8 = 0xff;
const VALUES: [u8; 256] = values();

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn values() -> [u8; 256] {
    let mut table = [INVALID; 256];
    let mut digit = 0_u8;
    while digit < 16 {
        table[DIGITS[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(position: usize, problem: Problem) -> ParseError {
        ParseError::new("b3", "id", position, problem)
    }

    #[test]
    fn every_byte_is_a_digit_or_an_error() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                b'0'..=b'9' => Ok(u64::from(byte - b'0')),
                b'a'..=b'f' => Ok(u64::from(byte - b'a') + 10),
                b'A'..=b'F' => Err(error(5, Problem::UppercaseDigit)),
                _ => Err(error(5, Problem::NotHex)),
            };
            assert_eq!(parse(&[byte], "b3", "id", 5), expected, "byte {byte:#04x}");
        }
    }

    #[test]
    fn every_byte_in_every_position_of_sixteen_is_a_digit_or_an_error() {
        for position in 0..16 {
            for byte in 0..=u8::MAX {
                for others in [b'0', b'9', b'a', b'f'] {
                    let mut digits = [others; 16];
                    digits[position] = byte;
                    let each = parse_each(&digits);
                    let expected = (each.1 == 0).then_some(each.0);
                    let parsed = parse(&digits, "b3", "id", 0).ok();
                    assert_eq!(parsed, expected, "byte {byte:#04x} at {position}");
                }
            }
        }
    }

    #[test]
    fn a_bad_digit_is_found_in_both_halves() {
        for position in 0..32 {
            let mut digits = [b'1'; 32];
            digits[position] = b'+';
            assert_eq!(
                parse_u128(&digits, "b3", "id", 0),
                Err(error(position, Problem::NotHex)),
                "position {position}"
            );
        }
    }

    #[test]
    fn write_is_the_inverse_of_parse() {
        let mut out = [0; 32];
        write(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, &mut out);
        assert_eq!(
            parse_u128(&out, "b3", "id", 0),
            Ok(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c)
        );
    }
}
