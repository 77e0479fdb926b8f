//! Whether the failing code can go one way now and another way next time, as far as its source tells.
//!
//! Most flaky tests wait for something, run things at the same time, use a network or draw lots (Luo, Hariri, Eloussi and
//! Marinov, "An empirical analysis of flaky tests", 2014). So the failing test and what it calls are looked through for
//! calls that do. Names are followed without knowing types, a few steps deep: the answer is a hint that a failure may show
//! in some runs only, not a proof.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use regex::Regex;

use super::failure_evidence::FailureEvidence;
use super::reasons::shortened;
use super::source_reader::{Reader, RepositoryView, called};

/// So many calls deep it is looked.
const DEEPEST: u32 = 2;
/// So many definitions are read.
const MOST_DEFINITIONS: usize = 40;
/// A name with more definitions than this says nothing of what is called.
const MOST_OF_ONE_NAME: usize = 3;

/// Calls whose result, or whose order, no commit decides. That a clock is read is nothing by itself: most code that does
/// only notes the time. It decides where it is compared. The order of a set is the same in all trials, which have one seed.
static CHANCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let clock =
        r"\b(time\.(time|time_ns)|(time\.)?(monotonic|monotonic_ns|perf_counter|perf_counter_ns))\(\)";
    let waits = format!(r"\bsleep\(|{clock}.*[<>]|[<>].*{clock}");
    let at_once = r"\b(Thread|Timer|Process|Pool|ThreadPool|ThreadPoolExecutor|ProcessPoolExecutor|Popen|create_task|ensure_future|gather|as_completed|run_in_executor|to_thread|start_soon)\(";
    let network = r"\bsocket\.\w|\b(urlopen|create_connection|HTTPConnection|HTTPSConnection)\(|\b(requests|httpx)\.(get|post|put|delete|head|request|Session|Client)\b";
    let numbers = r"\b(getpid|get_ident)\(";
    Regex::new(&[&waits, at_once, network, numbers].join("|")).ok()
});
/// Calls that draw lots. Bytes for a key or a name that is to be unique (`os.urandom`, `secrets.token_hex`) are none: hardly
/// any outcome rests on which they are.
static DRAWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let of_module = r"\brandom\.(random|choices?|sample|uniform|gauss|normal\w*|rand|randn|permutation|expovariate|betavariate|triangular|Random|SystemRandom)\(|\.random\(\)";
    let named = r"\b(randint|randrange|randbytes|randbelow|shuffle|getrandbits)\(|\bdefault_rng\(\)|\bsecrets\.choice\(";
    Regex::new(&[of_module, named].join("|")).ok()
});
/// What makes lots the same each time.
static SEEDED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bseed\(|\bRandom\(\s*\d").ok());

/// A line of the repository that goes one way now and another way next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOfChance {
    /// The file's path in the repository.
    pub path: String,
    /// The source line, without surrounding space, cut where it is long.
    pub code: String,
}

/// The first line of the failing test, or of what it calls, that waits, draws lots, runs things at the same time or uses a
/// network; `None` where none does.
#[must_use]
pub fn source_of_chance(failure: &FailureEvidence, sources: &dyn RepositoryView) -> Option<SourceOfChance> {
    if failure.frames.is_empty() {
        return None;
    }
    let mut search = Search {
        reader: Reader::new(sources),
        files: files_by_name(sources),
        imports: BTreeMap::new(),
        seen: BTreeSet::new(),
        open: VecDeque::new(),
    };
    for (at, frame) in failure.frames.iter().enumerate() {
        // Of a module that imports the next one, the import is all that leads to the failure.
        if !failure.imports_next(at) {
            search.add(frame.path.clone(), frame.definition.clone(), 0);
        }
    }
    search.source_of_chance()
}

/// Paths of Python files by what a module is called: `a/b.py` and `b/__init__.py` by `b`.
fn files_by_name(sources: &dyn RepositoryView) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in sources.paths() {
        let Some(module) = path.strip_suffix(".py") else { continue };
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        let name = module.rsplit('/').next().unwrap_or(module);
        files.entry(name.to_owned()).or_default().push(path);
    }
    files
}

