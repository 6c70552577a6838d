//! libccp as a machine: one program, a sequence of ACKs, and what it did at each of them.
//!
//! Takes the bytes of messages (Install, ChangeProg, UpdateFields) and the values of the primitives,
//! gives back window, rate, report or error of every invocation. Time is set by hand, so that programs
//! that read `Micros` or `Ack.now` can be compared too. It knows nothing of our crates.

use std::cell::RefCell;
use std::rc::Rc;

use libccp::{
    CongestionOps, Connection, DatapathBuilder, DatapathOps, FlowInfo, LibccpError, Primitives,
};

/// How many primitives every datapath has.
pub const PRIMITIVES: usize = 15;

/// What one ACK tells the datapath.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// Microseconds since the datapath started; must not decrease.
    pub now_us: u64,
    /// The primitives by index; `Ack.now` (index 5) is ignored, libccp reads its clock.
    pub primitives: [u64; PRIMITIVES],
}

/// What one invocation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The last window given to the transport, in bytes.
    pub cwnd: Option<u32>,
    /// The last rate given to the transport, in bytes per second.
    pub rate: Option<u32>,
    /// The report's fields, if one was sent.
    pub report: Option<Vec<u64>>,
    /// The arithmetic error that ended it.
    pub trap: Option<Trap>,
}

/// The arithmetic errors a program can run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// A sum above 64 bits.
    Add,
    /// A difference below zero.
    Sub,
    /// A product above 64 bits.
    Mul,
    /// A division by zero.
    Div,
}

/// One libccp datapath of the calling thread, on a clock set by hand.
pub struct Machine {
    datapath: &'static libccp::Datapath,
    sent: Sent,
    /// The clock at the datapath's start, in nanoseconds.
    start_ns: u64,
    /// How far the clock has been moved since, in microseconds.
    elapsed_us: u64,
}

/// A flow of a [`Machine`].
pub struct Flow<'m> {
    machine: &'m mut Machine,
    connection: Connection<'static, Transport>,
    /// Where the flow's own time starts on the machine's clock, in microseconds.
    begin_us: u64,
    sid: u32,
}

impl Machine {
    /// Starts a datapath.
    ///
    /// # Panics
    /// When libccp refuses to start, which only missing callbacks make it do.
    #[must_use]
    pub fn new() -> Self {
        keep_large_allocations_zeroed();
        let start_ns = 1_000_000_000;
        time::set_ns(start_ns);
        let sent = Sent::default();
        let datapath =
            DatapathBuilder::default().with_ops(sent.clone()).init().expect("libccp starts");
        // Flows borrow their datapath, and libccp's memory for flows is never freed in any case.
        Self { datapath: Box::leak(Box::new(datapath)), sent, start_ns, elapsed_us: 0 }
    }

    /// Hands over one message that is not about a flow: an Install.
    ///
    /// # Errors
    /// What libccp says to it.
    pub fn message(&self, bytes: &[u8]) -> Result<(), LibccpError> {
        self.datapath.recv_msg(&mut bytes.to_vec())
    }

    /// The time since the start, in microseconds.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        self.elapsed_us
    }

    /// Moves the clock to `us` microseconds after the start, unless it is later already.
    pub fn advance_to(&mut self, us: u64) {
        self.elapsed_us = self.elapsed_us.max(us);
    }

    /// Opens a flow, whose time starts at 0 unless programs read `Ack.now`, which counts from the
    /// machine's start: [`Flow::begin_us`] tells the difference.
    ///
    /// # Panics
    /// When libccp has no slot left.
    pub fn open(&mut self, init_cwnd: u32, mss: u32) -> Flow<'_> {
        // libccp remembers when a slot last sent a Create, also of the flow before, and sends the
        // next one only 100 ms later.
        self.elapsed_us += 200_000;
        self.set_clock();
        self.sent.0.borrow_mut().clear();
        let transport = Transport { cwnd: init_cwnd, ..Transport::default() };
        let info = FlowInfo::default().with_init_cwnd(init_cwnd).with_mss(mss);
        let connection = Connection::start(self.datapath, transport, info).expect("a free slot");
        let create = self.sent.0.borrow_mut().pop().expect("a Create is sent at once");
        assert_eq!(create[..2], [0, 0], "the message is a Create");
        let sid = u32::from_le_bytes([create[4], create[5], create[6], create[7]]);
        let begin_us = self.elapsed_us;
        Flow { machine: self, connection, begin_us, sid }
    }

    fn set_clock(&self) {
        time::set_ns(self.start_ns + self.elapsed_us * 1000);
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Flow<'_> {
    /// The number by which messages name the flow.
    #[must_use]
    pub fn sid(&self) -> u32 {
        self.sid
    }

    /// The machine's time, in microseconds since its start, at which the flow's time is 0.
    #[must_use]
    pub fn begin_us(&self) -> u64 {
        self.begin_us
    }

    /// Hands over one message about this flow: ChangeProg or UpdateFields.
    ///
    /// # Errors
    /// What libccp says to it.
    pub fn message(&self, bytes: &[u8]) -> Result<(), LibccpError> {
        self.machine.message(bytes)
    }

    /// Lets the transport use another window than the one it was given last.
    pub fn use_cwnd(&mut self, cwnd: u32) {
        self.connection.cwnd = cwnd;
    }

    /// Runs the flow's program on one ACK, with the window and rate set so far.
    ///
    /// # Panics
    /// When libccp reports an error that is none of arithmetic.
    pub fn ack(&mut self, ack: &Ack) -> Step {
        self.machine.elapsed_us = self.machine.elapsed_us.max(self.begin_us + ack.now_us);
        self.machine.set_clock();
        let rate = u64::from(self.connection.rate);
        let primitives = primitives(&ack.primitives, self.connection.cwnd, rate);
        self.connection.load_primitives(primitives);
        let trap = match self.connection.invoke() {
            Ok(()) => None,
            Err(LibccpError::LibccpAddIntOverflow) => Some(Trap::Add),
            Err(LibccpError::LibccpSubIntUnderflow) => Some(Trap::Sub),
            Err(LibccpError::LibccpMulIntOverflow) => Some(Trap::Mul),
            Err(LibccpError::LibccpDivByZero) => Some(Trap::Div),
            Err(other) => panic!("libccp cannot run the flow: {other:?}"),
        };
        let report = self.machine.sent.0.borrow_mut().pop().map(|m| fields(&m));
        Step {
            cwnd: self.connection.set_cwnd.take(),
            rate: self.connection.set_rate.take(),
            report,
            trap,
        }
    }
}

