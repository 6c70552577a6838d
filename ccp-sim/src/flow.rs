//! One flow of a simulation: both its ends, its place in the datapath, and what is counted of it.

use core::time::Duration;

use ccp_datapath::{BASE_PRIMITIVES, Decision, FlowHandle, Primitive, Primitives, fallback};

use crate::histogram::Histogram;
use crate::receiver::Receiver;
use crate::results::{FlowResults, FlowSample, Governor, Watched};
use crate::scenario::Flow;
use crate::sender::{Sample, Sender, SenderConfig, SenderCounters};
use crate::sim::Line;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct FlowState {
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    /// Its place in the datapath, from its start to its end.
    pub(crate) handle: Option<FlowHandle>,
    /// What governs while the agent does not.
    reno: fallback::Reno,
    governor: Governor,
    /// From the bottleneck to the receiver, and from there to the sender.
    pub(crate) forward: Line,
    pub(crate) back: Line,
    /// What its round trip takes on top of the link's.
    extra_rtt: Duration,
    /// When an event is planned that lets it send, and one that looks at its retransmission timer.
    pub(crate) send_planned: Option<Time>,
    pub(crate) timeout_planned: Option<Time>,
    start: Time,
    completed: Option<Time>,
    counted: Counted,
    /// The sender's counters and the receiver's duplicates when counting began.
    base: (SenderCounters, u64),
    samples: Vec<FlowSample>,
    watched: Vec<Watched>,
}

/// What is counted from `measure_from` on.
#[derive(Clone, Debug, Default)]
struct Counted {
    wire_bytes: u64,
    waits: Histogram,
    dropped: u64,
    lost: u64,
    reports: u64,
}

impl FlowState {
    pub(crate) fn new(index: usize, flow: &Flow, link_rtt: Duration) -> Self {
        let init_cwnd = u64::from(flow.init_cwnd.max(1)) * u64::from(flow.mss);
        let rtt = link_rtt + flow.extra_rtt;
        let start = Time::from(flow.start);
        Self {
            sender: Sender::new(SenderConfig {
                flow: u32::try_from(index).unwrap_or(u32::MAX),
                mss: flow.mss,
                overhead: flow.overhead,
                init_cwnd,
                receive_window: flow.receive_window,
                source: flow.source,
                start,
                handshake_rtt: Some(rtt),
                pacing: flow.pacing,
                ecn: flow.ecn,
            }),
            receiver: Receiver::default(),
            handle: None,
            reno: fallback::Reno::new(flow.mss, init_cwnd),
            governor: Governor::Datapath,
            forward: Line::new(rtt / 2),
            back: Line::new(rtt - rtt / 2),
            extra_rtt: flow.extra_rtt,
            send_planned: None,
            timeout_planned: None,
            start,
            completed: None,
            counted: Counted::default(),
            base: (SenderCounters::default(), 0),
            samples: Vec::new(),
            watched: Vec::new(),
        }
    }

    /// Does what the datapath decided, or what its own Reno does where it left the decision to that.
    pub(crate) fn apply(&mut self, decision: &Decision, primitives: &Primitives) {
        self.counted.reports += u64::from(decision.reported);
        let before = self.governor;
        self.governor = match decision.governor {
            ccp_datapath::Governor::Agent => Governor::Agent,
            _ => Governor::Datapath,
        };
        if self.governor == Governor::Datapath {
            if before == Governor::Agent {
                let (cwnd, in_flight) = (self.sender.cwnd(), self.sender.bytes_in_flight());
                // Under a rate the window was no limit, and may be far more than the path holds.
                let found = if self.sender.rate() > 0 { cwnd.min(in_flight) } else { cwnd };
                self.reno.take_over(found);
                self.sender.set_rate(0);
            }
            let cwnd = self.reno.on_ack(primitives);
            self.sender.set_cwnd(cwnd);
        }
        if let Some(cwnd) = decision.cwnd {
            self.sender.set_cwnd(cwnd);
        }
        if let Some(rate) = decision.rate {
            self.sender.set_rate(rate);
        }
    }

    /// The link's round trip takes so long from now on.
    pub(crate) fn set_link_rtt(&mut self, link_rtt: Duration) {
        let rtt = link_rtt + self.extra_rtt;
        self.forward.set_delay(rtt / 2);
        self.back.set_delay(rtt - rtt / 2);
        self.sender.set_handshake_rtt(rtt);
    }

    /// Starts counting anew.
    pub(crate) fn begin_counting(&mut self) {
        self.counted = Counted::default();
        self.base = (self.sender.counters(), self.receiver.duplicates());
    }

    pub(crate) fn count_dropped(&mut self) {
        self.counted.dropped += 1;
    }

    pub(crate) fn count_lost(&mut self) {
        self.counted.lost += 1;
    }

    /// Counts a packet that left the link after it had waited so many nanoseconds.
    pub(crate) fn count_through(&mut self, wire_len: u32, waited: u64) {
        self.counted.wire_bytes += u64::from(wire_len);
        self.counted.waits.add(waited);
    }

    pub(crate) fn complete(&mut self, now: Time) {
        self.completed = Some(now);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.handle.is_some()
    }

