//! One ACK through the programs of the published algorithms: on the machine, and [by hand](by_hand) in Rust.

pub mod by_hand;
pub mod stream;

use std::collections::HashMap;

use ccp_algs::{BbrAlg, CubicAlg, CubicLinuxAlg, RenoAlg};
use ccp_ipc::{Blocking, chan};
use ccp_lang::{
    Call, Compiled, Diagnostics, Micros, Primitive, Primitives, Registers, Scope, Staged,
};
use ccp_runtime::CongAlg;

use self::by_hand::{Bbr, ByHand, Done, Fold, HyStart, Window};
use self::stream::Acked;

/// A program whose ACKs are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// [`FOLD`].
    Fold,
    /// Reno's.
    Reno,
    /// CUBIC's, with HyStart++.
    Cubic,
    /// CUBIC's as the kernel has it.
    CubicLinux,
    /// BBR's for a transport that does not say when it repairs losses.
    Bbr,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Fold, Self::Reno, Self::Cubic, Self::CubicLinux, Self::Bbr];

    /// For command lines.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Reno => "reno",
            Self::Cubic => "cubic",
            Self::CubicLinux => "cubic-linux",
            Self::Bbr => "bbr",
        }
    }

    /// For tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fold => "7 expressions, 6 fields",
            Self::Reno => "Reno",
            Self::Cubic => "CUBIC with HyStart++",
            Self::CubicLinux => "CUBIC with the kernel's HyStart",
            Self::Bbr => "BBR",
        }
    }

    /// The text of the program.
    #[must_use]
    pub fn source(self) -> String {
        match self {
            Self::Fold => FOLD.to_owned(),
            Self::Reno => program(&RenoAlg::default(), "window"),
            Self::Cubic => program(&CubicAlg::default(), "window-rfc9406"),
            Self::CubicLinux => program(&CubicLinuxAlg::default(), "window-linux"),
            Self::Bbr => program(&BbrAlg::default(), "bbr-inferred"),
        }
    }

    /// The program for a datapath with the first fifteen primitives, as libccp is.
    ///
    /// # Errors
    /// What the compiler finds.
    pub fn compile(self) -> Result<Compiled, Diagnostics> {
        let compiler = CongAlg::<chan::Socket<Blocking>>::compiler(&RenoAlg::default());
        compiler.available(Primitive::BASE_MASK).compile(self.source())
    }

    /// What an agent has set while the flow of [`stream::steady`] runs.
    #[must_use]
    pub const fn orders(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Fold => &[],
            Self::Reno | Self::Cubic | Self::CubicLinux => &[("most", 1 << 30)],
            Self::Bbr => &[
                ("mode", 2),
                ("phase", 2),
                ("bw", 1_500_000),
                ("rtprop", 20_000),
                ("pgain", 256),
                ("cgain", 512),
                ("full", 1),
                ("slack", 9_000),
                ("bursts", 6_000),
            ],
        }
    }
}

/// The text of one of an algorithm's programs.
fn program<A: CongAlg<chan::Socket<Blocking>>>(algorithm: &A, name: &str) -> String {
    let programs: HashMap<_, _> = algorithm.datapath_programs();
    programs.get(name).cloned().unwrap_or_default()
}

/// A flow under a program on the machine.
pub struct OnMachine {
    compiled: Compiled,
    registers: Registers,
    staged: Staged,
    /// The program begins with the next ACK.
    begins: bool,
}

impl OnMachine {
    /// A flow whose program begins with its first ACK.
    #[must_use]
    pub fn new(compiled: Compiled) -> Self {
        Self { compiled, registers: Registers::new(Micros(0)), staged: Staged::new(), begins: true }
    }

    /// The program's variables.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.compiled.scope
    }
}

impl ByHand for OnMachine {
    fn set(&mut self, name: &str, value: u64) -> bool {
        let variable = self.compiled.scope.get(name);
        variable.is_some_and(|variable| self.staged.set(variable.reg, value).is_ok())
    }

