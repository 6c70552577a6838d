//! The compiler's front door: source text in, verified program out.

use alloc::vec::Vec;

use crate::check;
use crate::code::Code;
use crate::diag::{DiagCode, Diagnostic, Diagnostics, Sink, Span};
use crate::ir::Ir;
use crate::limits::Limits;
use crate::lint::{Level, Levels, Lint};
use crate::lower;
use crate::machine::Program;
use crate::opt::{self, Opt, Pass};
use crate::portable::{Forms, Portable};
use crate::primitive::Primitive;
use crate::scope::Scope;
use crate::syntax;
use crate::table::PrimitiveTable;

/// Compiles a program with the default settings: `Compiler::new().compile(src)`.
///
/// # Errors
/// All that is wrong with the program, at once.
pub fn compile(src: impl AsRef<[u8]>) -> Result<Compiled, Diagnostics> {
    Compiler::new().compile(src)
}

/// A compiled program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compiled {
    /// What the machine runs and an Install carries.
    pub program: Program,
    /// What its names stand for.
    pub scope: Scope,
    /// Where in the source each instruction of the program's [code](Program::code) comes from.
    pub spans: Vec<Span>,
    /// What is odd about it.
    pub warnings: Diagnostics,
}

/// How to compile.
///
/// ```
/// use ccp_lang::{Compiler, Lint};
/// let program = "(def (Report (volatile acked 0))) (when true (:= Report.acked bytes) (report))";
/// assert!(Compiler::new().compile(program).is_err(), "nothing binds `bytes`");
/// let compiled = Compiler::new().allow(Lint::UnboundRead).compile(program)?;
/// assert_eq!(compiled.warnings.len(), 1);
/// # Ok::<(), ccp_lang::Diagnostics>(())
/// ```
#[derive(Clone, Debug)]
pub struct Compiler {
    levels: Levels,
    primitives: PrimitiveTable,
    available: u64,
    limits: Limits,
    opt: Opt,
    heeds_comments: bool,
}

