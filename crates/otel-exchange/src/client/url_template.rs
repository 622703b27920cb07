//! Templates of paths, for names of few values.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::StringValue;

/// The template of a request's path. The application sets it in the request's extensions.
///
/// It becomes `url.template` and part of the span's name. It wins over the templates of the client's options.
///
/// ```
/// use otel_exchange::client::UrlTemplate;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(UrlTemplate::new("/users/{id}"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(StringValue);

impl UrlTemplate {
    /// Makes a template such as `/users/{id}`.
    #[must_use]
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into().into())
    }
}

/// The templates of a client's options. The first template that matches a path counts.
#[derive(Debug, Clone, Default)]
pub(super) struct UrlTemplates(Vec<Arc<str>>);

impl UrlTemplates {
    /// Adds templates: `{name}` matches one segment of a path, `{*name}` at the end matches all remaining segments.
    pub(super) fn add<T: Into<String>>(&mut self, templates: impl IntoIterator<Item = T>) {
        let templates = templates.into_iter();
        self.0.extend(templates.map(|it| Arc::from(it.into())));
    }

    /// Returns the template of a request: its own, else the first that matches its path.
    #[inline]
    pub(super) fn find(&self, path: &str, own: Option<&UrlTemplate>) -> Option<StringValue> {
        if let Some(UrlTemplate(own)) = own {
            return Some(own.clone());
        }
        let mut templates = self.0.iter();
        let found = templates.find(|template| matches(template, path))?;
        Some(Arc::clone(found).into())
    }
}

/// Compares segment by segment: `{name}` matches a segment that is not empty, `{*name}` at the end matches the rest.
fn matches(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for part in template.split('/') {
        let variable = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match (variable, segments.next()) {
            (Some(name), Some(segment)) if name.starts_with('*') => return !segment.is_empty(),
            (Some(_), Some(segment)) if !segment.is_empty() => {}
            (None, Some(segment)) if segment == part => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_matches_complete_paths() {
        let table = [
            ("/users/{id}", "/users/42", true),
            ("/users/{id}", "/users/", false),
            ("/users/{id}", "/users", false),
            ("/users/{id}", "/users/42/orders", false),
            ("/users/{id}/orders", "/users/42/orders", true),
            ("/users/me", "/users/you", false),
            ("/files/{*path}", "/files/a/b", true),
            ("/files/{*path}", "/files/", false),
            ("/", "/", true),
            ("/", "/users", false),
        ];
        for (template, path, expected) in table {
            assert_eq!(matches(template, path), expected, "{template} {path}");
        }
    }

    #[test]
    fn the_template_of_the_request_wins_then_the_first_that_matches() {
        let mut templates = UrlTemplates::default();
        templates.add(["/users/me"]);
        templates.add(["/users/{id}"]);
        let template = UrlTemplate::new("/own");
        let own = Some(&template);
        let table = [
            ("/users/me", None, Some("/users/me")),
            ("/users/42", None, Some("/users/{id}")),
            ("/", None, None),
            ("/", own, Some("/own")),
            ("/users/me", own, Some("/own")),
        ];
        for (path, own, expected) in table {
            let found = templates.find(path, own);
            assert_eq!(found, expected.map(StringValue::from), "{path} {own:?}");
        }
    }
}
