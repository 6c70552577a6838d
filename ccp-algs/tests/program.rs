//! The datapath program: what it takes of a datapath, and what it does by itself between two words of the agent.

use ccp_algs::window::{HyStart, UNLIMITED};
use ccp_algs::{RenoAlg, reno};
use ccp_lang::{
    Bounds, Call, Compiled, Compiler, Diagnostic, Lint, Micros, Primitive, Primitives, Program,
    Registers, Scope, Severity, Staged,
};
use ccp_runtime::CongAlg;
use ccp_sim::AgentSocket;

const MSS: u64 = 1000;

/// The program of each way to end slow start.
fn sources() -> [(HyStart, String); 3] {
    HyStart::ALL.map(|hystart| {
        let mut config = reno::Config::default();
        config.hystart = hystart;
        let alg = RenoAlg::new(config);
        let programs = <RenoAlg as CongAlg<AgentSocket>>::datapath_programs(&alg);
        (hystart, programs.into_values().next().unwrap())
    })
}

/// As the agent compiles it, for a datapath that fills these primitives.
fn compile(source: &str, primitives: u64) -> Compiled {
    Compiler::new().allow(Lint::FallthroughReach).available(primitives).compile(source).unwrap()
}

#[test]
fn each_variant_fits_255_instructions_and_what_libccp_has() {
    for (hystart, source) in sources() {
        for primitives in [Primitive::BASE_MASK, u64::MAX] {
            let compiled = compile(&source, primitives);
            // Variables that only the agent sets are noted, and meant.
            let warned = |diagnostic: &Diagnostic| diagnostic.severity > Severity::Note;
            assert!(!compiled.warnings.iter().any(warned), "{hystart}: {}", compiled.warnings);
            assert_eq!(compiled.program.primitives() & !primitives, 0);
            let bounds = Bounds::of(&compiled.program);
            assert!(bounds.instrs <= 255, "{hystart}: {bounds:?}");
            assert!(bounds.temps <= 8 && bounds.locals <= 8, "{hystart}: {bounds:?}");
        }
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
        Self::with(HyStart::Off, cwnd, fields)
    }

    fn with(hystart: HyStart, cwnd: u64, fields: &[(&str, u64)]) -> Self {
        let (_, source) = sources().into_iter().find(|(with, _)| *with == hystart).unwrap();
        let Compiled { program, scope, .. } = compile(&source, u64::MAX);
        let mut flow = Self {
            program,
            scope,
            registers: Registers::new(Micros(0)),
            staged: Staged::default(),
            cwnd: cwnd * MSS,
            now: 0,
            reports: Vec::new(),
        };
        flow.stage(&[("mss", MSS), ("ssthresh", UNLIMITED), ("most", UNLIMITED)]);
        flow.stage(fields);
        flow.invoke(&Primitives::new(), true);
        flow
    }

    fn stage(&mut self, fields: &[(&str, u64)]) {
        for (name, value) in fields {
            self.staged.set(self.scope.get(name).unwrap().reg, *value).unwrap();
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
        let outcome =
            self.program.invoke(&mut self.registers, call, |report| reports.push(report.to_vec()));
        assert_eq!(outcome.trap, None);
        self.cwnd = outcome.cwnd.unwrap_or(self.cwnd);
    }

    /// An ACK for so many segments, a millisecond after the last, of a full window.
    fn ack(&mut self, segments: u64, more: impl Fn(Primitives) -> Primitives) {
        self.now += 1000;
        let primitives = Primitives::new()
            .with(Primitive::AckBytesAcked, segments * MSS)
            .with(Primitive::AckPacketsAcked, segments)
            .with(Primitive::FlowBytesInFlight, self.cwnd.saturating_sub(segments * MSS))
            .with(Primitive::FlowRttSampleUs, 10_500);
        self.invoke(&more(primitives), false);
    }

    fn segments(&self) -> u64 {
        self.cwnd / MSS
    }

    /// A field of the last report.
    fn last(&self, name: &str) -> u64 {
        self.field(self.reports.len() - 1, name)
    }

    fn field(&self, report: usize, name: &str) -> u64 {
        let index = self.scope.reports().position(|variable| variable.name == name).unwrap();
        self.reports[report][index]
    }
}

fn as_is(primitives: Primitives) -> Primitives {
    primitives
}

#[test]
fn slow_start_grows_by_what_is_acknowledged_up_to_the_threshold_and_says_so() {
    let mut flow = Flow::new(10, &[("ssthresh", 15 * MSS), ("per", 1 << 40)]);
    flow.ack(2, as_is);
    assert_eq!(flow.segments(), 12);
    flow.ack(4, as_is);
    // Three of the four take it to 15.
    assert_eq!((flow.segments(), flow.last("Report.event")), (15, SLOW_START_ENDED));
    for _ in 0..10 {
        flow.ack(1, as_is);
    }
    assert_eq!(flow.segments(), 15);
}

#[test]
fn avoidance_adds_a_segment_for_each_price_paid() {
    let mut flow = Flow::new(20, &[("ssthresh", 10 * MSS), ("per", 7 * MSS)]);
    for _ in 0..70 {
        flow.ack(1, as_is);
    }
    assert_eq!(flow.segments(), 30);
    // Without a price, a window each: 30 acknowledged make 31.
    flow.stage(&[("per", 0)]);
    for _ in 0..30 {
        flow.ack(1, as_is);
    }
    assert_eq!(flow.segments(), 31);
    // What was collected at a high price makes one segment at a low one.
    flow.stage(&[("per", 1 << 40)]);
    for _ in 0..300 {
        flow.ack(1, as_is);
    }
    flow.stage(&[("per", 10 * MSS)]);
    flow.ack(1, as_is);
    assert_eq!(flow.segments(), 32);
}

#[test]
fn a_loss_or_a_mark_reduces_once_a_round_by_its_own_factor() {
    let loss: fn(Primitives) -> Primitives = |ack| ack.with(Primitive::AckLostPktsSample, 1);
    let mark: fn(Primitives) -> Primitives = |ack| ack.with(Primitive::AckEcnPackets, 1);
    let betas = [("betaLoss", 64_000), ("betaMark", 102_400)];
    for (event, code, left) in [(loss, LOSS, 50), (mark, MARK, 80)] {
        let mut flow = Flow::new(100, &betas);
        flow.stage(&[("ssthresh", 100 * MSS), ("per", 1 << 40)]);
        flow.ack(1, event);
        assert_eq!((flow.last("Report.event"), flow.last("Report.prior")), (code, 100 * MSS));
        // All of the round is one event.
        for _ in 0..95 {
            flow.ack(1, event);
        }
        for _ in 0..10 {
            flow.ack(1, as_is);
        }
        assert_eq!((flow.segments(), flow.last("Report.event")), (left, REPAIRED));
        let news = flow.reports.len();
        flow.ack(1, event);
        assert_eq!(flow.reports.len(), news + 1, "and the next one is another");
        assert_eq!(flow.last("Report.event"), code);
    }
}

#[test]
fn a_repair_lasts_as_long_as_the_transport_says() {
    let mut flow = Flow::new(100, &[("per", 1 << 40)]);
    flow.ack(1, |ack| ack.with(Primitive::AckLostPktsSample, 1).with(Primitive::FlowRecovery, 2));
    for _ in 0..300 {
        flow.ack(1, |ack| ack.with(Primitive::FlowRecovery, 2));
    }
    assert_eq!(flow.last("Report.event"), 0, "only the round trip's");
    flow.ack(1, as_is);
    assert_eq!(flow.last("Report.event"), REPAIRED);
}

#[test]
fn marks_without_end_reduce_once_a_round() {
    let mut flow = Flow::new(100, &[("ssthresh", 100 * MSS), ("per", 1 << 40)]);
    for _ in 0..1_000 {
        flow.ack(1, |ack| ack.with(Primitive::AckEcnPackets, 1).with(Primitive::FlowRecovery, 1));
    }
    assert_eq!(flow.segments(), 2);
}

#[test]
fn a_timeout_leaves_one_segment_and_slow_start_and_a_second_one_the_threshold() {
    let mut flow = Flow::new(100, &[("ssthresh", 100 * MSS)]);
    flow.ack(1, as_is);
    let timeout = |flow: &mut Flow| {
        // The transport has taken the window down already.
        flow.cwnd = MSS;
        flow.ack(0, |_| {
            Primitives::new()
                .with(Primitive::FlowWasTimeout, 1)
                .with(Primitive::AckLostPktsSample, 100)
        });
        assert_eq!((flow.segments(), flow.last("Report.event")), (1, TIMEOUT));
    };
    timeout(&mut flow);
    assert_eq!(flow.last("Report.prior"), 100 * MSS);
    timeout(&mut flow);
    assert_eq!(flow.last("Report.prior"), 100 * MSS);
    for _ in 0..80 {
        flow.ack(1, as_is);
    }
    assert_eq!(flow.segments(), 50, "slow start to half of the window");
}

#[test]
fn an_undone_reduction_gives_window_and_threshold_back_said_or_seen() {
    type Undo = fn(&mut Flow);
    let said: Undo = |flow| flow.ack(1, |ack| ack.with(Primitive::FlowUndone, 1));
    let seen: Undo = |flow| {
        flow.cwnd = 100 * MSS;
        flow.ack(1, as_is);
    };
    for undo in [said, seen] {
        let mut flow = Flow::new(100, &[("ssthresh", 90 * MSS), ("per", 1 << 40)]);
        flow.ack(1, |ack| ack.with(Primitive::AckLostPktsSample, 1));
        for _ in 0..20 {
            flow.ack(1, as_is);
        }
        assert!(flow.segments() < 100);
        undo(&mut flow);
        assert_eq!((flow.segments(), flow.last("Report.event")), (100, UNDONE));
        // No slow start follows: the threshold is the old one.
        for _ in 0..20 {
            flow.ack(1, as_is);
        }
        assert_eq!(flow.segments(), 100);
    }
}

#[test]
fn a_window_that_the_transport_took_down_after_idle_time_is_three_quarters_remembered() {
    let mut flow = Flow::new(100, &[("ssthresh", 20 * MSS), ("per", 1 << 40)]);
    flow.ack(1, as_is);
    flow.cwnd = 10 * MSS;
    for _ in 0..200 {
        flow.ack(1, as_is);
    }
    assert_eq!(flow.segments(), 75);
}

#[test]
fn hystart_plus_plus_slows_down_at_a_rise_and_ends_after_five_rounds() {
    let mut flow = Flow::with(HyStart::Rfc9406, 20, &[("per", 1 << 40)]);
    let rtt = |us| move |ack: Primitives| ack.with(Primitive::FlowRttSampleUs, us);
    let round = |flow: &mut Flow, us| {
        let before = flow.segments();
        for _ in 0..before {
            flow.ack(1, rtt(us));
        }
        flow.segments() as f64 / before as f64
    };
    assert_eq!(round(&mut flow, 20_000), 2.0);
    assert_eq!(round(&mut flow, 23_900), 2.0, "less than 4 ms more");
    let growth = round(&mut flow, 30_000);
    assert!(growth < 1.45, "from the eighth sample on a quarter: {growth}");
    for _ in 0..3 {
        let growth = round(&mut flow, 30_000);
        assert!((1.2..1.3).contains(&growth), "{growth}");
    }
    for _ in 0..3 {
        round(&mut flow, 30_000);
    }
    let ended = (0..flow.reports.len())
        .filter(|report| flow.field(*report, "Report.event") == SLOW_START_ENDED);
    assert_eq!(ended.count(), 1);
    let window = flow.segments();
    round(&mut flow, 30_000);
    assert_eq!(flow.segments(), window);
}

#[test]
fn hystart_plus_plus_goes_back_to_slow_start_when_the_rise_was_a_jitter() {
    let mut flow = Flow::with(HyStart::Rfc9406, 20, &[]);
    let mut growth = Vec::new();
    for us in [20_000, 30_000, 30_000, 20_000, 20_000] {
        let before = flow.segments();
        for _ in 0..before {
            flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, us));
        }
        growth.push(flow.segments() as f64 / before as f64);
    }
    assert_eq!(growth[0], 2.0);
    assert!(growth[2] < 1.3, "{growth:?}");
    assert!(growth[4] > 1.9, "{growth:?}");
}

