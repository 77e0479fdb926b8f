//! `pybisect fix`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config_args::ConfigArgs;
use super::isolation_args::IsolationArgs;
use super::live::pulse;
use super::masked::{hidden, masked};
use super::output::ResultFormat;
use crate::cli::terminal::{columns, stderr_style, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::{CancelToken, Event, Report};
use crate::report::{FixRows, FixText};
use crate::session::SignalListener;
use crate::setup::{FixRequest, FoundCause, TestedFixes, author, cache_dir};

/// The longest time for a push.
const PUSH: Duration = Duration::from_secs(300);

/// Test ways to fix what the last search found
///
/// Candidates are made on top of HEAD: the breaking edit undone, the same correction elsewhere, the commit
/// reverted, the file restored. All are tested at the same time, in private work trees; the smallest that passes
/// is written as a patch. Your work tree, index and branch stay as they are.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect fix
  pybisect fix --verify 'python -m pytest -q' --branch hotfix/json-load --commit
  pybisect fix --push origin

Exit status: 0 a fix passes (or none is needed), 3 none passes, 6 the push failed, 130 interrupted")]
pub(crate) struct Args {
    /// Session to fix, by the beginning of its id [default: the last finished one of this repository]
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Commit to apply the fix to
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) onto: String,
    /// A wider command that the fix has to pass too, such as the whole test suite
    #[arg(long, value_name = "COMMAND")]
    pub(crate) verify: Option<String>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where to write the patch [default: in the cache folder]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Commit the fix on this new branch, which is not checked out
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Commit the fix on a new branch [its name: pybisect/fix-COMMIT]
    #[arg(long)]
    pub(crate) commit: bool,
    /// Commit the fix on a new branch and push that
    #[arg(long, value_name = "REMOTE")]
    pub(crate) push: Option<String>,
    /// Take a fix that puts files back as they were last good, though it undoes later commits of them
    #[arg(long)]
    pub(crate) allow_restore: bool,
    /// Print only the result, no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Format of the result on standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<ResultFormat>,
    /// Write the result as JSON to a file, or to standard output with -, as --format json does
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<PathBuf>,
    /// Whether it is shown, not used: then what could be done next is left out.
    #[arg(skip)]
    pub(crate) is_shown: bool,
    /// Taken only to say that the command is that of the search
    #[arg(last = true, hide = true)]
    pub(crate) command: Vec<String>,
}

impl Args {
    fn request(&self) -> FixRequest {
        FixRequest {
            session: self.session.clone(),
            repo: self.repo.clone(),
            onto: Some(self.onto.clone()),
            verify: self.verify.clone(),
            jobs: self.jobs,
            isolation: self.isolation.options(),
            no_config: self.config.no_config,
        }
    }

