//! uv: found where the user has it, or installed from its wheel into a folder of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::build_folder::{BuildFolder, sweep};
use super::declared::name_of;
use super::environment_cache::environments_folder;
use super::index_settings;
use super::proxy::{Address, Admission, Proxy, Service, addresses_in, without_keys_for_others};
use crate::dirfd::Scratch;
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::sandbox::{Network, Sandbox, SlotDirs, filter_environment};
use crate::process::{ChildOutcome, ChildSpec, program, run_with_proxy};

/// Building a large package from source takes long.
const LONGEST: Duration = Duration::from_secs(1800);

/// What it installs from: an environment as a whole, or only files that run nothing when they are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work<'a> {
    /// Code of packages may run, to build them. It writes here, and in the cache of this run.
    Builds(&'a Path),
    /// Nothing but uv runs: it may use what lasts.
    Installs,
}

/// What names of hosts are found with, where services have their sockets.
const NAMES: [&str; 6] = [
    "/run/NetworkManager/resolv.conf",
    "/run/connman/resolv.conf",
    "/run/netconfig",
    "/run/nscd",
    "/run/resolvconf",
    "/run/systemd/resolve",
];

/// There is no uv.
#[derive(Debug, thiserror::Error)]
pub enum UvError {
    /// It is not there, and nobody asked for it to be installed.
    #[error("uv is not installed")]
    NotFound,
    /// It could not be installed.
    #[error("failed to install uv with {python} -m pip: {said}")]
    Install {
        /// The interpreter whose pip was asked.
        python: PathBuf,
        /// What it said.
        said: String,
    },
}

/// A package, and the options beside it.
type Source = (String, Vec<String>);

/// The program.
#[derive(Debug, Clone)]
pub struct Uv {
    program: PathBuf,
    /// Where it runs: a folder without a project.
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    /// The files that tell it of registries.
    files: Vec<PathBuf>,
    sandbox: Option<Sandbox>,
    /// The user's registries.
    registries: BTreeSet<Address>,
    /// The way to them, where commands are confined.
    proxy: Option<Arc<Proxy>>,
    /// Why there is none.
    open: Option<String>,
    /// Packages, each with the options beside it, of which is known where they come from.
    known: Arc<Mutex<BTreeSet<Source>>>,
    /// The user's keys to all hosts.
    netrc: Option<PathBuf>,
    builds: Arc<Mutex<Option<Arc<BuildFolder>>>>,
    first_files: Arc<Mutex<BTreeMap<String, Timestamp>>>,
}