struct Search<'s> {
    reader: Reader<'s>,
    files: BTreeMap<String, Vec<String>>,
    /// By a file, the files of the repository that it imports.
    imports: BTreeMap<String, Vec<String>>,
    /// Files and definitions that were looked at, or wait for it.
    seen: BTreeSet<(String, String)>,
    open: VecDeque<(String, String, u32)>,
}

impl Search<'_> {
    fn add(&mut self, path: String, definition: String, depth: u32) {
        if self.seen.len() < MOST_DEFINITIONS && self.seen.insert((path.clone(), definition.clone())) {
            self.open.push_back((path, definition, depth));
        }
    }

    fn source_of_chance(&mut self) -> Option<SourceOfChance> {
        let (chance, draws, seeded) = (CHANCE.as_ref()?, DRAWS.as_ref()?, SEEDED.as_ref()?);
        while let Some((path, definition, depth)) = self.open.pop_front() {
            let text = self.reader.lines_of(&path, &definition);
            let is_seeded = seeded.is_match(&text);
            // One after the other is what `subprocess.run` does, too.
            let waits_for_process = text.contains(".communicate(") || text.contains(".wait(");
            let is_of_chance = |line: &str| {
                (chance.is_match(line) || (!is_seeded && draws.is_match(line)))
                    && !self.is_harmless(line)
                    && !(waits_for_process && line.contains("Popen("))
            };
            if let Some(line) = text.lines().find(|line| is_of_chance(without_comment(line))) {
                return Some(SourceOfChance { path, code: shortened(line.trim()) });
            }
            if depth < DEEPEST {
                self.follow(&path, &text, depth + 1);
            }
        }
        None
    }

    /// Whether a line is about something that stands in for a network or a clock, or calls a client that is the project's own:
    /// what that does is followed.
    fn is_harmless(&self, line: &str) -> bool {
        let stands_in = line.to_lowercase().contains("mock") || line.contains("patch(");
        let is_own = |client: &&str| self.files.contains_key(*client) && line.contains(&format!("{client}."));
        stands_in || ["requests", "httpx"].iter().any(is_own)
    }

    /// Go on with the definitions of the names that a text calls, or has as parameters: those are a test's fixtures.
    fn follow(&mut self, path: &str, text: &str, depth: u32) {
        let names = called(text).chain(parameters(text));
        let mut named: BTreeMap<&str, Vec<(String, String)>> = names.map(|name| (name, Vec::new())).collect();
        let files = self.imported_by(path);
        for file in std::iter::once(path).chain(files.iter().map(String::as_str)) {
            let source = self.reader.source(file);
            for definition in source.into_iter().flat_map(|source| source.definitions.names()) {
                let name = definition.rsplit('.').next().unwrap_or(definition);
                if let Some(found) = named.get_mut(name) {
                    found.push((file.to_owned(), definition.clone()));
                }
            }
        }
        for (file, definition) in
            named.into_values().filter(|found| found.len() <= MOST_OF_ONE_NAME).flatten()
        {
            self.add(file, definition, depth);
        }
    }

    /// Files of the repository that a file imports, and those in which pytest looks for its fixtures.
    fn imported_by(&mut self, path: &str) -> Vec<String> {
        if let Some(known) = self.imports.get(path) {
            return known.clone();
        }
        let source = self.reader.source(path);
        let modules: BTreeSet<String> = source
            .into_iter()
            .flat_map(|source| source.lines())
            .flat_map(|line| modules_of(line.trim()))
            .collect();
        let mut found: BTreeSet<String> =
            modules.iter().flat_map(|module| self.files_of(path, module)).collect();
        let conftests = self.files.get("conftest").into_iter().flatten();
        let above = |conftest: &&String| {
            let folder = conftest.trim_end_matches("conftest.py");
            path.starts_with(folder)
        };
        found.extend(conftests.filter(above).cloned());
        found.remove(path);
        let found: Vec<String> = found.into_iter().collect();
        self.imports.insert(path.to_owned(), found.clone());
        found
    }

    /// The files that a dotted name may be: those whose path ends so.
    fn files_of(&self, importer: &str, module: &str) -> Vec<String> {
        let plain = module.trim_start_matches('.');
        let dots = module.len() - plain.len();
        let name = plain.rsplit('.').next().unwrap_or(plain);
        let ending = plain.replace('.', "/");
        let mut folder = importer;
        for _ in 0..dots {
            folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        }
        let is_it = |path: &&String| {
            let module = path.trim_end_matches(".py").trim_end_matches("/__init__");
            match module.strip_suffix(ending.as_str()) {
                Some(before) if dots > 0 => before.trim_end_matches('/') == folder,
                Some(before) => before.is_empty() || before.ends_with('/'),
                None => false,
            }
        };
        self.files.get(name).into_iter().flatten().filter(is_it).cloned().collect()
    }
}

