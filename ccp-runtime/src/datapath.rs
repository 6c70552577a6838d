//! The handle by which an algorithm controls a flow.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use ccp_ipc::{Ipc, OutboxError};
use ccp_wire::{EncodeError, FieldUpdate, FlowId};

use crate::link::Link;
use crate::programs::Misfit;
use crate::{ControlField, Scope};

/// Controls one flow of one datapath. Clones control the same flow; after its end they do nothing.
///
/// Sending never waits: what the datapath does not take at once waits in a queue of its own, where
/// a newer update of a flow joins the one before.
pub struct Datapath<I: Ipc>(Rc<Control<I>>);

pub(crate) struct Control<I: Ipc> {
    pub(crate) link: Rc<Link<I>>,
    pub(crate) flow: FlowId,
    /// The place of the flow's algorithm in the list.
    pub(crate) algorithm: usize,
    pub(crate) open: Cell<bool>,
}

impl<I: Ipc> Datapath<I> {
    pub(crate) fn new(control: Rc<Control<I>>) -> Self {
        Self(control)
    }

    /// The flow's number.
    pub fn flow_id(&self) -> FlowId {
        self.0.flow
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
        let Control {
            link,
            flow,
            algorithm,
            ..
        } = &*self.0;
        let programs = &link.shared.programs;
        let program = || name.to_owned();
        let scope = programs.scope(*algorithm, name).ok_or_else(|| {
            let algorithm = programs.algorithm(*algorithm);
            SetProgramError::UnknownProgram {
                algorithm,
                program: program(),
            }
        })?;
        let uid = scope.program_uid();
        let fit = programs.fit(uid, link.abilities.get());
        fit.map_err(|misfit| SetProgramError::Misfit {
            program: program(),
            misfit,
        })?;
        let fields = fields.unwrap_or_default();
        self.send(resolve(scope, fields), |fields| {
            link.change_program(*flow, uid, fields)
        })?;
        Ok(scope.clone())
    }

    /// Sets control variables of the running program, `Cwnd` (bytes) or `Rate` (bytes/s), all
    /// together. Looks names up, but does not allocate.
    ///
    /// # Errors
    /// When a value cannot be set, or nothing can be sent to the datapath now. Nothing is changed.
    pub fn update_field(&self, scope: &Scope, fields: &[(&str, u64)]) -> Result<(), UpdateError> {
        self.send(resolve(scope, fields), |fields| {
            self.0.link.update(self.0.flow, fields)
        })
    }

    /// As [`update_field`](Self::update_field), without looking anything up.
    ///
    /// # Errors
    /// When the flow has ended, or nothing can be sent to the datapath now.
    #[inline]
    pub fn update(&self, fields: &[(ControlField, u64)]) -> Result<(), UpdateError> {
        let fields = fields.iter().map(|&(field, value)| Ok(field.set_to(value)));
        self.send(fields, |fields| self.0.link.update(self.0.flow, fields))
    }

    /// Collects `fields` in room that is kept for that, and has them sent.
    #[inline]
    fn send(
        &self,
        fields: impl Iterator<Item = Result<FieldUpdate, UpdateError>>,
        send: impl FnOnce(&[FieldUpdate]) -> Result<(), UpdateError>,
    ) -> Result<(), UpdateError> {
        if !self.0.open.get() {
            return Err(UpdateError::FlowClosed);
        }
        let mut room = self.0.link.shared.fields.take();
        room.clear();
        let outcome = fields.into_iter().try_for_each(|field| {
            room.push(field?);
            Ok(())
        });
        let outcome = outcome.and_then(|()| send(&room));
        self.0.link.shared.fields.replace(room);
        outcome
    }
}

impl<I: Ipc> Clone for Datapath<I> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<I: Ipc> fmt::Debug for Datapath<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datapath")
            .field("flow", &self.0.flow)
            .field("datapath", &self.0.link.addr)
            .finish()
    }
}

fn resolve<'a>(
    scope: &'a Scope,
    fields: &'a [(&str, u64)],
) -> impl Iterator<Item = Result<FieldUpdate, UpdateError>> + 'a {
    fields
        .iter()
        .map(|&(name, value)| match scope.control(name) {
            Some(field) => Ok(field.set_to(value)),
            None if scope.contains(name) => Err(UpdateError::NotSettable { name: name.into() }),
            None => Err(UpdateError::UnknownField { name: name.into() }),
        })
}

/// Why a flow does not run another program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetProgramError {
    /// The algorithm did not list such a program.
    #[error("algorithm `{algorithm}` has no program `{program}`")]
    UnknownProgram {
        /// The algorithm's name.
        algorithm: &'static str,
        /// The name asked for.
        program: String,
    },
    /// The datapath cannot run it.
    #[error("program `{program}` is not installed: {misfit}")]
    Misfit {
        /// The name asked for.
        program: String,
        /// What the datapath lacks.
        misfit: Misfit,
    },
    /// A value to start with cannot be set, or nothing can be sent.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// Why values of a flow were not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The program has no variable of this name.
    #[error("the program has no variable `{name}`")]
    UnknownField {
        /// The name asked for.
        name: String,
    },
    /// The variable is one that only the program or the datapath writes.
    #[error("`{name}` cannot be set from outside the program")]
    NotSettable {
        /// The name asked for.
        name: String,
    },
    /// More values than one message carries: 127, or 222 together with a change of program.
    #[error(transparent)]
    TooMany(#[from] EncodeError),
    /// The flow has ended.
    #[error("the flow has ended")]
    FlowClosed,
    /// The datapath does not read, and as much as may wait for it already does.
    #[error("the datapath's queue is full")]
    QueueFull,
    /// The datapath is gone; its flows end.
    #[error("the datapath is gone")]
    DatapathGone,
    /// The transport does not take the message.
    #[error("the message was refused")]
    Refused {
        /// What it said.
        source: OutboxError,
    },
}