    /// The command of the same fix: what of it says which one that is.
    fn again(&self) -> String {
        let mut words = vec!["pybisect".to_owned(), "fix".to_owned()];
        words.extend(self.session.clone());
        let repo = self.repo.as_ref().map(|repo| repo.display().to_string());
        let onto = Some(&self.onto).filter(|onto| *onto != "HEAD").cloned();
        for (name, value) in [("--repo", repo), ("--onto", onto), ("--verify", self.verify.clone())] {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        }
        shell_words::join(words)
    }
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    if !args.command.is_empty() {
        let command = shell_words::join(&args.command);
        return Err(Error::usage("the command is that of the search, and need not be given").hinted(
            format!("to test a wider one as well: pybisect fix --verify {}", shell_words::quote(&command)),
        ));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let request = args.request();
    let cause = FoundCause::of(&request)?;
    let branch = branch(args, &cause.report, &cause.repository)?;
    let pulse = (!args.quiet).then(pulse);
    let mut rows = FixRows::default();
    let mut heard = |event: &Event| {
        let Some(pulse) = &pulse else { return };
        pulse.hear(&event.kind);
        if let Some(row) = rows.row(&event.kind) {
            say(&hidden(&row));
            pulse.told();
        }
    };
    let tested = cause.test(&request, &cancel, &mut heard)?;
    drop((pulse, listener));
    let Some(tested) = tested else {
        let again = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        print::resume_hint(&cancel, &[], again);
        return Ok(ExitStatus::Interrupted);
    };
    tell(args, &tested, branch.as_deref())
}

/// Write the patch, make the branch, and show what came of it.
fn tell(args: &Args, tested: &TestedFixes, branch: Option<&str>) -> Result<ExitStatus, Error> {
    let TestedFixes { prepared, fixes, .. } = tested;
    let repository = &prepared.repository;
    let shown = masked(&fixes.report);
    let mut patch = None;
    let mut committed = None;
    if let Some((fix, tree)) = tested.best(args.allow_restore) {
        let file = match &args.output {
            Some(file) => file.clone(),
            None => cache_dir::cache()?.join("fixes").join(format!("{}.patch", fixes.report.session)),
        };
        if let Some((_, made)) = fixes.made.iter().find(|(made, _)| *made == tree) {
            write(&file, &made.bytes)?;
            warn_of_uncommitted(repository, &made.paths);
        }
        patch = Some(file);
        if let Some(name) = branch {
            let id = tested.commit((fix, tree), name, args.verify.as_deref())?;
            committed = Some((name.to_owned(), id));
        }
    }
    let stdout = Path::new("-");
    let json = if args.format == Some(ResultFormat::Json) { Some(stdout) } else { args.json.as_deref() };
    let json_on_stdout = json == Some(stdout);
    if let Some(file) = json {
        let mut text = serde_json::to_vec_pretty(&shown).map_err(Error::internal)?;
        text.push(b'\n');
        if json_on_stdout { print::print(&text).map(drop)? } else { write(file, &text)? }
    }
    if !json_on_stdout {
        let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
        let top = repository.workdir().and_then(|top| top.canonicalize().ok());
        let view = FixText {
            style: stdout_style(),
            width: columns(),
            patch: patch.as_deref(),
            top: top.as_deref().filter(|top| here.as_deref() != Some(*top)),
            committed: committed.as_ref(),
            says_next: !args.is_shown,
            allows_restore: args.allow_restore,
            again: &hidden(&args.again()),
        };
        let mut text = Vec::new();
        view.render(&shown, &mut text).map_err(Error::internal)?;
        print::print_text(&text)?;
    }
    if let (Some(remote), Some((name, _))) = (&args.push, &committed) {
        if let Err(error) = repository.push_branch(remote, name, PUSH) {
            say(&format!("{error}"));
            return Ok(ExitStatus::Response);
        }
        say(&format!("pushed {name} to {remote}"));
    }
    let good = fixes.report.mended_already || tested.best(args.allow_restore).is_some();
    Ok(if good { ExitStatus::Success } else { ExitStatus::Inconclusive })
}

/// Candidates are on top of a commit: what the user changed since is not in them.
fn warn_of_uncommitted(repository: &Repository, paths: &[PathBuf]) {
    for path in paths.iter().filter(|path| repository.is_uncommitted(path)) {
        let path = path.display();
        say(&format!(
            "note: your uncommitted changes of {path} were not tested; the patch may not apply to them"
        ));
    }
}

/// The name of the branch, when one is wanted.
fn branch(args: &Args, report: &Report, repository: &Repository) -> Result<Option<String>, Error> {
    if args.branch.is_none() && !args.commit && args.push.is_none() {
        return Ok(None);
    }
    let culprit = report.culprits.first().map(|culprit| culprit.commit.id.short()).unwrap_or_default();
    let name = args.branch.clone().unwrap_or_else(|| format!("pybisect/fix-{culprit}"));
    if !Repository::can_be_a_branch(&name) {
        return Err(Error::usage(format!("a branch cannot be called '{name}'"))
            .hinted("no spaces, no '..', none of ~^:?*[\\; choose another: --branch NAME"));
    }
    if let Some(remote) = &args.push {
        known_remote(repository, remote)?;
    }
    author(repository)?;
    if repository.has_branch(&name) {
        return Err(Error::usage(format!("there is a branch '{name}' already"))
            .hinted("choose another: --branch NAME"));
    }
    Ok(Some(name))
}

/// A remote is a name that git knows, or an address.
fn known_remote(repository: &Repository, remote: &str) -> Result<(), Error> {
    let known = repository.remotes()?;
    if known.iter().any(|name| name == remote) || remote.contains(['/', ':']) {
        return Ok(());
    }
    let hint = match known.as_slice() {
        [] => "git remote add NAME URL".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    Err(Error::usage(format!("no remote is called '{remote}'")).hinted(hint))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::internal)?;
    }
    std::fs::write(file, bytes)
        .map_err(|error| Error::usage(format!("failed to write {}: {error}", file.display())))
}

fn say(text: &str) {
    drop(writeln!(anstream::stderr(), "{}", stderr_style().dim(text)));
}
