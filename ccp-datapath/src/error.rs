//! What can go wrong, one type per operation.

use ccp_lang::{PrimitiveSet, ProgramError};
use ccp_wire::{DecodeError, EncodeError, FlowId, Kind, ProgramUid};
use thiserror::Error;

/// Why a message from the agent was refused. A refused message changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The bytes are no message.
    #[error("malformed message: {0}")]
    Malformed(#[from] DecodeError),
    /// A kind of message that only datapaths send.
    #[error("{kind} message, which only a datapath sends")]
    Misdirected {
        /// The kind of message.
        kind: Kind,
    },
    /// The program was not taken.
    #[error("program {uid} refused: {reason}")]
    Install {
        /// The uid it was to have.
        uid: ProgramUid,
        /// What is wrong with it.
        #[source]
        reason: InstallError,
    },
    /// This datapath never gave out such a flow.
    #[error("no flow {flow}")]
    UnknownFlow {
        /// The flow the message names.
        flow: FlowId,
    },
    /// The flow has closed; the message comes late. It does not reach the flow that has its place now.
    #[error("flow {flow} has closed")]
    ClosedFlow {
        /// The flow the message names.
        flow: FlowId,
    },
    /// No such program is installed.
    #[error("flow {flow} cannot change to program {uid}: it is not installed")]
    UnknownProgram {
        /// The flow that was to change.
        flow: FlowId,
        /// The program it was to run.
        uid: ProgramUid,
    },
    /// Only control registers, Cwnd and Rate can be set by an agent.
    #[error("register {index} of class {class} of flow {flow} cannot be set by an agent")]
    NotSettable {
        /// The flow the message names.
        flow: FlowId,
        /// The register's class on the wire.
        class: u8,
        /// The register's index in its class.
        index: u32,
    },
}

/// Why a program was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// Uid 0 means "no program" on the wire.
    #[error("a program's uid cannot be 0")]
    ReservedUid,
    /// The table holds as many programs as it may: raise [`Config::max_programs`](crate::Config::max_programs).
    #[error("the table already holds {max} programs")]
    TableFull {
        /// How many it may hold.
        max: u32,
    },
    /// Its records are no instructions, or it breaks a rule that every running program keeps.
    #[error(transparent)]
    Invalid(#[from] ProgramError),
    /// The program reads primitives that are not in [`Config::primitives`](crate::Config::primitives).
    #[error("it reads what this datapath does not fill: {lacking}")]
    Lacks {
        /// Those of them that it reads.
        lacking: PrimitiveSet,
    },
    /// The program's report would be longer than the agent's buffer.
    #[error("a report would take {need} bytes, the agent's buffer has {max}")]
    ReportTooLong {
        /// The bytes of the report's datagram.
        need: usize,
        /// [`Config::max_datagram`](crate::Config::max_datagram).
        max: usize,
    },
}

/// Why a flow was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// As many flows are open as may be: raise [`Config::max_flows`](crate::Config::max_flows), or leave this flow to
    /// the transport's own rule.
    #[error("{max} flows are open already")]
    TooManyFlows {
        /// How many may be open.
        max: u32,
    },
    /// The Create message cannot be written, because of the wished algorithm's name.
    #[error("the flow cannot be announced: {0}")]
    Create(#[from] EncodeError),
}

/// The flow is not open (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("flow {flow} is not open")]
pub struct NoSuchFlow {
    /// The flow asked for.
    pub flow: FlowId,
}