#[test]
fn linuxs_hystart_ends_at_a_rise_of_an_eighth_and_at_least_4_ms() {
    let mut flow = Flow::with(HyStart::Linux, 20, &[("per", 1 << 40)]);
    // ACKs 3 ms apart are no train.
    let ack = |flow: &mut Flow, us| {
        flow.now += 2_000;
        flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, us));
    };
    for _ in 0..20 {
        ack(&mut flow, 100_000);
    }
    for _ in 0..50 {
        ack(&mut flow, 112_000);
    }
    assert_eq!(flow.segments(), 90);
    // The round in which it rises has seen less; the next one ends it with its ninth sample.
    for _ in 0..300 {
        ack(&mut flow, 113_000);
    }
    assert!(flow.segments() < 200, "{}", flow.segments());
}

#[test]
fn linuxs_hystart_ends_with_a_train_of_acks_as_long_as_the_path() {
    let mut flow = Flow::with(HyStart::Linux, 100, &[("per", 1 << 40)]);
    // One a millisecond; a path of 20 ms, and a millisecond for the bursts of pacing.
    for _ in 0..60 {
        flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, 20_000));
    }
    assert!((120..=124).contains(&flow.segments()), "{}", flow.segments());
}

#[test]
fn linuxs_hystart_takes_half_of_that_where_nothing_paces() {
    let mut flow = Flow::with(HyStart::Linux, 100, &[("per", 1 << 40), ("trains", 2)]);
    for _ in 0..60 {
        flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, 20_000));
    }
    assert!((110..=113).contains(&flow.segments()), "{}", flow.segments());
}

