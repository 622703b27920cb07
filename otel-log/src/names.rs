//! The rule for names that clash: the line keeps its own names, and no two fields get the same name.

/// Returns the name of a field without the mark of a raw identifier (`r#type`).
pub(crate) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The names of the line itself, which no field can have.
#[derive(Debug, Default)]
pub(crate) struct ReservedNames(Vec<String>);

impl ReservedNames {
    /// Reserves a name. Returns `false` if the name was reserved before.
    pub(crate) fn reserve(&mut self, name: &str) -> bool {
        let is_new = !self.0.iter().any(|reserved| reserved == name);
        if is_new {
            self.0.push(name.to_owned());
        }
        is_new
    }

    /// Returns the name under which a field of this name is written: a reserved name gets `field.` in front until it is free.
    ///
    /// All names that differ only in how often they start with `field.` get as many more. So different names always have
    /// different keys, and comparing names is enough to compare keys.
    pub(crate) fn free(&self, name: &str) -> String {
        let (_, base) = split_prefixes(name);
        let taken = self.0.iter().filter_map(|reserved| {
            let (prefixes, reserved) = split_prefixes(reserved);
            (reserved == base).then_some(prefixes + 1)
        });
        format!("{}{name}", PREFIX.repeat(taken.max().unwrap_or_default()))
    }
}

/// Returns how often the name starts with `field.`, and the rest of the name.
fn split_prefixes(name: &str) -> (usize, &str) {
    let base = name.trim_start_matches(PREFIX);
    ((name.len() - base.len()) / PREFIX.len(), base)
}

const PREFIX: &str = "field.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_line_are_kept_for_the_line() {
        let mut reserved = ReservedNames::default();
        for name in ["level", "trace_id", "field.odd"] {
            assert!(reserved.reserve(name) && !reserved.reserve(name), "{name}");
        }
        let cases = [
            ("user.id", "user.id"),
            ("level", "field.level"),
            ("trace_id", "field.trace_id"),
            ("field.level", "field.field.level"),
            ("field.field.level", "field.field.field.level"),
            ("field.other", "field.other"),
            ("odd", "field.field.odd"),
            ("field.odd", "field.field.field.odd"),
        ];
        for (name, expected) in cases {
            assert_eq!(reserved.free(name), expected, "{name}");
        }
    }
}
