//! Which edits need others: a call of a new function needs its definition and its import; a definition can go
//! only together with its callers.
//!
//! By names alone: one that no old text has is new, and who uses it needs the edit that binds it. What this
//! misses shows in a trial that fails otherwise, and the search goes on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::bytes::Regex;

/// What an edit takes away and what it brings, as text; only of Python files.
#[derive(Debug, Default, Clone)]
pub(super) struct Fragments {
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
    /// The number of its file.
    pub(super) file: usize,
    /// The function or class around it.
    pub(super) function: Option<String>,
    /// Whether it is in a file of tests, which nothing else needs.
    pub(super) is_test: bool,
    /// The module that goes with a whole file.
    pub(super) old_module: Option<Vec<u8>>,
    /// The module that comes with a whole file.
    pub(super) new_module: Option<Vec<u8>>,
}

type Names = BTreeSet<Vec<u8>>;

/// For each edit the others that it needs. `old` and `new` are all texts of Python files that differ.
pub(super) fn needs(edits: &[Fragments], old: &[&[u8]], new: &[&[u8]]) -> Vec<Vec<usize>> {
    let all = |texts: &[&[u8]]| texts.iter().flat_map(|text| names(text)).collect::<Names>();
    let (old_names, new_names) = (all(old), all(new));
    let came: Names = new_names.difference(&old_names).cloned().collect();
    let gone: Names = old_names.difference(&new_names).cloned().collect();
    let old: Vec<Words> = edits.iter().map(|edit| Words::of(&edit.old, edit.old_module.as_ref())).collect();
    let new: Vec<Words> = edits.iter().map(|edit| Words::of(&edit.new, edit.new_module.as_ref())).collect();
    let mut needs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); edits.len()];
    // Who uses what came needs who binds it; who unbinds what went needs that nobody uses it.
    for (user, binder) in uses(edits, &new, &came).into_iter().chain(local_uses(edits, &new, &old)) {
        needs[user].insert(binder);
    }
    for (user, binder) in uses(edits, &old, &gone).into_iter().chain(local_uses(edits, &old, &new)) {
        needs[binder].insert(user);
    }
    needs.into_iter().map(|needed| needed.into_iter().collect()).collect()
}

/// The words of one side of an edit.
struct Words {
    all: Names,
    bound: Names,
    module: Option<Vec<u8>>,
}

impl Words {
    fn of(text: &[u8], module: Option<&Vec<u8>>) -> Self {
        Self { all: names(text), bound: bound_names(text), module: module.cloned() }
    }
}

/// Which edit uses one of these names, and which binds it.
fn uses(edits: &[Fragments], words: &[Words], wanted: &Names) -> Vec<(usize, usize)> {
    let mut uses = Vec::new();
    for name in wanted {
        let having: Vec<usize> = (0..words.len()).filter(|&at| words[at].all.contains(name)).collect();
        // A module is the file, whoever imports it.
        if let Some(file) = words.iter().position(|words| words.module.as_ref() == Some(name)) {
            uses.extend(having.iter().filter(|&&user| user != file).map(|&user| (user, file)));
            continue;
        }
        let binders: Vec<usize> =
            having.iter().copied().filter(|&at| words[at].bound.contains(name)).collect();
        for &user in having.iter().filter(|user| !binders.contains(user)) {
            // The nearest one: most names are bound again in several places, and one of them is enough.
            let distance = |&&binder: &&usize| {
                let (binder, user) = (&edits[binder], &edits[user]);
                (binder.file != user.file, binder.function != user.function)
            };
            let reachable = binders
                .iter()
                .filter(|&&binder| edits[binder].file == edits[user].file || !edits[binder].is_test);
            uses.extend(reachable.min_by_key(distance).map(|&binder| (user, binder)));
        }
    }
    uses
}

/// The same for names that are bound, on this side and not on the other, in the function that uses them.
fn local_uses(edits: &[Fragments], here: &[Words], there: &[Words]) -> Vec<(usize, usize)> {
    let mut uses = Vec::new();
    for (binder, edit) in edits.iter().enumerate() {
        let bound: Vec<&Vec<u8>> = here[binder].bound.difference(&there[binder].bound).collect();
        if bound.is_empty() || edit.function.is_none() {
            continue;
        }
        for (user, other) in edits.iter().enumerate() {
            let together = user != binder && other.file == edit.file && other.function == edit.function;
            let uses_it = |name: &&Vec<u8>| {
                here[user].all.contains(*name)
                    && !there[user].all.contains(*name)
                    && !here[user].bound.contains(*name)
            };
            if together && bound.iter().any(uses_it) {
                uses.push((user, binder));
            }
        }
    }
    uses
}

/// A name that more edits touch than this ties nothing together.
const MOST_TIED: usize = 8;

/// For each edit those that look as if they were made together with it: they add or remove the same name, or one
/// changes the header of a function that the other names. Less sure than a need, so only a hint where to look.
pub(super) fn ties(edits: &[Fragments]) -> Vec<Vec<usize>> {
    /// The edits that touch a name, those of them that touch a header with it, and those that have it.
    #[derive(Default)]
    struct Having {
        touching: Vec<usize>,
        defining: Vec<usize>,
        naming: Vec<usize>,
    }
    let mut by_name: BTreeMap<Vec<u8>, Having> = BTreeMap::new();
    for (at, edit) in edits.iter().enumerate() {
        let (old, new) = (names(&edit.old), names(&edit.new));
        let headers = &defined_names(&edit.old) | &defined_names(&edit.new);
        for name in &old | &new {
            let defines = headers.contains(&name);
            let touches = defines || old.contains(&name) != new.contains(&name);
            let having = by_name.entry(name).or_default();
            having.defining.extend(defines.then_some(at));
            if touches { having.touching.push(at) } else { having.naming.push(at) }
        }
    }
    let mut ties: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); edits.len()];
    let mut tie = |a: usize, b: usize| {
        if a != b {
            ties[a].insert(b);
            ties[b].insert(a);
        }
    };
    for having in by_name.values().filter(|having| having.touching.len() <= MOST_TIED) {
        having.touching.iter().for_each(|&a| having.touching.iter().for_each(|&b| tie(a, b)));
        having.defining.iter().for_each(|&a| having.naming.iter().for_each(|&b| tie(a, b)));
    }
    ties.into_iter().map(|tied| tied.into_iter().collect()).collect()
}

