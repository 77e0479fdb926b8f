//! What `pybisect serve` is told.

use std::path::PathBuf;

/// Listen for alarms over HTTP and respond to them, with a live page for people
///
/// Alarms of Alertmanager, Datadog, Sentry, PagerDuty, Grafana, GitHub, or of anything that can send JSON come in under
/// /hooks, each shown to be from whom it says. They are stored, answered, and then responded to as `pybisect respond` does,
/// one response at a time. People watch it on a page, and give leave to what waits for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect serve --check
  pybisect serve --listen 127.0.0.1:8710

Exit status: 0 stopped, 2 usage or configuration, 1 the address cannot be listened at")]
pub(crate) struct Args {
    /// Address and port to listen on [default: 127.0.0.1:8710]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Check the configuration, send a test alarm to each hook, show what a response would do, and do nothing
    #[arg(long)]
    pub(super) check: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(super) repo: Option<PathBuf>,
}
