//! The optimiser: the same program in fewer steps.
//!
//! A program optimised does what the plain one does, traps included: which kind comes when, and what
//! has been written before it. Three things are not part of that. A trap names the instruction of the
//! program that runs. A local is the program's own: what it holds when another program begins is not
//! kept. And a Bool primitive is 0 or 1.
//!
//! Each pass takes steps away or puts cheaper ones in their place, and adds none.

mod cse;
mod dead;
mod direct;
mod events;
mod fold;
mod range;
mod truth;
mod values;
mod work;

use core::fmt;

use work::Work;

use crate::ir::Ir;
use crate::limits::Limits;

/// How much a program is optimised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opt {
    /// Not at all: the plain translation, one operator one instruction, in the order of the source.
    None,
    /// As far as possible. What a program does, traps included, stays the same.
    #[default]
    Full,
}

macro_rules! passes {
    ($( $variant:ident $name:literal $run:path, $doc:literal )+) => {
        /// A pass of the optimiser.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Pass {
            $( #[doc = $doc] $variant, )+
        }

        impl Pass {
            /// Every pass, in the order in which they first run.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// What it is called.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $name, )+
                }
            }

            /// What it does, in one line.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $( Self::$variant => $doc, )+
                }
            }

            fn run(self, work: &mut Work) {
                match self {
                    $( Self::$variant => $run(work), )+
                }
            }
        }
    };
}

passes! {
    Fold   "fold"   fold::run,   "Constants, identities, and what the ranges of values tell."
    Truth  "truth"  truth::run,  "Less is computed where only zero or not is asked for."
    Cse    "cse"    cse::run,    "What has been computed already is read from where it is."
    Events "events" events::run, "Events that never run are taken out, those that always do lose their test."
    Dead   "dead"   dead::run,   "Results and writes that nobody can see are taken out."
    Direct "direct" direct::run, "Results are written where they are wanted."
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The order of the passes. An event may be left without a body by what nobody can see.
const ORDER: [Pass; 8] = [
    Pass::Fold,
    Pass::Truth,
    Pass::Cse,
    Pass::Events,
    Pass::Dead,
    Pass::Events,
    Pass::Dead,
    Pass::Direct,
];

/// Optimises a program. With `shares`, a value may be kept for a later expression, which takes a
/// temporary meanwhile. After each pass, `each` is called.
pub(crate) fn optimise(ir: Ir, shares: bool, mut each: impl FnMut(Pass, &dyn Fn() -> Ir)) -> Ir {
    // Too long for any machine, whatever is done; and the work would grow faster than the program.
    if ir.steps.len() > Limits::MACHINE.max_instrs as usize {
        return ir;
    }
    let mut work = Work::new(ir, shares);
    for pass in ORDER {
        pass.run(&mut work);
        each(pass, &|| work.clone().into_ir());
    }
    work.into_ir()
}
