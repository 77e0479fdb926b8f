//! One file a subcommand.

mod answer;
pub(super) mod cache;
pub(super) mod calls;
pub(super) mod check;
pub(super) mod config;
mod config_args;
mod continued;
pub(super) mod demo;
mod doctor;
mod environment_args;
pub(super) mod explain;
pub(super) mod find;
pub(super) mod fix;
mod from_bisect;
pub(super) mod init;
mod isolation_args;
mod json_target;
pub(super) mod judge;
mod live;
pub(super) mod log;
pub(super) mod logs;
mod masked;
pub(super) mod mcp;
pub(super) mod myself;
mod notify;
mod output;
pub(super) mod report;
pub(super) mod respond;
pub(super) mod rollback;
pub(super) mod serve;
mod session_arg;
pub(super) mod sessions;
pub(super) mod show;
pub(super) mod suspects;
pub(super) mod trust;

use clap::CommandFactory;

use super::args::Command;
use super::print::print;
use super::{Cli, Error, ExitStatus};

/// Run what was asked for.
pub(super) fn run(cli: Cli) -> Result<ExitStatus, Error> {
    let Cli { color, command } = cli;
    color.apply();
    match command {
        Command::Find(args) => find::run(&args),
        Command::Fix(args) => fix::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Respond(args) => respond::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Logs(args) => logs::run(&args),
        Command::Suspects(args) => suspects::run(&args),
        Command::Calls(args) => calls::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Trust(args) => trust::run(&args),
        Command::Judge(args) => Ok(judge::run(&args)),
        Command::Cache(args) => cache::run(&args),
        Command::Mcp(args) => mcp::run(&args),
        Command::Myself(args) => myself::run(&args, Cli::command()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pybisect", &mut script);
            print(&script)
        }
    }
}

/// Tell what `--version --verbose` asks for.
pub(super) fn print_version() -> ExitStatus {
    print(myself::version().as_bytes()).unwrap_or(ExitStatus::Internal)
}
