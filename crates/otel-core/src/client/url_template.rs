//! Names of few values for paths of many.

use std::sync::Arc;

use opentelemetry::StringValue;

/// The template of a request's path, set by the application on the request, in its extensions.
///
/// It becomes `url.template` and stands in the name of the span. It wins over the templates that the client was given.
///
/// ```
/// use otel_core::client::UrlTemplate;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(UrlTemplate("/users/{id}"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a plain wrapper, written as a literal where a request is made"
)]
pub struct UrlTemplate(pub &'static str);

/// The templates a client was given; the first that fits a path counts.
#[derive(Debug, Clone, Default)]
pub struct UrlTemplates(Arc<[Arc<str>]>);

impl UrlTemplates {
    /// Takes templates in their order: `{name}` stands for one segment of a path, `{*name}` at the end for all that remain.
    pub fn new(templates: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let templates = templates.into_iter().map(|template| template.into().into());
        Self(templates.collect())
    }

    /// The template for a request: the application's own, else the first that fits.
    pub(super) fn find(&self, path: &str, own: Option<UrlTemplate>) -> Option<StringValue> {
        if let Some(UrlTemplate(own)) = own {
            return Some(StringValue::from(own));
        }
        let fits = self.0.iter().find(|template| fits(template, path));
        fits.map(|template| Arc::clone(template).into())
    }
}

/// Segment by segment: `{name}` takes any one that is not empty, `{*name}` at the end takes all that remain.
fn fits(template: &str, path: &str) -> bool {
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
    fn a_template_fits_whole_paths() {
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
            assert_eq!(fits(template, path), expected, "{template} {path}");
        }
    }

    #[test]
    fn the_requests_own_template_wins_then_the_first_that_fits() {
        let templates = UrlTemplates::new(["/users/me", "/users/{id}"]);
        let own = Some(UrlTemplate("/own"));
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
