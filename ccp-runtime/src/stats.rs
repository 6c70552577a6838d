//! Counters of the agent: written by its loop alone, readable from every thread.

ccp_ipc::counters! {
    /// What the agent has done and refused so far, by reason.
    pub struct Stats;

    /// Reads the counters of an agent, also while it runs in another thread.
    pub struct StatsHandle;

    pub(crate) enum Counter {
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
}
