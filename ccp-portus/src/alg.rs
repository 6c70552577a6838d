//! What an algorithm implements, and how it then looks to the agent beneath.

use std::collections::HashMap;

use ccp_lang::{Compiler, Opt};
use ccp_runtime::FlowId;

use crate::ipc::{Bridge, Ipc};
use crate::{Datapath, Report};

/// A congestion control algorithm: names its datapath programs and makes a [`Flow`] for each
/// connection it is to govern.
pub trait CongAlg<I: Ipc> {
    /// What governs one connection.
    type Flow: Flow;

    /// The name by which a datapath asks for this algorithm.
    fn name() -> &'static str;

    /// The source of each program by its name; asked for once, before anything is sent. A program
    /// that does not compile ends the run with an error.
    fn datapath_programs(&self) -> HashMap<&'static str, String>;

    /// Takes charge of a new connection.
    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow;
}

impl<I: Ipc, T: CongAlg<I>> CongAlg<I> for &T {
    type Flow = T::Flow;

    fn name() -> &'static str {
        T::name()
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        T::datapath_programs(self)
    }

    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        T::new_flow(self, control, info)
    }
}

/// One connection governed by an algorithm.
pub trait Flow {
    /// Called with each report that the flow's program sends.
    fn on_report(&mut self, sock_id: u32, m: Report);

    /// Called when the flow has ended.
    fn close(&mut self) {}
}

impl<T: Flow + ?Sized> Flow for Box<T> {
    fn on_report(&mut self, sock_id: u32, m: Report) {
        T::on_report(self, sock_id, m);
    }

    fn close(&mut self) {
        T::close(self);
    }
}

/// What the datapath tells of a connection when it starts.
#[derive(Clone, Debug)]
pub struct DatapathInfo {
    /// The connection's number, unique within its datapath while it lives.
    pub sock_id: u32,
    /// The congestion window it starts with, in bytes.
    pub init_cwnd: u32,
    /// Its maximum segment size, in bytes.
    pub mss: u32,
    /// Source address as sent; the byte order is the datapath's. 0 for IPv6.
    pub src_ip: u32,
    /// Source port, in the datapath's byte order.
    pub src_port: u32,
    /// Destination address, as `src_ip`.
    pub dst_ip: u32,
    /// Destination port, in the datapath's byte order.
    pub dst_port: u32,
}

/// An algorithm of this interface as one of the agent's.
#[derive(Debug)]
pub struct Adapted<A>(pub(crate) A);

impl<I: Ipc, A: CongAlg<I>> ccp_runtime::CongAlg<Bridge<I>> for Adapted<A> {
    type Flow = AdaptedFlow<A::Flow>;

    fn name() -> &'static str {
        A::name()
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        self.0.datapath_programs()
    }

    fn new_flow(
        &self,
        control: ccp_runtime::Datapath<Bridge<I>>,
        info: ccp_runtime::DatapathInfo,
    ) -> Self::Flow {
        let info = DatapathInfo {
            sock_id: info.flow.0,
            init_cwnd: info.init_cwnd,
            mss: info.mss,
            src_ip: info.src_ip,
            src_port: info.src_port,
            dst_ip: info.dst_ip,
            dst_port: info.dst_port,
        };
        AdaptedFlow { flow: self.0.new_flow(Datapath(control), info), from: None }
    }

    /// What denies by default only warns: published programs keep the meaning they have. They are
    /// translated as portus does it.
    fn compiler(&self) -> Compiler {
        Compiler::new().allow_all().opt(Opt::None)
    }
}

/// A flow of this interface as one of the agent's.
#[derive(Debug)]
pub struct AdaptedFlow<F> {
    flow: F,
    /// Where its reports come from, in print; always the same datapath.
    from: Option<String>,
}

impl<F: Flow> ccp_runtime::Flow for AdaptedFlow<F> {
    fn on_report(&mut self, flow: FlowId, report: ccp_runtime::Report<'_>) {
        let from = self.from.get_or_insert_with(|| format!("{:#?}", report.from()));
        let report = Report {
            program_uid: report.program_uid().0,
            from: from.clone(),
            fields: report.fields().collect(),
        };
        self.flow.on_report(flow.0, report);
    }

    fn close(&mut self) {
        self.flow.close();
    }
}
