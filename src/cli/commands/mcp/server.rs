//! The protocol: tools are listed and called, progress is told, a call that the client gives up ends.

use std::path::PathBuf;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ProgressToken, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::child::{self, Ended};
use super::tools::specs;

/// What clients are told of it all.
const INSTRUCTIONS: &str = "pybisect finds the commit that broke a Python project's test or command, and proves it. With a \
    failing test: `find`. With a traceback or log only: `logs`, then `suspects`. After `find`: `fix` for a tested patch, \
    `report` for what the test printed. `check` and `calls` look at a change before its merge.";

/// The server.
pub(super) struct Server {
    /// Where the tools run.
    pub(super) folder: PathBuf,
    pub(super) allows_branches: bool,
}

/// Serve until the client goes.
pub(super) fn serve(server: Server) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let service = server.serve(rmcp::transport::stdio()).await?;
        service.waiting().await?;
        Ok(())
    })
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("pybisect", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools: Vec<Tool> = specs(self.allows_branches).iter().map(super::tools::Spec::tool).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let specs = specs(self.allows_branches);
        let Some(spec) = specs.iter().find(|spec| spec.name == request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool '{}'", request.name), None));
        };
        let call = match (spec.prepare)(request.arguments.unwrap_or_default()) {
            Ok(call) => call,
            Err(why) => return Ok(error(why).into()),
        };
        let (progress, lines) = unbounded_channel();
        let tells = tokio::spawn(tell(context.peer.clone(), context.meta.get_progress_token(), lines));
        let ended = context.ct.run_until_cancelled(child::run(call, &self.folder, progress)).await;
        // What it said last comes before its answer.
        drop(tells.await);
        Ok(match ended {
            None => error("the call was cancelled; the same call goes on from what ran".to_owned()),
            Some(Err(failed)) => error(failed.to_string()),
            Some(Ok(ended)) => result(ended),
        }
        .into())
    }
}

/// Tell the client of each line, where it asked for that.
async fn tell(peer: Peer<RoleServer>, token: Option<ProgressToken>, mut lines: UnboundedReceiver<String>) {
    let mut number = 0;
    while let Some(line) = lines.recv().await {
        number += 1;
        let Some(token) = token.clone().filter(|_| !line.is_empty()) else { continue };
        let progress = ProgressNotificationParam::new(token, f64::from(number)).with_message(line);
        if peer.notify_progress(progress).await.is_err() {
            return;
        }
    }
}

fn error(why: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(why)])
}

/// An answer is what was printed, as an object where it is one. That there is none is told on standard error.
fn result(ended: Ended) -> CallToolResult {
    let Ended { stdout, said, code } = ended;
    match serde_json::from_str::<Value>(&stdout) {
        Ok(object @ Value::Object(_)) => CallToolResult::structured(object),
        Ok(other) => CallToolResult::success(vec![ContentBlock::text(other.to_string())]),
        Err(_) if code == Some(0) => CallToolResult::success(vec![ContentBlock::text(stdout)]),
        Err(_) => error(if said.is_empty() { format!("ended with {code:?}") } else { said }),
    }
}