    fn begin(&mut self, _now: u64) {
        self.begins = true;
    }

    #[inline]
    fn on_ack(
        &mut self,
        primitives: &Primitives,
        now: u64,
        cwnd: u64,
        rate: u64,
        report: impl FnOnce(&[u64]),
    ) -> Done {
        let switched = std::mem::take(&mut self.begins);
        let staged = &mut self.staged;
        let call = Call { now: Micros(now), primitives, cwnd, rate, switched, staged };
        let outcome = self.compiled.program.invoke(&mut self.registers, call, report);
        Done {
            cwnd: outcome.cwnd,
            rate: outcome.rate,
            reported: outcome.reported,
            trap: outcome.trap.map(ccp_lang::Trap::kind),
        }
    }
}

/// Sends a stream of ACKs through a flow, over and over.
pub struct Driver<F> {
    flow: F,
    acks: Vec<Acked>,
    next: usize,
    now: u64,
    cwnd: u64,
    rate: u64,
}

impl<F: ByHand> Driver<F> {
    /// A flow with a window of ten packets, under a case's orders.
    pub fn new(case: Case, mut flow: F) -> Self {
        for &(name, value) in case.orders() {
            flow.set(name, value);
        }
        flow.begin(0);
        Self { flow, acks: stream::steady(), next: 0, now: 0, cwnd: 14_480, rate: 0 }
    }

    /// The next ACK; what comes of it, in one number.
    #[inline]
    pub fn ack(&mut self) -> u64 {
        let Some(ack) = self.acks.get(self.next) else {
            return 0;
        };
        self.next += 1;
        if self.next == self.acks.len() {
            self.next = 0;
        }
        self.now += ack.elapsed;
        let mut sum = 0;
        let report =
            |fields: &[u64]| sum = fields.iter().fold(0, |sum: u64, f| sum.wrapping_add(*f));
        let done = self.flow.on_ack(&ack.primitives, self.now, self.cwnd, self.rate, report);
        self.cwnd = done.cwnd.unwrap_or(self.cwnd);
        self.rate = done.rate.unwrap_or(self.rate);
        self.cwnd.wrapping_add(sum)
    }
}

/// Something to be done with a case's flow by hand, whatever its type.
pub trait Visit {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<F: ByHand>(self, flow: F) -> Self::Output;
}

impl Case {
    /// Visits the case's flow by hand.
    pub fn by_hand<V: Visit>(self, visitor: V) -> V::Output {
        match self {
            Self::Fold => visitor.visit(Fold::default()),
            Self::Reno => visitor.visit(Window::<Off>::default()),
            Self::Cubic => visitor.visit(Window::<Rfc9406>::default()),
            Self::CubicLinux => visitor.visit(Window::<Linux>::default()),
            Self::Bbr => visitor.visit(Bbr::default()),
        }
    }
}

/// Slow start ends with a loss.
pub struct Off;

impl HyStart for Off {}

/// HyStart++.
pub struct Rfc9406;

impl HyStart for Rfc9406 {
    const RFC9406: bool = true;
}

/// The kernel's HyStart.
pub struct Linux;

impl HyStart for Linux {
    const LINUX: bool = true;
}

/// Seven expressions, six report fields, a report each 20 ms: what an algorithm that decides in the agent asks for.
pub const FOLD: &str = "
(def (Report
    (volatile acked 0) (volatile sacked 0) (volatile loss 0)
    (volatile timeout false) (volatile rtt 0) (volatile inflight 0)))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.sacked (+ Report.sacked Ack.packets_misordered))
    (:= Report.loss (+ Report.loss Ack.lost_pkts_sample))
    (:= Report.timeout Flow.was_timeout)
    (:= Report.rtt (ewma 2 Flow.rtt_sample_us))
    (:= Report.inflight Flow.packets_in_flight)
    (fallthrough))
(when (> Micros 20000) (report) (:= Micros 0))";
