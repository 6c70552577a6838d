//! What the agent's messages do.

use ccp_lang::{Class, Micros, Program, Reg, Staged};
use ccp_wire::{
    Alive, ChangeProg, FlowId, Install, Kind, MeasureRepr, Message, Messages, ProgramUid,
    UpdateFields, Updates,
};

use super::Datapath;
use crate::{
    error::{InstallError, MessageError},
    flows::{Create, Flow, Missing},
    session::RETRY_EVERY,
    sink::Sink,
    stats::{Refused, bump},
};

/// What a datagram held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handled {
    /// Messages that took effect.
    pub messages: usize,
    /// Messages of unknown types, passed over.
    pub unknown: usize,
}

impl Datapath {
    /// Takes in one datagram from the agent.
    ///
    /// Each of its messages counts for itself: one that is refused changes nothing, the others take effect.
    ///
    /// # Errors
    /// The first message that was refused; [`Stats::refused`](crate::Stats::refused) counts them all.
    pub fn handle_datagram(
        &mut self,
        datagram: &[u8],
        now: Micros,
        sink: &mut (impl Sink + ?Sized),
    ) -> Result<Handled, MessageError> {
        // The messages first, then what is due: they may be the sign of life that was waited for.
        let t = now.saturating_sub(self.start).0.max(self.now);
        let mut handled = Handled::default();
        let mut first_error = None;
        for message in Messages::new(datagram) {
            match message.map_err(MessageError::from).and_then(|m| self.handle(&m, t)) {
                Ok(true) => handled.messages += 1,
                Ok(false) => handled.unknown += 1,
                Err(error) => {
                    self.stats.refused.count(&error);
                    first_error.get_or_insert(error);
                }
            }
        }
        self.rearm();
        self.advance(now, sink);
        first_error.map_or(Ok(handled), Err)
    }

