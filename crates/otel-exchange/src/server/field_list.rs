//! The elements of a list header, from right to left.

use std::iter::Rev;

use ::http::header::ValueIter;
use ::http::{HeaderMap, HeaderName, HeaderValue};

/// The elements of a list header, last element first.
///
/// Several lines of the header are one list (RFC 9110, 5.3). A comma in a quoted string does not separate elements. Every proxy
/// appends to the right, so an element to the right never depends on text that a client has sent, such as an open quote.
///
/// The iterator ends at the first element that is not UTF-8, and at its limits: 64 elements, including empty elements, and 4,096
/// bytes in total. Elements further to the left are not read, and [`is_complete`](Self::is_complete) is then `false`.
#[derive(Debug)]
pub(super) struct FromRight<'a> {
    lines: Rev<ValueIter<'a, HeaderValue>>,
    /// The unread part of the current line.
    line: Option<&'a [u8]>,
    elements_left: usize,
    bytes_left: usize,
    is_complete: bool,
}

impl<'a> FromRight<'a> {
    pub(super) fn new(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        Self {
            lines: headers.get_all(name).iter().rev(),
            line: None,
            elements_left: MAX_ELEMENTS,
            bytes_left: MAX_BYTES,
            is_complete: false,
        }
    }

    /// Returns `true` if the iterator has ended and has read all elements.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns the element at this place, counted from 0 at the right, or the leftmost element if there are fewer.
    ///
    /// Returns `None` if there is no element, or if an element between cannot be read.
    pub(super) fn at_or_leftmost(mut self, place: usize) -> Option<&'a str> {
        let mut leftmost = None;
        for (at, element) in self.by_ref().enumerate() {
            if at == place {
                return Some(element);
            }
            leftmost = Some(element);
        }
        leftmost.filter(|_| self.is_complete)
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        self.lines.next().map(HeaderValue::as_bytes)
    }

    fn next_element(&mut self) -> Option<&'a [u8]> {
        let Some(line) = self.line.take().or_else(|| self.next_line()) else {
            self.is_complete = true;
            return None;
        };
        self.elements_left = self.elements_left.checked_sub(1)?;
        let (unread, window) = line.split_at_checked(line.len().saturating_sub(self.bytes_left))?;
        let element = match last_comma(window) {
            Some(comma) => {
                self.line = line.get(..unread.len() + comma);
                window.get(comma + 1..)?
            }
            None if unread.is_empty() => window,
            None => return None,
        };
        self.bytes_left = self.bytes_left.saturating_sub(element.len() + 1);
        Some(element)
    }
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let element = self
                .next_element()
                .and_then(|element| std::str::from_utf8(element).ok())
                .map(|element| element.trim_matches([' ', '\t']));
            match element {
                // RFC 9110, 5.6.1.2: empty elements do not count.
                Some("") => {}
                Some(element) => return Some(element),
                None => {
                    self.elements_left = 0;
                    return None;
                }
            }
        }
    }
}

/// Returns the position of the comma before the last element.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (index, byte) in line.iter().enumerate().rev() {
        match byte {
            // The character before the opening quote is `=`. Before any other quote in the string it is a backslash.
            b'"' if quoted => quoted = line.get(..index).is_some_and(|it| it.ends_with(b"\\")),
            b'"' => quoted = true,
            b',' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

const MAX_ELEMENTS: usize = 64;
const MAX_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use ::http::header::FORWARDED;

    use super::*;

    fn headers<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> HeaderMap {
        lines
            .into_iter()
            .map(|line| (FORWARDED, HeaderValue::from_bytes(line.as_ref()).unwrap()))
            .collect()
    }

    #[test]
    fn elements_come_from_the_right() {
        let table: [(&str, &[&str], &[&str]); 13] = [
            ("no line", &[], &[]),
            ("an empty line", &[""], &[]),
            ("one element", &["a"], &["a"]),
            ("two elements", &["a,b"], &["b", "a"]),
            ("blanks around elements", &[" a\t, b "], &["b", "a"]),
            ("empty elements", &[",a,, ,b,"], &["b", "a"]),
            ("two lines are one list", &["a,b", "c"], &["c", "b", "a"]),
            ("an empty line between", &["a", " ", "c"], &["c", "a"]),
            ("a comma in quotes", &["a=\"1,2\",b"], &["b", "a=\"1,2\""]),
            (
                "an escaped quote",
                &[r#"a,b="1\"2,3\\\"4",c"#],
                &["c", r#"b="1\"2,3\\\"4""#, "a"],
            ),
            (
                "an escaped backslash",
                &[r#"a,b="1\\",c"#],
                &["c", r#"b="1\\""#, "a"],
            ),
            ("a quote left open", &["a=\"1,b,c"], &["c", "b", "a=\"1"]),
            (
                "quotes do not reach over lines",
                &["a=\"1", "2\",b"],
                &["b", "2\"", "a=\"1"],
            ),
        ];
        for (name, lines, expected) in table {
            let headers = headers(lines);
            let elements: Vec<&str> = FromRight::new(&headers, &FORWARDED).collect();
            assert_eq!(elements, expected, "{name}");
        }
    }

    #[test]
    fn an_element_that_is_not_utf_8_ends_the_list() {
        let headers = headers([b"a,\xff,b".as_slice()]);
        let mut elements = FromRight::new(&headers, &FORWARDED);
        assert_eq!(elements.next(), Some("b"));
        assert_eq!(elements.next(), None);
        assert_eq!(elements.next(), None, "nothing left of it comes out later");
    }

    #[test]
    fn the_walk_is_bounded() {
        let long = "x".repeat(64 * 1024);
        let table = [
            ("at most 64 elements", vec!["a,".repeat(1000) + "b"], 64),
            ("at most 64 lines", vec!["a".to_owned(); 1000], 64),
            ("empty elements count", vec![",".repeat(64) + "a"], 1),
            (
                "empty elements before count",
                vec!["a".to_owned() + &",".repeat(64)],
                0,
            ),
            ("empty lines count", vec![String::new(); 1000], 0),
            (
                "at most 4096 bytes",
                vec![format!("{},{}", "x".repeat(4000), "y".repeat(4000))],
                1,
            ),
            ("an element of 4096 bytes", vec!["x".repeat(4096)], 1),
            ("an element of 4097 bytes", vec!["x".repeat(4097)], 0),
            ("a long one on the right", vec![format!("a,{long}")], 0),
            ("a long one on the left", vec![format!("{long},a")], 1),
            (
                "an endless quoted string",
                vec![format!("a,\"{}\"", r#"\""#.repeat(32 * 1024))],
                0,
            ),
        ];
        for (name, lines, expected) in table {
            let headers = headers(lines);
            assert_eq!(
                FromRight::new(&headers, &FORWARDED).count(),
                expected,
                "{name}"
            );
        }
    }
}
