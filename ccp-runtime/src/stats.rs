//! Counters of the agent: written by its loop alone, readable from every thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident $field:ident,)*) => {
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Counter { $($variant,)* }

        impl Counter {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }

        /// What the agent has done and refused so far, by reason.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats { $($(#[$doc])* pub $field: u64,)* }

        impl Stats {
            /// Every counter with its name, in the order of the fields.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }

        impl StatsHandle {
            /// The counters now. Each is exact; together they may be of slightly different moments.
            pub fn snapshot(&self) -> Stats {
                Stats { $($field: self.0[Counter::$variant as usize].load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Datapaths known now.
    Datapaths datapaths,
    /// Flows governed now.
    Flows flows,
    /// Datagrams received.
    Datagrams datagrams,
    /// Reports given to a flow.
    Reports reports,
    /// Flows begun: each Create that was followed.
    FlowsCreated flows_created,
    /// Flows ended in any way.
    FlowsClosed flows_closed,
    /// Ready messages: datapaths that started, or found their agent anew.
    Readies readies,
    /// Hello messages: datapaths that told what they can.
    Hellos hellos,
    /// Install messages sent or waiting.
    Installs installs,
    /// Messages of any kind given to the transport or its outbox.
    Sent sent,
    /// Messages given up because the datapath's outbox was full.
    SendQueueFull send_queue_full,
    /// Messages given up because the datapath was gone.
    SendPeerGone send_peer_gone,
    /// Messages given up for another reason.
    SendFailed send_failed,
    /// Datapaths dropped because nobody is behind their address any more.
    DatapathsGone datapaths_gone,
    /// Programs that a datapath could not take: a primitive or the room for it is lacking.
    ProgramsRefused programs_refused,
    /// Callbacks of a flow that panicked; each ended its flow.
    FlowPanics flow_panics,
    /// Ignored: bytes that are no message, or lie about a length or a string.
    Malformed malformed,
    /// Ignored: a datagram larger than any message can be.
    Truncated truncated,
    /// Ignored: a datagram whose sender has no address to answer to.
    Nameless nameless,
    /// Ignored: a message of a type unknown here.
    UnknownType unknown_type,
    /// Ignored: a message only an agent may send.
    AgentOnly agent_only,
    /// Ignored: a message of a datapath that has sent neither Ready nor Create.
    UnknownDatapath unknown_datapath,
    /// Ignored: a report of a flow that was never created or has ended.
    UnknownFlow unknown_flow,
    /// Ignored: a Create of a datapath that has as many flows as it may.
    FlowsCapped flows_capped,
    /// Ignored: a message of one datapath more than there may be.
    DatapathsCapped datapaths_capped,
}

/// Reads the counters of an agent, also while it runs in another thread.
#[derive(Clone, Debug, Default)]
pub struct StatsHandle(Arc<[AtomicU64; Counter::ALL.len()]>);

impl StatsHandle {
    /// Counters at zero, to be given to an agent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to a counter, and gives its value. Only the loop writes, so that a plain store does,
    /// without a locked bus.
    #[inline]
    pub(crate) fn add(&self, counter: Counter, by: i64) -> u64 {
        let cell = &self.0[counter as usize];
        let value = cell.load(Relaxed).wrapping_add_signed(by);
        cell.store(value, Relaxed);
        value
    }

    /// Takes over what is counted elsewhere.
    pub(crate) fn set(&self, counter: Counter, value: u64) {
        self.0[counter as usize].store(value, Relaxed);
    }
}
