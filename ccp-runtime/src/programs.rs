//! The programs of one run: compiled before anything is sent, numbered, in the form each datapath takes.

use std::collections::HashMap;

use ccp_ipc::Ipc;
use ccp_lang::{Compiled, Primitive, Records};
use ccp_wire::{Hello, Install, ProgramUid};
use tracing::warn;

use crate::list::AlgSet;
use crate::{RunError, Scope};

/// Everything that may be installed, and who calls it what.
pub(crate) struct Programs {
    /// In the order of their uids, which count from 1.
    installable: Vec<Installable>,
    /// In the order of the list, the default first.
    algorithms: Vec<Algorithm>,
}

/// What one algorithm calls its programs.
struct Algorithm {
    name: &'static str,
    scopes: HashMap<&'static str, Scope>,
}

/// One program, in one or two forms that share uid and registers.
#[derive(PartialEq)]
struct Installable {
    full: Form,
    /// With stand-ins for every primitive beyond those all datapaths have.
    plain: Option<Form>,
}

/// A program as it is sent.
#[derive(PartialEq)]
pub(crate) struct Form {
    records: Records,
    /// Which primitives it reads, by index.
    primitives: u64,
}

/// What a datapath has, as its Hello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    primitives: u64,
    max_programs: u32,
    max_instrs: u32,
}

/// Why a datapath cannot have a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It does not measure what the program reads, and nothing can stand in for that.
    #[error("the datapath lacks {}", .0.name())]
    Primitive(Primitive),
    /// The program is longer than it takes.
    #[error("the program has {instrs} instructions, the datapath takes {max}")]
    TooLong {
        /// The program's instructions.
        instrs: usize,
        /// The datapath's limit.
        max: u32,
    },
    /// Its table is too small for so many programs.
    #[error("it is program {uid}, the datapath takes {max}")]
    TableFull {
        /// The number of the program.
        uid: ProgramUid,
        /// How many programs the datapath holds.
        max: u32,
    },
}

impl Programs {
    /// Compiles the programs of all algorithms.
    ///
    /// The numbering is fixed by the order of the algorithms, the default first, and within one by
    /// the names of its programs. Identical programs get one number.
    pub(crate) fn compile<I: Ipc>(algorithms: &impl AlgSet<I>) -> Result<Self, RunError> {
        let mut all = Self {
            installable: vec![],
            algorithms: vec![],
        };
        algorithms.visit(&mut |name, sources, compiler| {
            let mut sources: Vec<_> = sources.into_iter().collect();
            sources.sort_unstable();
            let mut scopes = HashMap::with_capacity(sources.len());
            for (program, source) in sources {
                let full = compiler()
                    .compile(&source)
                    .map_err(|source| RunError::Compile {
                        algorithm: name,
                        program,
                        source,
                    })?;
                if !full.warnings.is_empty() {
                    warn!(algorithm = name, program, "{}", full.warnings);
                }
                // A primitive without stand-in leaves the full form alone.
                let plain = (full.program.primitives() & !Primitive::BASE_MASK != 0).then(|| {
                    compiler()
                        .available(Primitive::BASE_MASK)
                        .compile(&source)
                        .ok()
                });
                scopes.insert(program, all.add(full, plain.flatten()));
            }
            all.algorithms.push(Algorithm { name, scopes });
            Ok(())
        })?;
        let count = all.installable.len();
        if count > LIBCCP_TABLE {
            warn!(
                programs = count,
                "libccp holds {LIBCCP_TABLE} programs and will refuse the rest"
            );
        }
        Ok(all)
    }

    fn add(&mut self, full: Compiled, plain: Option<Compiled>) -> Scope {
        let variables = full.scope.clone();
        let program = Installable {
            full: Form::new(&full),
            plain: plain.as_ref().map(Form::new),
        };
        let known = self.installable.iter().position(|other| *other == program);
        let index = known.unwrap_or_else(|| {
            self.installable.push(program);
            self.installable.len() - 1
        });
        Scope::new(uid_of(index), variables)
    }

    /// The name of an algorithm by its place in the list.
    pub(crate) fn algorithm(&self, algorithm: usize) -> &'static str {
        self.algorithms
            .get(algorithm)
            .map_or("", |algorithm| algorithm.name)
    }

    /// What an algorithm calls `program`.
    pub(crate) fn scope(&self, algorithm: usize, program: &str) -> Option<&Scope> {
        self.algorithms.get(algorithm)?.scopes.get(program)
    }

    /// What to install on a datapath: for each program its form, or why there is none.
    pub(crate) fn fitting(
        &self,
        abilities: Abilities,
    ) -> impl Iterator<Item = Result<Install<'_>, Misfit>> {
        (0..self.installable.len()).map(move |index| {
            let form = self.fit(uid_of(index), abilities)?;
            Ok(Install {
                program_uid: uid_of(index),
                events: &form.records.events,
                instrs: &form.records.instrs,
            })
        })
    }

    /// The form of a program that a datapath can run.
    pub(crate) fn fit(&self, uid: ProgramUid, has: Abilities) -> Result<&Form, Misfit> {
        let full_table = Misfit::TableFull {
            uid,
            max: has.max_programs,
        };
        let index = (uid.0 as usize).wrapping_sub(1);
        let program = self.installable.get(index).ok_or(full_table)?;
        if uid.0 > has.max_programs {
            return Err(full_table);
        }
        let plain = program.plain.as_ref().unwrap_or(&program.full);
        let form = match program.full.primitives & !has.primitives {
            0 => &program.full,
            _ => plain,
        };
        let instrs = form.records.instrs.len();
        match first_primitive(form.primitives & !has.primitives) {
            Some(lacking) => Err(Misfit::Primitive(lacking)),
            None if instrs > has.max_instrs as usize => Err(Misfit::TooLong {
                instrs,
                max: has.max_instrs,
            }),
            None => Ok(form),
        }
    }
}

impl Form {
    fn new(compiled: &Compiled) -> Self {
        Self {
            records: compiled.program.code().to_records(),
            primitives: compiled.program.primitives(),
        }
    }
}

impl Default for Abilities {
    /// Of a datapath that has sent no Hello.
    fn default() -> Self {
        Self {
            primitives: Primitive::BASE_MASK,
            max_programs: u32::MAX,
            max_instrs: u32::MAX,
        }
    }
}

impl From<Hello> for Abilities {
    fn from(hello: Hello) -> Self {
        Self {
            primitives: hello.primitives,
            max_programs: hello.max_programs,
            max_instrs: hello.max_instrs,
        }
    }
}

fn uid_of(index: usize) -> ProgramUid {
    ProgramUid(index as u32 + 1)
}

fn first_primitive(mask: u64) -> Option<Primitive> {
    Primitive::from_index(mask.trailing_zeros())
}

/// How many programs libccp 1.2 holds, in its Rust binding and the kernel module.
const LIBCCP_TABLE: usize = 9;