/// The modules that a line may import: what it imports from, and each name below that.
fn modules_of(line: &str) -> Vec<String> {
    let name = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    if let Some(rest) = line.strip_prefix("import ") {
        return rest.split(',').map(name).filter(|name| !name.is_empty()).collect();
    }
    let Some((module, names)) = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
    else {
        return Vec::new();
    };
    let module = module.trim();
    let below = names.trim_matches(['(', ')', ' ']).split(',').map(name).filter(|name| !name.is_empty());
    let joint = if module.ends_with('.') { "" } else { "." };
    let below: Vec<String> = below.map(|name| format!("{module}{joint}{name}")).collect();
    std::iter::once(module.to_owned()).filter(|module| !module.ends_with('.')).chain(below).collect()
}

/// Names of the parameters of the functions that a text defines.
fn parameters(text: &str) -> impl Iterator<Item = &str> {
    let heads =
        text.lines().map(str::trim).filter(|line| line.starts_with("def ") || line.starts_with("async def "));
    let lists = heads.filter_map(|head| head.split_once('(').map(|(_, list)| list));
    lists.flat_map(|list| {
        let names = list.split(',').map(|one| one.split([':', '=', ')']).next().unwrap_or_default().trim());
        names.filter(|name| !name.is_empty() && !matches!(*name, "self" | "cls"))
    })
}