impl Uv {
    /// Look for uv beside an interpreter, on `PATH` and where an earlier run installed it. What `refuses` tells of came with
    /// the repository.
    ///
    /// # Errors
    /// When it is nowhere.
    pub fn find(
        python: Option<&Path>,
        cache: &Path,
        refuses: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, UvError> {
        let beside = python.and_then(Path::parent).map(|folder| folder.join("uv"));
        let on_path = || program("uv", refuses).ok();
        let own = installed_in(cache);
        let program = beside
            .filter(|program| program.is_file() && !refuses(program))
            .or_else(|| own.is_file().then_some(own))
            .or_else(on_path)
            .ok_or(UvError::NotFound)?;
        Ok(Self::new(program, cache))
    }

    /// Find an interpreter, and where there is none, install it.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub fn find_or_install(
        python: &Path,
        cache: &Path,
        refuses: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, UvError> {
        if let Ok(found) = Self::find(Some(python), cache, refuses) {
            return Ok(found);
        }
        let own = installed_in(cache);
        let folder = own.parent().and_then(Path::parent).unwrap_or(cache);
        let failed = |said: String| UvError::Install { python: python.to_owned(), said };
        let output = Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
            .arg(folder)
            .arg("uv")
            // `-m` looks in the current folder first.
            .current_dir("/")
            .env_remove("PYTHONPATH")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() || !own.is_file() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(said.trim().lines().last().unwrap_or("nothing").to_owned()));
        }
        Ok(Self::new(own, cache))
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    fn new(program: PathBuf, cache: &Path) -> Self {
        let folder = environments_folder(cache);
        let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                !name.starts_with("PYTHON") && name != "VIRTUAL_ENV" && name != "CONDA_PREFIX"
            })
            .collect();
        let files = index_settings::files(&variables);
        sweep(&folder);
        variables.extend(index_settings::variables(&variables));
        for (name, value) in [
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_NO_PROGRESS", "1"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROJECT", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        // Its cache is ours, never one in a trial's home. Beside what is made of it: across mounts there are no hard links.
        variables.insert("UV_CACHE_DIR".into(), folder.join("uv").into());
        let netrc = index_settings::netrc(&variables);
        let registries = index_settings::registries(&variables);
        Self {
            program,
            folder,
            variables,
            files,
            sandbox: None,
            registries,
            proxy: None,
            open: None,
            known: Arc::default(),
            netrc,
            builds: Arc::default(),
            first_files: Arc::default(),
        }
    }

    /// The same in a sandbox, with this machine's network and a clean environment: packages are built by code of their
    /// own.
    ///
    /// Of keys to hosts it gets those of the user's registries, which are also those that `lines` of his name.
    #[must_use]
    pub(super) fn confined(mut self, sandbox: Sandbox, passed: &[String], lines: &[&str]) -> Self {
        self.registries.extend(lines.iter().flat_map(|line| addresses_in(line)));
        let of_pip = index_settings::proxy_of_pip(&self.variables);
        let all = std::mem::take(&mut self.variables);
        let own = index_settings::variables(&all);
        let never = |name: &OsStr| name == "PWD" || name == "OLDPWD";
        self.variables = filter_environment(all, passed, true).kept;
        self.variables.extend(own);
        self.variables.retain(|name, _| !never(name));
        let program = self.program.canonicalize().unwrap_or_else(|_| self.program.clone());
        let visible = [self.files.as_slice(), &[self.program.clone(), program]].concat();
        let visible: Vec<PathBuf> = visible.into_iter().chain(NAMES.map(PathBuf::from)).collect();
        let admission = Admission::new(self.registries.clone());
        match Proxy::new(admission, &self.variables, of_pip.as_deref()) {
            Ok(proxy) => self.proxy = Some(Arc::new(proxy)),
            // Then builds have this machine's network, as registries are not to be had otherwise.
            Err(why) => self.open = Some(why.to_string()),
        }
        // The limits are for trials.
        let sandbox = sandbox.with_network(Network::Host).without_limits().without_services();
        self.sandbox = Some(sandbox.allow_paths(&visible, &[]));
        self
    }

    /// A file of requirements of these lines.
    pub(super) fn as_input(&self, lines: &[String]) -> String {
        let lines: Vec<String> =
            lines.iter().map(|line| without_keys_for_others(line, &self.registries)).collect();
        lines.join("\n")
    }

    /// Where this run builds.
    fn build_folder(&self) -> io::Result<Arc<BuildFolder>> {
        let mut made = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(Arc::clone(made));
        }
        let hosts = self.registries.iter().map(|registry| registry.host.clone()).collect();
        let new = Arc::new(BuildFolder::new(&self.folder, self.netrc.as_deref(), &hosts)?);
        *made = Some(Arc::clone(&new));
        Ok(new)
    }

    /// When the first files that satisfy a requirement were uploaded, as far as it was found out.
    pub(super) fn first_files(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.first_files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder for what it is told and what it answers.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn desk(&self) -> io::Result<Scratch> {
        self.build_folder()?.desk()
    }

    /// Run it with these arguments, in a folder without a project.
    ///
    /// # Errors
    /// When no process can be started.
    pub(super) fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        work: Work<'_>,
        cancel: &CancelToken,
    ) -> io::Result<ChildOutcome> {
        self.run_other(&self.program, arguments, work, cancel)
    }

    /// Run another program with the same variables.
    ///
    /// # Errors
    /// When no process can be started.
    pub(super) fn run_other(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        work: Work<'_>,
        cancel: &CancelToken,
    ) -> io::Result<ChildOutcome> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let builds = self.build_folder()?;
        let desk = builds.desk()?;
        let (home, tmp) = (desk.path().join("home"), desk.path().join("tmp"));
        std::fs::create_dir(&home)?;
        std::fs::create_dir(&tmp)?;
        let mut environment = self.variables.clone();
        if work != Work::Installs {
            environment.insert("UV_CACHE_DIR".into(), builds.cache().into());
            // What shares a file with the cache would change when a later build writes there.
            environment.insert("UV_LINK_MODE".into(), "copy".into());
        }
        let mut confinement = None;
        let mut service = Service::default();
        if let Some(sandbox) = &self.sandbox {
            environment.insert("TMPDIR".into(), tmp.clone().into());
            environment.insert("NETRC".into(), builds.netrc().into());
            let mut sandbox = sandbox.clone();
            if let Some(proxy) = &self.proxy {
                let (port, serves) = proxy.port(sandbox.has_network(), work == Work::Installs)?;
                service = serves;
                proxy.tell(port, &mut environment);
                sandbox = sandbox.with_network(Network::Proxy(port));
            }
            let keys = [builds.netrc()];
            confinement = Some(match work {
                // Links between the cache and an environment need both in one place.
                Work::Installs => {
                    let room = SlotDirs { slot: &self.folder, home: &home, tmp: &tmp, own: &[] };
                    sandbox.confine(room, desk.path(), &keys, &[])
                }
                Work::Builds(place) => {
                    let room = SlotDirs { slot: desk.path(), home: &home, tmp: &tmp, own: &[] };
                    sandbox.confine(room, desk.path(), &keys, &[builds.cache(), place.to_owned()])
                }
            });
        }
        let spec = ChildSpec {
            program: program.into(),
            arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(),
            folder: desk.path().to_owned(),
            environment,
            timeout: Some(LONGEST),
            marker: format!("uv-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            confinement,
            activity: TrialActivity::default(),
        };
        let listens = |listener| {
            if let Some(proxy) = &self.proxy {
                proxy.serve(listener, work == Work::Installs, &service);
            }
        };
        let mut outcome = run_with_proxy(&spec, cancel, &listens)?;
        let refused = service.refused();
        if outcome.ending != (Termination::Exited { code: 0 }) && !refused.is_empty() {
            let told = format!(
                "\nit asked for {}, and was not let through: packages come from your own registries and from hosts that \
                 requirements name, and only your own may be on this machine (to let it: PYBISECT_BUILD_HOSTS={})",
                refused.join(", "),
                refused.join(","),
            );
            outcome.stderr.text.push_str(&told);
        }
        Ok(outcome)
    }

    /// Find out, once, where packages come from that these lines ask for: what builds them is let through to nowhere else.
    /// Nothing of theirs runs for that.
    pub(super) fn know_sources(
        &self,
        python: &Path,
        lines: &[String],
        cancel: &CancelToken,
    ) -> io::Result<()> {
        let Some(proxy) = &self.proxy else { return Ok(()) };
        proxy.admission().know(&lines.join("\n"));
        let options: Vec<String> = lines.iter().filter(|line| line.starts_with('-')).cloned().collect();
        let packages = lines.iter().filter_map(|line| name_of(line)).map(|name| (name, options.clone()));
        let packages: Vec<_> = packages.collect();
        if !packages.iter().any(|package| !self.is_known(package)) {
            return Ok(());
        }
        let desk = self.desk()?;
        let list = desk.path().join("requirements.in");
        std::fs::write(&list, self.as_input(lines))?;
        let words = ["pip", "compile", "--quiet", "--no-build", "--no-deps", "--python"].map(OsString::from);
        let words = words.into_iter().chain([python.into(), list.into()]);
        // The lists are what counts, whatever comes of it.
        let _any = self.run(words, Work::Installs, cancel)?;
        for list in self.build_folder()?.take_lists(&self.folder.join("uv")) {
            proxy.admission().know(&list);
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(packages);
        Ok(())
    }

    fn is_known(&self, package: &Source) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(package)
    }

    /// What is not kept from builds, beside what is not kept from trials.
    pub(super) fn left_open(&self) -> Option<String> {
        let sandbox = self.sandbox.as_ref()?;
        let why = match &self.open {
            Some(why) => why.as_str(),
            None if sandbox.has_network() => return None,
            None if sandbox.has_ports() => "only connections by TCP are, as there is no network of their own",
            None => "there is no network of their own, and this system's Landlock knows no ports",
        };
        Some(format!("builds of packages kept to package registries: {why}"))
    }
}

fn installed_in(cache: &Path) -> PathBuf {
    cache.join("tools/bin/uv")
}
