//! From flags and configuration to a plan and the place where it runs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::allowed::{not_without_isolation, stay_inside, unasked};
use super::duration::parse_duration;
use super::ends::{Ends, endpoints};
use super::find::Args;
use super::isolation::{Filters, SandboxProbe};
use super::location::Location;
use super::overlay::overlay;
use super::preflight::Preflight;
use super::python_path::own_paths;
use super::retyped::Retyped;
use super::venvs::{Venvs, absolute_program, interpreter_around, outer_path, seen, with_outer_paths};
use super::view::{Surroundings, view};
use super::with_file::home_files;
use super::workspace::Workspace;
use super::{environments, history, junit, last_failed, named_files};
use crate::cli::{CliError, cache_dir, config};
use crate::git::{Link, Repository};
use crate::model::trial::HomeFile;
use crate::model::{CancelToken, CommitId, PackageSelection, TrialSpec};
use crate::process::sandbox::Sandbox;
use crate::pyenv;
use crate::pyenv::{Environments, Interpreter, ProbeError, Prober};
use crate::session::{Matching, OverlayFile, Plan, SessionContext, TestChoice};
use crate::store::Store;
use crate::triage::runners::telling;

/// All that a session needs.
pub(super) struct Prepared {
    pub(super) repository: Repository,
    pub(super) plan: Plan,
    pub(super) bench: Workspace,
    pub(super) store: Store,
    pub(super) warnings: Vec<String>,
    /// What a partial clone lacked, until the end.
    _fetched: TempDir,
    /// Which environment was chosen and why, where the user did not say.
    pub(super) line: Option<String>,
    /// Where what is no trial runs.
    pub(super) tools: Tools,
}

impl Prepared {
    /// What a session works with, until this is cancelled.
    pub(super) fn workshop<'a>(&'a self, cancel: &'a CancelToken) -> SessionContext<'a> {
        let Self { repository, bench, store, .. } = self;
        SessionContext { repository, shadow: &bench.shadow, executor: bench.executor.as_ref(), store, cancel }
    }
}

/// Sandboxes for what is started beside the trials; `None` where there is none, or none is wanted.
pub(super) struct Tools {
    /// That of the trials, for programs that read the sources.
    pub(super) sandbox: Option<Sandbox>,
    /// For interpreters that say what they are.
    pub(super) questions: Option<Sandbox>,
}

/// Files that trials have and commits do not.
#[derive(Default)]
struct LaidOver {
    /// In the trials' home.
    home: Vec<HomeFile>,
    /// Over each tree.
    overlay: Vec<OverlayFile>,
    /// What to say of them.
    notes: Vec<String>,
}

/// The files of `--with-file`, and those that the command names and that are newer here.
fn laid_over(
    merged: &ResolvedOptions,
    here: &Path,
    standing: &Location,
    repository: &Repository,
    ends: &[CommitId],
) -> Result<LaidOver, CliError> {
    let top = standing.top.as_deref();
    let (home, in_tree) = home_files(&merged.with_file, here)?;
    let mut laid = LaidOver { home, overlay: overlay(&in_tree, here, top)?, notes: Vec::new() };
    if let Some(top) = top.filter(|_| merged.lays_over_named) {
        let around = named_files::Surroundings { repository, top, subdir: &standing.subdir, ends };
        let named = named_files::named_files(&merged.command, &laid.overlay, &around);
        laid.overlay.extend(named.overlay);
        laid.notes = named.notes;
    }
    Ok(laid)
}

/// What the command and the set-up name.
fn words_of(recipe: &TrialSpec) -> Vec<OsString> {
    recipe.command.iter().cloned().chain(recipe.setup.iter().map(OsString::from)).collect()
}

/// Have the command's runner tell the outcome of each test, where an option does that and nothing else; why it does.
fn with_outcomes_told(recipe: &mut TrialSpec) -> Option<&'static str> {
    let told = telling(&recipe.command)?;
    recipe.command.clone_from(&told.command);
    Some(told.why)
}

