//! Imports between the files of one crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use cargo_metadata::Package;

use crate::metadata::folder;
use crate::tidy::cycles::graph;
use crate::tidy::cycles::imports::ImportedName;
use crate::tidy::cycles::modules::{FileId, Modules};

/// From a file to the files that it imports, with the imported names and their lines.
type Imports = BTreeMap<FileId, BTreeMap<FileId, BTreeMap<String, usize>>>;

/// A file imports another file if its code or its `use` declarations name an item that is defined there, by whatever path.
///
/// `mod x;` and re-exports (`pub use`, `pub(crate) use`) in a file with child modules do not count, and neither does code for
/// unit tests. A call of a method does not count by itself: it does not name the type.
pub(super) fn check(
    package: &Package,
    root: &Path,
    breaches: &mut Vec<String>,
) -> anyhow::Result<()> {
    let modules = Modules::read(root)?;
    let imports = imports(&modules);
    let edges = imports
        .iter()
        .flat_map(|(from, to)| to.keys().map(|to| (*from, *to)));
    for cycle in graph::cycles(edges) {
        breaches.push(describe(package, &modules, &imports, &cycle));
    }
    Ok(())
}

fn imports(modules: &Modules) -> Imports {
    let mut imports = Imports::new();
    for (id, module) in modules.modules.iter().enumerate() {
        for (file, import) in &module.imports {
            if import.is_reexport && modules.files[*file].has_children {
                continue;
            }
            let definitions = match import.name {
                ImportedName::Glob => modules.definitions_of_glob(id, &import.path),
                _ => modules.definitions(id, &import.path),
            };
            add(&mut imports, *file, definitions, import.line);
        }
        for (file, path) in &module.paths {
            let definitions = modules.definitions(id, &path.segments);
            add(&mut imports, *file, definitions, path.line);
        }
    }
    imports
}

fn add(imports: &mut Imports, from: FileId, definitions: Vec<(FileId, String)>, line: usize) {
    // A condition can choose between two files for one module. Each of them means its own items.
    if definitions.iter().any(|(file, _)| *file == from) {
        return;
    }
    for (to, name) in definitions {
        let names = imports.entry(from).or_default().entry(to).or_default();
        let first = names.entry(name).or_insert(line);
        *first = line.min(*first);
    }
}

fn describe(
    package: &Package,
    modules: &Modules,
    imports: &Imports,
    cycle: &BTreeSet<FileId>,
) -> String {
    let shown = |file: &FileId| {
        let path = &modules.files[*file].path;
        let path = path.strip_prefix(folder(package)).unwrap_or(path);
        path.display().to_string()
    };
    let mut text = format!("{}: {} files import each other:", package.name, cycle.len());
    for from in cycle {
        for (to, names) in imports.get(from).into_iter().flatten() {
            if cycle.contains(to) {
                let mut names: Vec<_> = names.iter().map(|(name, line)| (line, name)).collect();
                names.sort();
                let names = names
                    .iter()
                    .map(|(line, name)| format!("{name} (line {line})"));
                let names = names.collect::<Vec<_>>().join(", ");
                let _ = write!(text, "\n    {} imports {}: {names}", shown(from), shown(to));
            }
        }
    }
    text
}
