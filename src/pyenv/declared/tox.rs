//! `tox.ini`: what the tests of old projects need is often declared nowhere else.

use super::setup_cfg;

/// The requirements of the test environment, as lines of a requirements file that lies at the top. What holds for some
/// environments only (`py27: mock`) is left out, and so is what another section or a variable stands for.
pub(super) fn dependencies(text: &str) -> Vec<String> {
    let sections = setup_cfg::read(text);
    let lines = sections.get("testenv").and_then(|keys| keys.get("deps")).cloned().unwrap_or_default();
    let plain = lines.iter().map(|line| line.replace("{toxinidir}/", "").replace("{tox_root}/", ""));
    plain.filter(|line| !line.contains(['{', '}']) && !is_conditional(line)).collect()
}

/// Whether a line begins with factors: `py27,py34: mock`, `!docs: pytest`. A URL has a colon too.
fn is_conditional(line: &str) -> bool {
    let Some((factors, rest)) = line.split_once(':') else { return false };
    let is_factor = |c: char| c.is_ascii_alphanumeric() || "-_.,! ".contains(c);
    !rest.starts_with("//") && factors.chars().all(is_factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_dependencies_of_the_tests_are_read() {
        let text = "[tox]\nenvlist = py27,py36\n[testenv]\ndeps =\n    -r{toxinidir}/test/requirements.txt\n    py{27,33}: mock\n    py27: enum34\n    pytest-xprocess\n    {[base]deps}\n    git+https://example.org/x.git\ncommands = pytest\n[testenv:docs]\ndeps = sphinx\n";
        assert_eq!(
            dependencies(text),
            ["-rtest/requirements.txt", "pytest-xprocess", "git+https://example.org/x.git"]
        );
        assert_eq!(dependencies("[testenv]\ndeps = -rrequirements-dev.txt\n"), ["-rrequirements-dev.txt"]);
        assert!(dependencies("[tox]\n").is_empty());
    }
}