/// The edits that bring, take away or define something that an error message speaks of: what stands in quotes or before
/// a bracket there, or else its longer words.
pub(super) fn spoken_of<'e>(edits: &'e [Fragments], message: &str) -> impl Iterator<Item = usize> + 'e {
    let found: Vec<&str> = QUOTED.find_iter(message).map(|found| found.as_str()).collect();
    let said: Names = if found.is_empty() {
        names(message.as_bytes()).into_iter().filter(|word| word.len() > 4).collect()
    } else {
        names(found.join(" ").as_bytes())
    };
    let speaks = move |edit: &Fragments| {
        let (old, new) = (names(&edit.old), names(&edit.new));
        let defined = &defined_names(&edit.old) | &defined_names(&edit.new);
        said.iter().any(|word| old.contains(word) != new.contains(word) || defined.contains(word))
    };
    edits.iter().enumerate().filter(move |(_, edit)| speaks(edit)).map(|(at, _)| at)
}

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test uses it")]
static QUOTED: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r#"'[^']*'|"[^"]*"|`[^`]*`|\w+\("#).expect("a valid pattern"));

/// The functions and classes whose headers are in a text.
fn defined_names(text: &[u8]) -> Names {
    let headers = BINDERS[0].captures_iter(text).filter_map(|found| found.get(1));
    headers
        .filter_map(|header| names(header.as_bytes().split(|&byte| byte == b'(').next()?).into_iter().next())
        .collect()
}

fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The words of a text.
fn names(text: &[u8]) -> Names {
    let words = text.split(|&byte| !is_name(byte));
    words
        .filter(|word| word.first().is_some_and(|first| !first.is_ascii_digit()))
        .map(<[u8]>::to_vec)
        .collect()
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test uses each")]
static BINDERS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        // A definition, with its parameters.
        r"(?m)\b(?:def|class)\s+(\w+(?:\s*\([^)]*\))?)",
        // What an import brings.
        r"(?m)^\s*(?:from\s+[\w.]+\s+)?import\s+(\([^)]*\)|[^\n]*)",
        // An assignment, also to an attribute, also of several names.
        r"(?m)^\s*([\w.,\s]+?)\s*(?::[^=\n]+)?=[^=]",
    ]
    .map(|pattern| Regex::new(pattern).expect("a valid pattern"))
});

/// The words that a text binds.
fn bound_names(text: &[u8]) -> Names {
    let found = BINDERS.iter().flat_map(|pattern| pattern.captures_iter(text));
    found.filter_map(|found| found.get(1)).flat_map(|bound| names(bound.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: &str, new: &str) -> Fragments {
        Fragments { old: old.into(), new: new.into(), ..Fragments::default() }
    }

    #[test]
    fn a_use_needs_its_import_and_a_definition_goes_with_its_callers() {
        let edits = [
            edit("", "from json import loads\n"),
            edit("load(f)", "loads(f)"),
            edit("def gone(a):\n    pass\n", ""),
            edit("gone(1)", "1"),
            edit("def f(a):\n", "def f(a, *, fresh=None):\n"),
            edit("f(1)", "f(1, fresh=2)"),
            edit("x = 1\n", "x = 2\n"),
        ];
        let side =
            |side: fn(&Fragments) -> &Vec<u8>| edits.iter().flat_map(side).copied().collect::<Vec<u8>>();
        let (old, new) = (side(|edit| &edit.old), side(|edit| &edit.new));
        let needs = needs(&edits, &[&old], &[&new]);
        assert_eq!(needs, [vec![], vec![0], vec![3], vec![], vec![], vec![4], vec![]]);
    }

    #[test]
    fn an_error_message_speaks_of_edits() {
        let edits = [
            edit("", "_in_annotation = False\n"),
            edit("names = ('__local', '__name__')\n", "names = ('__local',)\n"),
            edit("def parse(a, main=None):\n", "def parse(a):\n"),
            edit("raise Stop('No task specified')\n", "raise Stop('No task')\n"),
            edit("x = __local\n", "y = __local\n"),
        ];
        let of = |message: &str| spoken_of(&edits, message).collect::<Vec<_>>();
        assert_eq!(of("AttributeError: 'Checker' object has no attribute '_in_annotation'"), [0]);
        assert_eq!(of("AttributeError: 'Local' object has no attribute '__name__'"), [1]);
        assert_eq!(of("TypeError: C.parse() got an unexpected keyword argument 'main'"), [2]);
        assert_eq!(of("SystemExit: No task specified"), [3]);
        assert!(of("NameError: name '__local' is not defined").is_empty());
    }

    #[test]
    fn what_imports_a_new_file_needs_it() {
        let file = Fragments {
            new: b"def other(): pass\n".to_vec(),
            new_module: Some(b"fresh".to_vec()),
            ..Fragments::default()
        };
        let edits = [edit("", "from . import fresh\n"), file, edit("", "self.attribute, b = 1, 2\n")];
        let new = b"from . import fresh\ndef other(): pass\nself.attribute, b = 1, 2\n";
        // An import binds the name in its own file, but the module is the file.
        assert_eq!(needs(&edits, &[], &[new])[0], [1]);
    }
}