impl Compiler {
    /// Every lint at its default level, every primitive available, the limits of libccp, optimised.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            levels: Levels::DEFAULT,
            primitives: PrimitiveTable::standard(),
            available: u64::MAX,
            limits: Limits { primitives: Limits::MACHINE.primitives, ..Limits::LIBCCP },
            opt: Opt::Full,
            heeds_comments: true,
        }
    }

    /// Lets a lint pass: one that denies only warns, one that warns says nothing.
    #[must_use]
    pub fn allow(mut self, lint: Lint) -> Self {
        self.levels.allow(lint);
        self
    }

    /// Every lint that denies only warns, and the program means what it means to portus, to which
    /// comments that allow or deny lints are comments like any other.
    #[must_use]
    pub fn allow_all(mut self) -> Self {
        for &lint in Lint::ALL {
            if lint.default_level() == Level::Deny {
                self.levels.allow(lint);
            }
        }
        self.heeds_comments = false;
        self
    }

    /// Makes a lint an error.
    #[must_use]
    pub fn deny(mut self, lint: Lint) -> Self {
        self.levels.set(lint, Level::Deny);
        self
    }

    /// Knows the primitives of this table, in place of the standard ones alone.
    #[must_use]
    pub fn primitives(mut self, table: PrimitiveTable) -> Self {
        self.primitives = table;
        self
    }

    /// Compiles for a datapath that fills only these primitives (bit i: primitive i). The stand-in
    /// of a missing one takes its place; one without is an error. Names and registers are the same
    /// for every mask.
    #[must_use]
    pub const fn available(mut self, primitives: u64) -> Self {
        self.available = primitives;
        self
    }

    /// Compiles within other limits than those of libccp. Values above [`Limits::MACHINE`] count as
    /// that.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits.min(Limits::MACHINE);
        self
    }

    /// Optimises this much.
    #[must_use]
    pub const fn opt(mut self, opt: Opt) -> Self {
        self.opt = opt;
        self
    }

    fn parse<'s>(&self, src: &'s [u8], sink: &mut Sink) -> syntax::Tree<'s> {
        let tree = syntax::parse_into(src, sink);
        if self.heeds_comments {
            sink.heed(&tree.lint_comments, src);
        }
        tree
    }

    /// Checks a program and gives it as its typed steps, before registers are assigned.
    ///
    /// # Errors
    /// All that is wrong with the program, at once, warnings among them.
    pub fn check(&self, src: impl AsRef<[u8]>) -> Result<Ir, Diagnostics> {
        let src = src.as_ref();
        let mut sink = Sink::new(self.levels);
        let tree = self.parse(src, &mut sink);
        let (ir, _) =
            check::check(&tree, &self.primitives, self.available, &self.limits, &mut sink);
        if sink.has_errors() {
            return Err(sink.finish(src));
        }
        Ok(ir)
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// All that is wrong with the program, at once, warnings among them.
    pub fn compile(&self, src: impl AsRef<[u8]>) -> Result<Compiled, Diagnostics> {
        let src = src.as_ref();
        let mut sink = Sink::new(self.levels);
        let tree = self.parse(src, &mut sink);
        let (mut ir, scope) =
            check::check(&tree, &self.primitives, self.available, &self.limits, &mut sink);
        if sink.has_errors() {
            return Err(sink.finish(src));
        }
        lower::settle(&mut ir, &self.limits);
        let (code, of_steps) = self.lower(&ir, &mut sink);
        if sink.has_errors() {
            return Err(sink.finish(src));
        }
        let spans = declared(&ir, &scope).chain(of_steps).collect();
        match Program::verify(code, &self.limits) {
            Ok(program) => {
                check::beyond_libccp(&tree, &program, &scope, &mut sink);
                if sink.has_errors() {
                    return Err(sink.finish(src));
                }
                Ok(Compiled { program, scope, spans, warnings: sink.finish(src) })
            }
            Err(error) => {
                let message = alloc::format!("the compiled program does not verify: {error}");
                let help = "this is a mistake of the compiler; please report it with the program";
                sink.push(
                    Diagnostic::error(DiagCode::Internal, Span::default(), message).help(help),
                );
                Err(sink.finish(src))
            }
        }
    }

    /// Optimises a program as [`compile`](Self::compile) does, and gives its steps after each pass.
    ///
    /// ```
    /// use ccp_lang::Compiler;
    /// let source = "(def (Report (x 0))) (when true (:= Report.x (+ 1 (* 2 3))) (report))";
    /// let mut sizes = Vec::new();
    /// let ir = Compiler::new().passes(source, |pass, ir| sizes.push((pass.name(), ir.steps.len())))?;
    /// assert_eq!((sizes[0], sizes.last()), (("fold", 5), Some(&("direct", 3))));
    /// assert!(ir.to_string().contains("report.0 ← BIND #7"));
    /// # Ok::<(), ccp_lang::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn passes(
        &self,
        src: impl AsRef<[u8]>,
        mut each: impl FnMut(Pass, &Ir),
    ) -> Result<Ir, Diagnostics> {
        let mut ir = self.check(src)?;
        lower::settle(&mut ir, &self.limits);
        let fits = |ir: &Ir| lower::lower_shared(ir, &self.limits).is_some();
        let shares = fits(&opt::optimise(ir.clone(), true, |_, _| {}));
        Ok(opt::optimise(ir, shares, |pass, ir| each(pass, &ir())))
    }

    fn lower(&self, ir: &Ir, sink: &mut Sink) -> (Code, Vec<Span>) {
        if self.opt == Opt::Full {
            // Values that are kept for later may take too many temporaries.
            for shares in [true, false] {
                let optimised = opt::optimise(ir.clone(), shares, |_, _| {});
                if let Some(lowered) = lower::lower_shared(&optimised, &self.limits) {
                    return lowered;
                }
            }
        }
        lower::lower(ir, &self.limits, sink)
    }

    /// Compiles a program for datapaths that fill all available primitives and for those that fill
    /// only libccp's ([`Primitive::BASE_MASK`]). If nothing can stand in for one of the others, the
    /// latter cannot run it.
    ///
    /// # Errors
    /// As [`compile`](Self::compile), for the former.
    pub fn compile_portable(&self, src: impl AsRef<[u8]>) -> Result<Portable, Diagnostics> {
        let src = src.as_ref();
        let compiled = self.compile(src)?;
        let base = self.available & Primitive::BASE_MASK;
        let plain = self.clone().available(base).compile(src).ok();
        Ok(Portable {
            forms: Forms::new(
                &compiled.program,
                plain.as_ref().map(|c| &c.program),
                &self.primitives,
            ),
            scope: compiled.scope,
            warnings: compiled.warnings,
        })
    }
}

/// Where the declarations stand.
fn declared(ir: &Ir, scope: &Scope) -> impl Iterator<Item = Span> {
    ir.defs.iter().map(|def| scope.variable(def.reg).map_or_else(Span::default, |found| found.span))
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}
