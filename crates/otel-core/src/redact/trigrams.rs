//! A quick test that most names fail: whether three letters in a row are those of a listed name.

use super::view::CUT_BYTE;

/// The groups of three letters that occur in names. A name without any of these groups is not listed.
#[derive(Debug, Clone)]
pub(super) struct Trigrams {
    /// A bit for each group.
    groups: Box<[u64; GROUPS / 64]>,
    /// A name has less than three letters, so the test says nothing.
    is_open: bool,
}

/// Five bits for each letter.
const GROUPS: usize = 1 << 15;

/// The last letters of a text.
#[derive(Debug, Clone, Copy, Default)]
struct LastLetters(usize);

impl LastLetters {
    fn from_letters(letters: &[u8]) -> Self {
        let mut last = Self::default();
        letters.iter().for_each(|letter| last.push(*letter));
        last
    }

    /// Adds a letter in any case. Other bytes must be left out.
    #[inline(always)]
    fn push(&mut self, letter: u8) {
        self.0 = (self.0 << 5 | usize::from(letter & 31)) % GROUPS;
    }
}

impl Trigrams {
    /// Makes an empty set.
    pub(super) fn new() -> Self {
        Self {
            groups: Box::new([0; GROUPS / 64]),
            is_open: false,
        }
    }

    /// Adds a name: one of its groups, which occurs wherever the name does. If the set has one of them, the name needs no other.
    pub(super) fn add(&mut self, name: &[u8]) {
        let letters: Vec<u8> = name
            .iter()
            .copied()
            .filter(u8::is_ascii_alphabetic)
            .collect();
        let mut groups = letters.windows(3).map(LastLetters::from_letters);
        let Some(first) = groups.next() else {
            self.is_open = true;
            return;
        };
        if self.include(first) || groups.any(|group| self.include(group)) {
            return;
        }
        if let Some(groups) = self.groups.get_mut(first.0 / 64) {
            *groups |= 1 << (first.0 % 64);
        }
    }

    /// Returns `true` if a name may occur there.
    #[inline(always)]
    fn include(&self, letters: LastLetters) -> bool {
        let groups = self.groups.get(letters.0 / 64).copied().unwrap_or_default();
        groups >> (letters.0 % 64) & 1 == 1
    }

    /// Returns `false` if these parameters have no listed name, no user info, no encoded byte and no cut.
    #[inline]
    pub(super) fn may_hide_in(&self, parameters: &[u8]) -> bool {
        self.finds(parameters, |byte| matches!(byte, b'%' | b'@' | CUT_BYTE))
    }

    /// Returns `false` if none of the names occurs in this text.
    #[inline]
    pub(super) fn may_occur_in(&self, text: &[u8]) -> bool {
        self.finds(text, |_| false)
    }

    /// Returns `true` if the text may have one of the names, or has such a byte other than a letter.
    #[inline(always)]
    fn finds(&self, text: &[u8], is_special: impl Fn(u8) -> bool) -> bool {
        let mut last = LastLetters::default();
        self.is_open
            || text.iter().any(|&byte| {
                if byte.is_ascii_alphabetic() {
                    last.push(byte);
                    self.include(last)
                } else {
                    is_special(byte)
                }
            })
    }
}
