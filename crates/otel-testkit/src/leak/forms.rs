//! The forms of a secret in a text. The text is percent-decoded and lower-cased, then compared with the forms.

use std::{borrow::Cow, fmt};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::percent_decode_str;

/// How a secret was written where it leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// Unchanged.
    Plain,
    /// Percent-encoded, once or several times.
    PercentEncoded,
    /// In another letter case.
    LowerCased,
    /// In base64, standard or URL-safe, on its own or after other text.
    Base64,
    /// A part of eight characters or more, in any of the forms above.
    Cut,
}

impl Form {
    /// Returns the name of the form: `plain`, `percent-encoded`, `lower-cased`, `base64` or `cut`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::PercentEncoded => "percent-encoded",
            Self::LowerCased => "lower-cased",
            Self::Base64 => "base64",
            Self::Cut => "cut",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A secret, prepared for the search in many texts.
pub(super) struct Needle {
    secret: String,
    lower: String,
    /// The lower-cased base64 forms: a lower-cased base64 text still shows the secret.
    base64: Vec<String>,
    /// The lower-cased parts, of the secret and of its base64 forms.
    cuts: Vec<String>,
}

impl Needle {
    pub(super) fn new(secret: &str) -> Self {
        let lower = secret.to_lowercase();
        let base64: Vec<_> = base64_forms(secret.as_bytes())
            .into_iter()
            .filter(|form| form.len() >= CUT)
            .map(|form| form.to_lowercase())
            .collect();
        let mut cuts = windows(&lower, CUT);
        cuts.extend(base64.iter().flat_map(|form| windows(form, CUT_BASE64)));
        Self {
            secret: secret.to_owned(),
            lower,
            base64,
            cuts,
        }
    }

    /// Returns the form of the secret in the text. Of several forms, the most readable one is returned.
    pub(super) fn form_in(&self, text: &str) -> Option<Form> {
        if self.secret.is_empty() {
            return None;
        }
        if text.contains(&self.secret) {
            return Some(Form::Plain);
        }
        let decoded = decode(text);
        if decoded.contains(&self.secret) {
            return Some(Form::PercentEncoded);
        }
        let lower = decoded.to_lowercase();
        if lower.contains(&self.lower) {
            Some(Form::LowerCased)
        } else if self.base64.iter().any(|form| lower.contains(form)) {
            Some(Form::Base64)
        } else if self.cuts.iter().any(|cut| lower.contains(cut)) {
            Some(Form::Cut)
        } else {
            None
        }
    }

    /// Cuts a text before the secret, so that a report does not show the secret.
    pub(super) fn conceal(&self, text: &str) -> String {
        let shown: String = text.chars().take(SHOWN).collect();
        let mut left = shown.as_str();
        while self.form_in(left).is_some() {
            // The end of the first form in the text, then the start of this form.
            let mut ends = left.char_indices().map(|(at, char)| at + char.len_utf8());
            let end = ends.find(|end| self.is_in(left.get(..*end)));
            let mut starts = left.char_indices().rev().map(|(at, _)| at);
            let start =
                starts.find(|start| self.is_in(left.get(*start..end.unwrap_or(left.len()))));
            left = left.get(..start.unwrap_or(0)).unwrap_or_default();
        }
        if left.len() == text.len() {
            shown
        } else {
            format!("{left}…")
        }
    }

    fn is_in(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.form_in(text).is_some())
    }
}

/// Percent-decodes a text until it no longer changes, up to four times.
fn decode(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_DECODED {
        match percent_decode_str(&text).decode_utf8_lossy() {
            Cow::Borrowed(_) => break,
            Cow::Owned(decoded) => text = Cow::Owned(decoded),
        }
    }
    text
}

