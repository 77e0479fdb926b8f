//! Commands with places for the version: `./deploy.sh {commit}`.

use std::ffi::OsString;
use std::path::Path;

use crate::model::DeployedVersion;

/// Characters that mean something to a shell: a command with one of them is a script.
const OF_SHELLS: &str = "|&;<>()$`*?~#\n";
/// What a value may have beside letters and digits: nothing of it means anything to any shell, here or at the other end
/// of an `ssh`.
const HARMLESS: &str = "._/+@-:,=%";

/// A command cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has no words.
    #[error("the command is empty")]
    Empty,
    /// A quote is not closed.
    #[error("a quote is not closed in: {0}")]
    Quotes(String),
    /// A place has a name that is almost known.
    #[error("there is no {{{name}}}; did you mean {{{nearest}}}?")]
    Unknown {
        /// The name.
        name: String,
        /// The one that is known.
        nearest: &'static str,
    },
    /// It wants a tag, and the version has none.
    #[error("the command wants {{tag}}, and {0} has no tag")]
    Untagged(String),
    /// A value could mean something to a shell.
    #[error("'{value}', for {{{name}}}, has characters that a shell could take for its own")]
    Unsafe {
        /// The name of the place.
        name: &'static str,
        /// The value.
        value: String,
    },
}

/// A command with places: `{commit}`, `{short}`, `{tag}`, `{version}`, `{worktree}`.
///
/// Values have letters, digits and a few harmless characters and nothing else, so that wherever they stand, a shell reads
/// them as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Its words; `None` for a shell's script.
    words: Option<Vec<String>>,
}

impl Template {
    /// Take a command as a user writes it. With characters that mean something to a shell, it is a script for `sh`.
    ///
    /// # Errors
    /// When it is empty, or a quote is not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let words = shell_words::split(text).map_err(|_| TemplateError::Quotes(text.to_owned()))?;
        check_names(text)?;
        let is_script = text.contains(|c| OF_SHELLS.contains(c));
        Ok(Self { text: text.to_owned(), words: (!is_script).then_some(words) })
    }

    /// Whether the template needs the version's files in a folder.
    #[must_use]
    pub fn wants_worktree(&self) -> bool {
        self.text.contains("{worktree}")
    }

    /// The command for a version.
    ///
    /// # Errors
    /// When a value is missing, or could mean something to a shell.
    pub fn words(
        &self,
        version: &DeployedVersion,
        worktree: Option<&Path>,
    ) -> Result<Vec<OsString>, TemplateError> {
        let words = match &self.words {
            Some(words) => {
                words.iter().map(|word| filled(word, version, worktree)).collect::<Result<_, _>>()?
            }
            None => vec!["sh".to_owned(), "-c".to_owned(), filled(&self.text, version, worktree)?],
        };
        Ok(words.into_iter().map(OsString::from).collect())
    }

    /// The command for a version, for people.
    ///
    /// # Errors
    /// As for [`words`](Self::words).
    pub fn shown(&self, version: &DeployedVersion, worktree: Option<&Path>) -> Result<String, TemplateError> {
        filled(&self.text, version, worktree)
    }
}

/// Names of places.
const NAMES: [&str; 5] = ["commit", "short", "tag", "version", "worktree"];

/// Other words in braces are the program's own, as in `awk '{print}'`, unless one looks like a slip.
pub(super) fn check_names(text: &str) -> Result<(), TemplateError> {
    const ALIKE: f64 = 0.85;
    for part in text.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        let lower = name.to_ascii_lowercase();
        let likeness = |known: &&str| strsim::jaro_winkler(known, &lower);
        let nearest = NAMES.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        if let Some(nearest) = nearest.filter(|nearest| *nearest != name && likeness(nearest) >= ALIKE) {
            return Err(TemplateError::Unknown { name: name.to_owned(), nearest });
        }
    }
    Ok(())
}

/// A text with its places filled.
pub(super) fn filled(
    text: &str,
    version: &DeployedVersion,
    worktree: Option<&Path>,
) -> Result<String, TemplateError> {
    let worktree = worktree.map(|folder| folder.to_string_lossy().into_owned());
    let values: [(&'static str, Option<String>); 5] = [
        ("commit", Some(version.commit.to_string())),
        ("short", Some(version.commit.short())),
        ("tag", version.tag.clone()),
        ("version", Some(version.number())),
        ("worktree", worktree),
    ];
    let mut text = text.to_owned();
    for (name, value) in values {
        let place = format!("{{{name}}}");
        if !text.contains(&place) {
            continue;
        }
        let value = value.ok_or_else(|| TemplateError::Untagged(version.commit.short()))?;
        let is_harmless = |c: char| c.is_ascii_alphanumeric() || HARMLESS.contains(c);
        if !value.chars().all(is_harmless) || value.starts_with('-') {
            return Err(TemplateError::Unsafe { name, value });
        }
        text = text.replace(&place, &value);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(tag: Option<&str>) -> DeployedVersion {
        DeployedVersion {
            commit: "3f2a9c1e00000000000000000000000000000000".parse().unwrap(),
            tag: tag.map(str::to_owned),
            subject: String::new(),
            as_commit: None,
        }
    }

    #[test]
    fn words_stay_words_and_scripts_go_to_a_shell() {
        let words = |text: &str| Template::parse(text).unwrap().words(&version(Some("v1.4")), None).unwrap();
        assert_eq!(words("./deploy 'to here' {short}"), ["./deploy", "to here", "3f2a9c1e0"]);
        assert_eq!(words("cd /srv && ./deploy {version}"), ["sh", "-c", "cd /srv && ./deploy 1.4"]);
        assert_eq!(words("awk '{print}'"), ["awk", "{print}"]);
        for (slip, nearest) in
            [("{tagg}", "tag"), ("{Commit}", "commit"), ("{comit}", "commit"), ("{verson}", "version")]
        {
            let Err(TemplateError::Unknown { nearest: said, .. }) = Template::parse(slip) else {
                panic!("{slip}")
            };
            assert_eq!(said, nearest);
        }
        assert_eq!(Template::parse("  ").unwrap_err(), TemplateError::Empty);
        assert!(matches!(Template::parse("echo 'x"), Err(TemplateError::Quotes(_))));
        let untagged = Template::parse("./deploy {tag}").unwrap().words(&version(None), None);
        assert_eq!(untagged.unwrap_err(), TemplateError::Untagged("3f2a9c1e0".to_owned()));
    }

    proptest! {
        /// Whatever a tag is called, a shell that echoes it says it as it is, or it is refused.
        #[test]
        fn no_tag_is_read_by_a_shell(tag in "[ -~]{1,12}") {
            let template = Template::parse("printf '%s' {tag} && true").unwrap();
            if let Ok(words) = template.words(&version(Some(&tag)), None) {
                let output = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
                prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), tag);
            }
        }
    }
}
