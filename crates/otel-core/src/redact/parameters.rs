//! Finds the values of secret parameters in queries, fragments and nested URLs.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::percent_decode;

use super::found::Found;
use super::list::{self, Place};
use super::name::Name;
use super::rules::Rules;
use super::user_info;
use super::view::{View, has};
use crate::span_fields::text::CUT;

/// How often a text may be percent-encoded. Texts that are encoded more often are hidden.
const MAX_ENCODINGS: usize = 5;

/// Finds user info and the values of secret parameters.
pub(super) fn find(rules: &Rules, view: View<'_>, found: &mut Found) {
    find_encoded(rules, view, 0, found);
}

fn find_encoded(rules: &Rules, view: View<'_>, encodings: usize, found: &mut Found) {
    user_info::find_in_url(view, found);
    let mut parameters = Parameters::new(rules, view);
    while let Some(element) = parameters.next() {
        match element {
            Element::Secret(value) => found.add_value(view.part(value).range()),
            Element::Encoded(element) => {
                let element = view.part(element);
                if let Some(decoded) = element.decoded() {
                    find_decoded(rules, decoded.view(), element, encodings + 1, found);
                }
            }
        }
    }
}

/// Searches a text that was decoded from `element`.
fn find_decoded(
    rules: &Rules,
    decoded: View<'_>,
    element: View<'_>,
    encodings: usize,
    found: &mut Found,
) {
    if encodings == MAX_ENCODINGS && decoded.has(b'%') {
        found.add_value(element.range());
    } else if decoded.has(b'=') || decoded.has(b'@') || decoded.has(b'%') {
        find_encoded(rules, decoded, encodings, found);
    }
}

/// A parameter that is not shown as it is.
enum Element {
    /// The value of a secret parameter, such as `1` in `token=1` or `next=/cb/token=1`.
    Secret(Range<usize>),
    /// A parameter with percent-encoded parts, which may hold a secret.
    Encoded(Range<usize>),
}

/// The parameters of a text, in one pass.
struct Parameters<'a> {
    rules: &'a Rules,
    bytes: &'a [u8],
    at: usize,
    has_encoded: bool,
    /// Whether one of the parameters is `state`, if that is known.
    has_state: Option<bool>,
}

impl<'a> Parameters<'a> {
    fn new(rules: &'a Rules, view: View<'a>) -> Self {
        Self {
            rules,
            bytes: view.bytes,
            at: 0,
            has_encoded: view.has(b'%'),
            has_state: None,
        }
    }

    fn next(&mut self) -> Option<Element> {
        let (mut start, mut key_start) = (self.at, self.at);
        while let Some(rest) = self.bytes.get(self.at..) {
            let len = rest.iter().position(|&it| is_special(it));
            let at = self.at + len.unwrap_or(rest.len());
            self.at = at + 1;
            if self.bytes.get(at) == Some(&b'=') {
                if self.is_secret(key_start..at) {
                    let end = end_of_value(self.bytes, at + 1);
                    self.at = end + 1;
                    return Some(Element::Secret(at + 1..end));
                }
            } else {
                let element = start..at;
                start = at + 1;
                if self.has_encoded && self.is_encoded(element.clone()) {
                    return Some(Element::Encoded(element));
                }
            }
            key_start = at + 1;
        }
        None
    }

    fn is_encoded(&self, element: Range<usize>) -> bool {
        has(self.bytes.get(element).unwrap_or_default(), b'%')
    }

    #[inline]
    fn is_secret(&mut self, key: Range<usize>) -> bool {
        let key = self.bytes.get(key).unwrap_or_default();
        let may_be_secret = self.rules.trigrams().may_occur_in(key);
        (may_be_secret || (self.has_encoded && has(key, b'%'))) && self.is_listed(key)
    }

    fn is_listed(&mut self, key: &[u8]) -> bool {
        let name = Name::new(&decoded(key));
        self.rules.is_secret_name(&name, Place::Query)
            || (self.rules.is_code(&name) && self.has_state())
    }

    /// Returns `true` if one of the parameters is `state`. Then `code` is that of an OAuth login (RFC 6749, 4.1.2).
    #[cold]
    fn has_state(&mut self) -> bool {
        let bytes = self.bytes;
        *self.has_state.get_or_insert_with(|| {
            // What was cut off may be the `state`.
            if bytes.ends_with(CUT.as_bytes()) {
                return true;
            }
            let mut elements = bytes.split(|byte| is_separator(*byte));
            elements.any(|element| {
                let key = element.split(|&byte| byte == b'=').next();
                key.is_some_and(|key| Name::new(&decoded(key)).letters() == list::STATE.as_bytes())
            })
        })
    }
}

fn decoded(key: &[u8]) -> Cow<'_, [u8]> {
    let mut key = Cow::Borrowed(key);
    for _ in 0..MAX_ENCODINGS {
        if !has(&key, b'%') {
            break;
        }
        key = Cow::Owned(percent_decode(&key).collect());
    }
    key
}

/// Returns where the secret value ends that begins there. `;` and `?` end it only if a parameter follows, because they may be
/// part of it.
fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let mut end = start + len_to_separator(bytes, start);
    while let Some(b';' | b'?') = bytes.get(end) {
        let len = len_to_separator(bytes, end + 1);
        let element = bytes.get(end + 1..end + 1 + len).unwrap_or_default();
        if has(element, b'=') {
            break;
        }
        end += 1 + len;
    }
    end
}

fn len_to_separator(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let len = rest.iter().position(|byte| is_separator(*byte));
    len.unwrap_or(rest.len())
}

/// Returns `true` for separators and `=`.
#[inline(always)]
fn is_special(byte: u8) -> bool {
    const SPECIAL: [bool; 256] = {
        let mut table = [false; 256];
        let mut bytes: &[u8] = b"&;?#=";
        while let [byte, rest @ ..] = bytes {
            #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
            {
                table[*byte as usize] = true;
            }
            bytes = rest;
        }
        table
    };
    SPECIAL.get(usize::from(byte)).copied().unwrap_or_default()
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b'?' | b'#')
}
