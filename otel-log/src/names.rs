//! The rule for names that clash: the line's own names win, and no two fields get the same one.

/// The name of a field as it is meant: a raw identifier (`r#type`) without its mark.
pub(crate) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The names that the line itself has, which no field can take.
#[derive(Debug, Default)]
pub(crate) struct ReservedNames(Vec<String>);

impl ReservedNames {
    /// Takes a name for the line; `false` where it is taken already.
    pub(crate) fn reserve(&mut self, name: &str) -> bool {
        let is_new = !self.is_reserved(name);
        if is_new {
            self.0.push(name.to_owned());
        }
        is_new
    }

    /// The name under which a field of this name is written.
    ///
    /// One that is taken gets `field.` in front, as often as it needs to be free. All names that differ only in how often
    /// it stands in front get it equally often, so that different names always give different keys, and comparing names is
    /// enough to keep keys apart.
    pub(crate) fn free(&self, name: &str) -> String {
        let (_, base) = without_prefixes(name);
        let taken = self.0.iter().filter_map(|reserved| {
            let (prefixes, reserved) = without_prefixes(reserved);
            (reserved == base).then_some(prefixes + 1)
        });
        format!("{}{name}", PREFIX.repeat(taken.max().unwrap_or_default()))
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.0.iter().any(|reserved| reserved == name)
    }
}

fn without_prefixes(name: &str) -> (usize, &str) {
    let mut rest = name;
    let mut prefixes = 0;
    while let Some(shorter) = rest.strip_prefix(PREFIX) {
        rest = shorter;
        prefixes += 1;
    }
    (prefixes, rest)
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
