//! Files of a room import one another in one direction: who reads a file need not read those above it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

use crate::architecture::rust_files;

type Module = Vec<String>;

/// The paths that a file names outside of its tests, and what it hands on under another path.
#[derive(Default)]
struct Named {
    paths: BTreeSet<Vec<String>>,
    handed_on: BTreeSet<Vec<String>>,
}

impl Named {
    fn add(&mut self, tree: &UseTree, before: &[String], is_handed_on: bool) {
        let with = |name: &dyn ToString| {
            let mut path = before.to_vec();
            path.push(name.to_string());
            path
        };
        let path = match tree {
            UseTree::Path(path) => return self.add(&path.tree, &with(&path.ident), is_handed_on),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.add(item, before, is_handed_on));
            }
            UseTree::Name(name) if name.ident == "self" => before.to_vec(),
            UseTree::Name(name) => with(&name.ident),
            UseTree::Rename(rename) => with(&rename.ident),
            UseTree::Glob(_) => before.to_vec(),
        };
        if is_handed_on {
            self.handed_on.insert(path)
        } else {
            self.paths.insert(path)
        };
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let names_test = |attribute: &Attribute| {
        attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().contains("test"))
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && names_test(attribute))
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }
}

struct Files {
    named: BTreeMap<Module, Named>,
    /// (module, name) → the path that it stands for.
    aliases: BTreeMap<(Module, String), Vec<String>>,
}

impl Files {
    fn read(root: &Path) -> Self {
        let mut named = BTreeMap::new();
        for file in rust_files(root) {
            let mut module: Module = file
                .strip_prefix(root)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            let is_test = module.last().is_some_and(|last| ["tests", "lib", "main"].contains(&last.as_str()));
            let mut found = Named::default();
            found.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
            if !is_test {
                named.insert(module, found);
            }
        }
        let mut files = Self { named, aliases: BTreeMap::new() };
        let aliases: Vec<_> = files
            .named
            .iter()
            .flat_map(|(module, named)| named.handed_on.iter().map(move |path| (module, path)))
            .filter_map(|(module, path)| {
                let whole = files.seen_from_root(module, path)?;
                Some(((module.clone(), path.last()?.clone()), whole))
            })
            .collect();
        files.aliases.extend(aliases);
        files
    }

    /// A path as it is seen from the crate's root; `None` for one of another crate.
    fn seen_from_root(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = module.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                base.push(first.to_owned());
                if !self.named.contains_key(&base) {
                    return None;
                }
                base.pop();
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The file in which what a path names is written.
    fn file_of(&self, path: &[String]) -> Option<Module> {
        let mut here: Module = Vec::new();
        for (at, name) in path.iter().enumerate() {
            let mut deeper = here.clone();
            deeper.push(name.clone());
            if self.named.contains_key(&deeper) {
                here = deeper;
            } else if let Some(meant) = self.aliases.get(&(here.clone(), name.clone())) {
                let further: Vec<String> = meant.iter().chain(&path[at + 1..]).cloned().collect();
                return if further == path { Some(here) } else { self.file_of(&further) };
            } else {
                break;
            }
        }
        (!here.is_empty()).then_some(here)
    }

    fn imported_by(&self, module: &Module) -> BTreeSet<Module> {
        let paths = &self.named[module].paths;
        let files = paths.iter().filter_map(|path| self.file_of(&self.seen_from_root(module, path)?));
        files.filter(|file| file != module && file[0] == module[0]).collect()
    }
}

/// One way around from a file back to it, if there is one.
fn way_back(from: &Module, edges: &BTreeMap<&Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut came_from: BTreeMap<Module, Module> = BTreeMap::new();
    let mut waiting = vec![from.clone()];
    while let Some(here) = waiting.pop() {
        for next in edges.get(&here).into_iter().flatten() {
            if next == from {
                let mut way = vec![here.clone()];
                while way.last() != Some(from) {
                    way.push(came_from[&way[way.len() - 1]].clone());
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next.clone(), here.clone());
                waiting.push(next.clone());
            }
        }
    }
    None
}

#[test]
fn no_files_of_a_room_import_each_other() {
    let files = Files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let modules = || files.named.keys();
    let edges: BTreeMap<&Module, BTreeSet<Module>> =
        modules().map(|module| (module, files.imported_by(module))).collect();
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 500, "imports are read");
    let circles: Vec<String> = modules()
        .filter_map(|module| way_back(module, &edges))
        .map(|way| way.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" → "))
        .collect();
    assert!(circles.is_empty(), "each of these leads back to its beginning:\n{}", circles.join("\n"));
}
