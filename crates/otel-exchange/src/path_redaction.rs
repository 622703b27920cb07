//! Redaction of secrets in paths.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use otel_core::redact::REDACTED;
use percent_encoding::percent_decode_str;

use crate::callback;

/// Replaces a path of which no part may be recorded.
pub(crate) const REDACTED_PATH: &str = "/REDACTED";

/// How secrets in the paths of requests are redacted, in `url.path`, `url.full` and the field `path` of the `tracing` span.
///
/// ```
/// use otel_exchange::PathRedaction;
///
/// let links = PathRedaction::from_templates(["/reset/{token}", "/files/{*path}"]);
/// let keys = PathRedaction::from_function(|path| {
///     path.starts_with("/k-").then(|| "/k-REDACTED".to_owned())
/// });
/// # let _ = (links, keys);
/// ```
///
/// Hooks and predicates see the path as it was sent.
#[derive(Clone)]
#[must_use]
pub struct PathRedaction(Arc<Rule>);

type Function = dyn Fn(&str) -> Option<String> + Send + Sync;

enum Rule {
    Templates(Vec<Template>),
    Function(Box<Function>),
    Route,
}

impl PathRedaction {
    /// Replaces the segments of the placeholders with `REDACTED`: `/reset/{token}` records `/reset/REDACTED`.
    ///
    /// `{name}` matches one segment. `{*name}` matches all remaining segments, which become one `REDACTED`. A segment with a
    /// placeholder and other text, such as `{name}.pdf`, is replaced as a whole. A template without a placeholder replaces nothing.
    ///
    /// A template is compared with the path that the client sent, including the prefix of nested routers. A secret must also be
    /// hidden if a link was changed on its way, so more paths match than in a router:
    ///
    /// - A longer path matches: `/reset/{token}` also redacts `/reset/abc/confirm`.
    /// - Empty segments do not count, so a trailing slash and double slashes match.
    /// - Case does not matter, and percent-encoded characters match the characters that they encode, also a `/` written as `%2F`.
    ///
    /// If several templates match, the placeholders of all of them are replaced.
    pub fn from_templates<T: AsRef<str>>(templates: impl IntoIterator<Item = T>) -> Self {
        let templates = templates.into_iter();
        Self(Arc::new(Rule::Templates(
            templates.map(|it| Template::new(it.as_ref())).collect(),
        )))
    }

    /// Records the text that the function returns for a path. If the function returns `None`, the path is recorded unchanged.
    ///
    /// If the function panics, the panic is caught, and `/REDACTED` is recorded.
    pub fn from_function(redact: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Rule::Function(Box::new(redact))))
    }

    /// Records the route in place of the path: `http.route` on a server, `url.template` on a client.
    ///
    /// Without a route, for example if no route matches, `/REDACTED` is recorded. If the route becomes known later, by a
    /// `RouteLayer`, the sampler does not see `url.path`. The query is recorded as usual.
    pub fn with_route() -> Self {
        Self(Arc::new(Rule::Route))
    }
}

impl fmt::Debug for PathRedaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Rule::Templates(_) => "by template",
            Rule::Function(_) => "by function",
            Rule::Route => "by route",
        })
    }
}

/// The rules of the options. All of them apply, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathRules(Vec<PathRedaction>);

impl PathRules {
    pub(crate) fn add(&mut self, rule: PathRedaction) {
        self.0.push(rule);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if the route is recorded in place of the path.
    pub(crate) fn are_by_route(&self) -> bool {
        self.0.iter().any(|rule| matches!(*rule.0, Rule::Route))
    }

    /// Returns the path as it may be recorded. Borrows if the path does not change.
    pub(crate) fn path<'a>(&self, path: &'a str, route: Option<&str>) -> Cow<'a, str> {
        if self.are_by_route() {
            return Cow::Owned(route.unwrap_or(REDACTED_PATH).to_owned());
        }
        let mut recorded = Cow::Borrowed(path);
        for PathRedaction(rule) in &self.0 {
            let replaced = match &**rule {
                Rule::Templates(templates) => without_placeholders(templates, &recorded),
                Rule::Function(function) => {
                    let result = callback::call("redact_paths", || function(&recorded));
                    result.unwrap_or_else(|| Some(REDACTED_PATH.to_owned()))
                }
                Rule::Route => None,
            };
            if let Some(replaced) = replaced {
                recorded = Cow::Owned(replaced);
            }
        }
        recorded
    }

    /// Returns the URL with its path as it may be recorded. Borrows if the path does not change.
    pub(crate) fn url<'a>(&self, url: &'a str, route: Option<&str>) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(url);
        }
        let end = url.find(['?', '#']).unwrap_or(url.len());
        let (before, after) = url.split_at_checked(end).unwrap_or_default();
        for start in path_starts(before).into_iter().flatten() {
            let (origin, path) = before.split_at_checked(start).unwrap_or_default();
            if let Cow::Owned(path) = self.path(path, route) {
                return Cow::Owned([origin, &path, after].concat());
            }
        }
        Cow::Borrowed(url)
    }
}