    /// Returns whether the message is of a known kind.
    fn handle(&mut self, message: &Message<'_>, t: u64) -> Result<bool, MessageError> {
        match message {
            Message::Install(install) => self.handle_install(install, t)?,
            Message::UpdateFields(update) => self.handle_update(update, t)?,
            Message::ChangeProg(change) => self.handle_change(change, t)?,
            Message::Alive(alive) => self.handle_alive(*alive, t),
            Message::Create(_) => return Err(MessageError::Misdirected { kind: Kind::Create }),
            Message::Measure(_) => {
                return Err(MessageError::Misdirected { kind: Kind::Measure });
            }
            Message::Ready(_) => return Err(MessageError::Misdirected { kind: Kind::Ready }),
            Message::Hello(_) => return Err(MessageError::Misdirected { kind: Kind::Hello }),
            Message::Address(_) => {
                return Err(MessageError::Misdirected { kind: Kind::Address });
            }
            // Unknown ones, and kinds that the codec learns before this crate does.
            _ => {
                self.session.heard(t);
                bump(&mut self.stats.unknown);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn handle_install(&mut self, install: &Install<'_>, t: u64) -> Result<(), MessageError> {
        let uid = install.program_uid;
        let refuse = |reason| MessageError::Install { uid, reason };
        let full = InstallError::TableFull { max: self.programs.max() };
        if uid == ProgramUid(0) {
            return Err(refuse(InstallError::ReservedUid));
        }
        if self.programs.is_full_for(uid) {
            return Err(refuse(full));
        }
        let program = self.verified(install).map_err(refuse)?;
        let begins_run = self.programs.install(uid, program).ok_or_else(|| refuse(full))?;
        bump(&mut self.stats.installs);
        if begins_run {
            self.begin_run(t);
        }
        self.revive(t);
        Ok(())
    }

    fn verified(&self, install: &Install<'_>) -> Result<Program, InstallError> {
        let program = Program::from_records(install.events, install.instrs, &self.config.limits)?;
        let lacking = program.primitives() & !self.config.primitives;
        if lacking != 0 {
            return Err(InstallError::Lacks { lacking: self.config.table.named(lacking) });
        }
        let need = MeasureRepr::close(FlowId(0)).encoded_len() + program.report_len() * 8;
        let max = self.config.max_datagram;
        if need > max {
            return Err(InstallError::ReportTooLong { need, max });
        }
        Ok(program)
    }

    /// The first program of an agent run. What an earlier run staged or was told is void.
    fn begin_run(&mut self, t: u64) {
        self.forget_closings();
        for flow in self.flows.iter_mut() {
            flow.drop_staged();
            flow.is_stale = true;
            let told = match flow.create {
                Create::Due { .. } => false,
                Create::Answered => true,
                // A Create that this run will still answer must not be repeated: agents start the flow over. One that
                // nobody has answered in such a time went down with the agent before.
                Create::Sent { at } => t.saturating_sub(at) > ANSWERED_WITHIN,
            };
            if told {
                flow.create = Create::Due { not_before: t };
            }
        }
    }

    /// Install and Alive end a fallback: each running flow announces itself anew.
    fn revive(&mut self, t: u64) {
        if self.session.revived(t) {
            for flow in self.flows.iter_mut() {
                flow.is_stale = true;
                flow.create = Create::Due { not_before: t };
            }
        }
    }

    fn handle_alive(&mut self, alive: Alive, t: u64) {
        bump(&mut self.stats.alives);
        self.revive(t);
        self.session.announced(u64::from(alive.interval_ms) * 1000);
    }

    fn handle_update(&mut self, update: &UpdateFields<'_>, t: u64) -> Result<(), MessageError> {
        let flow = self.addressed(update.flow, t)?;
        // Into a copy, so that a field that is refused leaves nothing of its message.
        let mut staged = flow.staged.clone();
        stage(&mut staged, update.flow, update.fields)?;
        flow.staged = staged;
        flow.answered();
        bump(&mut self.stats.updates);
        Ok(())
    }

    fn handle_change(&mut self, change: &ChangeProg<'_>, t: u64) -> Result<(), MessageError> {
        let (id, uid) = (change.flow, change.program_uid);
        let program = self.programs.get(uid).cloned();
        let flow = self.addressed(id, t)?;
        let program = program.ok_or(MessageError::UnknownProgram { flow: id, uid })?;
        let mut staged = Staged::new();
        stage(&mut staged, id, change.fields)?;
        flow.staged = staged;
        flow.switch = Some(program);
        flow.answered();
        bump(&mut self.stats.changes);
        Ok(())
    }

    /// The flow a message is for. Whatever becomes of the message, the agent lives.
    fn addressed(&mut self, id: FlowId, t: u64) -> Result<&mut Flow, MessageError> {
        self.session.heard(t);
        let missing = self.flows.missing(id);
        self.flows.get_mut(id).ok_or(match missing {
            Missing::Unknown => MessageError::UnknownFlow { flow: id },
            Missing::Closed => MessageError::ClosedFlow { flow: id },
        })
    }
}

impl Flow {
    fn answered(&mut self) {
        if matches!(self.create, Create::Sent { .. }) {
            self.create = Create::Answered;
        }
    }
}

impl Refused {
    fn count(&mut self, error: &MessageError) {
        bump(match error {
            MessageError::Malformed(_) => &mut self.malformed,
            MessageError::Misdirected { .. } => &mut self.misdirected,
            MessageError::Install { reason, .. } => match reason {
                InstallError::TableFull { .. } => &mut self.table_full,
                InstallError::Lacks { .. } => &mut self.missing_primitive,
                InstallError::ReportTooLong { .. } => &mut self.report_too_long,
                InstallError::ReservedUid | InstallError::Invalid(_) => &mut self.invalid_program,
            },
            MessageError::UnknownFlow { .. } => &mut self.unknown_flow,
            MessageError::ClosedFlow { .. } => &mut self.closed_flow,
            MessageError::UnknownProgram { .. } => &mut self.unknown_program,
            MessageError::NotSettable { .. } => &mut self.not_settable,
        });
    }
}

fn stage(staged: &mut Staged, flow: FlowId, fields: Updates<'_>) -> Result<(), MessageError> {
    for field in fields.iter() {
        let refused = MessageError::NotSettable { flow, class: field.class, index: field.index };
        let Some(class) = Class::from_code(field.class) else {
            return Err(refused);
        };
        if staged.set(Reg::new(class, field.index), field.value).is_err() {
            return Err(refused);
        }
    }
    Ok(())
}

/// An agent answers a Create as soon as it reads it. Ten retries are far more than it needs.
const ANSWERED_WITHIN: u64 = 10 * RETRY_EVERY;
