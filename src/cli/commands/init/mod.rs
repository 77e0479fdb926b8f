//! `pybisect init`: the configuration and the workflow for this repository.

mod proposal;
mod trial;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::proposal::{Proposal, propose};
use self::trial::tried;
use crate::cli::commands::masked::hidden;
use crate::cli::terminal::stdout_style;
use crate::cli::{Error, ExitStatus, print};
use crate::dirfd::Folder;
use crate::git::Repository;

/// Set pybisect up for this repository, after a look at it
///
/// Proposes a smoke command from what is there (pytest, tox, nox, Django, Flask, unittest), and writes
/// pybisect.toml and a workflow for the host of the repository. Shows what it wrote, and whether the command
/// passes; files that are there already stay as they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite files that exist already
    #[arg(long)]
    force: bool,
    /// The smoke command to write, instead of a proposed one
    #[arg(long, value_name = "COMMAND")]
    smoke: Option<String>,
    /// Repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

/// A file that tells of a project is not larger.
const LARGEST: u64 = 4 << 20;

/// A file to write.
struct Output {
    path: &'static str,
    text: String,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let repository = Repository::open(&args.repo)?;
    let top = repository
        .workdir()
        .ok_or_else(|| Error::usage("a bare repository has no work tree").hinted("go to a checkout of it"))?;
    let files = files(top);
    let folder = Folder::open(top).map_err(Error::internal)?;
    let read = |path: &Path| {
        let bytes = folder.read_over_links(path, LARGEST).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    };
    let proposal = match &args.smoke {
        Some(words) => given(words)?,
        None => propose(&files, &read).ok_or_else(|| {
            Error::usage("found neither pytest, tox, nox, Django, Flask nor unittest here")
                .hinted("name the command: pybisect init --smoke 'python smoke.py'")
        })?,
    };
    let mut said = Vec::new();
    let mut written = Vec::new();
    let style = stdout_style();
    let because = &proposal.because;
    said.push(format!("smoke command: {} (from {because})\n", shell_words::join(&proposal.command)));
    for output in outputs(top, &proposal)? {
        let file = top.join(output.path);
        let stays = file.symlink_metadata().is_ok() && !args.force;
        let done = match (stays, args.dry_run) {
            (true, _) => "is there already and stays (--force overwrites)",
            (false, true) => "would be:",
            (false, false) => "written:",
        };
        said.push(format!("\n{} {done}\n", style.bold(output.path)));
        if stays {
            continue;
        }
        if !args.dry_run {
            written.push(output.path);
            write(&folder, output.path, &output.text).map_err(|error| {
                Error::usage(format!("failed to write {}: {error}", file.display())).hinted(
                    "remove what is in the way, or see what would be written: pybisect init --dry-run",
                )
            })?;
        }
        said.extend(output.text.lines().map(|line| format!("  {line}\n")));
    }
    if !args.dry_run {
        said.push(format!("\n{}\n", hidden(&tried(&args.repo, &proposal))));
        let step = |command: &str, why: &str| format!("  {command}  {}\n", style.dim(format!("# {why}")));
        said.push(format!("\n{}\n", style.bold("next")));
        if !written.is_empty() {
            let files = shell_words::join(written);
            said.push(step(&format!("git add {files} && git commit"), "what was written"));
        }
        said.push(step("pybisect find", "once the command fails: which commit broke it"));
    }
    print::print_text(said.concat().as_bytes())
}

fn given(words: &str) -> Result<Proposal, Error> {
    let command = shell_words::split(words)
        .map_err(|error| Error::usage(format!("--smoke '{words}' cannot be read: {error}")))?;
    let install = "python -m pip --version".to_owned();
    Ok(Proposal { command, because: "--smoke".to_owned(), install })
}

/// Write a file of the work tree, through no link: one that came with the repository may lead anywhere.
fn write(top: &Folder, path: &str, text: &str) -> io::Result<()> {
    let path = Path::new(path);
    let folders: Vec<&Path> = path.ancestors().skip(1).filter(|folder| *folder != Path::new("")).collect();
    for folder in folders.into_iter().rev() {
        match top.facts(folder) {
            Ok(facts) if facts.is_folder() => {}
            // It is the user's, or came with the repository.
            Ok(_) => {
                return Err(io::Error::new(io::ErrorKind::NotADirectory, "a link or file is in the way"));
            }
            Err(_) => top.make_folders(folder, Instant::now())?,
        }
    }
    match top.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    top.create(path, 0o666)?.write_all(text.as_bytes())
}

/// The configuration, and a workflow for each host that there is a sign of; GitHub's when there is none.
fn outputs(top: &Path, proposal: &Proposal) -> Result<Vec<Output>, Error> {
    let words: Vec<toml::Value> = proposal.command.iter().cloned().map(toml::Value::String).collect();
    let configuration = format!(
        "# What `pybisect find` and `pybisect check` run. `pybisect find --help` names the other keys.\ncommand = {}\n",
        toml::Value::Array(words)
    );
    let mut outputs = vec![Output { path: "pybisect.toml", text: configuration }];
    let hosts = [
        (".gitlab-ci.yml", ".gitlab/pybisect.yml", include_str!("../../../../ci/gitlab.yml")),
        ("Jenkinsfile", "Jenkinsfile.pybisect", include_str!("../../../../ci/Jenkinsfile")),
    ];
    let command = shell_words::join(&proposal.command);
    for (sign, path, template) in hosts {
        if top.join(sign).exists() {
            // In a Groovy string of three quotes; a block of YAML takes any text.
            let quoted = |text: &str| match sign {
                "Jenkinsfile" => text.replace('\\', r"\\").replace("'''", r"\'\'\'"),
                _ => text.to_owned(),
            };
            let text = template
                .replace("{version}", env!("CARGO_PKG_VERSION"))
                .replace("{install}", &quoted(&proposal.install))
                .replace("{command}", &quoted(&command));
            outputs.push(Output { path, text });
        }
    }
    if outputs.len() == 1 || top.join(".github").exists() {
        let scalar = |text: &str| serde_json::to_string(text).map_err(Error::internal);
        let text = include_str!("../../../../ci/github.yml")
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{install}", &scalar(&proposal.install)?)
            .replace("{command}", &scalar(&command)?);
        outputs.push(Output { path: ".github/workflows/pybisect.yml", text });
    }
    Ok(outputs)
}

/// The files near the top, without folders that are no source.
fn files(top: &Path) -> Vec<PathBuf> {
    const DEEPEST: usize = 4;
    let wanted = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = name.starts_with('.') || name == "node_modules" || name == "__pycache__";
        let environment = entry.path().join("pyvenv.cfg").exists();
        entry.depth() == 0 || !(hidden || environment)
    };
    walkdir::WalkDir::new(top)
        .max_depth(DEEPEST)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(wanted)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| entry.path().strip_prefix(top).ok().map(Path::to_owned))
        .collect()
}