/// A template of paths.
struct Template(Vec<Part>);

/// What a segment must be. Texts are percent-decoded and in lower case.
enum Part {
    Literal(Vec<u8>),
    /// A placeholder with the text before and after it.
    One(Vec<u8>, Vec<u8>),
    /// All remaining segments.
    Rest,
}

impl Template {
    fn new(template: &str) -> Self {
        let segments = template.split('/').filter(|segment| !segment.is_empty());
        Self(segments.map(Part::new).collect())
    }

    /// Adds the ranges of the placeholders, if the path matches.
    fn find(&self, path: &str, hidden: &mut Vec<Range<usize>>) -> bool {
        let known = hidden.len();
        let is_match = self.find_in(segments(path), path.len(), hidden);
        if !is_match {
            hidden.truncate(known);
        }
        is_match
    }

    /// Does the same for a path in which `/` may be written as `%2F`. Such a path is hidden from the first placeholder on.
    fn find_encoded(&self, path: &str, hidden: &mut Vec<Range<usize>>) {
        let known = hidden.len();
        let is_match = self.find_in(segments_by_any_slash(path), path.len(), hidden);
        let first = hidden.get(known).map(|range| range.start);
        hidden.truncate(known);
        if let Some(start) = first.filter(|_| is_match) {
            hidden.push(start..path.len());
        }
    }

    fn find_in<'a>(
        &self,
        mut segments: impl Iterator<Item = (usize, &'a str)>,
        end: usize,
        hidden: &mut Vec<Range<usize>>,
    ) -> bool {
        for part in &self.0 {
            let Some((start, segment)) = segments.next() else {
                return false;
            };
            match part {
                Part::Literal(literal) => {
                    if !decoded(segment).eq(literal.iter().copied()) {
                        return false;
                    }
                }
                Part::One(before, after) => {
                    if !is_between(segment, before, after) {
                        return false;
                    }
                    hidden.push(start..start + segment.len());
                }
                Part::Rest => {
                    hidden.push(start..end);
                    return true;
                }
            }
        }
        true
    }
}

impl Part {
    fn new(segment: &str) -> Self {
        if segment.starts_with("{*") && segment.ends_with('}') {
            return Self::Rest;
        }
        let placeholder = segment
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.rsplit_once('}')?.1)));
        match placeholder {
            Some((before, after)) => Self::One(decoded(before).collect(), decoded(after).collect()),
            None => Self::Literal(decoded(segment).collect()),
        }
    }
}

/// Returns the path with all placeholders replaced, or `None` if no template matches.
fn without_placeholders(templates: &[Template], path: &str) -> Option<String> {
    let mut hidden = Vec::new();
    for template in templates {
        if !template.find(path, &mut hidden) && has_encoded_slash(path) {
            template.find_encoded(path, &mut hidden);
        }
    }
    if hidden.is_empty() {
        return None;
    }
    hidden.sort_by_key(|range| range.start);
    let mut recorded = String::with_capacity(path.len() + hidden.len() * REDACTED.len());
    let mut from = 0;
    for range in hidden {
        if range.start >= from {
            recorded.push_str(path.get(from..range.start).unwrap_or_default());
            recorded.push_str(REDACTED);
        }
        from = from.max(range.end);
    }
    recorded.push_str(path.get(from..).unwrap_or_default());
    Some(recorded)
}

/// Returns the segments that are not empty, each with its position.
fn segments(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    path.split('/')
        .map(move |segment| {
            let at = start;
            start += segment.len() + 1;
            (at, segment)
        })
        .filter(|(_, segment)| !segment.is_empty())
}

