//! The list of algorithms in a run's type, so that reports reach them by static dispatch.

use std::collections::HashMap;

use ccp_ipc::Ipc;
use ccp_lang::Compiler;
use ccp_wire::FlowId;

use crate::{CongAlg, Datapath, DatapathInfo, Flow, Report, RunError};

/// The end of the list: the default algorithm.
#[derive(Debug)]
pub struct DefaultAlg<A>(pub(crate) A);

/// One more algorithm, or none, before the `tail`.
#[derive(Debug)]
pub struct AdditionalAlg<A, T> {
    pub(crate) head: Option<A>,
    pub(crate) tail: T,
}

/// A flow of this algorithm or of one further down the list.
#[derive(Debug)]
pub enum Either<H, T> {
    /// Of the head.
    Head(H),
    /// Of the tail.
    Tail(T),
}

/// What [`AlgSet::visit`] calls with each algorithm: its name, its programs, and its compiler.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(
    &'static str,
    HashMap<&'static str, String>,
    &dyn Fn() -> Compiler,
) -> Result<(), RunError>;

/// A list of algorithms, as [`RunBuilder`](crate::RunBuilder) makes it; for naming the type of what
/// holds an [`Agent`](crate::Agent).
///
/// The places in it count from 0, the default, in the order in which they were added.
pub trait AlgSet<I: Ipc>: Sealed {
    /// A flow of any of them.
    type Flow: Flow;

    #[doc(hidden)]
    /// How many places the list has, those without an algorithm included.
    fn places(&self) -> usize;

    #[doc(hidden)]
    /// Visits all, the default first. A place without algorithm is visited without programs.
    fn visit(&self, visit: Visit<'_>) -> Result<(), RunError>;

    #[doc(hidden)]
    /// The place of the last added one of this name, or of the default.
    fn place(&self, name: &str) -> usize;

    #[doc(hidden)]
    /// Has the algorithm at `place` take a flow.
    fn new_flow(&self, place: usize, control: Datapath<I>, info: DatapathInfo) -> Self::Flow;
}

impl<I: Ipc, A: CongAlg<I>> AlgSet<I> for DefaultAlg<A> {
    type Flow = A::Flow;

    fn places(&self) -> usize {
        1
    }

    fn visit(&self, visit: Visit<'_>) -> Result<(), RunError> {
        visit(A::name(), self.0.datapath_programs(), &|| self.0.compiler())
    }

    fn place(&self, _: &str) -> usize {
        0
    }

    fn new_flow(&self, _: usize, control: Datapath<I>, info: DatapathInfo) -> A::Flow {
        self.0.new_flow(control, info)
    }
}

impl<I: Ipc, A: CongAlg<I>, T: AlgSet<I>> AlgSet<I> for AdditionalAlg<A, T> {
    type Flow = Either<A::Flow, T::Flow>;

    fn places(&self) -> usize {
        self.tail.places() + 1
    }

    fn visit(&self, visit: Visit<'_>) -> Result<(), RunError> {
        self.tail.visit(visit)?;
        match &self.head {
            Some(head) => visit(A::name(), head.datapath_programs(), &|| head.compiler()),
            None => visit(A::name(), HashMap::new(), &Compiler::new),
        }
    }

    fn place(&self, name: &str) -> usize {
        match self.head {
            Some(_) if A::name() == name => self.tail.places(),
            _ => self.tail.place(name),
        }
    }

    fn new_flow(&self, place: usize, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        match &self.head {
            Some(head) if place == self.tail.places() => Either::Head(head.new_flow(control, info)),
            _ => Either::Tail(self.tail.new_flow(place, control, info)),
        }
    }
}

impl<H: Flow, T: Flow> Flow for Either<H, T> {
    #[inline]
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        match self {
            Self::Head(head) => head.on_report(flow, report),
            Self::Tail(tail) => tail.on_report(flow, report),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Head(head) => head.close(),
            Self::Tail(tail) => tail.close(),
        }
    }
}

/// Keeps [`AlgSet`] to the lists made here.
pub trait Sealed {}
impl<A> Sealed for DefaultAlg<A> {}
impl<A, T> Sealed for AdditionalAlg<A, T> {}
