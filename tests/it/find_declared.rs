//! `find --env auto` on projects that declare what they need in ordinary ways, though not in the simplest.

use serde_json::Value;

use crate::support::registry::{Registry, Served, user_with_environments};
use crate::support::{TestRepo, User, culprit, report_of};

/// 2024-06-01.
const START: i64 = 1_717_200_000;
const DAY: i64 = 86_400;

/// Packages with one release each, of a module of the same name; and `pyzaml`, whose module is `zaml`.
fn registry() -> Served {
    let mut registry = Registry::new();
    for name in ["alpha", "beta", "gamma", "deep"] {
        registry.release(name, "1.0", "2023-01-01T00:00:00Z", "", "");
    }
    registry.release_module(("pyzaml", "zaml"), "1.0", "2023-01-01T00:00:00Z", "", "");
    registry.serve()
}

/// A history of six commits, of which the fourth breaks `hello` in this file.
fn history(files: &[(&str, &str)], app: &str) -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for step in 0..6 {
        repo.at(START + step * DAY);
        if step == 0 {
            for (path, text) in files {
                repo.write(path, text);
            }
        }
        let word = if step < 3 { "hello" } else { "hail" };
        repo.write(app, format!("def hello(): return '{word}' # {step}\n"));
        ids.push(repo.commit("edit").to_string());
    }
    // Who stands in a folder needs one.
    repo.check_out();
    (repo, ids)
}

/// Search in a folder of the repository, with no option but the good commit.
fn find(
    user: &User,
    (repo, folder): (&TestRepo, &str),
    registry: &Served,
    good: &str,
    command: &[&str],
) -> (Option<i32>, Value) {
    let arguments = [&["find", "--json", "-", "--good", good, "--"], command].concat();
    let mut command = user.command(&repo.path().join(folder), &arguments);
    command.envs(registry.variables()).env_remove("VIRTUAL_ENV").env_remove("CONDA_DEFAULT_ENV");
    report_of(&mut command)
}

/// All packages of all environments, without versions.
fn packages(report: &Value) -> Vec<String> {
    let environments = report["environments"].as_array().into_iter().flatten();
    let lines = environments.flat_map(|environment| environment["packages"].as_array().into_iter().flatten());
    let names = lines.filter_map(|line| line.as_str()?.split("==").next().map(str::to_owned));
    let mut names: Vec<String> = names.filter(|name| name != "setuptools").collect();
    names.sort();
    names.dedup();
    names
}

const UNITTEST: [&str; 4] = ["python", "-m", "unittest", "tests.test_app"];

/// A test that imports this.
fn test_of(imports: &str) -> String {
    format!(
        "{imports}\nimport unittest\nfrom app import hello\nclass T(unittest.TestCase):\n    def test_hello(self):\n        self.assertEqual(hello(), 'hello')\n"
    )
}

fn finds(files: &[(&str, &str)], imports: &str, expected: &[&str]) {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let test = test_of(imports);
    let files = [files, &[("tests/__init__.py", ""), ("tests/test_app.py", test.as_str())]].concat();
    let (repo, ids) = history(&files, "app.py");
    let (code, report) = find(&user, (&repo, ""), &registry, &ids[0], &UNITTEST);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    assert_eq!(packages(&report), expected, "{report:#}");
}

#[test]
fn an_extra_that_names_the_projects_own_extras_is_followed() {
    let pyproject = "[project]\nname = 'Pond'\nversion = '1'\n[project.optional-dependencies]\ncore-tests = ['alpha', 'deep']\ntests = ['pond[core_tests]', 'beta']\ndocs = ['gamma']\n";
    finds(&[("pyproject.toml", pyproject)], "import alpha, beta, deep", &["alpha", "beta", "deep"]);
    let setup = "from setuptools import setup\nsetup(name='pond', version='1', extras_require={'core-tests': ['alpha'], 'tests': ['pond[core-tests]', 'beta']})\n";
    finds(&[("setup.py", setup)], "import alpha, beta", &["alpha", "beta"]);
    let cfg = "[metadata]\nname = pond\n[options]\ninstall_requires =\n    alpha\n[options.extras_require]\ncov =\n    deep\ntest =\n    pond[cov]\n    beta\n";
    finds(&[("setup.cfg", cfg)], "import alpha, beta, deep", &["alpha", "beta", "deep"]);
}