/// libccp's form of the primitives `p`, given by index, and of the window and rate in use.
#[must_use]
pub fn primitives(p: &[u64; PRIMITIVES], cwnd: u32, rate: u64) -> Primitives {
    let low = |i: usize| p[i] as u32;
    Primitives::default()
        .with_bytes_acked(low(0))
        .with_bytes_misordered(low(1))
        .with_ecn_bytes(low(2))
        .with_ecn_packets(low(3))
        .with_lost_pkts_sample(low(4))
        .with_packets_acked(low(6))
        .with_packets_misordered(low(7))
        .with_bytes_in_flight(low(8))
        .with_bytes_pending(low(9))
        .with_packets_in_flight(low(10))
        .with_rate_incoming(p[11])
        .with_rate_outgoing(p[12])
        .with_rtt_sample_us(p[13])
        .with_was_timeout(p[14] != 0)
        .with_snd_cwnd(cwnd)
        .with_snd_rate(rate)
}

/// Messages libccp has sent and nobody has taken.
#[derive(Clone, Default)]
struct Sent(Rc<RefCell<Vec<Vec<u8>>>>);

impl DatapathOps for Sent {
    fn send_msg(&mut self, msg: &[u8]) {
        self.0.borrow_mut().push(msg.to_vec());
    }
}

/// What the transport uses now, and what it was told since the last look.
#[derive(Default)]
struct Transport {
    cwnd: u32,
    rate: u32,
    set_cwnd: Option<u32>,
    set_rate: Option<u32>,
}

impl CongestionOps for Transport {
    fn set_cwnd(&mut self, cwnd: u32) {
        self.cwnd = cwnd;
        self.set_cwnd = Some(cwnd);
    }

    fn set_rate_abs(&mut self, rate: u32) {
        self.rate = rate;
        self.set_rate = Some(rate);
    }
}

/// The fields of a Measure, read by hand: neither side's codec may judge here.
fn fields(measure: &[u8]) -> Vec<u64> {
    let (fields, rest) = measure[16..].as_chunks::<8>();
    assert!(measure[..2] == [1, 0] && rest.is_empty(), "the message is a Measure of whole fields");
    fields.iter().map(|f| u64::from_le_bytes(*f)).collect()
}

/// libccp's binding takes its array of flows from `malloc` and expects zeros in it. Fresh mappings are
/// zeroed, so large blocks must stay mappings, whatever was freed before.
fn keep_large_allocations_zeroed() {
    // SAFETY: changes a tuning value of the allocator and touches no memory of ours.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(src: &str) -> (Vec<u8>, portus::lang::Scope) {
        let (bin, scope) = portus::lang::compile(src.as_bytes(), &[]).unwrap();
        let msg = portus::serialize::install::Msg {
            sid: 0,
            program_uid: 1,
            num_events: bin.events.len() as u32,
            num_instrs: bin.instrs.len() as u32,
            instrs: bin,
        };
        (portus::serialize::serialize(&msg).unwrap(), scope)
    }

    fn change(sid: u32) -> Vec<u8> {
        let msg = portus::serialize::changeprog::Msg {
            sid,
            program_uid: 1,
            num_fields: 0,
            fields: vec![],
        };
        portus::serialize::serialize(&msg).unwrap()
    }

    #[test]
    fn a_program_sees_the_acks_and_the_time_it_was_given() {
        let mut machine = Machine::new();
        for round in 0..3 {
            let (bytes, _) = install(
                "(def (Report (volatile acked 0) (now 0)))
                 (when true
                    (:= Report.acked (+ Report.acked Ack.bytes_acked))
                    (:= Report.now Ack.now)
                    (:= Cwnd (+ Cwnd Ack.bytes_acked))
                    (fallthrough))
                 (when (> Micros 999) (report) (:= Micros 0))",
            );
            machine.message(&bytes).unwrap();
            let mut flow = machine.open(10_000, 1000);
            flow.message(&change(flow.sid())).unwrap();
            let begin = flow.begin_us();
            let mut ack = Ack::default();
            ack.primitives[0] = 1500;
            let first = flow.ack(&ack);
            assert_eq!(first, Step { cwnd: Some(11_500), ..Step::default() }, "round {round}");
            ack.now_us = 1000;
            let second = flow.ack(&ack);
            assert_eq!(second.report, Some(vec![3000, begin + 1000]));
            assert_eq!(second.cwnd, Some(13_000));
            assert_eq!(flow.ack(&ack).report, None, "Micros began anew");
        }
    }

    #[test]
    fn an_arithmetic_error_is_told_apart() {
        let mut machine = Machine::new();
        let (bytes, _) = install("(def (x 0)) (when true (:= x (/ 1 Ack.bytes_acked)))");
        machine.message(&bytes).unwrap();
        let mut flow = machine.open(10_000, 1000);
        flow.message(&change(flow.sid())).unwrap();
        assert_eq!(flow.ack(&Ack::default()).trap, Some(Trap::Div));
    }
}
