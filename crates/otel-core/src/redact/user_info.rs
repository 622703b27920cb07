//! Finds user names and passwords in URLs.

use super::found::Found;
use super::view::{CUT_BYTE, View, has};
use crate::span_fields::text::CUT;

/// Finds the user info of each URL in the text (RFC 3986, 3.2): the part of the authority before its last `@`.
///
/// Within a text, a blank, a quote or a line break ends a URL.
pub(super) fn find_in_text(view: View<'_>, found: &mut Found) {
    find(view, ends_url, found);
}

/// Finds the user info of a URL and of the URLs in it. Blanks and quotes are part of it.
pub(super) fn find_in_url(view: View<'_>, found: &mut Found) {
    find(view, |_| false, found);
}

fn find(view: View<'_>, ends: fn(u8) -> bool, found: &mut Found) {
    if !may_have_user_info(view.bytes) {
        return;
    }
    let bytes = view.bytes;
    let mut from = 0;
    while let Some(at) = next_authority(bytes, from) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(len) = user_info_len(rest, ends) {
            let user_info = view.part(at..at + len);
            found.add_user_info(user_info.range(), user_info.has(b':'));
        }
        from = at;
    }
}

/// Returns where the next authority begins: after `//` that follows a scheme, or the start of a text or value.
fn next_authority(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut slashes = rest
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| *pair == b"//");
    let (at, _) = slashes.find(|(at, _)| {
        let before = (from + at).checked_sub(1).and_then(|it| bytes.get(it));
        before.is_none_or(|it| b":=,;?&#\"'( \t".contains(it))
    })?;
    Some(from + at + 2)
}

/// Returns the length of the user info of the authority that begins the text, if it has one.
fn user_info_len(rest: &[u8], ends: fn(u8) -> bool) -> Option<usize> {
    let end = rest.iter().position(|it| b"/?#".contains(it) || ends(*it));
    let end = end.unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let len = match last_at(authority).or_else(|| len_before_cut(authority)) {
        Some(len) => len,
        // A password that holds one of `/?#` unencoded looks like an invalid port.
        None if has_invalid_port(authority) => {
            let rest = rest.get(..rest.len().min(end + MAX_BEHIND))?;
            let end = rest.iter().position(|it| ends(*it));
            last_at(rest.get(..end.unwrap_or(rest.len()))?)?
        }
        None => return None,
    };
    (len > 0).then_some(len)
}

/// How many bytes of a password are looked for behind a `/`, so that a text with many URLs is searched in one pass.
const MAX_BEHIND: usize = 256;

fn ends_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"<>\\".contains(&byte)
}

/// Returns the length of an authority without its end, which may have been cut before the `@`.
fn len_before_cut(authority: &[u8]) -> Option<usize> {
    authority.strip_suffix(CUT.as_bytes()).map(<[u8]>::len)
}

/// Returns `false` if the text has no `@` and no cut.
#[inline]
pub(super) fn may_have_user_info(text: &[u8]) -> bool {
    has(text, b'@') || has(text, CUT_BYTE)
}

fn last_at(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|&byte| byte == b'@')
}

fn has_invalid_port(authority: &[u8]) -> bool {
    if authority.starts_with(b"[") {
        return false;
    }
    let colon = authority.iter().rposition(|&byte| byte == b':');
    let port = colon.and_then(|colon| authority.get(colon + 1..));
    port.is_some_and(|port| !port.iter().all(u8::is_ascii_digit))
}
