//! A running agent seen from outside, and what can end one.

use std::any::Any;
use std::thread::JoinHandle;

use ccp_ipc::{RecvError, StopHandle};
use ccp_lang::Diagnostics;

use crate::builder::StopFlag;
use crate::{Stats, StatsHandle};

/// An agent in a thread of its own. Dropping the handle leaves it running.
#[derive(Debug)]
pub struct CCPHandle {
    pub(crate) stop: StopHandle,
    pub(crate) flag: StopFlag,
    pub(crate) stats: StatsHandle,
    pub(crate) thread: JoinHandle<Result<(), RunError>>,
}

impl CCPHandle {
    /// Asks the agent to end, and returns at once. A flag it was given is lowered too.
    pub fn kill(&self) {
        self.flag.lower();
        self.stop.stop();
    }

    /// Waits for the agent to end; all of its flows are closed then.
    ///
    /// # Errors
    /// When something other than a stop ended it, a panic of its loop included.
    pub fn wait(self) -> Result<(), RunError> {
        self.thread.join().unwrap_or_else(|payload| {
            Err(RunError::Panicked {
                message: message_of(&*payload),
            })
        })
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.stats.snapshot()
    }

    /// A reader of the counters that outlives this handle.
    pub fn stats_handle(&self) -> StatsHandle {
        self.stats.clone()
    }
}

/// What a panic said, if it was text.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without message")
        .to_owned()
}

/// Why an agent ended, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A datapath program does not compile. Nothing has been sent.
    #[error("program `{program}` of algorithm `{algorithm}` does not compile:\n{source}")]
    Compile {
        /// The algorithm's name.
        algorithm: &'static str,
        /// What it calls the program.
        program: &'static str,
        /// What is wrong with it and where.
        source: Diagnostics,
    },
    /// The stop flag was given as a null pointer.
    #[error("the stop handle is null")]
    NullStopHandle,
    /// No thread to run in.
    #[error("cannot spawn the agent's thread")]
    Spawn {
        /// What the system said.
        source: std::io::Error,
    },
    /// The transport closed without anybody having asked the agent to end.
    #[error("the channel has closed")]
    ChannelClosed,
    /// The transport cannot receive any more.
    #[error("cannot receive")]
    Receive {
        /// What it said.
        source: RecvError,
    },
    /// The loop panicked: an error of this crate or of the transport.
    #[error("the agent panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
}