/// Returns the segments as they are if `%2F` counts as a slash.
fn segments_by_any_slash(path: &str) -> impl Iterator<Item = (usize, &str)> {
    segments(path).flat_map(|(start, segment)| {
        let mut rest = Some((start, segment));
        std::iter::from_fn(move || {
            let (at, text) = rest?;
            let (part, after) = match encoded_slash(text) {
                Some(end) => (text.get(..end)?, text.get(end + 3..)),
                None => (text, None),
            };
            rest = after.map(|after| (at + part.len() + 3, after));
            Some((at, part))
        })
        .filter(|(_, part)| !part.is_empty())
    })
}

fn has_encoded_slash(path: &str) -> bool {
    encoded_slash(path).is_some()
}

fn encoded_slash(text: &str) -> Option<usize> {
    let mut windows = text.as_bytes().windows(3);
    windows.position(|window| window.eq_ignore_ascii_case(b"%2f"))
}

/// Returns the characters that a segment encodes, in lower case.
fn decoded(segment: &str) -> impl Iterator<Item = u8> + '_ {
    percent_decode_str(segment).map(|byte| byte.to_ascii_lowercase())
}

/// Returns `true` if the segment has something between the two texts.
fn is_between(segment: &str, before: &[u8], after: &[u8]) -> bool {
    if before.is_empty() && after.is_empty() {
        return true;
    }
    let segment: Vec<u8> = decoded(segment).collect();
    let rest = segment.strip_prefix(before);
    let between = rest.and_then(|rest| rest.strip_suffix(after));
    between.is_some_and(|between| !between.is_empty())
}

