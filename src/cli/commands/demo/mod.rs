//! `pybisect demo`: an incident from beginning to end, on an example history in a temporary folder.
//!
//! A URL shortener; among its commits, one turns `json.load` into `json.loads` and in the same breath
//! `app.route` into `app.routes`, so that the second mistake hides the first. Both are mended, and the
//! first comes back later.

mod incident;
mod repository;

use crate::setup::Request;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use self::repository::{BREAK, append, commit, say, write};
use super::output::JsonArgs;
use super::{find, fix};
use crate::cli::{Error, ExitStatus};

/// Show the whole thing on a bundled example, in a temporary folder
///
/// Needs python3, and pip or uv to install Flask there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An outage instead: a server whose new version fails, an alarm, and `pybisect respond`; needs python3 only
    #[arg(long)]
    incident: bool,
    /// Keep the example's folder, to try things in
    #[arg(long)]
    keep: bool,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    /// Run the example's trials on a cluster: slurm, or one of the Remote Execution API, grpc://HOST:PORT or grpcs://HOST:PORT;
    /// its workers need python3
    #[arg(long, value_name = "URL|slurm|local", conflicts_with = "incident")]
    executor: Option<String>,
    #[command(flatten)]
    result: JsonArgs,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let json = args.result.target()?;
    if args.incident {
        return incident::run(args.keep, json.as_deref());
    }
    let folder = tempfile::Builder::new().prefix("pybisect-demo-").tempdir().map_err(Error::internal)?;
    let repository = folder.path().join("short");
    build_history(&repository).map_err(Error::internal)?;
    say("a URL shortener whose smoke test fails at HEAD, and passed in the release v1.0");
    let is_there = args.executor.as_deref().is_some_and(|executor| executor != "local");
    let mut packed = Vec::new();
    let command = if is_there {
        packed_flask(folder.path()).map(|archive| {
            packed.push(format!("{}:{PACKAGES}", archive.display()));
            ["env", &format!("PYTHONPATH={PACKAGES}"), "python3", "smoke.py"].map(OsString::from).to_vec()
        })
    } else {
        python_with_flask(folder.path()).map(|python| vec![python.into_os_string(), "smoke.py".into()])
    };
    let command = command.map_err(|error| {
        Error::internal(error).hinted("the example needs python3, and pip or uv to install Flask")
    })?;
    let place = args.executor.iter().map(|place| format!("--executor {place} ")).collect::<String>();
    say(&format!("$ pybisect find {place}--good v1.0 -- python smoke.py\n"));
    let found = find::run_and_tell(
        &Request {
            good: vec!["v1.0".to_owned()],
            repo: Some(repository.clone()),
            jobs: args.jobs,
            executor: args.executor.clone(),
            with_file: packed,
            command,
            ..Request::default()
        },
        &find::Telling {
            result: &args.result,
            quiet: false,
            notify: None,
            // The folder goes, unless it is to be kept.
            has_next: args.keep,
        },
    );
    let found = match found {
        Ok(ExitStatus::Success) if json.is_none() => {
            say("\n$ pybisect fix");
            let onto = "HEAD".to_owned();
            let quiet = true;
            fix::run(&fix::Args {
                repo: Some(repository),
                onto,
                jobs: args.jobs,
                quiet,
                is_shown: !args.keep,
                ..fix::Args::default()
            })
        }
        other => other,
    };
    if args.keep {
        let kept = folder.keep();
        say(&format!("\nthe example is in {}", kept.join("short").display()));
    }
    found
}

/// Where Flask lies in trees that go to workers.
const PACKAGES: &str = ".packages.zip";

const APPLICATION: &str = include_str!("../../../../fixtures/demo/application.py");
const FILES: [(&str, &str); 4] = [
    ("README.md", include_str!("../../../../fixtures/demo/README.md")),
    ("smoke.py", include_str!("../../../../fixtures/demo/smoke.py")),
    ("templates/home.html", include_str!("../../../../fixtures/demo/templates/home.html")),
    ("templates/your_url.html", include_str!("../../../../fixtures/demo/templates/your_url.html")),
];

