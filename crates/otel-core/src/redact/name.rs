//! The words of a name, in one spelling.

/// The most bytes of a name that are looked at. The end of a name decides.
const MAX_BYTES: usize = 128;

/// A name in lower case and without separators, with the places where its words begin.
///
/// `accessToken`, `access-token`, `user[access_token]` and `ACCESS_TOKEN` end in the same words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    letters: [u8; MAX_BYTES],
    len: usize,
    /// A bit for each letter that begins a word.
    starts: u128,
    /// The position of the part after the last dot.
    last_part: usize,
    /// The position of the part before that.
    part_before: usize,
}

impl Name {
    /// Reads a name. Any character other than an ASCII letter or digit separates words.
    #[inline]
    pub(super) fn new(name: &[u8]) -> Self {
        let mut words = Self {
            letters: [0; MAX_BYTES],
            len: 0,
            starts: 0,
            last_part: 0,
            part_before: 0,
        };
        let cut = name.len().saturating_sub(MAX_BYTES);
        let name = name.get(cut..).unwrap_or(name);
        let mut before = b'_';
        for (at, &byte) in name.iter().enumerate() {
            if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
                let begins = if byte.is_ascii_uppercase() {
                    let after = name.get(at + 1).copied().unwrap_or_default();
                    let ends_acronym = before.is_ascii_uppercase() && after.is_ascii_lowercase();
                    !before.is_ascii_uppercase() || ends_acronym
                } else {
                    !before.is_ascii_alphanumeric() && before.is_ascii()
                };
                words.push(byte.to_ascii_lowercase(), begins);
            } else if byte == b'.' && words.last_part < words.len {
                words.part_before = words.last_part;
                words.last_part = words.len;
            }
            before = byte;
        }
        if words.last_part == words.len {
            words.last_part = words.part_before;
        }
        words
    }

    #[inline]
    fn push(&mut self, letter: u8, begins_word: bool) {
        if let Some(place) = self.letters.get_mut(self.len) {
            *place = letter;
            self.starts |= u128::from(begins_word) << self.len;
            self.len += 1;
        }
    }

    /// Returns the letters.
    #[inline]
    pub(super) fn letters(&self) -> &[u8] {
        self.letters.get(..self.len).unwrap_or_default()
    }

    /// Returns `true` if a word begins there, or if the name ends there.
    #[inline]
    pub(super) fn is_boundary(&self, at: usize) -> bool {
        at >= self.len || self.starts >> at & 1 == 1
    }

    /// Returns where the part after the last dot begins.
    #[inline]
    pub(super) fn last_part(&self) -> usize {
        self.last_part
    }

    /// Returns where the part before the last dot begins.
    #[inline]
    pub(super) fn part_before(&self) -> usize {
        self.part_before
    }

    /// Returns where the last word before `end` begins.
    #[inline]
    pub(super) fn word_before(&self, end: usize) -> usize {
        (0..end).rev().find(|&at| self.is_boundary(at)).unwrap_or(0)
    }

    /// Returns the first word from `start` on.
    pub(super) fn word_at(&self, start: usize) -> &[u8] {
        let end = (start + 1..self.len).find(|&at| self.is_boundary(at));
        self.letters()
            .get(start..end.unwrap_or(self.len))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> Vec<String> {
        let name = Name::new(name.as_bytes());
        let mut words = Vec::new();
        for (at, &letter) in name.letters().iter().enumerate() {
            if name.is_boundary(at) {
                words.push(String::new());
            }
            words.last_mut().unwrap().push(letter.into());
        }
        words
    }

    #[test]
    fn words_are_found_in_every_spelling() {
        let table: [(&str, &[&str]); 13] = [
            ("accessToken", &["access", "token"]),
            ("access-token", &["access", "token"]),
            ("ACCESS_TOKEN", &["access", "token"]),
            ("AccessToken", &["access", "token"]),
            ("user[access_token]", &["user", "access", "token"]),
            ("password[]", &["password"]),
            (" token\t", &["token"]),
            ("AWSAccessKeyId", &["aws", "access", "key", "id"]),
            ("X-Amz-Security-Token", &["x", "amz", "security", "token"]),
            ("accesstoken", &["accesstoken"]),
            ("SAMLResponse", &["saml", "response"]),
            ("token2", &["token2"]),
            ("", &[]),
        ];
        for (name, expected) in table {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn of_a_long_name_the_end_is_read() {
        let name = format!("{}[user_password]", "a".repeat(200));
        let words = words(&name);
        assert_eq!(words.last().unwrap(), "password");
    }
}