/// Returns where the path of a URL may begin. The URL is absolute or relative, has no query, and may follow other text, as in
/// `refresh: 0; url=/reset/abc`.
///
/// Two slashes at the beginning may be a path or stand before a host, so both positions are returned.
fn path_starts(url: &str) -> [Option<usize>; 2] {
    let Some(slash) = url.find('/') else {
        return [Some(0), None];
    };
    let Some(rest) = url.get(slash..).and_then(|url| url.strip_prefix("//")) else {
        return [Some(0), Some(slash)];
    };
    let path = rest.find('/').unwrap_or(rest.len());
    let path = slash + "//".len() + path;
    [(slash == 0).then_some(0), Some(path)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(redactions: impl IntoIterator<Item = PathRedaction>) -> PathRules {
        let mut rules = PathRules::default();
        redactions.into_iter().for_each(|it| rules.add(it));
        rules
    }

    #[test]
    fn a_template_hides_the_segments_of_its_placeholders() {
        // template, path, recorded
        let table = [
            ("/reset/{token}", "/reset/abc", "/reset/REDACTED"),
            ("/reset/{token}", "/reset/", "/reset/"),
            ("/reset/{token}", "/reset", "/reset"),
            ("/reset/{token}", "/other/abc", "/other/abc"),
            ("/reset/{token}", "/x/reset/abc", "/x/reset/abc"),
            // a longer path
            ("/reset/{token}", "/reset/abc/", "/reset/REDACTED/"),
            ("/reset/{token}", "/reset/abc/go", "/reset/REDACTED/go"),
            // empty segments
            ("/reset/{token}", "//reset///abc//", "//reset///REDACTED//"),
            ("reset/{token}/", "/reset/abc", "/reset/REDACTED"),
            // case and percent-encoding
            ("/reset/{token}", "/RESET/abc", "/RESET/REDACTED"),
            ("/Reset/{token}", "/reset/abc", "/reset/REDACTED"),
            ("/reset/{token}", "/res%65t/a%20b", "/res%65t/REDACTED"),
            ("/gr%C3%BCn/{a}", "/grün/abc", "/grün/REDACTED"),
            ("/grün/{a}", "/gr%c3%bcn/abc", "/gr%c3%bcn/REDACTED"),
            // a slash that is encoded
            ("/reset/{token}", "/reset/a%2Fb", "/reset/REDACTED"),
            ("/reset/{token}", "/reset%2fabc", "/reset%2fREDACTED"),
            ("/reset/{token}", "/reset%2Fa%2Fb/c", "/reset%2FREDACTED"),
            (
                "/reset/{token}",
                "/%2Freset%2F%2Fabc",
                "/%2Freset%2F%2FREDACTED",
            ),
            ("/a/{b}/c/{d}", "/a%2Fx%2Fc%2Fy", "/a%2FREDACTED"),
            ("/reset/{token}", "/reset%2F", "/reset%2F"),
            // several placeholders
            ("/a/{b}/c/{d}", "/a/1/c/2", "/a/REDACTED/c/REDACTED"),
            ("/a/{b}/c/{d}", "/a/1/x/2", "/a/1/x/2"),
            ("/{a}", "/1", "/REDACTED"),
            ("/{a}", "/", "/"),
            // all remaining segments
            ("/files/{*path}", "/files/a/b/", "/files/REDACTED"),
            ("/files/{*path}", "/files/", "/files/"),
            ("/files/{*path}", "/files//a", "/files//REDACTED"),
            // a placeholder with other text
            ("/{name}.pdf", "/a.PDF", "/REDACTED"),
            ("/{name}.pdf", "/a%2Epdf", "/REDACTED"),
            ("/{name}.pdf", "/.pdf", "/.pdf"),
            ("/{name}.pdf", "/a.txt", "/a.txt"),
            ("/v-{name}", "/v-1", "/REDACTED"),
            // no placeholder, no segment
            ("/reset", "/reset/abc", "/reset/abc"),
            ("", "/reset/abc", "/reset/abc"),
            ("/{a}", "*", "REDACTED"),
            ("/reset/{token}", "", ""),
        ];
        for (template, path, expected) in table {
            let rules = rules([PathRedaction::from_templates([template])]);
            assert_eq!(rules.path(path, None), expected, "{template} {path}");
        }
    }

    #[test]
    fn all_templates_that_match_count() {
        let templates = ["/{a}/b", "/a/{b}", "/{a}/{*rest}"];
        let table = [
            (&templates[..1], "/a/b", "/REDACTED/b"),
            (&templates[..2], "/a/b", "/REDACTED/REDACTED"),
            (&templates[..2], "/a/c", "/a/REDACTED"),
            (&templates[..], "/a/b/c", "/REDACTED/REDACTED"),
        ];
        for (templates, path, expected) in table {
            let rules = rules([PathRedaction::from_templates(templates)]);
            assert_eq!(rules.path(path, None), expected, "{templates:?} {path}");
        }
    }

    #[test]
    fn only_the_path_of_a_url_is_redacted() {
        let table = [
            ("https://h/reset/abc", "https://h/reset/REDACTED"),
            (
                "https://h:1/reset/abc?a=/reset/b#c",
                "https://h:1/reset/REDACTED?a=/reset/b#c",
            ),
            ("https://reset/abc", "https://reset/abc"),
            (
                "https://u:p@h/reset/abc#/x",
                "https://u:p@h/reset/REDACTED#/x",
            ),
            ("https://h?a=/reset/abc", "https://h?a=/reset/abc"),
            ("https://h", "https://h"),
            ("/reset/abc?a=b", "/reset/REDACTED?a=b"),
            ("/reset/http://h/reset/abc", "/reset/REDACTED//h/reset/abc"),
            ("//h/reset/abc", "//h/reset/REDACTED"),
            ("//reset/abc", "//reset/REDACTED"),
            ("reset/abc", "reset/REDACTED"),
            ("0; url=/reset/abc", "0; url=/reset/REDACTED"),
            (
                "0; url=http://h/reset/abc",
                "0; url=http://h/reset/REDACTED",
            ),
            (
                "<https://h/reset/abc>; rel=next",
                "<https://h/reset/REDACTED",
            ),
            ("", ""),
        ];
        let rules = rules([PathRedaction::from_templates(["/reset/{token}"])]);
        for (url, expected) in table {
            assert_eq!(rules.url(url, None), expected, "{url}");
        }
        let by_route = self::rules([PathRedaction::with_route()]);
        let url = "https://h/reset/abc?a=b";
        assert_eq!(by_route.url(url, Some("/r/{t}")), "https://h/r/{t}?a=b");
        assert_eq!(by_route.url(url, None), "https://h/REDACTED?a=b");
        assert_eq!(by_route.url("https://h", None), "https://h/REDACTED");
    }

    #[test]
    fn nothing_is_copied_if_nothing_is_replaced() {
        let rules = rules([PathRedaction::from_templates(["/reset/{token}"])]);
        assert!(matches!(rules.path("/users/1", None), Cow::Borrowed(_)));
        assert!(matches!(
            rules.url("http://h/users/1", None),
            Cow::Borrowed(_)
        ));
        assert!(matches!(
            PathRules::default().path("/", None),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn a_function_that_panics_hides_the_path() {
        let rules = rules([PathRedaction::from_function(|_| panic!("on purpose"))]);
        assert_eq!(rules.path("/reset/abc", None), REDACTED_PATH);
        assert_eq!(
            rules.url("http://h/reset/abc?a", None),
            "http://h/REDACTED?a"
        );
    }
}