#[test]
fn lists_in_files_groups_and_tools_are_read() {
    let dynamic = "[project]\nname = 'pond'\nversion = '1'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = {file = ['reqs/base.list']}\n[dependency-groups]\ntest = ['beta', {include-group = 'more'}]\nmore = ['deep']\n";
    finds(
        &[("pyproject.toml", dynamic), ("reqs/base.list", "alpha\n")],
        "import alpha, beta, deep",
        &["alpha", "beta", "deep"],
    );
    let hatch = "[project]\nname = 'pond'\nversion = '1'\n[tool.hatch.envs.hatch-test]\nextra-dependencies = ['alpha']\n[tool.hatch.envs.docs]\ndependencies = ['gamma']\n";
    finds(&[("pyproject.toml", hatch)], "import alpha", &["alpha"]);
    let poetry = "[project]\nname = 'pond'\nversion = '1'\ndependencies = ['alpha']\n[tool.poetry.group.test.dependencies]\nbeta = '^1.0'\n";
    finds(&[("pyproject.toml", poetry)], "import alpha, beta", &["alpha", "beta"]);
    let tox = "[tox]\nenvlist = docs, py{39,312}-{old1,new2}\n[base]\ndeps =\n    new2: alpha\n    old1: gamma\n    \
               {[more]deps}\n[more]\ndeps = -r{toxinidir}/dev.list\n[testenv]\ndeps = {[base]deps}\n";
    finds(
        &[
            ("pyproject.toml", "[project]\nname = 'pond'\nversion = '1'\n"),
            ("tox.ini", tox),
            ("dev.list", "beta\n"),
        ],
        "import alpha, beta",
        &["alpha", "beta"],
    );
    let nox =
        "import nox\n@nox.session\ndef tests(session):\n    session.install('-r', 'dev.list', 'beta')\n";
    finds(
        &[
            ("pyproject.toml", "[project]\nname = 'pond'\nversion = '1'\n"),
            ("noxfile.py", nox),
            ("dev.list", "alpha\n"),
        ],
        "import alpha, beta",
        &["alpha", "beta"],
    );
}

#[test]
fn lists_below_that_are_for_something_else_are_not_installed() {
    let pyproject =
        "[project]\nname = 'pond'\nversion = '1'\n[project.optional-dependencies]\ntest = ['alpha']\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("testing/plugins/requirements.txt", "gamma\n"),
        ("tests/requirements.txt", "beta\n"),
        ("docs/requirements.txt", "gamma\n"),
    ];
    finds(&files, "import alpha", &["alpha"]);
}

#[test]
fn the_nearest_folder_that_declares_something_counts_and_its_neighbours_come_from_the_tree() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let pond = "[project]\nname = 'pond'\nversion = '1'\ndependencies = ['common', 'alpha']\n[tool.uv.sources]\ncommon = {path = '../../libs/common', editable = true}\n";
    let locked = |version: &str| {
        format!(
            "[[package]]\nname = 'alpha'\nversion = '{version}'\nsource = {{ registry = 'https://example.org' }}\n"
        )
    };
    let common = "[project]\nname = 'common'\nversion = '1'\ndependencies = ['beta']\n[dependency-groups]\ndev = ['gamma']\n";
    let files = [
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n"),
        ("services/pond/pyproject.toml", pond),
        ("services/pond/uv.lock", &locked("1.0")),
        ("services/pond/tests/__init__.py", ""),
        ("services/pond/tests/test_app.py", &test_of("import alpha, common.kit")),
        ("services/pond/app.py", "from pond.greet import hello\n"),
        ("services/pond/src/pond/__init__.py", ""),
        ("libs/common/pyproject.toml", common),
        // What it has locked for itself.
        ("libs/common/uv.lock", &locked("0.9")),
        ("libs/common/src/common/__init__.py", ""),
        ("libs/common/src/common/kit.py", "import beta\n"),
    ];
    let (repo, ids) = history(&files, "services/pond/src/pond/greet.py");
    let (code, report) = find(&user, (&repo, "services/pond"), &registry, &ids[0], &UNITTEST);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    assert_eq!(packages(&report), ["alpha", "beta"], "{report:#}");
    assert!(!report["notes"].to_string().contains("does not fit"), "{report:#}");
    // From a folder of it that declares nothing, the same counts.
    let from_tests = ["python", "-m", "unittest", "test_app"];
    let (code, report) = find(&user, (&repo, "services/pond/tests"), &registry, &ids[0], &from_tests);
    assert_eq!(packages(&report), ["alpha", "beta"], "{code:?} {report:#}");
}

#[test]
fn members_of_a_workspace_come_from_the_tree() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let top = "[project]\nname = 'all'\nversion = '1'\n[tool.uv.workspace]\nmembers = ['packages/*']\n";
    let web = "[project]\nname = 'web'\nversion = '1'\ndependencies = ['core[fast]']\n[tool.uv.sources]\ncore = {workspace = true}\n[dependency-groups]\ndev = ['alpha']\n";
    let core = "[project]\nname = 'core'\nversion = '1'\ndependencies = ['beta']\n[project.optional-dependencies]\nfast = ['deep']\n";
    let files = [
        ("pyproject.toml", top),
        ("packages/web/pyproject.toml", web),
        ("packages/web/tests/__init__.py", ""),
        ("packages/web/tests/test_app.py", &test_of("import alpha, beta, deep, core")),
        ("packages/web/app.py", "from core.greet import hello\n"),
        ("packages/core/pyproject.toml", core),
        ("packages/core/core/__init__.py", ""),
        (
            "packages/other/pyproject.toml",
            "[project]\nname = 'other'\nversion = '1'\ndependencies = ['gamma']\n",
        ),
    ];
    let (repo, ids) = history(&files, "packages/core/core/greet.py");
    let (code, report) = find(&user, (&repo, "packages/web"), &registry, &ids[0], &UNITTEST);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    assert_eq!(packages(&report), ["alpha", "beta", "deep"], "{report:#}");
}

