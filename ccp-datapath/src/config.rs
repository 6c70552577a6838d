//! The settings of a datapath, and what a flow says of itself when it opens.

use core::net::{IpAddr, SocketAddr};

use ccp_lang::{Limits, Micros, Primitive, PrimitiveTable};

/// The settings of a [`Datapath`](crate::Datapath). Start from [`Config::default`] and change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Goes out as the id in Ready; tells datapaths apart in an agent's log.
    pub id: u32,
    /// Flows open at once. Each takes about 5 KB. At most 1,048,576; more counts as that.
    pub max_flows: u32,
    /// Programs installed at once by one agent run.
    pub max_programs: u32,
    /// What a program may use. More than the default is for agents that read Hello.
    pub limits: Limits,
    /// Bit `i`: this transport really fills primitive `i`. Goes out in Hello. By default the fifteen that every CCP
    /// datapath fills. A program that reads another one is refused.
    pub primitives: u64,
    /// What the primitives are called, for what is said of a program that is refused.
    pub table: PrimitiveTable,
    /// From the first send that finds no agent to the fallback.
    pub fallback_after: Micros,
    /// Ask the agent for keep-alives, and count its silence against it once it has announced them.
    pub keep_alive: bool,
    /// The longest datagram toward the agent, in bytes. The agents in use read into 1,024 bytes.
    pub max_datagram: usize,
    /// The widest window the transport can hold, in bytes; wider ones are clamped to it.
    pub max_cwnd: u64,
    /// The highest rate the transport can hold, in bytes/s; higher ones are clamped to it.
    pub max_rate: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            id: 0,
            max_flows: 1024,
            max_programs: 64,
            limits: Limits::default(),
            primitives: BASE_PRIMITIVES,
            table: PrimitiveTable::standard(),
            fallback_after: Micros(200_000),
            keep_alive: true,
            max_datagram: AGENT_BUFFER_LEN,
            max_cwnd: u64::MAX,
            max_rate: u64::MAX,
        }
    }
}

/// What the Create message says of a flow.
///
/// The address fields are as they stand on the wire: [`FlowInfo::with_addrs`] fills them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowInfo<'a> {
    /// The window the flow starts with, in bytes. A Create that goes out later than at once says the window in use then.
    pub init_cwnd: u32,
    /// The largest segment, in bytes.
    pub mss: u32,
    /// Our end's IPv4 address: the wire shows its four bytes in network order. 0 for IPv6.
    pub src_ip: u32,
    /// Our end's port, in network order like the address.
    pub src_port: u32,
    /// The other end's IPv4 address.
    pub dst_ip: u32,
    /// The other end's port.
    pub dst_port: u32,
    /// Both addresses of an IPv6 flow, ours first. They go out in an Address message right before the Create.
    pub v6: Option<([u8; 16], [u8; 16])>,
    /// The algorithm wished for, at most 63 bytes without NUL; empty for none.
    pub cong_alg: &'a str,
}

impl<'a> FlowInfo<'a> {
    /// A flow without addresses and without a wish.
    pub const fn new(init_cwnd: u32, mss: u32) -> Self {
        Self {
            init_cwnd,
            mss,
            src_ip: 0,
            src_port: 0,
            dst_ip: 0,
            dst_port: 0,
            v6: None,
            cong_alg: "",
        }
    }

    /// The same flow, between these two ends.
    ///
    /// Addresses and ports are written in network order, as the kernel's CCP datapath does, so that an agent reads
    /// both alike. When either end is IPv6, both are, an IPv4 one mapped.
    pub fn with_addrs(mut self, src: SocketAddr, dst: SocketAddr) -> Self {
        (self.src_port, self.dst_port) = (port(src), port(dst));
        match (src.ip(), dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                self.v6 = None;
                self.src_ip = u32::from_le_bytes(src.octets());
                self.dst_ip = u32::from_le_bytes(dst.octets());
            }
            (src, dst) => {
                (self.src_ip, self.dst_ip) = (0, 0);
                self.v6 = Some((v6_octets(src), v6_octets(dst)));
            }
        }
        self
    }

    /// The same flow, which wishes to be governed by the algorithm of this name.
    pub const fn with_alg<'b>(self, cong_alg: &'b str) -> FlowInfo<'b> {
        FlowInfo { cong_alg, ..self }
    }
}

fn port(addr: SocketAddr) -> u32 {
    u32::from(u16::from_le_bytes(addr.port().to_be_bytes()))
}

fn v6_octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// The fifteen primitives that every CCP datapath fills.
pub const BASE_PRIMITIVES: u64 = Primitive::BASE_MASK;

/// The buffer into which published agents receive.
pub const AGENT_BUFFER_LEN: usize = 1024;

/// The most flows a datapath can tell apart: twelve bits of a flow's id are left for its generation.
pub(crate) const MOST_FLOWS: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn ipv4_ends_stand_in_network_order() {
        let info = FlowInfo::new(1, 1).with_addrs(
            SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 0x1234)),
            SocketAddr::from((Ipv4Addr::new(10, 0, 0, 2), 80)),
        );
        assert_eq!(info.src_ip.to_le_bytes(), [10, 0, 0, 1]);
        assert_eq!(info.dst_ip.to_le_bytes(), [10, 0, 0, 2]);
        assert_eq!(info.src_port.to_le_bytes(), [0x12, 0x34, 0, 0]);
        assert_eq!(info.v6, None);
    }

    #[test]
    fn one_ipv6_end_makes_both_ipv6() {
        let info = FlowInfo::new(1, 1).with_addrs(
            SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 2)),
        );
        assert_eq!((info.src_ip, info.dst_ip), (0, 0));
        let (src, dst) = info.v6.expect("an IPv6 flow");
        assert_eq!(src, Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets());
        assert_eq!(dst, Ipv6Addr::LOCALHOST.octets());
    }
}