/// Resolve flags, configuration and environment.
#[expect(clippy::too_many_lines, reason = "each step needs what those before it made")]
pub(super) fn prepare(args: &Args) -> Result<Prepared, CliError> {
    let here = std::env::current_dir().map_err(CliError::internal)?;
    let place = args.repo.clone().unwrap_or_else(|| here.clone());
    let mut repository = Repository::open(&place)?;
    let standing = Location::new(&repository, &place);
    let loaded = config::load(&standing.config(&repository, args.config_of), args.config.no_config)?;
    let mut merged = ResolvedOptions::new(args, &loaded.config)?;
    let mut last_failed = args.lf.then(|| last_failed::add(&mut merged.command, &standing)).transpose()?;
    if !args.junit.is_empty() {
        last_failed = Some(junit::add(&mut merged.command, &args.junit, &standing)?);
    }

    let typed = args.is_typed.then(Retyped::now);
    let Ends { good, bad, notes } = endpoints(&repository, args, &merged, typed.as_ref())?;
    let fetched = tempfile::tempdir().map_err(CliError::internal)?;
    repository.bring_folders(&fetched.path().join("shadow.git"), &good, bad)?;
    stay_inside(&loaded.config, args, &here, &standing)?;
    let ends: Vec<CommitId> = good.iter().copied().chain([bad]).collect();
    let laid = laid_over(&merged, &here, &standing, &repository, &ends)?;
    let isolated = args.isolation.wanted_by(&loaded.config, !merged.command.is_empty())?;
    let refuses = |program: &Path| repository.brings(program);
    let offered = isolated.offered(&refuses)?;
    let runs_unasked = unasked(&loaded.config, args);
    if let Some(key) = runs_unasked.filter(|_| !offered.as_ref().is_some_and(SandboxProbe::hides_files)) {
        return Err(not_without_isolation(key, isolated.is_off()));
    }
    let questions = offered.as_ref().and_then(|offered| offered.for_questions(standing.top.as_deref()));
    let prober = Prober { sandbox: questions.as_ref(), refuses: &refuses };
    let mut warnings = loaded.warnings;
    let setup = merged.setup.as_ref().map(OsString::from);
    let commands: Vec<OsString> = merged.command.iter().cloned().chain(setup).collect();
    let venvs = Venvs::find(standing.top.as_deref(), &standing.folder, &commands, &prober);
    let python = match interpreter(&merged.command, &standing.folder, &venvs, &prober) {
        Err(error @ ProbeError::Tracked { .. }) => {
            warnings.push(error.to_string());
            None
        }
        python => python.ok().flatten(),
    };
    let variables = isolated.variables(std::env::vars_os());
    let mut recipe = recipe(&merged, &standing, (python.as_ref(), &venvs), variables.kept);
    let added = with_outcomes_told(&mut recipe);
    recipe.home = laid.home;
    let cache = cache_dir::cache()?;
    let (seen, mut links) = seen(&args.isolation.see, &here, standing.top.as_deref())?;
    links.extend(venvs.links());
    let view = view(&Surroundings {
        repository: &repository,
        top: standing.top.as_deref(),
        cache: &cache,
        python: python.as_ref(),
        variables: &recipe.environment,
        // What a repository names is not shown for that.
        words: if runs_unasked.is_some() { Vec::new() } else { words_of(&recipe) },
        more: venvs.places().into_iter().chain(seen).collect(),
    });
    let (sandbox, mut isolation) = isolated.sandbox(offered, view, variables.withheld)?;
    let store = Store::open_for_search(&cache)?;
    warnings.extend(store.note());
    cache_dir::check_runs(&cache)?;
    let jobs = merged.jobs;
    let options = args.environment.wanted_by(&loaded.config, !merged.command.is_empty());
    let chosen = environments::choose(
        &options,
        &repository,
        (&ends, &standing.subdir),
        (python.as_ref(), &prober),
        (&cache, sandbox.as_ref().map(|sandbox| (sandbox, isolated.passed()))),
        &merged.command,
    )?;
    if let Some(typed) = &typed {
        let preflight = Preflight {
            repository: &repository,
            commit: if args.find_fix { good.first().copied().unwrap_or(bad) } else { bad },
            top: standing.top.as_deref(),
            subdir: &standing.subdir,
            overlay: &laid.overlay,
            command: if merged.is_script { &[] } else { &merged.command },
            has_setup: merged.setup.is_some(),
            python: python.as_ref(),
            has_environments: chosen.environments.is_some(),
            typed,
        };
        preflight.check()?;
    }
    let mut environment = facts(python.as_ref().filter(|_| chosen.environments.is_none()));
    environment.extend(chosen.facts);
    isolated.note_missing(&mut isolation, chosen.environments.as_ref().and_then(Environments::missing))?;
    warnings.extend(chosen.warnings.into_iter().chain(isolated.warning(&isolation)));
    warnings.extend(history::replacements(&repository)?);
    if chosen.environments.is_some() {
        // Each commit has its own.
        links.retain(|(_, target)| !pyenv::is_environment(target));
    }
    environment.extend(added.map(|why| ("added_option".to_owned(), why.to_owned())));
    let extras = (links.clone(), args.isolation.filters == Some(Filters::Run));
    let bench = Workspace::new(
        &cache,
        &repository,
        jobs,
        python.as_ref(),
        chosen.environments,
        sandbox.clone(),
        extras,
    )?;
    let pythons: Vec<&Interpreter> = python.iter().chain(&venvs.used).collect();
    let mut outside = vec![isolated.key(&isolation), bench.shadow.checkout_key()];
    outside.extend(runs_unasked.map(|_| "without what it names".to_owned()));
    let environment_key = environment_key(&recipe, &pythons, &outside, &links);
    let plan = Plan {
        good,
        bad,
        recipe,
        overlay: laid.overlay,
        matching: merged.matching,
        target: args.target.as_deref().map(TestChoice::new),
        only_failing: args.only_failing.into(),
        find_fix: args.find_fix,
        narrow: !args.no_narrow,
        // The evidence of a failure tells what brought it, not what mended it.
        watch: args.trace && !args.find_fix,
        first_parent: merged.first_parent,
        pathspecs: merged.path,
        confidence: args.confidence,
        fresh: args.fresh,
        environment_key,
        environment,
        isolation,
        command_text: command_text(&merged.command, args.shell.as_deref()),
        repository: repository.folder().to_string_lossy().into_owned(),
        notes: notes.into_iter().chain(last_failed).chain(laid.notes).collect(),
    };
    let tools = Tools { sandbox, questions };
    Ok(Prepared { repository, plan, bench, store, warnings, _fetched: fetched, line: chosen.line, tools })
}