#[test]
fn the_version_file_that_a_build_writes_is_laid_into_the_tree() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    for table in [
        "[tool.setuptools_scm]\nversion_file = 'src/pond/_version.py'\n",
        "[tool.hatch.build.hooks.vcs]\nversion-file = 'src/pond/_version.py'\n",
        "[tool.pdm.version]\nsource = 'scm'\nwrite_to = 'src/pond/_version.py'\nwrite_template = \"version = '{}'\"\n",
    ] {
        let pyproject =
            format!("[project]\nname = 'pond'\ndynamic = ['version']\ndependencies = ['alpha']\n{table}");
        let test = test_of("from pond import version\nassert version.startswith('0.1'), version");
        let files = [
            ("pyproject.toml", pyproject.as_str()),
            ("tests/__init__.py", ""),
            ("tests/test_app.py", test.as_str()),
            ("app.py", "from pond.greet import hello\n"),
            ("src/pond/__init__.py", "from ._version import version\n"),
        ];
        let (repo, ids) = history(&files, "src/pond/greet.py");
        let (code, report) = find(&user, (&repo, ""), &registry, &ids[0], &UNITTEST);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(culprit(&report), ids[3], "{report:#}");
        let changes = report["breaking_changes"].as_array().unwrap();
        assert!(changes.iter().all(|change| change["path"] == "src/pond/greet.py"), "{report:#}");
        assert!(report["notes"].to_string().contains("_version.py, which a build writes"), "{report:#}");
    }
}

#[test]
fn a_module_that_another_extra_has_is_added_for_all_commits() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let pyproject = "[project]\nname = 'pond'\nversion = '1'\n[project.optional-dependencies]\ntest = ['alpha']\nyml = ['pyzaml']\n";
    let test = test_of("import alpha, zaml");
    let files =
        [("pyproject.toml", pyproject), ("tests/__init__.py", ""), ("tests/test_app.py", test.as_str())];
    let (repo, ids) = history(&files, "app.py");
    let (code, report) = find(&user, (&repo, ""), &registry, &ids[0], &UNITTEST);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("zaml") && notes.contains("the extra yml"), "{notes}");
}

/// Another test's module wants it, in some of the range.
#[test]
fn a_module_that_only_other_tests_want_does_not_hide_what_fails() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let pyproject = "[project]\nname = 'pond'\nversion = '1'\ndependencies = ['alpha']\n";
    let test = test_of("import alpha");
    let more = "import unittest\nclass M(unittest.TestCase):\n    def test_more(self): pass\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("tests/__init__.py", ""),
        ("tests/test_app.py", test.as_str()),
        ("tests/test_aaa.py", more),
        ("tests/test_more.py", more),
    ];
    let (mut repo, ids) = history(&files, "app.py");
    let wanting = format!("import zaml\n{more}");
    repo.at(START + 10 * DAY).write("tests/test_aaa.py", wanting).commit("import it");
    repo.write("README", "text").commit("write");
    repo.check_out();
    let all = ["python", "-m", "unittest", "discover", "-s", "tests", "-t", "."];
    let (code, report) = find(&user, (&repo, ""), &registry, &ids[0], &all);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("'zaml'") && notes.contains("--with pyzaml"), "{notes}");
}

/// The test imports it from the third commit on, which broke nothing.
#[test]
fn a_module_that_nothing_declares_ends_the_search_with_its_package() {
    let Some(user) = user_with_environments() else { return };
    let registry = registry();
    let pyproject = "[project]\nname = 'pond'\nversion = '1'\ndependencies = ['alpha']\n";
    let test = test_of("import alpha");
    let files =
        [("pyproject.toml", pyproject), ("tests/__init__.py", ""), ("tests/test_app.py", test.as_str())];
    let (mut repo, ids) = history(&files, "app.py");
    repo.at(START + 10 * DAY).write("tests/test_app.py", test_of("import alpha, zaml")).commit("import it");
    repo.write("README", "text").commit("write");
    repo.check_out();
    let (code, report) = find(&user, (&repo, ""), &registry, &ids[0], &UNITTEST);
    assert_eq!(code, Some(4), "{report:#}");
    let (reason, hint) = (report["reason"].to_string(), report["hint"].to_string());
    assert!(reason.contains("'zaml'") && reason.contains("pyzaml"), "{report:#}");
    assert!(hint.contains("--with pyzaml"), "{report:#}");
    assert!(report["outputs"].to_string().contains("No module named"), "{report:#}");
    let trials = report["trials"]["run"].as_u64().unwrap();
    assert!(trials <= 2, "{report:#}");

    // As asked for, the search goes on to the end.
    let arguments = ["find", "--json", "-", "--good", &ids[0], "--with", "pyzaml", "--"];
    let arguments = [&arguments[..], &UNITTEST].concat();
    let mut command = user.command(repo.path(), &arguments);
    let (code, report) = report_of(command.envs(registry.variables()).env_remove("VIRTUAL_ENV"));
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[3], "{report:#}");
}