/// Returns the base64 texts of a secret in both alphabets. For each of the three positions at which the secret can start within
/// a group of three bytes, this is the part of the text that does not depend on the bytes around the secret.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for offset in 0..3 {
        let first = (offset * 8_usize).div_ceil(6);
        let last = (offset + secret.len()) * 8 / 6;
        let bytes = [vec![0; offset].as_slice(), secret].concat();
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = alphabet.encode(&bytes);
            let form = text.get(first..last).unwrap_or_default().to_owned();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// Returns all parts of a text with `length` characters, or nothing if the text is not longer.
fn windows(text: &str, length: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= length {
        return Vec::new();
    }
    chars.windows(length).map(String::from_iter).collect()
}

/// The characters in the shortest part of a secret that is not a coincidence.
const CUT: usize = 8;
/// The characters of as many bytes in base64.
const CUT_BASE64: usize = 11;
const MAX_DECODED: usize = 4;
/// The characters of a text that a report shows.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "Xk3Pq9Za/7LmW2rTb8Yc";

    #[test]
    fn each_form_is_found_and_named() {
        let cases = [
            ("plain", "token=Xk3Pq9Za/7LmW2rTb8Yc&x=1", Some(Form::Plain)),
            (
                "percent",
                "token=Xk3Pq9Za%2F7LmW2rTb8Yc",
                Some(Form::PercentEncoded),
            ),
            (
                "percent in lower case",
                "Xk3Pq9Za%2f7LmW2rTb8Yc",
                Some(Form::PercentEncoded),
            ),
            (
                "percent twice",
                "Xk3Pq9Za%252F7LmW2rTb8Yc",
                Some(Form::PercentEncoded),
            ),
            ("lower", "key xk3pq9za/7lmw2rtb8yc", Some(Form::LowerCased)),
            (
                "lower and percent",
                "xk3pq9za%2f7lmw2rtb8yc",
                Some(Form::LowerCased),
            ),
            ("base64", "WGszUHE5WmEvN0xtVzJyVGI4WWM=", Some(Form::Base64)),
            (
                "base64 behind a user name",
                "Basic YWRhOlhrM1BxOVphLzdMbVcyclRiOFlj",
                Some(Form::Base64),
            ),
            ("cut at the end", "Xk3Pq9Za/7Lm…", Some(Form::Cut)),
            ("cut at the start", "***2rTb8Yc/LmW2rTb8Yc", Some(Form::Cut)),
            ("cut base64", "WGszUHE5WmEv", Some(Form::Cut)),
            ("seven characters", "Xk3Pq9Z", None),
            ("nothing", "GET /quote/espresso", None),
            ("empty", "", None),
        ];
        let needle = Needle::new(SECRET);
        for (name, text, expected) in cases {
            assert_eq!(needle.form_in(text), expected, "{name}");
        }
    }

    #[test]
    fn only_the_whole_of_a_short_secret_is_searched() {
        let needle = Needle::new("hunter2");
        assert_eq!(needle.form_in("pw=hunter2"), Some(Form::Plain));
        assert_eq!(needle.form_in("hunter"), None);
        assert_eq!(Needle::new("").form_in("anything"), None);
    }

    proptest! {
        #[test]
        fn a_secret_is_found_behind_and_before_any_text(
            before in ".{0,20}", secret in "[A-Za-z0-9/+]{12,30}", after in ".{0,20}",
        ) {
            let needle = Needle::new(&secret);
            let text = format!("{before}{secret}{after}");
            prop_assert_eq!(needle.form_in(&text), Some(Form::Plain));
            let encoded = STANDARD_NO_PAD.encode(&text);
            prop_assert!(needle.form_in(&encoded).is_some(), "{}", encoded);
            let concealed = needle.conceal(&text);
            prop_assert!(needle.form_in(&concealed).is_none(), "{}", concealed);
        }

        #[test]
        fn no_text_and_no_secret_panics(text in any::<String>(), secret in any::<String>()) {
            let needle = Needle::new(&secret);
            let _ = needle.form_in(&text);
            let _ = needle.conceal(&text);
        }
    }
}