/// What a commit of the example does.
enum Edit {
    /// A line more in the read-me.
    Note,
    /// A line more in the first page.
    Page,
    /// Replace this by that in the application; the first place only.
    Replace(&'static [(&'static str, &'static str)]),
}

const MEND: (&str, &str) = ("json.loads(urls_file)", "json.load(urls_file)");

/// The example's history after its first commit: subjects and edits. `v1.0` is the sixth commit.
const HISTORY: [(&str, Edit); 38] = [
    ("Say how to run it", Edit::Note),
    ("Say what the short name is", Edit::Note),
    ("Welcome people", Edit::Page),
    ("Note the licence", Edit::Note),
    ("Release 1.0", Edit::Note),
    ("Explain the JSON file", Edit::Note),
    ("Make the page friendlier", Edit::Page),
    ("Thank contributors", Edit::Note),
    (
        "Tidy reading and routes",
        Edit::Replace(&[BREAK, ("@app.route(\"/your-url\"", "@app.routes(\"/your-url\"")]),
    ),
    ("Fix the routes", Edit::Replace(&[("@app.routes(", "@app.route(")])),
    ("Mention the port", Edit::Note),
    ("Read the stored URLs from the file again", Edit::Replace(&[MEND])),
    ("Describe the deployment", Edit::Note),
    ("Add a line of help", Edit::Page),
    ("Correct a typing error", Edit::Note),
    ("Link to the source", Edit::Page),
    ("Say more about backups", Edit::Note),
    ("Add a footer", Edit::Page),
    ("Name the maintainers", Edit::Note),
    ("Mention the staging server", Edit::Note),
    ("Add a hint for long names", Edit::Page),
    ("Say that names are case-sensitive", Edit::Note),
    ("Rephrase the introduction", Edit::Note),
    ("Add a heading", Edit::Page),
    ("Explain the error page", Edit::Note),
    ("Say thanks", Edit::Page),
    ("Read the stored URLs in one go", Edit::Replace(&[BREAK])),
    ("Add a second heading", Edit::Page),
    ("Note the opening hours of support", Edit::Note),
    ("Mention the log files", Edit::Note),
    ("Add a note on privacy", Edit::Page),
    ("Say where urls.json lies", Edit::Note),
    ("Shorten the introduction", Edit::Note),
    ("Add a note on cookies", Edit::Page),
    ("Explain the version numbers", Edit::Note),
    ("Name the sponsors", Edit::Note),
    ("Add an imprint", Edit::Page),
    ("Prepare the next release", Edit::Note),
];

/// The commit that gets the tag `v1.0`: the one with this subject.
const RELEASE: &str = "Release 1.0";

fn build_history(folder: &Path) -> anyhow::Result<()> {
    let repository = git2::Repository::init(folder)?;
    for (path, content) in FILES.iter().chain(&[("application.py", APPLICATION)]) {
        write(&folder.join(path), content)?;
    }
    commit(&repository, 0, "Shorten URLs")?;
    for (number, (subject, edit)) in (1_i64..).zip(&HISTORY) {
        match edit {
            Edit::Note => append(&folder.join("README.md"), &format!("\n{subject}.\n"))?,
            Edit::Page => append(&folder.join("templates/home.html"), &format!("<p>{subject}.</p>\n"))?,
            Edit::Replace(pairs) => {
                let file = folder.join("application.py");
                let mut text = std::fs::read_to_string(&file)?;
                for (old, new) in *pairs {
                    if !text.contains(old) {
                        bail!("the example's application has no '{old}' to replace");
                    }
                    text = text.replacen(old, new, 1);
                }
                write(&file, &text)?;
            }
        }
        let id = commit(&repository, number, subject)?;
        if *subject == RELEASE {
            repository.tag_lightweight("v1.0", &repository.find_object(id, None)?, false)?;
        }
    }
    Ok(())
}

/// A Python that can import Flask: the one on PATH, or one in an environment made here.
fn python_with_flask(folder: &Path) -> anyhow::Result<PathBuf> {
    let python =
        which::which("python3").or_else(|_| which::which("python")).context("there is no python3 on PATH")?;
    // Python looks in the current folder first: in ours, not in the user's.
    let has_flask =
        quietly(Command::new(&python).args(["-c", "import flask"]).current_dir(folder))?.success();
    if has_flask {
        return Ok(python);
    }
    say("installing Flask into the example's folder …");
    let environment = folder.join("venv");
    let own = environment.join("bin/python");
    let steps: Vec<Command> = match which::which("uv") {
        Ok(uv) => vec![
            command(
                &uv,
                &[
                    "venv".as_ref(),
                    "--quiet".as_ref(),
                    "--python".as_ref(),
                    python.as_os_str(),
                    environment.as_os_str(),
                ],
            ),
            command(
                &uv,
                &[
                    "pip".as_ref(),
                    "install".as_ref(),
                    "--quiet".as_ref(),
                    "--python".as_ref(),
                    own.as_os_str(),
                    "flask".as_ref(),
                ],
            ),
        ],
        Err(_) => vec![
            command(&python, &["-m".as_ref(), "venv".as_ref(), environment.as_os_str()]),
            command(&own, &["-m", "pip", "install", "--quiet", "flask"].map(AsRef::as_ref)),
        ],
    };
    steps.into_iter().try_for_each(|step| take(step, folder))?;
    Ok(own)
}

/// Flask in one file, which goes with each tree to workers that have Python alone.
fn packed_flask(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = which::which("python3").context("there is no python3 on PATH")?;
    say("packing Flask for the workers …");
    let packages = folder.join("packages");
    let words = ["--quiet", "--target"].map(OsString::from).into_iter();
    let words: Vec<OsString> = words.chain([packages.clone().into_os_string(), "flask".into()]).collect();
    let mut install = match which::which("uv") {
        Ok(uv) => {
            let mut install = command(&uv, &["pip", "install", "--python"].map(AsRef::as_ref));
            install.arg(&python);
            install
        }
        Err(_) => command(&python, &["-m", "pip", "install"].map(AsRef::as_ref)),
    };
    install.args(words);
    take(install, folder)?;
    let pack = "import shutil; shutil.make_archive('packages', 'zip', 'packages')";
    take(command(&python, &["-I", "-c", pack].map(AsRef::as_ref)), folder)?;
    Ok(folder.join("packages.zip"))
}

/// Do one step of an installation.
fn take(mut step: Command, folder: &Path) -> anyhow::Result<()> {
    let output = step.current_dir(folder).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("failed to start {step:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{step:?} failed: {}", said.trim().lines().last().unwrap_or_default());
    }
    Ok(())
}

fn command(program: &Path, args: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

fn quietly(command: &mut Command) -> anyhow::Result<std::process::ExitStatus> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.with_context(|| format!("failed to start {command:?}"))
}
