//! The decisions of a small Reno, for agents of either side.
//!
//! One for both, so that two runs differ by agent and datapath alone. It is no reference: `ccp-algs`
//! has the algorithm.

/// A window and what governs it.
#[derive(Clone, Copy, Debug)]
pub struct Reno {
    mss: u32,
    cwnd: u32,
    ssthresh: u32,
    /// What must still be acknowledged before the window may be cut again.
    recovery_bytes: u32,
    cuts: u64,
}

/// What a report says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Newly acknowledged bytes.
    pub acked: u64,
    /// Segments newly thought lost.
    pub lost: u64,
    /// The retransmission timer fired.
    pub timeout: bool,
}

impl Reno {
    /// In slow start, with the window the flow begins with.
    #[must_use]
    pub fn new(mss: u32, init_cwnd: u32) -> Self {
        Self { mss, cwnd: init_cwnd, ssthresh: u32::MAX / 2, recovery_bytes: 0, cuts: 0 }
    }

    /// The window, in bytes.
    #[must_use]
    pub fn cwnd(&self) -> u32 {
        self.cwnd
    }

    /// How often the window was halved.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Takes in one report; returns the new window.
    pub fn on_report(&mut self, m: Measured) -> u32 {
        let acked = m.acked as u32;
        self.recovery_bytes = self.recovery_bytes.saturating_sub(acked);
        if m.timeout {
            self.ssthresh = (self.cwnd / 2).max(2 * self.mss);
            self.cwnd = self.mss;
        } else if m.lost > 0 {
            if self.recovery_bytes == 0 {
                self.cuts += 1;
                self.recovery_bytes = self.cwnd;
                self.cwnd = (self.cwnd / 2).max(2 * self.mss);
                self.ssthresh = self.cwnd;
            }
        } else if self.cwnd < self.ssthresh {
            self.cwnd = self.cwnd.saturating_add(acked);
        } else {
            self.cwnd += (u64::from(self.mss) * m.acked / u64::from(self.cwnd)) as u32;
        }
        self.cwnd
    }
}

/// A program that reports once a round trip, and at once on a loss or timeout. Each `number` gives a
/// program of its own.
#[must_use]
pub fn program(number: usize) -> String {
    format!(
        "(def
            (number {number})
            (Report (volatile acked 0) (volatile loss 0) (volatile timeout false) (rtt +infinity)))
        (when true
            (:= Report.acked (+ Report.acked Ack.bytes_acked))
            (:= Report.loss (+ Report.loss Ack.lost_pkts_sample))
            (:= Report.timeout Flow.was_timeout)
            (:= Report.rtt (min Report.rtt Flow.rtt_sample_us))
            (fallthrough))
        (when (|| Report.timeout (> Report.loss 0))
            (report)
            (:= Micros 0))
        (when (> Micros Report.rtt)
            (report)
            (:= Micros 0))"
    )
}

/// Names for programs, which both agents want static.
#[must_use]
pub fn program_names(count: usize) -> Vec<&'static str> {
    (0..count.max(1)).map(|i| &*Box::leak(format!("program{i}").into_boxed_str())).collect()
}

/// What an agent with this algorithm has seen, over all flows.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Flows created.
    pub flows: u64,
    /// Flows closed.
    pub closed: u64,
    /// Reports received.
    pub reports: u64,
    /// Those of a program that had been replaced when they came.
    pub stale: u64,
    /// Reports by the number of the program that sent them.
    pub by_program: Vec<u64>,
    /// Segments lost.
    pub lost: u64,
    /// Windows halved.
    pub cuts: u64,
    /// The last window set, in bytes.
    pub cwnd: u32,
}

impl Seen {
    /// As an agent prints it.
    #[must_use]
    pub fn summary(&self) -> serde_json::Value {
        serde_json::json!({
            "flows": self.flows,
            "closed": self.closed,
            "reports": self.reports,
            "stale": self.stale,
            "reports_by_program": self.by_program,
            "lost": self.lost,
            "cuts": self.cuts,
            "cwnd": self.cwnd,
        })
    }
}
