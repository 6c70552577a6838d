//! What an algorithm implements: [`CongAlg`] for the whole of it, [`Flow`] for one connection.

use std::collections::HashMap;

use ccp_ipc::Ipc;
use ccp_lang::Compiler;
use ccp_wire::{Address, FlowId};

use crate::{Datapath, Report};

/// A congestion control algorithm.
///
/// It names its datapath programs and makes a [`Flow`] for each connection that is to be governed
/// by it. All of its programs are compiled before the agent sends anything.
pub trait CongAlg<I: Ipc> {
    /// What governs one connection. It stays on the agent's thread and need not be `Send`.
    type Flow: Flow;

    /// The name under which a datapath asks for this algorithm.
    fn name() -> &'static str;

    /// The source of every program the algorithm uses, by a name of its own choosing. Two
    /// algorithms may use one name for different programs.
    fn datapath_programs(&self) -> HashMap<&'static str, String>;

    /// Takes charge of a new connection; usually calls [`Datapath::set_program`].
    ///
    /// A panic in here leaves the connection without algorithm; the agent goes on.
    fn new_flow(&self, control: Datapath<I>, info: DatapathInfo) -> Self::Flow;

    /// As [`new_flow`](Self::new_flow), for a default algorithm that is several: with the name that
    /// the datapath asked for.
    #[doc(hidden)]
    fn new_flow_asked(&self, _: &str, control: Datapath<I>, info: DatapathInfo) -> Self::Flow {
        self.new_flow(control, info)
    }

    /// The compiler for this algorithm's programs: a strict one unless overridden.
    #[doc(hidden)]
    fn compiler(&self) -> Compiler {
        Compiler::new()
    }
}

/// One connection governed by an algorithm.
///
/// A panic in any of these ends the flow and is counted; the agent and all other flows go on.
pub trait Flow {
    /// Called with each report that the flow's program sends.
    fn on_report(&mut self, flow: FlowId, report: Report<'_>);

    /// Called once when the flow has ended: closed by its datapath, replaced, lost with its
    /// datapath, or because the agent ends. The flow can no longer be controlled.
    fn close(&mut self) {}
}

impl<T: Flow + ?Sized> Flow for Box<T> {
    fn on_report(&mut self, flow: FlowId, report: Report<'_>) {
        T::on_report(self, flow, report);
    }

    fn close(&mut self) {
        T::close(self);
    }
}

/// What the datapath tells of a connection when it starts.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DatapathInfo {
    /// The connection's number, unique within its datapath while it lives.
    pub flow: FlowId,
    /// The congestion window it starts with, in bytes.
    pub init_cwnd: u32,
    /// Its maximum segment size, in bytes.
    pub mss: u32,
    /// Source address as sent; the byte order is the datapath's (network order in the kernel
    /// module). 0 when `address` is given.
    pub src_ip: u32,
    /// Source port, in the datapath's byte order.
    pub src_port: u32,
    /// Destination address, as `src_ip`.
    pub dst_ip: u32,
    /// Destination port, in the datapath's byte order.
    pub dst_port: u32,
    /// The addresses of a flow whose datapath sent them apart, as ours do for IPv6.
    pub address: Option<Address>,
}
