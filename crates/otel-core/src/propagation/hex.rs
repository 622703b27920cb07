//! Lowercase hex, the only form that traceparent and B3 allow; `from_str_radix` would take signs and uppercase.

use super::parse_error::Problem;

/// Reads up to 16 lowercase hex digits into a number; the error holds the offset of the first bad byte.
pub(super) fn parse(digits: &[u8]) -> Result<u64, (usize, Problem)> {
    let mut value = 0_u64;
    let mut seen = 0_u8;
    for &byte in digits {
        let digit = VALUES.get(usize::from(byte)).copied().unwrap_or(INVALID);
        seen |= digit;
        value = value << 4 | u64::from(digit);
    }
    // One check after the loop keeps it free of branches; the slow path only looks for the culprit.
    if seen & 0xf0 == 0 {
        Ok(value)
    } else {
        Err(first_bad(digits))
    }
}

/// Reads 32 digits.
pub(super) fn parse_u128(digits: &[u8]) -> Result<u128, (usize, Problem)> {
    let (high, low) = digits.split_at(digits.len().saturating_sub(16));
    let high = parse(high)?;
    let low =
        parse(low).map_err(|(offset, problem)| (offset + digits.len() - low.len(), problem))?;
    Ok(u128::from(high) << 64 | u128::from(low))
}

/// Writes the lowest digits of `value` over the whole of `out`, with leading zeros.
pub(super) fn write(mut value: u128, out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        *slot = DIGITS.get((value & 0x0f) as usize).copied().unwrap_or(b'0');
        value >>= 4;
    }
}

fn first_bad(digits: &[u8]) -> (usize, Problem) {
    let offset = digits
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        .unwrap_or(0);
    match digits.get(offset) {
        Some(b'A'..=b'F') => (offset, Problem::UppercaseDigit),
        _ => (offset, Problem::NotHex),
    }
}

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

    #[test]
    fn every_byte_is_a_digit_or_refused() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                b'0'..=b'9' => Ok(u64::from(byte - b'0')),
                b'a'..=b'f' => Ok(u64::from(byte - b'a') + 10),
                b'A'..=b'F' => Err((0, Problem::UppercaseDigit)),
                _ => Err((0, Problem::NotHex)),
            };
            assert_eq!(parse(&[byte]), expected, "byte {byte:#04x}");
        }
    }

    #[test]
    fn a_bad_digit_is_found_in_both_halves() {
        for position in 0..32 {
            let mut digits = [b'1'; 32];
            digits[position] = b'+';
            assert_eq!(
                parse_u128(&digits),
                Err((position, Problem::NotHex)),
                "position {position}"
            );
        }
    }

    #[test]
    fn write_is_the_inverse_of_parse() {
        let mut out = [0; 32];
        write(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, &mut out);
        assert_eq!(
            parse_u128(&out),
            Ok(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c)
        );
    }
}