/// Flags over configuration over defaults.
pub(super) struct ResolvedOptions {
    command: Vec<OsString>,
    /// Whether the command is a shell's.
    is_script: bool,
    pub(super) good: Vec<String>,
    first_parent: bool,
    path: Vec<String>,
    jobs: usize,
    with_file: Vec<String>,
    lays_over_named: bool,
    setup: Option<String>,
    timeout: Option<Duration>,
    keep: Vec<String>,
    matching: Matching,
}

impl ResolvedOptions {
    fn new(args: &Args, config: &config::Config) -> Result<Self, CliError> {
        let or = |flags: &[String], other: &Option<Vec<String>>| {
            if flags.is_empty() { other.clone().unwrap_or_default() } else { flags.to_vec() }
        };
        if !(args.confidence > 0.5 && args.confidence < 1.0) {
            return Err(CliError::usage("--confidence is a probability above 0.5 and below 1"));
        }
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let any_failure = args.any_failure || config.any_failure.unwrap_or(false);
        Ok(Self {
            command: command(args, config)?,
            is_script: args.shell.is_some(),
            good: if args.find_fix { args.good.clone() } else { or(&args.good, &config.good) },
            first_parent: args.first_parent || config.first_parent.unwrap_or(false),
            path: or(&args.path, &config.path),
            jobs: args.jobs.map(usize::from).or(config.jobs).unwrap_or_else(cores).clamp(1, 512),
            with_file: or(&args.with_file, &config.with_file),
            lays_over_named: !args.no_with_file && !config.no_with_file.unwrap_or(false),
            setup: args.setup.clone().or_else(|| config.setup.clone()),
            timeout: args
                .timeout
                .as_ref()
                .or(config.timeout.as_ref())
                .map(|text| parse_duration(text))
                .transpose()?,
            keep: or(&args.keep, &config.keep),
            matching: matching(args.pattern.as_ref().or(config.pattern.as_ref()), any_failure)?,
        })
    }
}

fn command(args: &Args, config: &config::Config) -> Result<Vec<OsString>, CliError> {
    if let Some(script) = &args.shell {
        return Ok(["sh", "-c", script].map(OsString::from).to_vec());
    }
    if !args.command.is_empty() {
        return Ok(args.command.clone());
    }
    if args.runs_nothing {
        return Ok(Vec::new());
    }
    match &config.command {
        Some(words) if !words.is_empty() => Ok(words.iter().map(OsString::from).collect()),
        _ if args.may_lack_command || args.lf || !args.junit.is_empty() => Ok(Vec::new()),
        _ => Err(CliError::usage("no command to run").hinted(
            "give it after `--`: pybisect find --good v1.4 -- python -m pytest -q tests/test_smoke.py",
        )),
    }
}

fn command_text(command: &[OsString], shell: Option<&str>) -> String {
    match shell {
        Some(script) => script.to_owned(),
        None => shell_words::join(command.iter().map(|word| word.to_string_lossy())),
    }
}

fn matching(pattern: Option<&String>, any_failure: bool) -> Result<Matching, CliError> {
    match pattern {
        Some(pattern) => regex::Regex::new(pattern).map(Matching::Pattern).map_err(|error| {
            CliError::usage(format!("--match '{pattern}' is not a regular expression: {error}"))
        }),
        None if any_failure => Ok(Matching::AnyFailure),
        None => Ok(Matching::Signature),
    }
}

