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
    #[command(visible_alias = "bisect", alias = "run")]
    Find(Box<find::Args>),
    Fix(fix::Args),
    Rollback(Box<rollback::Args>),
    Respond(Box<respond::Args>),
    Serve(serve::Args),
    Logs(logs::Args),
    Suspects(Box<suspects::Args>),
    Calls(Box<calls::Args>),
    Check(Box<check::Args>),
    Init(init::Args),
    Explain(explain::Args),
    Demo(demo::Args),
    Show(show::Args),
    Report(report::Args),
    Sessions(sessions::Args),
    Log(log::Args),
    Config(config::Args),
    Trust(trust::Args),
    Judge(Box<judge::Args>),
    Mcp(mcp::Args),
    Cache(cache::Args),
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
    const PRODUCTS: [&str; 5] = ["GitHub", "GitLab", "JUnit", "PagerDuty", "PyPI"];

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

    /// The help of a command and of those beneath it, each by its name.
    fn pages(name: &str, command: &mut clap::Command, pages: &mut Vec<(String, String)>) {
        pages.push((name.to_owned(), command.render_long_help().to_string()));
        let own = |sub: &&mut clap::Command| sub.get_name() != "help";
        for sub in command.get_subcommands_mut().filter(own) {
            let name = format!("{name}-{}", sub.get_name());
            self::pages(&name, sub, pages);
        }
    }

    #[test]
    fn every_help_reads_as_it_was_read_over() {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut all = Vec::new();
        pages("help", &mut command, &mut all);
        assert!(all.len() > 25, "{}", all.len());
        for (name, text) in all {
            insta::assert_snapshot!(name, text);
        }
    }
}
