//! The datapath program: what it takes of a datapath, and what it does by itself between two words of the agent.

use ccp_algs::RenoAlg;
use ccp_lang::{
    Call, Class, Compiled, Compiler, Diagnostic, Micros, Primitive, Primitives, Program, Registers,
    Scope, Severity, Staged,
};
use ccp_runtime::CongAlg;
use ccp_sim::AgentSocket;

const MSS: u64 = 1000;

fn source() -> String {
    let programs = <RenoAlg as CongAlg<AgentSocket>>::datapath_programs(&RenoAlg::default());
    programs["window"].clone()
}

fn compile() -> Compiled {
    Compiler::new()
        .available(Primitive::BASE_MASK)
        .compile(source())
        .unwrap()
}

#[test]
fn it_needs_nothing_that_a_libccp_datapath_lacks() {
    let compiled = compile();
    // Variables that only the agent sets are noted, and meant.
    let warned = |diagnostic: &Diagnostic| diagnostic.severity > Severity::Note;
    assert!(
        !compiled.warnings.iter().any(warned),
        "{}",
        compiled.warnings
    );
    assert_eq!(compiled.program.primitives() & !Primitive::BASE_MASK, 0);
    let code = compiled.program.code();
    assert!(
        code.instrs.len() <= 255,
        "{} instructions",
        code.instrs.len()
    );
    // What libccp has; and no more variables of a kind than portus's compiler hands out.
    let registers = code
        .instrs
        .iter()
        .flat_map(|instr| [instr.result, instr.left, instr.right]);
    for register in registers {
        let limit = match register.class {
            Class::Temp => 8,
            Class::Local => 6,
            Class::Control | Class::VolatileControl | Class::Report | Class::VolatileReport => 16,
            _ => continue,
        };
        assert!(register.index < limit, "{register:?}");
    }
}

/// A datapath of one flow that does as it is told.
struct Flow {
    program: Program,
    scope: Scope,
    registers: Registers,
    staged: Staged,
    cwnd: u64,
    now: u64,
    reports: Vec<Vec<u64>>,
}

impl Flow {
    fn new(cwnd: u64, fields: &[(&str, u64)]) -> Self {
        let Compiled { program, scope, .. } = compile();
        let mut flow = Self {
            program,
            scope,
            registers: Registers::new(Micros(0)),
            staged: Staged::default(),
            cwnd: cwnd * MSS,
            now: 0,
            reports: Vec::new(),
        };
        flow.stage(&[("mss", MSS)]);
        flow.stage(fields);
        flow.invoke(&Primitives::new(), true);
        flow
    }

    fn stage(&mut self, fields: &[(&str, u64)]) {
        for (name, value) in fields {
            self.staged
                .set(self.scope.get(name).unwrap().reg, *value)
                .unwrap();
        }
    }

    fn invoke(&mut self, primitives: &Primitives, switched: bool) {
        let call = Call {
            now: Micros(self.now),
            primitives,
            cwnd: self.cwnd,
            rate: 0,
            switched,
            staged: &mut self.staged,
        };
        let reports = &mut self.reports;
        let outcome = self.program.invoke(&mut self.registers, call, |report| {
            reports.push(report.to_vec())
        });
        assert_eq!(outcome.trap, None);
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
    }

    /// An ACK for so many segments, a millisecond after the last, of a full window.
    fn ack(&mut self, segments: u64, more: impl Fn(Primitives) -> Primitives) {
        self.now += 1000;
        let primitives = Primitives::new()
            .with(Primitive::AckBytesAcked, segments * MSS)
            .with(Primitive::AckPacketsAcked, segments)
            .with(
                Primitive::FlowBytesInFlight,
                self.cwnd.saturating_sub(segments * MSS),
            )
            .with(Primitive::FlowRttSampleUs, 10_500);
        self.invoke(&more(primitives), false);
    }

    fn segments(&self) -> u64 {
        self.cwnd / MSS
    }

    fn field(&self, report: usize, name: &str) -> u64 {
        let index = self
            .scope
            .reports()
            .position(|variable| variable.name == name)
            .unwrap();
        self.reports[report][index]
    }
}

fn as_is(primitives: Primitives) -> Primitives {
    primitives
}

#[test]
fn slow_start_grows_by_what_is_acknowledged_up_to_the_threshold() {
    let mut flow = Flow::new(10, &[("ssthresh", 15 * MSS)]);
    flow.ack(2, as_is);
    assert_eq!(flow.segments(), 12);
    flow.ack(4, as_is);
    flow.ack(4, as_is);
    assert_eq!(flow.segments(), 15);
    for _ in 0..10 {
        flow.ack(1, as_is);
    }
    // Of 20 segments 5 became window.
    let acked: u64 = (0..flow.reports.len())
        .map(|report| flow.field(report, "Report.acked"))
        .sum();
    assert_eq!(acked, 13 * MSS, "those of the ACKs up to the report");
    assert_eq!(flow.field(0, "Report.cwnd"), 15 * MSS);
}

