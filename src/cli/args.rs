//! The command line.

use clap::{Parser, Subcommand};

use super::commands::{
    cache, calls, check, config, demo, explain, find, fix, init, judge, log, logs, mcp, myself, report,
    respond, rollback, serve, sessions, show, suspects, trust,
};
use super::terminal::ColorChoice;

/// From a failing smoke test to the commit that broke it, with proof
#[derive(Debug, Parser)]
#[command(name = "pybisect", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// When to colour the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: ColorChoice,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find the commit that broke a command
    #[command(visible_alias = "bisect")]
    Find(Box<find::Args>),
    /// Test ways to fix what the last search found
    Fix(fix::Args),
    /// Deploy the last good version again, and watch that it answers
    Rollback(Box<rollback::Args>),
    /// From an alarm to the old version, the cause, a tested fix, its rollout and a report
    Respond(Box<respond::Args>),
    /// Wait for alarms over HTTP, and respond to them; a live page for people
    Serve(serve::Args),
    /// Read logs: what went wrong, where in this repository, since when
    Logs(logs::Args),
    /// Rank the commits of a range by the evidence of a failure, before anything is tested
    Suspects(Box<suspects::Args>),
    /// Show what changes did to Python calls
    Calls(Box<calls::Args>),
    /// Look at a branch before its merge
    Check(Box<check::Args>),
    /// Set pybisect up for this repository
    Init(init::Args),
    /// Explain a rule of check
    Explain(explain::Args),
    /// Show the whole thing on a bundled example, in a temporary folder
    Demo(demo::Args),
    /// Show what the test printed, at good beside bad
    Show(show::Args),
    /// Write the report of a search: a page, a post-mortem, JSON or text
    Report(report::Args),
    /// List finished and broken sessions
    Sessions(sessions::Args),
    /// Print a session as a git bisect log
    Log(log::Args),
    /// Show what is configured here, and in which file
    Config(config::Args),
    /// Let this repository's configuration set everything, until it changes
    Trust(trust::Args),
    /// Judge the commit that is checked out, for `git bisect run`
    Judge(Box<judge::Args>),
    /// Serve find, suspects, calls, check, logs, fix and report to agents (Model Context Protocol, stdio)
    Mcp(mcp::Args),
    /// Show what pybisect keeps, and remove it
    Cache(cache::Args),
    /// About pybisect itself: what this machine has for it, its manual pages
    #[command(name = "self")]
    Myself(myself::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    /// Names of products that are written so.
    const PRODUCTS: [&str; 4] = ["GitHub", "GitLab", "JUnit", "PyPI"];

    fn texts(command: &mut clap::Command) -> String {
        let own = command.render_long_help().to_string();
        command.get_subcommands_mut().map(texts).fold(own, |all, one| all + &one)
    }

    #[test]
    fn no_help_names_a_type_of_the_code() {
        let all = texts(&mut Cli::command());
        let words = all.split(|c: char| !c.is_alphanumeric()).filter(|word| !PRODUCTS.contains(word));
        let is_type = |word: &&str| {
            let mut letters = word.chars().skip_while(|c| c.is_uppercase()).skip_while(|c| c.is_lowercase());
            word.starts_with(char::is_uppercase) && letters.any(char::is_uppercase)
        };
        assert!(all.contains("Version to go back to"));
        assert_eq!(words.filter(is_type).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
