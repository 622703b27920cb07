//! `network.protocol.version`.

use ::http::Version;

/// Returns `1.0`, `1.1`, `2` or `3` (not `2.0`). Returns `None` for an unknown version.
#[must_use]
pub fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_have_no_minor() {
        let table = [
            (Version::HTTP_10, "1.0"),
            (Version::HTTP_11, "1.1"),
            (Version::HTTP_2, "2"),
            (Version::HTTP_3, "3"),
        ];
        for (version, text) in table {
            assert_eq!(protocol_version(version), Some(text));
        }
    }
}
