//! Finds the values of secret parameters in queries, fragments and nested URLs.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::percent_decode;

use super::found::Found;
use super::list::Place;
use super::name::Name;
use super::rules::Rules;
use super::user_info;
use super::view::{View, has};

/// How often a text may be percent-encoded. Texts that are encoded more often are hidden.
const MAX_ENCODINGS: usize = 5;

/// Finds user info and the values of secret parameters.
#[inline]
pub(super) fn find(rules: &Rules, view: View<'_>, found: &mut Found) {
    find_encoded(rules, view, 0, found);
}

fn find_encoded(rules: &Rules, view: View<'_>, encodings: usize, found: &mut Found) {
    user_info::find(view, found);
    let mut start = 0;
    while start <= view.bytes.len() {
        let rest = view.bytes.get(start..).unwrap_or_default();
        let len = rest.iter().position(|byte| is_separator(*byte));
        let end = start + len.unwrap_or(rest.len());
        start = match secret_value(rules, view, start..end) {
            Some(value) => {
                let value = value.start..end_of_value(view.bytes, value.end);
                found.add_value(view.part(value.clone()).range());
                value.end + 1
            }
            None => {
                let element = view.part(start..end);
                if let Some(decoded) = element.decoded() {
                    find_decoded(rules, decoded.view(), element, encodings + 1, found);
                }
                end + 1
            }
        };
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

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b'?' | b'#')
}

/// Returns the value of the first secret parameter of an element, such as `a=1`, or `next=/cb/token=2`.
fn secret_value(rules: &Rules, view: View<'_>, element: Range<usize>) -> Option<Range<usize>> {
    let Range { start, end } = element;
    let mut key_start = start;
    for at in start..end {
        if view.bytes.get(at) != Some(&b'=') {
            continue;
        }
        let key = view.bytes.get(key_start..at).unwrap_or_default();
        if at + 1 < end && is_secret_key(rules, key, view) {
            return Some(at + 1..end);
        }
        key_start = at + 1;
    }
    None
}

fn is_secret_key(rules: &Rules, key: &[u8], view: View<'_>) -> bool {
    let name = Name::new(&decoded_key(key));
    rules.is_secret(&name, Place::Query)
        || (rules.has_list && name.letters() == b"code" && has_state(view))
}

fn decoded_key(key: &[u8]) -> Cow<'_, [u8]> {
    let mut key = Cow::Borrowed(key);
    for _ in 0..MAX_ENCODINGS {
        if !has(&key, b'%') {
            break;
        }
        key = Cow::Owned(percent_decode(&key).collect());
    }
    key
}

/// Returns `true` if one of the parameters is `state`. Then `code` is that of an OAuth login (RFC 6749, 4.1.2).
#[cold]
fn has_state(view: View<'_>) -> bool {
    let mut elements = view.bytes.split(|byte| is_separator(*byte));
    elements.any(|element| {
        let key = element.split(|&byte| byte == b'=').next();
        key.is_some_and(|key| Name::new(&decoded_key(key)).letters() == b"state")
    })
}

/// Returns where a secret value ends. `;` and `?` end it only if a parameter follows, because they may be part of it.
fn end_of_value(bytes: &[u8], end: usize) -> usize {
    let mut end = end;
    while let Some(b';' | b'?') = bytes.get(end) {
        let rest = bytes.get(end + 1..).unwrap_or_default();
        let len = rest.iter().position(|byte| is_separator(*byte));
        let element = rest.get(..len.unwrap_or(rest.len())).unwrap_or_default();
        if has(element, b'=') {
            break;
        }
        end += 1 + element.len();
    }
    end
}
