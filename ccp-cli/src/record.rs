//! `--record FILE`: what the agent hears and says goes to a file, without the agent's waiting for it.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use ccp_ipc::record::{RecordError, Recorder, Summary, WhenFull, recorder};
use serde::{Deserialize, Serialize};
use tracing::{error, info};

use crate::Failure;
use crate::plan::AgentPlan;

/// What a recording says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// What made it.
    pub(crate) by: String,
    /// The agent that was recorded.
    pub(crate) agent: AgentPlan,
}

/// Where a recording goes.
pub(crate) struct Target {
    file: String,
    out: File,
}

/// A recording that is under way.
pub(crate) struct Recording {
    file: String,
    /// What takes the records.
    pub(crate) recorder: Recorder,
    written: mpsc::Receiver<Result<Summary, RecordError>>,
}

impl Recording {
    /// Opens the file; what it holds stays until [`Recording::start`].
    pub(crate) fn open(path: &Path) -> Result<Target, Failure> {
        let file = path.display().to_string();
        let out = File::options().write(true).create(true).truncate(false).open(path);
        let out =
            out.with_context(|| format!("cannot record to {file}")).map_err(Failure::Machine)?;
        Ok(Target { file, out })
    }

    /// Begins, in place of what the file held.
    pub(crate) fn start(
        Target { file, out }: Target,
        command: &str,
        agent: &AgentPlan,
        when_full: WhenFull,
    ) -> Result<Self, Failure> {
        let by = format!("ccp {command} {}", env!("CARGO_PKG_VERSION"));
        let about = serde_json::to_string(&About { by, agent: agent.clone() })?;
        let (recorder, writer) = recorder(&about, when_full)?;
        // A pipe has nothing to lose, and no length.
        if out.metadata().is_ok_and(|about| about.is_file()) {
            out.set_len(0)
                .with_context(|| format!("cannot record to {file}"))
                .map_err(Failure::Machine)?;
        }
        let (to, written) = mpsc::channel();
        let name = file.clone();
        std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || {
                let result = writer.run(out);
                if let Err(error) = &result {
                    let error: &dyn std::error::Error = error;
                    error!(file = name, error, "the recording ends here; the agent goes on");
                }
                // Nobody listens any more if it took too long.
                let _ = to.send(result);
            })
            .context("cannot start the thread that records")?;
        Ok(Self { file, recorder, written })
    }

    /// Waits until all is written, which it is once the agent is gone.
    pub(crate) fn end(self) -> Result<(), Failure> {
        let Self { file, recorder, written } = self;
        drop(recorder);
        match written.recv_timeout(PATIENCE) {
            Ok(Ok(Summary { records, bytes, .. })) => {
                info!(file, records, bytes, "recorded");
                Ok(())
            }
            Ok(Err(error)) => Err(Failure::Failed(
                anyhow::Error::new(error).context(format!("the recording {file} is not whole")),
            )),
            Err(_) => Err(Failure::Failed(anyhow::anyhow!(
                "the recording {file} is not whole: it could not be written in {} s",
                PATIENCE.as_secs()
            ))),
        }
    }
}

/// How long the end of the command waits for a disk.
const PATIENCE: Duration = Duration::from_secs(5);
