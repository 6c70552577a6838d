//! The handle by which an algorithm controls a flow.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use ccp_ipc::{Ipc, OutboxError};
use ccp_lang::NameError;
use ccp_wire::{ChangeProg, EncodeError, FieldUpdate, FlowId, UpdateFields};
use tracing::Span;

use crate::programs::Algorithm;
use crate::shared::Link;
use crate::{ControlField, Misfit, Scope};

/// Controls one flow of one datapath. Clones control the same flow; after its end they do nothing.
///
/// Sending never waits: what the datapath does not take at once waits in a queue of its own, where
/// a newer update of a flow joins the one before.
pub struct Datapath<I: Ipc>(pub(crate) Rc<Control<I>>);

pub(crate) struct Control<I: Ipc> {
    pub(crate) link: Rc<Link<I>>,
    pub(crate) flow: FlowId,
    pub(crate) alg: Arc<Algorithm>,
    /// Says in the log what is about this flow.
    pub(crate) span: Span,
    pub(crate) is_open: Cell<bool>,
}

impl<I: Ipc> Datapath<I> {
    /// The flow's number.
    pub fn flow_id(&self) -> FlowId {
        self.0.flow
    }

    /// Which primitives the datapath fills, bit i for the primitive of index i: those that every
    /// datapath has, and what its Hello says.
    pub fn primitives(&self) -> u64 {
        self.0.link.abilities.get().primitives
    }

    /// Has the flow run another program of its algorithm, or the same one anew, and starts it with
    /// these values of its control variables, of `Cwnd` (bytes) or `Rate` (bytes/s). Updates not
    /// yet sent are dropped.
    ///
    /// # Errors
    /// When the algorithm has no such program, the datapath cannot run it, a value cannot be set,
    /// or nothing can be sent to the datapath now. The flow then goes on as before.
    pub fn set_program(
        &mut self,
        name: &str,
        fields: Option<&[(&str, u64)]>,
    ) -> Result<Scope, SetProgramError> {
        let Control { link, flow, alg, .. } = &*self.0;
        let unknown = || SetProgramError::UnknownProgram(alg.name, name.into());
        let scope = alg.scopes.get(name).ok_or_else(unknown)?;
        let program_uid = scope.program_uid();
        let fit = link.shared.programs.library.fit(program_uid.0, link.abilities.get());
        fit.map_err(|misfit| SetProgramError::Misfit(name.into(), misfit))?;
        let fields = scope.updates(fields.unwrap_or_default());
        self.send(None, |buf| ChangeProg::encode_from(*flow, program_uid, fields, buf))?;
        link.forget_updates(*flow);
        Ok(scope.clone())
    }

    /// Sets control variables of the running program, `Cwnd` (bytes) or `Rate` (bytes/s), all
    /// together. Looks names up, but does not allocate.
    ///
    /// # Errors
    /// When a value cannot be set, or nothing can be sent to the datapath now. Nothing is changed.
    pub fn update_field(&self, scope: &Scope, fields: &[(&str, u64)]) -> Result<(), UpdateError> {
        self.send_all(scope.updates(fields))
    }

    /// As [`update_field`](Self::update_field), without looking anything up.
    ///
    /// # Errors
    /// When the flow has ended, or nothing can be sent to the datapath now.
    #[inline]
    pub fn update(&self, fields: &[(ControlField, u64)]) -> Result<(), UpdateError> {
        self.send_all(fields.iter().map(|&(field, value)| Ok(field.set_to(value))))
    }

    #[inline]
    fn send_all(&self, fields: impl ExactSizeIterator<Item = Update>) -> Result<(), UpdateError> {
        if fields.len() == 0 {
            return Ok(());
        }
        let flow = self.0.flow;
        self.send(Some(flow.0.into()), |buf| UpdateFields::encode_from(flow, fields, buf))
    }

    #[inline]
    fn send(
        &self,
        key: Option<u64>,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, UpdateError>,
    ) -> Result<(), UpdateError> {
        let Control { link, is_open, .. } = &*self.0;
        if is_open.get() { link.send(key, encode) } else { Err(UpdateError::FlowClosed) }
    }
}

impl<I: Ipc> Clone for Datapath<I> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<I: Ipc> fmt::Debug for Datapath<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datapath(flow {} of {:?})", self.0.flow, self.0.link.addr)
    }
}

/// One value to set, or why it cannot be.
pub(crate) type Update = Result<FieldUpdate, UpdateError>;

/// Why a flow does not run another program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetProgramError {
    /// The algorithm of the first name did not list a program of the second.
    #[error("algorithm `{0}` has no program `{1}`")]
    UnknownProgram(&'static str, String),
    /// The datapath cannot run the program of this name.
    #[error("program `{0}` is not installed: {1}")]
    Misfit(String, Misfit),
    /// A variable that the algorithm looks up in the program is none of it, or not of that kind.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A value to start with cannot be set, or nothing can be sent.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// Why values of a flow were not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The program has no variable of this name, or not one that can be set from outside.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More values than one message carries: 127, or 222 together with a change of program.
    #[error(transparent)]
    TooMany(#[from] EncodeError),
    /// The flow has ended.
    #[error("the flow has ended")]
    FlowClosed,
    /// The datapath does not read, and as much as may wait for it does; or it is gone.
    #[error("cannot send to the datapath")]
    Send(#[from] OutboxError),
}
