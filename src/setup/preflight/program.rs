//! The program of a command: whether it is there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Preflight, nearest};
use crate::git::WorkState;
use crate::setup::error::Error;

/// What a mistyped word is most often meant to be, also where it comes with an environment.
const COMMON: [&str; 3] = ["python", "python3", "pytest"];
/// More programs are not looked at for a name.
const MOST: usize = 20_000;

impl Preflight<'_> {
    pub(super) fn check_program(&self) -> Result<(), Error> {
        let words = self.words();
        let Some(program) = words.first() else { return Ok(()) };
        if program.contains('/') { self.check_file(program) } else { self.check_name(program, &words) }
    }

    /// A program that is looked for on `PATH`.
    fn check_name(&self, program: &str, words: &[String]) -> Result<(), Error> {
        if which::which(program).is_ok() || program.is_empty() {
            return Ok(());
        }
        let plain = format!("no program is called `{program}`");
        if words.len() == 1 && program.contains(char::is_whitespace) {
            let parts = shell_words::split(program).unwrap_or_default();
            let error = Error::usage(format!("{plain}: that is a whole command in quotes"));
            let is_simple = !program.contains(['|', '&', ';', '<', '>', '$', '*', '(']);
            let error = if is_simple {
                error.hinted(format!("without the quotes: {}", self.typed.with_command(&parts)))
            } else {
                error
            };
            return Err(error.hinted(format!("as a line of a shell: {}", self.typed.with_script(program))));
        }
        if program
            .split_once('=')
            .is_some_and(|(name, _)| name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'))
        {
            let with_env: Vec<String> =
                std::iter::once("env".to_owned()).chain(words.iter().cloned()).collect();
            return Err(Error::usage(format!("{plain}: variables are set by a shell, or by env"))
                .hinted(self.typed.with_command(&with_env).to_string()));
        }
        let on_path = if self.has_environments { Vec::new() } else { on_path() };
        let meant = nearest(program, COMMON).or_else(|| nearest(program, on_path.iter().map(String::as_str)));
        let is_runner = program == "pytest";
        match meant.filter(|_| !is_runner) {
            Some(meant) => Err(Error::usage(format!("{plain} on PATH; did you mean `{meant}`?"))
                .hinted(self.typed.with_word(program, meant).to_string())),
            // What is not here may come with the environment of each commit; and pytest is looked for by itself.
            None if self.has_environments || is_runner => Ok(()),
            None => Err(Error::usage(format!("{plain} on PATH"))
                .hinted("install it, or name it by its path; what is a word of a shell: --shell STRING")),
        }
    }

    /// A program that is named by a path.
    fn check_file(&self, program: &str) -> Result<(), Error> {
        if Path::new(program).is_absolute() {
            return match Path::new(program).metadata() {
                Ok(facts) if facts.is_file() && facts.permissions().mode() & 0o111 == 0 => {
                    Err(self.not_executable(program, program))
                }
                Ok(facts) if facts.is_file() => Ok(()),
                Ok(_) => Err(Error::usage(format!("{program} is a folder, and no program"))),
                Err(_) => Err(Error::usage(format!("there is no program at {program}"))),
            };
        }
        let Some(path) = self.in_tree(program).filter(|_| !self.has_setup) else { return Ok(()) };
        if let Some(laid) = self.overlay.iter().find(|file| Path::new(&file.path) == path) {
            return if laid.executable { Ok(()) } else { Err(self.not_executable(program, &laid.path)) };
        }
        let tree = self.repository.tree_of(self.commit)?;
        if self.repository.entry_at(tree, &path)?.is_some() {
            use std::os::unix::ffi::OsStrExt as _;
            let mode = self.repository.mode_at(tree, path.as_os_str().as_bytes())?;
            let is_plain = mode & 0o170_000 == 0o100_000 && mode & 0o111 == 0;
            return if is_plain { Err(self.not_executable(program, program)) } else { Ok(()) };
        }
        let id = self.commit.short();
        let is_here = self.top.is_some_and(|top| top.join(&path).exists());
        match self.repository.work_state(&path) {
            Some(WorkState::Untracked | WorkState::Changed | WorkState::Committed) => {
                let laid = self.typed.with_more(&["--with-file", &self.as_typed(&path.to_string_lossy())]);
                Err(Error::usage(format!(
                    "{program} is in your work tree and not in {id}: trials see commits only"
                ))
                .hinted(laid.to_string()))
            }
            // In an environment, which trials do see, or something that is made.
            Some(WorkState::Ignored) => Ok(()),
            None if is_here => Ok(()),
            None => Err(self.no_such_file(program, program, &path)),
        }
    }

    /// There is no such file, neither here nor in the commit: `word` names it, and may name a test in it.
    pub(super) fn no_such_file(&self, word: &str, file: &str, path: &Path) -> Error {
        if let Some(error) = self.laid_elsewhere(file, path) {
            return error;
        }
        let wrong = path.to_string_lossy();
        let files = self.files(|_| true);
        let meant = nearest(&wrong, files.iter().map(String::as_str)).or_else(|| {
            // The same name in another folder.
            let mut same = files.iter().filter(|file| Path::new(file).file_name() == path.file_name());
            same.next().filter(|_| same.next().is_none()).map(String::as_str)
        });
        let error = Error::usage(format!("there is no {file}, neither here nor in {}", self.commit.short()));
        match meant {
            Some(meant) => {
                let meant = self.as_typed(meant);
                let dotted = if file.starts_with("./") { format!("./{meant}") } else { meant };
                let right = word.replacen(file, &dotted, 1);
                error.hinted(format!("did you mean {dotted}? {}", self.typed.with_word(word, &right)))
            }
            None => error.hinted("paths are meant from where you stand; see what there is: git ls-files"),
        }
    }

    /// A file of that name is laid over the trees, in another place.
    fn laid_elsewhere(&self, file: &str, path: &Path) -> Option<Error> {
        let is_same = |other: &str| Path::new(other).file_name() == path.file_name();
        let laid = self.overlay.iter().find(|laid| is_same(&laid.path))?;
        let error = Error::usage(format!("there is no {file}: the file is laid over as {}", laid.path));
        let dest = path.display();
        Some(match self.typed.values("--with-file").find(|source| is_same(source)) {
            Some(source) => {
                error.hinted(self.typed.with_value(source, &format!("{source}:{dest}")).to_string())
            }
            None => error.hinted(format!("--with-file SRC:{dest}")),
        })
    }

    fn not_executable(&self, program: &str, path: &str) -> Error {
        let content = self.in_tree(program).and_then(|path| self.file(&path)).unwrap_or_default();
        let first = String::from_utf8_lossy(&content).lines().next().unwrap_or_default().to_owned();
        let first = if first.starts_with("#!") { first } else { String::new() };
        let is_python = path.ends_with(".py") || first.contains("python");
        let with = if is_python {
            "python"
        } else if first.contains("bash") {
            "bash"
        } else {
            "sh"
        };
        let words: Vec<String> = std::iter::once(with.to_owned()).chain(self.words()).collect();
        Error::usage(format!("{path} may not be executed: it has no x"))
            .hinted(self.typed.with_command(&words).to_string())
            .hinted(format!("or for good: git update-index --chmod=+x {path}, and commit that"))
    }
}

/// Names of the programs on `PATH`.
fn on_path() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let entries = std::env::split_paths(&path)
        .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    entries.take(MOST).filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