#[test]
fn linuxs_rounds_begin_with_the_first_ack_however_small_the_window() {
    // Ten at once, then twenty, then forty; each train takes less than the path's 20 ms, so none ends slow start.
    let mut flow = Flow::with(HyStart::Linux, 10, &[("per", 1 << 40)]);
    flow.now = 1_000_000;
    for _ in 0..4 {
        let round = flow.segments();
        for _ in 0..round {
            flow.now -= 900;
            flow.ack(1, |ack| ack.with(Primitive::FlowRttSampleUs, 20_000));
        }
        flow.now += 20_000 - round * 100;
    }
    assert_eq!(flow.segments(), 160);
}

#[test]
fn an_ack_adds_at_most_eight_segments_under_hystart_plus_plus_where_nothing_paces() {
    let mut flow = Flow::with(HyStart::Rfc9406, 40, &[("perAck", 8 * MSS)]);
    flow.ack(20, as_is);
    assert_eq!(flow.segments(), 48);
    flow.ack(3, as_is);
    assert_eq!(flow.segments(), 51);
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
fn one_report_a_round_trip_an_ack_or_an_interval_as_asked_for() {
    let reports = |floor, every| {
        let mut flow = Flow::new(10, &[("floor", floor), ("every", every)]);
        for _ in 0..110 {
            flow.ack(1, as_is);
        }
        flow.reports.len()
    };
    assert_eq!(reports(0, u64::from(u32::MAX)), 10, "an RTT of 10.5 ms ends with the eleventh ACK");
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
    let extremes = [0, 1, MSS, u64::from(u32::MAX), 1 << 33];
    for hystart in HyStart::ALL {
        let mut flow = Flow::with(hystart, 10, &[]);
        for round in 0..5_000usize {
            let pick = |n: usize| extremes[(round / 5usize.pow(n as u32 % 5) + n) % 5];
            let primitives = (0..14).fold(Primitives::new(), |primitives, n| {
                primitives.with(Primitive::from_index(n).unwrap(), pick(n as usize))
            });
            let primitives = primitives
                .with(Primitive::FlowWasTimeout, (round % 7 == 0).into())
                .with(Primitive::FlowRecovery, round as u64 / 11 % 4)
                .with(Primitive::FlowUndone, (round % 13 == 0).into())
                .with(Primitive::FlowIdleUs, pick(3));
            flow.cwnd = flow.cwnd.min(UNLIMITED);
            flow.invoke(&primitives, false);
            if round % 100 == 0 {
                flow.registers = Registers::new(Micros(0));
                flow.invoke(&Primitives::new(), true);
            }
        }
    }
}

const LOSS: u64 = 1;
const MARK: u64 = 2;
const TIMEOUT: u64 = 3;
const UNDONE: u64 = 4;
const REPAIRED: u64 = 5;
const SLOW_START_ENDED: u64 = 6;
