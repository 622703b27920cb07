//! The disguises in which a secret leaves: the searched texts are undone, and compared with what may be left.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;

/// How a secret was written where it leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// As it is.
    Plain,
    /// Percent-encoded, once or several times over.
    PercentEncoded,
    /// In other letter case.
    LowerCased,
    /// In base64, standard or URL-safe, also behind other text.
    Base64,
    /// A part of it, eight characters or more, in any of the forms above.
    Cut,
}

impl Form {
    /// Returns the form as one word: `plain`, `percent-encoded`, `lower-cased`, `base64` or `cut`.
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

/// A secret, prepared to be searched in many texts.
pub(super) struct Needle {
    secret: String,
    folded: String,
    /// Folded: a lower-cased base64 text is still the secret's trace.
    base64: Vec<String>,
    cuts: Vec<String>,
}

impl Needle {
    pub(super) fn new(secret: &str) -> Self {
        let folded = secret.to_lowercase();
        let base64: Vec<_> = base64_forms(secret.as_bytes())
            .into_iter()
            .filter(|form| form.len() >= CUT)
            .map(|form| form.to_lowercase())
            .collect();
        let mut cuts = windows(&folded, CUT);
        cuts.extend(base64.iter().flat_map(|form| windows(form, CUT_BASE64)));
        Self {
            secret: secret.to_owned(),
            folded,
            base64,
            cuts,
        }
    }

    /// Returns the least disguised form in which the secret is in the text.
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
        let folded = decoded.to_lowercase();
        let has = |part: &String| folded.contains(part.as_str());
        if has(&self.folded) {
            Some(Form::LowerCased)
        } else if self.base64.iter().any(has) {
            Some(Form::Base64)
        } else {
            self.cuts.iter().any(has).then_some(Form::Cut)
        }
    }

    /// Cuts a text where the secret begins to show, so that a report does not leak it once more.
    pub(super) fn conceal(&self, text: &str) -> String {
        let shown: String = text.chars().take(SHOWN).collect();
        let mut left = shown.as_str();
        while self.form_in(left).is_some() {
            // From where the first part is complete, back to where that part begins.
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

/// Undoes percent-encoding as often as it was applied, up to a limit.
fn decode(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_DECODED {
        if !text.contains('%') {
            break;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == *text {
            break;
        }
        text = Cow::Owned(decoded);
    }
    text
}

/// The base64 characters that the secret alone decides, for each of the three places where it can start within a group
/// of three bytes; in both alphabets.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for offset in 0..3 {
        let first = (offset * 8_usize).div_ceil(6);
        let last = (offset + secret.len()) * 8 / 6;
        for alphabet in [STANDARD, URL_SAFE] {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(secret);
            let form: String = sextets(&bytes)
                .take(last)
                .skip(first)
                .filter_map(|sextet| alphabet.get(usize::from(sextet)))
                .map(|byte| char::from(*byte))
                .collect();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// Encodes in standard base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let length = (bytes.len() * 8).div_ceil(6);
    let digits = sextets(bytes)
        .take(length)
        .filter_map(|sextet| STANDARD.get(usize::from(sextet)))
        .map(|byte| char::from(*byte));
    let padding = length.next_multiple_of(4) - length;
    digits.chain(std::iter::repeat_n('=', padding)).collect()
}

fn sextets(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.chunks(3).flat_map(|group| {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        [18, 12, 6, 0].map(|shift| (all >> shift & 0x3f) as u8)
    })
}

/// All parts of a text with this many characters; none where it is not longer.
fn windows(text: &str, length: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= length {
        return Vec::new();
    }
    chars.windows(length).map(String::from_iter).collect()
}

/// The shortest part of a secret that is no coincidence.
const CUT: usize = 8;
/// As many bytes in base64.
const CUT_BASE64: usize = 11;
const MAX_DECODED: usize = 4;
/// How much of a text a report shows.
const SHOWN: usize = 60;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "Xk3Pq9Za/7LmW2rTb8Yc";

    #[test]
    fn each_form_is_found_and_told_apart() {
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
    fn a_short_secret_is_searched_whole_only() {
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
            let encoded: String = sextets(text.as_bytes())
                .filter_map(|sextet| STANDARD.get(usize::from(sextet)))
                .map(|byte| char::from(*byte))
                .collect();
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
