//! The single names of `use` declarations.

use syn::{ItemUse, UseTree, Visibility};

use crate::tidy::syntax::{line, name};

/// A name that a `use` declaration brings into scope.
pub(super) struct Import {
    /// Empty if the path starts with `::`, which leads to another crate.
    pub(super) path: Vec<String>,
    pub(super) name: ImportedName,
    pub(super) line: usize,
    /// True for `pub use` and `pub(crate) use`.
    pub(super) is_reexport: bool,
}

pub(super) enum ImportedName {
    Named(String),
    /// `use some::Trait as _`.
    Unnamed,
    /// `use some::module::*`.
    Glob,
}

pub(super) fn of(item: &ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    let is_reexport = !matches!(item.vis, Visibility::Inherited);
    gather(&item.tree, &[], is_reexport, &mut imports);
    if item.leading_colon.is_some() {
        for import in &mut imports {
            import.path.clear();
        }
    }
    imports
}

fn gather(tree: &UseTree, parents: &[String], is_reexport: bool, imports: &mut Vec<Import>) {
    let mut path = parents.to_vec();
    let (imported, line) = match tree {
        UseTree::Path(tree) => {
            path.push(name(&tree.ident));
            return gather(&tree.tree, &path, is_reexport, imports);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                gather(tree, parents, is_reexport, imports);
            }
            return;
        }
        UseTree::Glob(glob) => {
            let [star] = glob.star_token.spans;
            (ImportedName::Glob, line(star))
        }
        UseTree::Name(tree) => {
            push_segment(&mut path, name(&tree.ident));
            let imported = path
                .last()
                .cloned()
                .map_or(ImportedName::Unnamed, ImportedName::Named);
            (imported, line(tree.ident.span()))
        }
        UseTree::Rename(tree) => {
            push_segment(&mut path, name(&tree.ident));
            let new_name = name(&tree.rename);
            let imported = if new_name == "_" {
                ImportedName::Unnamed
            } else {
                ImportedName::Named(new_name)
            };
            (imported, line(tree.ident.span()))
        }
    };
    imports.push(Import {
        path,
        name: imported,
        line,
        is_reexport,
    });
}

/// `use a::b::{self}` means `use a::b`.
fn push_segment(path: &mut Vec<String>, segment: String) {
    if segment != "self" || path.is_empty() {
        path.push(segment);
    }
}