    pub(crate) fn governor(&self) -> Governor {
        self.governor
    }

    pub(crate) fn sample(&mut self, now: Time, queued: usize, told: Option<u64>) {
        let sender = &self.sender;
        let (srtt, rtt) = sender.rtt_ns();
        self.samples.push(FlowSample {
            at: now.as_duration(),
            cwnd: sender.cwnd(),
            ssthresh: self.ssthresh(told),
            rate: sender.rate(),
            pacing: sender.pacing_rate(),
            delivery_rate: sender.delivery_rate(),
            in_flight: sender.bytes_in_flight(),
            rtt: Duration::from_nanos(rtt),
            srtt: Duration::from_nanos(srtt),
            acked: sender.counters().acked_bytes,
            losses: sender.counters().losses,
            retransmits: sender.counters().retransmits,
            queued,
            phase: sender.phase(),
            governor: self.governor,
        });
    }

    /// Writes down variables of its program, by name, beside the last sample.
    pub(crate) fn watch<'a>(&mut self, values: impl Iterator<Item = (&'a String, Option<u64>)>) {
        let governed = self.governor == Governor::Agent;
        for (place, (name, value)) in values.enumerate() {
            if self.watched.len() == place {
                self.watched.push(Watched { name: name.clone(), values: Vec::new() });
            }
            self.watched[place].values.push(value.filter(|_| governed));
        }
    }

    /// The slow start threshold of who governs, of which its program has `told`; `None`: it has not, or there is none.
    fn ssthresh(&self, told: Option<u64>) -> Option<u64> {
        let threshold = match self.governor {
            Governor::Agent => told?,
            Governor::Datapath => self.reno.ssthresh(),
        };
        (threshold < NO_THRESHOLD).then_some(threshold)
    }

    /// What was found of it in the `time` that counted. What part of the link that is must be added.
    pub(crate) fn results(&self, alg: &str, time: Duration) -> FlowResults {
        let Counted { wire_bytes, waits, dropped, lost, reports } = &self.counted;
        let (now, (base, duplicates)) = (self.sender.counters(), self.base);
        let per_second = |count: f64| {
            if time.is_zero() { 0.0 } else { count / time.as_secs_f64() }
        };
        let throughput = per_second(*wire_bytes as f64 * 8.0);
        FlowResults {
            alg: alg.to_owned(),
            throughput,
            utilisation: 0.0,
            wire_bytes: *wire_bytes,
            goodput: per_second((now.acked_bytes - base.acked_bytes) as f64),
            queue_mean: waits.mean(),
            queue_p95: waits.percentile(95),
            dropped: *dropped,
            lost: *lost,
            losses: now.losses - base.losses,
            spurious: now.spurious - base.spurious,
            undone: now.undone - base.undone,
            marked: now.marked - base.marked,
            retransmits: now.retransmits - base.retransmits,
            duplicates: self.receiver.duplicates() - duplicates,
            timeouts: now.timeouts - base.timeouts,
            probes: now.probes - base.probes,
            reports: *reports,
            completed: self.completed.map(|at| Duration::from_nanos(at.since(self.start))),
            samples: self.samples.clone(),
            watched: self.watched.clone(),
        }
    }
}

/// From here on a threshold is none: no window is that large.
const NO_THRESHOLD: u64 = u32::MAX as u64;

/// What the sender saw, as the datapath's programs read it.
pub(crate) fn primitives(sample: &Sample) -> Primitives {
    Primitives::new()
        .with(Primitive::AckBytesAcked, sample.bytes_acked)
        .with(Primitive::AckBytesMisordered, sample.bytes_misordered)
        .with(Primitive::AckEcnBytes, sample.ecn_bytes)
        .with(Primitive::AckEcnPackets, sample.ecn_packets)
        .with(Primitive::AckLostPktsSample, sample.lost_packets)
        .with(Primitive::AckPacketsAcked, sample.packets_acked)
        .with(Primitive::AckPacketsMisordered, sample.packets_misordered)
        .with(Primitive::FlowBytesInFlight, sample.bytes_in_flight)
        .with(Primitive::FlowBytesPending, sample.bytes_pending)
        .with(Primitive::FlowPacketsInFlight, sample.packets_in_flight)
        .with(Primitive::FlowRateIncoming, sample.rate_incoming)
        .with(Primitive::FlowRateOutgoing, sample.rate_outgoing)
        .with(Primitive::FlowRttSampleUs, sample.rtt_us)
        .with(Primitive::FlowWasTimeout, u64::from(sample.timeout))
        .with(Primitive::FlowAppLimited, u64::from(sample.app_limited))
        .with(Primitive::FlowRecovery, sample.recovery)
        .with(Primitive::FlowUndone, u64::from(sample.undone))
        .with(Primitive::FlowIdleUs, sample.idle_us)
}

/// The primitives that a simulated transport fills: those of libccp, and all of ours.
pub(crate) const PRIMITIVES: u64 = BASE_PRIMITIVES
    | Primitive::FlowAppLimited.mask()
    | Primitive::FlowRecovery.mask()
    | Primitive::FlowUndone.mask()
    | Primitive::FlowIdleUs.mask();
