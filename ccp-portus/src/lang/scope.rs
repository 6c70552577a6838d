//! The names of a program.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use ccp_lang::{Kind, Primitive};
use ccp_runtime::ProgramUid;

use super::reg::number;
use super::{Reg, Type};

/// What the names of a program stand for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The number under which the program is installed; 0 for a program that is not.
    pub program_uid: u32,
    native: ccp_runtime::Scope,
    /// All names in portus's form, made when somebody asks.
    regs: OnceLock<Arc<HashMap<String, Reg>>>,
}

impl Scope {
    /// The scope of no program: only the built-in names are in it.
    pub fn new() -> Self {
        Self::from(ccp_runtime::Scope::default())
    }

    /// Whether the program knows the name.
    pub fn has(&self, name: &str) -> bool {
        self.regs().contains_key(name)
    }

    /// The register that a name stands for.
    pub fn get(&self, name: &str) -> Option<&Reg> {
        self.regs().get(name)
    }

    pub(crate) fn native(&self) -> &ccp_runtime::Scope {
        &self.native
    }

    pub(crate) fn register(&self, name: &str) -> Option<ccp_lang::Reg> {
        self.native.variables().get(name).map(|found| found.reg)
    }

    /// The register of a variable that has an initial value.
    pub(super) fn declared(&self, name: &str) -> Option<ccp_lang::Reg> {
        let found = self.native.variables().get(name)?;
        matches!(found.kind, Kind::Report | Kind::Control).then_some(found.reg)
    }

    /// Notes another initial value.
    pub(super) fn start_with(&mut self, name: &str, value: u32) {
        let mut regs = self.regs().clone();
        if let Some(Reg::Report(_, ty, _) | Reg::Control(_, ty, _)) = regs.get_mut(name) {
            *ty = Type::Num(Some(number(value.into())));
        }
        self.regs = OnceLock::from(Arc::new(regs));
    }

    fn regs(&self) -> &HashMap<String, Reg> {
        self.regs.get_or_init(|| {
            let variables = self.native.variables();
            let builtin = ["Cwnd", "Rate", "Micros"].into_iter();
            let builtin = builtin.chain(Primitive::ALL.iter().map(|primitive| primitive.name()));
            let all = builtin
                .filter_map(|name| variables.get(name))
                // Of two variables with one name the later counts.
                .chain(variables.variables());
            let hidden = HIDDEN
                .iter()
                .map(|&(name, index)| (name.to_owned(), Reg::Implicit(index, Type::Bool(None))));
            hidden
                .chain(all.map(|variable| (variable.name.to_string(), Reg::of(variable))))
                .collect::<HashMap<_, _>>()
                .into()
        })
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ccp_runtime::Scope> for Scope {
    fn from(native: ccp_runtime::Scope) -> Self {
        Self { program_uid: native.program_uid().0, native, regs: OnceLock::new() }
    }
}

impl From<ccp_lang::Scope> for Scope {
    fn from(variables: ccp_lang::Scope) -> Self {
        Self::from(ccp_runtime::Scope::new(ProgramUid::default(), variables))
    }
}

/// Names that no program can use, for the machine's flags.
const HIDDEN: &[(&str, u8)] = &[("__eventFlag", 0), ("__shouldContinue", 1), ("__shouldReport", 2)];