/// A line up to its comment; a number sign within a text cuts it short, which costs a hint at worst.
fn without_comment(line: &str) -> &str {
    line.split_once('#').map_or(line, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a tree: paths and contents.
    struct Tree(Vec<(&'static str, String)>);

    impl RepositoryView for Tree {
        fn own_path(&self, path: &str) -> Option<String> {
            self.0.iter().find(|(own, _)| path.ends_with(own)).map(|(own, _)| (*own).to_owned())
        }
        fn content(&self, path: &str) -> Option<Vec<u8>> {
            self.0.iter().find(|(own, _)| *own == path).map(|(_, text)| text.clone().into_bytes())
        }
        fn paths(&self) -> BTreeSet<String> {
            self.0.iter().map(|(path, _)| (*path).to_owned()).collect()
        }
    }

    /// What of chance a test of a price reaches, where the price is made by these lines in a module two calls away.
    fn shop(price: &str) -> Option<SourceOfChance> {
        let tree = Tree(vec![
            ("tests/conftest.py", "import pytest\n\n@pytest.fixture\ndef cart():\n    return Cart()\n".into()),
            (
                "tests/test_cart.py",
                "from shop.cart import total\n\ndef test_total(cart):\n    assert total(cart) == 3\n".into(),
            ),
            (
                "src/shop/cart.py",
                "import random\nfrom .prices import price\n\ndef total(cart):\n    return price(1)\n\ndef other():\n    return random.random()\n".into(),
            ),
            ("src/shop/prices.py", format!("import time\n\ndef price(n):\n{price}")),
        ]);
        let log = "Traceback (most recent call last):\n  File \"/x/tests/test_cart.py\", line 4, in test_total\n    assert total(cart) == 3\nAssertionError\n";
        let failure = FailureEvidence::read(log, &tree, &[]);
        assert_eq!(failure.frames.len(), 1);
        source_of_chance(&failure, &tree)
    }

    #[test]
    fn what_the_failing_test_calls_is_followed_into_other_files() {
        for chance in [
            "    return n if random.random() < 0.5 else 3",
            "    time.sleep(n)",
            "    Thread(target=n).start()",
            "    server = Popen(n)",
            "    return urlopen(n).read()",
            "    return n if self.lots.random() < 0.5 else 3",
            "    lots = random.Random(os.getenv('LOTS'))",
            "    return n if time.time() - START < 0.1 else 3",
            "    assert 0.5 > perf_counter() - n",
        ] {
            let code = chance.trim().to_owned();
            assert_eq!(shop(chance), Some(SourceOfChance { path: "src/shop/prices.py".to_owned(), code }));
        }
    }

    #[test]
    fn what_a_module_does_while_it_is_imported_on_the_way_is_no_chance() {
        let tree = Tree(vec![
            ("tests/test_cart.py", "import shop\n\ndef test_total():\n    assert shop.total() == 3\n".into()),
            (
                "src/shop/__init__.py",
                "from subprocess import Popen\nREVISION = Popen('git')\nfrom .cart import total\n".into(),
            ),
            ("src/shop/cart.py", "def total():\n    return 3\n\ncheck = Thread(None)\n".into()),
        ]);
        let log = |lines: &str| format!("Traceback (most recent call last):\n{lines}AttributeError: x\n");
        let test = "  File \"/x/tests/test_cart.py\", line 1, in <module>\n    import shop\n";
        let package =
            "  File \"/x/src/shop/__init__.py\", line 3, in <module>\n    from .cart import total\n";
        let cart = "  File \"/x/src/shop/cart.py\", line 4, in <module>\n    check = Thread(None)\n";
        let source = |log: &str| source_of_chance(&FailureEvidence::read(log, &tree, &[]), &tree);
        let found = source(&log(&format!("{test}{package}{cart}")));
        assert_eq!(found.map(|source| source.path).as_deref(), Some("src/shop/cart.py"));
        let found = source(&log(&format!("{test}{package}")));
        assert_eq!(found.map(|source| source.path).as_deref(), Some("src/shop/__init__.py"));
    }

    #[test]
    fn what_no_call_leads_to_and_what_is_the_same_each_time_is_no_chance() {
        for steady in [
            "    return 3  # random.random()",
            "    return list(set('abc'))[0]",
            "    return timeit(n)",
            "    return {'exp': time.time() + 10}",
            "    random.seed(n); return random.random()",
            "    return random.Random(7).choice([n])",
            "    return random.Random",
            "    return Popen(n).communicate()[0]",
            "    mocker.patch('time.sleep', lambda n: None); sleep(n)",
            "    return httpx.Client(transport=httpx.MockTransport(n))",
            "    return self.random_access[n]",
        ] {
            assert_eq!(shop(steady), None);
        }
    }

    #[test]
    fn lines_that_import_name_modules() {
        let found = |line: &str| modules_of(line).join(" ");
        assert_eq!(found("import a.b as c, d"), "a.b d");
        assert_eq!(found("from a.b import (c, d as e)"), "a.b a.b.c a.b.d");
        assert_eq!(found("from .. import c"), "..c");
        assert_eq!(found("from .a import c"), ".a .a.c");
        assert_eq!(found("x = 1"), "");
    }

    #[test]
    fn a_dotted_name_is_found_beside_its_importer_or_below_any_folder() {
        let paths = ["src/shop/cart.py", "src/shop/__init__.py", "shop.py", "other/cart.py"];
        let tree = Tree(paths.map(|path| (path, String::new())).to_vec());
        let search = Search {
            reader: Reader::new(&tree),
            files: files_by_name(&tree),
            imports: BTreeMap::new(),
            seen: BTreeSet::new(),
            open: VecDeque::new(),
        };
        let found = |importer: &str, module: &str| search.files_of(importer, module).join(" ");
        assert_eq!(found("t.py", "shop.cart"), "src/shop/cart.py");
        assert_eq!(found("t.py", "shop"), "shop.py src/shop/__init__.py");
        assert_eq!(found("src/shop/other.py", ".cart"), "src/shop/cart.py");
        assert_eq!(found("src/shop/a/b.py", "..cart"), "src/shop/cart.py");
        assert_eq!(found("t.py", ".cart"), "");
    }
}