/// The interpreter behind the command, when there is one.
fn interpreter(
    command: &[OsString],
    folder: &Path,
    venvs: &Venvs,
    prober: &Prober<'_>,
) -> Result<Option<Interpreter>, ProbeError> {
    let Some(program) = command.first() else { return Ok(None) };
    let around = interpreter_around(program, folder);
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    // What runs another program may speak of the environment that this is in.
    if let Some(used) = venvs.used.first().filter(|_| around.is_none() && !name.starts_with("py")) {
        return Ok(Some(used.clone()));
    }
    let python = around.or_else(|| pyenv::find_python(program, folder));
    python.map(|python| prober.probe(&python)).transpose()
}

fn recipe(
    merged: &ResolvedOptions,
    standing: &Location,
    (python, venvs): (Option<&Interpreter>, &Venvs),
    mut environment: BTreeMap<OsString, OsString>,
) -> TrialSpec {
    let mut command = merged.command.clone();
    absolute_program(&mut command, &standing.folder, standing.top.as_deref());
    let mut setup = merged.setup.clone();
    if let Some(top) = &standing.top {
        for word in command.iter_mut().skip(1) {
            let text = word.to_string_lossy();
            *word = match outer_path(&text, &standing.folder, top) {
                Some(path) => path.into_os_string(),
                None if merged.is_script => with_outer_paths(&text, &standing.folder, top).into(),
                None => continue,
            };
        }
        setup = setup.map(|script| with_outer_paths(&script, &standing.folder, top));
    }
    if venvs.is_for_uv() {
        // It would bring the environment up to date, which is not the trial's to write.
        environment.entry("UV_NO_SYNC".into()).or_insert_with(|| "1".into());
    }
    let mut tree_paths = BTreeMap::new();
    if let Some(python) = python {
        behind_shims(&mut environment, python);
        if let Some(base) = &python.user_base {
            environment.insert("PYTHONUSERBASE".into(), base.into());
        }
    }
    if let Some(top) = &standing.top {
        let own = own_paths(&mut environment, standing, top, python.into_iter().chain(&venvs.used));
        if !own.is_empty() {
            tree_paths.insert("PYTHONPATH".to_owned(), own);
        }
    }
    TrialSpec {
        command,
        subdir: standing.subdir.clone(),
        setup,
        timeout: merged.timeout,
        keep: merged.keep.clone(),
        environment,
        tree_paths,
        packages: PackageSelection::Own,
        visible: Vec::new(),
        writable: Vec::new(),
        home: Vec::new(),
        is_watched: false,
    }
}

/// Programs of a version manager choose by HOME, which trials do not share, and cost a start of their
/// own each time: the interpreter that they lead to comes first on PATH.
fn behind_shims(environment: &mut BTreeMap<OsString, OsString>, python: &Interpreter) {
    let Some(folder) = python.executable.parent() else { return };
    let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let first = std::env::split_paths(&path)
        .find(|folder| ["python", "python3"].iter().any(|name| folder.join(name).is_file()));
    if first.as_deref() != Some(folder) {
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
        if let Ok(joined) = std::env::join_paths(folders) {
            environment.insert("PATH".into(), joined);
        }
    }
}

/// A fingerprint of all that lies outside of tree and recipe.
fn environment_key(
    recipe: &TrialSpec,
    pythons: &[&Interpreter],
    outside: &[String],
    links: &[Link],
) -> String {
    let mut facts: Vec<String> = recipe.tree_paths.iter().map(|entry| format!("{entry:?}")).collect();
    facts.extend_from_slice(outside);
    facts.extend(links.iter().map(|(inside, target)| format!("{} {}", inside.display(), target.display())));
    for python in pythons {
        facts.push(format!("{} {}", python.executable.display(), python.version));
        facts.extend(python.packages.iter().cloned());
    }
    // Files that the command names outside of the tree.
    for word in recipe.command.iter().skip(1).chain(recipe.command.first()) {
        let path = Path::new(word);
        if path.is_absolute()
            && word.as_bytes().len() < 4096
            && std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() < 1 << 20)
            && let Ok(content) = std::fs::read(path)
        {
            facts.push(format!("{} {}", path.display(), blake3::hash(&content)));
        }
    }
    pyenv::fingerprint(&recipe.environment, &facts)
}

fn facts(python: Option<&Interpreter>) -> Vec<(String, String)> {
    let Some(python) = python else { return Vec::new() };
    vec![
        ("python".to_owned(), python.executable.to_string_lossy().into_owned()),
        ("python_version".to_owned(), format!("{} {}", python.implementation, python.version)),
        ("packages".to_owned(), python.packages.len().to_string()),
    ]
}
