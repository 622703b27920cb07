//! The rule for names that clash: the line's own names win, and no two fields get the same one.

/// The name of a field as it is meant: a raw identifier (`r#type`) without its mark.
pub(crate) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The names that the line itself has, which no field can take.
#[derive(Debug, Default)]
pub(crate) struct ReservedNames(Vec<String>);

impl ReservedNames {
    pub(crate) fn reserve(&mut self, name: impl Into<String>) {
        self.0.push(name.into());
    }

    /// What stands in front of a field's name: `field.` or nothing.
    ///
    /// A field named like one of the line's own gets it in front. So does a field that is named like the result of this
    /// rule, so that different names always give different keys and comparing names is enough to keep keys apart.
    pub(crate) fn prefix(&self, name: &str) -> &'static str {
        let mut inner = name;
        loop {
            if self.0.iter().any(|reserved| reserved == inner) {
                return "field.";
            }
            match inner.strip_prefix("field.") {
                Some(rest) => inner = rest,
                None => return "",
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_line_are_kept_for_the_line() {
        let mut reserved = ReservedNames::default();
        for name in ["level", "trace_id", "field.odd"] {
            reserved.reserve(name);
        }
        let cases = [
            ("user.id", ""),
            ("level", "field."),
            ("trace_id", "field."),
            ("field.level", "field."),
            ("field.other", ""),
            ("field.odd", "field."),
            ("odd", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(reserved.prefix(name), expected, "{name}");
        }
    }
}
