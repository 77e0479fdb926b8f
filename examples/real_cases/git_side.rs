//! `git bisect run` on a case, as a careful user would call it: the overlay is copied in before the
//! command and taken out after it, so that the next checkout finds a clean tree.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

use super::Outcome;
use super::case::Case;
use super::git_bisect::blamed;
use super::workplace::{Prepared, checked};

/// Run it in a work tree of its own.
pub(crate) fn run(case: &Case, prepared: &Prepared) -> Result<Outcome> {
    let tree = prepared.work_tree("git", &case.bad)?;
    let log = prepared.scratch.path().join("git-trials");
    let script = prepared.scratch.path().join("trial.sh");
    std::fs::write(&script, trial_script(case, prepared, &log.to_string_lossy())?)?;
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&tree).args(args);
        prepared.dress(&mut command, case);
        command
    };
    let began = Instant::now();
    checked(&mut git(&["bisect", "start", &case.bad, &case.good]))?;
    let output = git(&["bisect", "run", "sh", &script.to_string_lossy()]).stdin(Stdio::null()).output()?;
    let seconds = began.elapsed().as_secs_f64();
    let trials = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    Ok(Outcome {
        blamed: blamed(&String::from_utf8_lossy(&output.stdout)),
        trials,
        rounds: trials,
        seconds,
        ..Outcome::default()
    })
}

fn trial_script(case: &Case, prepared: &Prepared, log: &str) -> Result<String> {
    let quoted = |text: &str| shell_words::quote(text).into_owned();
    let mut script = String::new();
    writeln!(script, "echo trial >> {}", quoted(log))?;
    for (from, to) in &prepared.overlay {
        let to = quoted(to);
        writeln!(script, "mkdir -p \"$(dirname {to})\" && cp {} {to}", quoted(&from.to_string_lossy()))?;
    }
    if case.has_environments() {
        script.push_str(&environment_script(case, prepared));
    }
    writeln!(script, "{}\ncode=$?", shell_words::join(&case.command))?;
    writeln!(script, "git reset --quiet --hard")?;
    for (_, to) in &prepared.overlay {
        let to = quoted(to);
        writeln!(script, "git ls-files --error-unmatch {to} >/dev/null 2>&1 || rm -f {to}")?;
    }
    writeln!(script, "exit $code")?;
    Ok(script)
}

/// The environment of the commit's date, as a careful user would make it: with dates for the packages that cannot
/// be had, or not built with, as of that date.
fn environment_script(case: &Case, prepared: &Prepared) -> String {
    let quoted = |path: std::path::PathBuf| shell_words::quote(&path.to_string_lossy()).into_owned();
    let scratch = prepared.scratch.path();
    let (environment, list) = (quoted(scratch.join("environment")), quoted(scratch.join("requirements.txt")));
    let downloads = quoted(prepared.downloads.clone());
    let python = case.python.as_deref().unwrap_or("3.11");
    let declared = shell_words::join(&case.declared_in);
    let extra = shell_words::join(&case.extra_requirements);
    let resolved = quoted(scratch.join("resolved.txt"));
    format!(
        "export UV_CACHE_DIR={downloads}
dates='--exclude-newer-package setuptools=2020-03-01T00:00:00Z --exclude-newer-package atomicwrites=2022-07-09T00:00:00Z'
{{ cat {declared}; echo; printf '%s\\n' {extra}; }} > {list}
rm -rf {environment}
uv venv --quiet --python {python} {environment} || exit 125
uv pip compile --quiet --python {environment}/bin/python $dates --exclude-newer \
  \"$(git show -s --format=%cI HEAD)\" {list} --output-file {resolved} > /dev/null || exit 125
uv pip sync --quiet --python {environment}/bin/python {resolved} || exit 125
PATH={environment}/bin:$PATH; export PATH
"
    )
}
