//! How a flow announces itself: Create, and before it Address where the flow is IPv6.

use alloc::boxed::Box;

use ccp_wire::{Address, Create, EncodeError, Family, FlowId};

use crate::config::FlowInfo;

/// What a flow says of itself, for as often as an agent has to be told.
#[derive(Debug)]
pub(crate) struct Announcement {
    address: Option<Address>,
    /// All but the name.
    create: Create<'static>,
    cong_alg: Box<str>,
}

impl Announcement {
    pub(crate) fn new(flow: FlowId, info: &FlowInfo<'_>) -> Self {
        let address = info.v6.map(|(src, dst)| Address { flow, family: Family::V6, src, dst });
        let v4 = |ip| if address.is_some() { 0 } else { ip };
        Self {
            address,
            create: Create {
                flow,
                init_cwnd: info.init_cwnd,
                mss: info.mss,
                src_ip: v4(info.src_ip),
                src_port: info.src_port,
                dst_ip: v4(info.dst_ip),
                dst_port: info.dst_port,
                cong_alg: "",
            },
            cong_alg: info.cong_alg.into(),
        }
    }

    /// Writes it as one datagram and returns its length.
    ///
    /// `cwnd` is the window in use now, in bytes. An agent starts from what Create says: one that takes over a running
    /// flow must not throw it back to where it began.
    pub(crate) fn encode(&self, cwnd: Option<u64>, buf: &mut [u8]) -> Result<usize, EncodeError> {
        let mut create = Create { cong_alg: &self.cong_alg, ..self.create };
        if let Some(cwnd) = cwnd.filter(|cwnd| *cwnd != 0) {
            create.init_cwnd = cwnd.try_into().unwrap_or(u32::MAX);
        }
        let address_len = match &self.address {
            None => 0,
            Some(address) => address.encode(buf)?,
        };
        let rest = buf.get_mut(address_len..).unwrap_or_default();
        Ok(address_len + create.encode(rest)?)
    }
}
