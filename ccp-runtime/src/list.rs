//! The list of algorithms in a run's type, so that reports reach them by static dispatch.

use ccp_ipc::Ipc;
use ccp_wire::FlowId;

use crate::{CongAlg, Datapath, DatapathInfo, Flow, Programs, Report, RunError};

/// The end of the list: the default algorithm.
#[derive(Debug)]
pub struct DefaultAlg<A>(pub(crate) A);

/// One more algorithm, or none, before the rest of the list.
#[derive(Debug)]
pub struct AdditionalAlg<A, T>(pub(crate) Option<A>, pub(crate) T);

/// A list of algorithms, as [`RunBuilder`](crate::RunBuilder) makes it; for naming the type of what
/// holds an [`Agent`](crate::Agent).
pub trait AlgSet<I: Ipc>: Sealed {
    /// A flow of any of them.
    type Flow: Flow;

    /// Compiles the programs of all, the default's first.
    #[doc(hidden)]
    fn compile(&self, programs: &mut Programs) -> Result<(), RunError>;

    /// Has the last added algorithm of that name take a flow, or else the default.
    #[doc(hidden)]
    fn new_flow(&self, name: &str, control: Datapath<I>, info: DatapathInfo) -> Self::Flow;
}

impl<I: Ipc, A: CongAlg<I>> AlgSet<I> for DefaultAlg<A> {
    type Flow = A::Flow;

    fn compile(&self, programs: &mut Programs) -> Result<(), RunError> {
        programs.add(&self.0)
    }

    fn new_flow(&self, name: &str, control: Datapath<I>, info: DatapathInfo) -> A::Flow {
        self.0.new_flow_asked(name, control, info)
    }
}

impl<I: Ipc, A: CongAlg<I>, T: AlgSet<I>> AlgSet<I> for AdditionalAlg<A, T> {
    type Flow = Either<A::Flow, T::Flow>;

    fn compile(&self, programs: &mut Programs) -> Result<(), RunError> {
        self.1.compile(programs)?;
        self.0.iter().try_for_each(|alg| programs.add(alg))
    }

    fn new_flow(&self, name: &str, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        match &self.0 {
            Some(alg) if A::name() == name => Either::Here(alg.new_flow(control, info)),
            _ => Either::Further(self.1.new_flow(name, control, info)),
        }
    }
}

/// A flow of the first algorithm of a list, or of one further down.
#[derive(Debug)]
pub enum Either<A, T> {
    /// Of the first.
    Here(A),
    /// Of another.
    Further(T),
}

impl<A: Flow, T: Flow> Flow for Either<A, T> {
    #[inline]
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        match self {
            Self::Here(here) => here.on_report(flow, report),
            Self::Further(further) => further.on_report(flow, report),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Here(here) => here.close(),
            Self::Further(further) => further.close(),
        }
    }
}

/// Keeps [`AlgSet`] to the lists made here.
pub trait Sealed {}
impl<A> Sealed for DefaultAlg<A> {}
impl<A, T> Sealed for AdditionalAlg<A, T> {}
