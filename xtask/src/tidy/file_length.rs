//! Files are short enough to be read at once.

use crate::cargo::root;
use crate::tidy::sources;

/// Lines of a source file without its unit tests.
const SOURCE_LIMIT: usize = 400;
/// Lines of a file of tests, which holds long tables.
const TEST_LIMIT: usize = 600;

pub(crate) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    for source in sources::below(&root(), "rs")? {
        let is_test = source
            .path
            .components()
            .any(|part| part.as_os_str() == "tests");
        let limit = if is_test { TEST_LIMIT } else { SOURCE_LIMIT };
        let lines = source.lines_without_tests().count();
        if lines > limit {
            let file = source.shown();
            breaches.push(format!(
                "{file}: {lines} lines, and {limit} are allowed; split the file by subject"
            ));
        }
    }
    Ok(())
}
