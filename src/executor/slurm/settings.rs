//! Which nodes are meant, and what is asked of them.

use std::path::PathBuf;
use std::time::Duration;

/// What is asked of Slurm.
#[derive(Debug, Clone)]
pub struct SlurmSettings {
    /// A folder that the nodes see under the same name.
    pub shared: PathBuf,
    /// `--partition`, `--account`, `--qos`, `--constraint`, by their names.
    pub choices: Vec<(&'static str, String)>,
    /// Further arguments of `sbatch`.
    pub arguments: Vec<String>,
    /// Trials at the same time.
    pub jobs: usize,
    /// The longest that a trial may run.
    pub timeout: Duration,
    /// How long a controller that does not answer is waited for.
    pub patience: Duration,
    /// How long after the end of a job what it wrote may take until it is seen here.
    pub settling: Duration,
}

/// What pybisect says itself, or what would leave it without a result.
const OWN: [&str; 25] = [
    "-a",
    "--array",
    "-D",
    "--chdir",
    "-e",
    "--error",
    "-H",
    "--hold",
    "-h",
    "--help",
    "-i",
    "--input",
    "-J",
    "--job-name",
    "-M",
    "--clusters",
    "-o",
    "--output",
    "-t",
    "--time",
    "-W",
    "--wait",
    "-V",
    "--version",
    "--usage",
];
/// The same, with all that begins like this.
const OWN_STARTS: [&str; 7] =
    ["--export", "--parsable", "--requeue", "--no-requeue", "--wrap", "--test-only", "--get-user-env"];

impl SlurmSettings {
    /// The words for `sbatch` that say which nodes are meant.
    ///
    /// # Errors
    /// When one of them cannot be used; why, in words.
    pub fn words(&self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        for (name, value) in &self.choices {
            if value.is_empty() || value.contains(|c: char| c.is_control()) {
                return Err(format!("executor.{name}: '{}' is no name", value.escape_debug()));
            }
            words.push(format!("--{name}={value}"));
        }
        for word in &self.arguments {
            let name = word.split('=').next().unwrap_or_default();
            // A short option may have its value behind it.
            let short = if name.starts_with("--") { name } else { word.get(..2).unwrap_or(name) };
            if !word.starts_with('-') || word.contains(|c: char| c.is_control()) {
                let shown = word.escape_debug();
                return Err(format!("executor.sbatch: '{shown}' is no option; like this: \"--mem=4G\""));
            }
            let is_abbreviated =
                |own: &&str| own.starts_with("--") && own.starts_with(name) && name.len() > 3;
            if OWN.contains(&short)
                || OWN_STARTS.iter().any(|own| name.starts_with(own))
                || OWN.iter().chain(&OWN_STARTS).any(is_abbreviated)
            {
                return Err(format!("executor.sbatch: {name} is pybisect's own to say"));
            }
            words.push(word.clone());
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(choices: &[(&'static str, &str)], arguments: &[&str]) -> Result<Vec<String>, String> {
        let settings = SlurmSettings {
            shared: PathBuf::new(),
            choices: choices.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            jobs: 1,
            timeout: Duration::from_secs(60),
            patience: Duration::ZERO,
            settling: Duration::ZERO,
        };
        settings.words()
    }

    #[test]
    fn options_are_handed_on_and_those_of_pybisect_are_refused() {
        let all =
            words(&[("partition", "short,long")], &["--mem=4G", "-c2", "--gres=gpu:1", "--nodelist=n1"]);
        assert_eq!(
            all.unwrap(),
            ["--partition=short,long", "--mem=4G", "-c2", "--gres=gpu:1", "--nodelist=n1"]
        );
        for wrong in
            ["--array=1-4", "-a1-4", "--output=x", "--outp=x", "--export=ALL", "--export-file=x", "--wait"]
        {
            assert!(words(&[], &[wrong]).unwrap_err().contains("pybisect's own"), "{wrong}");
        }
        for wrong in ["mem=4G", "", "--x\ny", "rm -rf"] {
            assert!(words(&[], &[wrong]).unwrap_err().contains("is no option"), "{wrong}");
        }
        assert!(words(&[("account", "")], &[]).is_err());
        assert!(words(&[("qos", "a\nb")], &[]).is_err());
    }
}