#[test]
fn slow_start_stops_by_itself_at_the_first_loss_mark_or_timeout() {
    type Event = fn(Primitives) -> Primitives;
    let events: [Event; 3] = [
        |ack| ack.with(Primitive::AckLostPktsSample, 1),
        |ack| ack.with(Primitive::AckEcnPackets, 1),
        |_| Primitives::new().with(Primitive::FlowWasTimeout, 1),
    ];
    for event in events {
        let mut flow = Flow::new(10, &[]);
        flow.ack(1, as_is);
        flow.ack(1, event);
        assert_eq!(flow.reports.len(), 1, "reported at once");
        for _ in 0..20 {
            flow.ack(1, as_is);
        }
        assert_eq!(flow.segments(), 11);
        // The agent's next word lets it go on.
        flow.stage(&[("epoch", 2), ("Cwnd", 5 * MSS), ("ssthresh", 8 * MSS)]);
        flow.ack(1, as_is);
        assert_eq!(flow.segments(), 6);
    }
}

#[test]
fn a_window_half_empty_does_not_grow() {
    let mut flow = Flow::new(10, &[]);
    for _ in 0..20 {
        flow.ack(1, |ack| ack.with(Primitive::FlowBytesInFlight, 4 * MSS));
    }
    assert_eq!(flow.segments(), 10);
    flow.ack(1, |ack| ack.with(Primitive::FlowBytesInFlight, 5 * MSS));
    assert_eq!(flow.segments(), 11);
}

#[test]
fn losses_of_one_report_add_up_and_timeouts_are_kept() {
    let mut flow = Flow::new(10, &[]);
    flow.ack(1, |ack| ack.with(Primitive::AckLostPktsSample, 2));
    assert_eq!(
        (
            flow.field(0, "Report.lost"),
            flow.field(0, "Report.timeout")
        ),
        (2, 0)
    );
    flow.ack(0, |_| {
        Primitives::new()
            .with(Primitive::FlowWasTimeout, 1)
            .with(Primitive::AckLostPktsSample, 9)
    });
    assert_eq!(
        (
            flow.field(1, "Report.lost"),
            flow.field(1, "Report.timeout")
        ),
        (9, 1)
    );
    // The window that it reports is the one before the timeout.
    assert_eq!(flow.field(1, "Report.cwnd"), 10 * MSS);
}

#[test]
fn one_report_a_round_trip_an_ack_or_an_interval_as_asked_for() {
    let reports = |floor, every| {
        let mut flow = Flow::new(10, &[("floor", floor), ("every", every)]);
        for _ in 0..110 {
            flow.ack(1, as_is);
        }
        flow.reports.len()
    };
    assert_eq!(
        reports(0, u64::from(u32::MAX)),
        10,
        "an RTT of 10.5 ms ends with the eleventh ACK"
    );
    assert_eq!(reports(0, 0), 111, "the first, without a sample, included");
    assert_eq!(reports(5_000, 5_000), 22);
    assert_eq!(reports(50_000, 50_000), 2, "longer than a round trip");
}

#[test]
fn a_missing_rtt_sample_is_no_sample() {
    let mut flow = Flow::new(10, &[("every", 1), ("floor", 1)]);
    flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, 0));
    assert_eq!(flow.field(0, "Report.minrtt"), u64::from(u32::MAX));
    flow.ack(1, as_is);
    assert_eq!(flow.field(1, "Report.minrtt"), 10_500);
}

#[test]
fn nothing_a_transport_may_say_makes_it_trap() {
    let extremes = [0, 1, MSS, u64::from(u32::MAX), 1 << 40];
    let mut flow = Flow::new(10, &[]);
    for round in 0..5_000usize {
        let pick = |n: usize| extremes[(round / 5usize.pow(n as u32 % 5) + n) % 5];
        let primitives = (0..14).fold(Primitives::new(), |primitives, n| {
            primitives.with(Primitive::from_index(n).unwrap(), pick(n as usize))
        });
        flow.invoke(
            &primitives.with(Primitive::FlowWasTimeout, (round % 7 == 0).into()),
            false,
        );
        if round % 100 == 0 {
            flow.registers = Registers::new(Micros(0));
            flow.invoke(&Primitives::new(), true);
        }
    }
}
