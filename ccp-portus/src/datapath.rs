//! The handle by which an algorithm controls a flow.

use std::fmt;

use crate::Result;
use crate::ipc::{Bridge, Ipc};
use crate::lang::Scope;

/// What an algorithm can do to the datapath of one flow.
pub trait DatapathTrait {
    /// The flow's number.
    fn get_sock_id(&self) -> u32;

    /// Has the flow run a program of its algorithm, and starts it with these values of its control
    /// variables, of `Cwnd` (bytes) or `Rate` (bytes/s).
    ///
    /// # Errors
    /// When the algorithm has no such program, the datapath cannot run it, a value cannot be set,
    /// or nothing can be sent now.
    fn set_program(
        &mut self,
        program_name: &'static str,
        fields: Option<&[(&str, u32)]>,
    ) -> Result<Scope>;

    /// Sets control variables of the running program, `Cwnd` (bytes) or `Rate` (bytes/s), all
    /// together.
    ///
    /// # Errors
    /// When a value cannot be set, or nothing can be sent now.
    fn update_field(&self, sc: &Scope, update: &[(&str, u32)]) -> Result<()>;
}

/// Controls one flow. Clones control the same flow; after its end they only give errors.
pub struct Datapath<T: Ipc>(pub(crate) ccp_runtime::Datapath<Bridge<T>>);

impl<T: Ipc> DatapathTrait for Datapath<T> {
    fn get_sock_id(&self) -> u32 {
        self.0.flow_id().0
    }

    fn set_program(
        &mut self,
        program_name: &'static str,
        fields: Option<&[(&str, u32)]>,
    ) -> Result<Scope> {
        let fields = widen(fields.unwrap_or_default());
        let scope = self.0.set_program(program_name, Some(&fields))?;
        Ok(Scope::from(scope))
    }

    fn update_field(&self, sc: &Scope, update: &[(&str, u32)]) -> Result<()> {
        Ok(self.0.update_field(sc.native(), &widen(update))?)
    }
}

impl<T: Ipc> Clone for Datapath<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Ipc> fmt::Debug for Datapath<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn widen<'a>(fields: &[(&'a str, u32)]) -> Vec<(&'a str, u64)> {
    let wide = |&(name, value)| (name, u64::from(value));
    fields.iter().map(wide).collect()
}
