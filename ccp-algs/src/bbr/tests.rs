//! Each rule of the state machine by itself.

use core::time::Duration;

use super::*;
use crate::window::Start;

const MSS: u64 = 1448;

fn bbr(seed: u64) -> Bbr {
    Bbr::new(Config { seed, ..Config::default() }, Start { mss: MSS, cwnd: 10 * MSS })
}

/// A flow with one report a round of 20 ms, whose datapath is in the mode that it was told last.
struct Flow {
    bbr: Bbr,
    now_us: u64,
    rtt_us: u64,
}

impl Flow {
    fn new(seed: u64) -> Self {
        Self { bbr: bbr(seed), now_us: 0, rtt_us: 20_000 }
    }

    fn with(config: Config) -> Self {
        let bbr = Bbr::new(config, Start { mss: MSS, cwnd: 10 * MSS });
        Self { bbr, now_us: 0, rtt_us: 20_000 }
    }

    fn report(&mut self, change: impl Fn(Seen) -> Seen) -> Orders {
        self.now_us += self.rtt_us;
        let seen = Seen {
            now_us: self.now_us,
            round: true,
            delivered: 10 * MSS,
            min_rtt_us: Some(self.rtt_us),
            mode: self.bbr.mode(),
            ..Seen::default()
        };
        self.bbr.on_report(&change(seen));
        self.bbr.orders()
    }

    fn rate(&mut self, rate: u64) -> Orders {
        self.report(|seen| Seen { rate, ..seen })
    }

    /// Lets PROBE_RTT's time pass, with little in flight.
    fn wait(&mut self) -> Orders {
        while self.report(|seen| Seen { done: true, ..seen }).mode == Mode::ProbeRtt {}
        self.bbr.orders()
    }

    /// Fills the pipe at this rate and drains it.
    fn cruise(&mut self, rate: u64) -> Orders {
        for _ in 0..4 {
            self.rate(rate);
        }
        assert_eq!(self.bbr.mode(), Mode::Drain);
        self.report(|seen| Seen { rate, done: true, ..seen })
    }
}

#[test]
fn startup_paces_and_sizes_the_window_with_the_high_gain() {
    let mut flow = Flow::new(1);
    let orders = flow.rate(1_000_000);
    assert_eq!(
        (orders.mode, orders.pacing_gain, orders.cwnd_gain, orders.full),
        (Mode::Startup, 739, 739, false)
    );
    assert_eq!(orders.bandwidth, 1_000_000);
    assert_eq!(orders.rtprop_us, Some(20_000));
}

#[test]
fn three_rounds_without_a_quarter_more_fill_the_pipe() {
    let mut flow = Flow::new(1);
    flow.rate(1_000_000);
    flow.rate(1_250_000);
    assert!(!flow.rate(1_300_000).full);
    assert!(!flow.rate(1_500_000).full);
    let orders = flow.rate(1_562_499);
    assert!(orders.full);
    assert_eq!((orders.mode, orders.pacing_gain, orders.cwnd_gain), (Mode::Drain, 88, 739));

    let mut flow = Flow::new(1);
    for round in 0..12 {
        assert!(
            !flow.rate(1_000_000 * 5u64.pow(round) / 4u64.pow(round) + 1).full,
            "a quarter more is growth"
        );
    }
}

#[test]
fn rounds_that_the_application_limits_do_not_fill_the_pipe() {
    let mut flow = Flow::new(1);
    for _ in 0..20 {
        let orders = flow.report(|seen| Seen { limited_rate: 1_000_000, limited: true, ..seen });
        assert!(!orders.full);
    }
}

#[test]
fn reports_within_a_round_do_not_count_as_rounds() {
    let mut flow = Flow::new(1);
    for _ in 0..20 {
        assert!(
            !flow.report(|seen| Seen { rate: 1_000_000, round: false, lost: MSS, ..seen }).full
        );
    }
}

#[test]
fn drain_ends_when_the_datapath_says_that_the_queue_is_gone() {
    let mut flow = Flow::new(1);
    for _ in 0..4 {
        flow.rate(1_000_000);
    }
    assert_eq!(flow.rate(1_000_000).mode, Mode::Drain);
    // A word from before it was in DRAIN says nothing.
    let orders = flow.report(|seen| Seen { done: true, mode: Mode::Startup, ..seen });
    assert_eq!(orders.mode, Mode::Drain);
    let orders = flow.report(|seen| Seen { done: true, ..seen });
    assert_eq!((orders.mode, orders.pacing_gain, orders.cwnd_gain), (Mode::ProbeBw, 256, 512));
    assert!(orders.phase.is_some());
    assert_eq!(flow.rate(1_000_000).phase, None, "it begins once");
}

#[test]
fn a_cycle_begins_at_any_phase_but_the_one_that_drains() {
    let mut begun = [0; 8];
    for seed in 0..700 {
        let phase = Flow::new(seed).cruise(1_000_000).phase.unwrap();
        begun[usize::from(phase)] += 1;
    }
    assert_eq!(begun[1], 0);
    for phase in [0, 2, 3, 4, 5, 6, 7] {
        assert!((60..140).contains(&begun[phase]), "{begun:?}");
    }
    assert_eq!(Flow::new(7).cruise(1_000_000).phase, Flow::new(7).cruise(1_000_000).phase);
}

#[test]
fn the_bandwidth_falls_when_ten_rounds_have_passed() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    let fell = (1..=20).find(|_| flow.rate(500_000).bandwidth < 1_000_000).unwrap();
    assert!((10..=12).contains(&fell), "{fell}");
}

#[test]
fn samples_that_the_application_held_back_count_only_if_they_raise_the_bandwidth() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    let limited = |rate| move |seen| Seen { limited_rate: rate, limited: true, ..seen };
    for _ in 0..30 {
        assert_eq!(flow.report(limited(400_000)).bandwidth, 1_000_000);
    }
    assert_eq!(flow.report(limited(1_500_000)).bandwidth, 1_500_000);
}

#[test]
fn rounds_that_the_application_limits_make_no_sample_old() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    flow.rate(600_000);
    for _ in 0..30 {
        let orders = flow.report(|seen| Seen { limited_rate: 400_000, limited: true, ..seen });
        assert_eq!(orders.bandwidth, 1_000_000);
    }
    assert_eq!(flow.rate(500_000).bandwidth, 500_000, "the next sample that counts does");
}

#[test]
fn probe_rtt_comes_when_the_rtprop_is_ten_seconds_old_and_goes_when_the_datapath_has_waited() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    flow.rtt_us = 25_000;
    let begun = flow.now_us;
    while flow.rate(1_000_000).mode != Mode::ProbeRtt {}
    let orders = flow.bbr.orders();
    // The RTprop is of the first report.
    assert_eq!(flow.now_us / 25_000, (begun - 80_000 + 10_000_000) / 25_000 + 1);
    assert_eq!((orders.pacing_gain, orders.cwnd_gain), (256, 256));
    assert_eq!(orders.rtprop_us, Some(25_000), "any sample renews it");
    flow.rtt_us = 21_000;
    let orders = flow.rate(1_000_000);
    assert_eq!((orders.mode, orders.rtprop_us), (Mode::ProbeRtt, Some(21_000)));
    let orders = flow.wait();
    assert_eq!(orders.mode, Mode::ProbeBw);
    assert!(orders.phase.is_some());
    let over = flow.now_us;
    flow.rtt_us = 25_000;
    while flow.rate(1_000_000).mode != Mode::ProbeRtt {}
    assert!((over + 10_000_000..=over + 10_050_000).contains(&flow.now_us));
}

#[test]
fn probe_rtt_goes_back_to_startup_while_the_pipe_is_not_full() {
    let mut flow = Flow::new(1);
    let mut rate = 1_000;
    while flow.report(|seen| Seen { rate, limited: true, ..seen }).mode != Mode::ProbeRtt {
        flow.rtt_us = 25_000;
        rate += 1;
    }
    assert_eq!(flow.wait().mode, Mode::Startup);
}

#[test]
fn what_is_measured_in_probe_rtt_and_in_three_rounds_after_it_only_raises_the_bandwidth() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    flow.rtt_us = 25_000;
    while flow.rate(1_000_000).mode != Mode::ProbeRtt {}
    for _ in 0..20 {
        assert_eq!(flow.rate(200_000).bandwidth, 1_000_000);
    }
    flow.wait();
    for _ in 0..3 {
        assert_eq!(flow.rate(200_000).bandwidth, 1_000_000);
    }
    assert_eq!(flow.rate(900_000).bandwidth, 900_000, "the ten rounds are long over");
}

#[test]
fn restart_from_idle_renews_the_rtprop_and_skips_probe_rtt() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    flow.now_us += 60_000_000;
    flow.rtt_us = 30_000;
    let orders = flow.report(|seen| Seen { idle: true, limited: true, ..seen });
    assert_eq!((orders.mode, orders.rtprop_us), (Mode::ProbeBw, Some(30_000)));
    assert_eq!(flow.rate(1_000_000).mode, Mode::ProbeBw);
}

#[test]
fn probe_rtt_is_over_once_its_time_is_when_the_flow_fell_idle_in_it() {
    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    flow.rtt_us = 25_000;
    while flow.rate(1_000_000).mode != Mode::ProbeRtt {}
    let settle = |seen| Seen { done: true, delivered: MSS, ..seen };
    assert_eq!(flow.report(settle).mode, Mode::ProbeRtt);
    // Three packets are no round, but nothing was under way after them.
    flow.now_us += 300_000;
    assert_eq!(flow.report(settle).mode, Mode::ProbeRtt);
    let restart = |seen| Seen { idle: true, delivered: MSS, ..seen };
    assert_eq!(flow.report(restart).mode, Mode::ProbeBw);
}

#[test]
fn what_is_set_of_it_is_done() {
    let gain = |text: &str| text.parse::<Gain>().unwrap();
    let mut flow = Flow::with(Config { startup_gain: gain("2"), ..Config::default() });
    let orders = flow.rate(1_000_000);
    assert_eq!((orders.pacing_gain, orders.cwnd_gain), (512, 512));
    for _ in 0..3 {
        flow.rate(1_000_000);
    }
    let orders = flow.bbr.orders();
    assert_eq!((orders.pacing_gain, orders.cwnd_gain), (128, 512), "DRAIN undoes STARTUP");

    let mut flow = Flow::with(Config { cwnd_gain: gain("2.5"), ..Config::default() });
    assert_eq!(flow.cruise(1_000_000).cwnd_gain, 640);

    let phase = StartPhase::at(5).unwrap();
    let mut flow = Flow::with(Config { phase, ..Config::default() });
    assert_eq!(flow.cruise(1_000_000).phase, Some(5));

    let mut flow = Flow::with(Config { aggregation: false, ..Config::default() });
    flow.cruise(2_000_000);
    assert_eq!(flow.report(|seen| Seen { excess: 9_000, ..seen }).aggregation, 0);

    let mut flow = Flow::with(Config { policer: false, ..Config::default() });
    flow.cruise(5_000_000);
    for _ in 0..50 {
        let orders = flow.report(|seen| Seen { rate: 5_000_000, lost: 4 * MSS, ..seen });
        assert_eq!(orders.policed, 0);
    }
}

#[test]
fn probe_rtt_comes_as_often_as_is_set_or_never() {
    let second = Duration::from_secs(1);
    let mut flow = Flow::with(Config { rtprop: second, ..Config::default() });
    flow.cruise(1_000_000);
    flow.rtt_us = 25_000;
    while flow.rate(1_000_000).mode != Mode::ProbeRtt {}
    assert!((1_000_000..1_060_000).contains(&flow.now_us), "{}", flow.now_us);

    let off = Config { rtprop: second, probe_rtt: Duration::ZERO, ..Config::default() };
    let mut flow = Flow::with(off);
    flow.cruise(1_000_000);
    flow.rtt_us = 25_000;
    for _ in 0..200 {
        assert_eq!(flow.rate(1_000_000).mode, Mode::ProbeBw);
    }
    assert_eq!(flow.bbr.rtprop_us(), Some(25_000), "what is old gives way all the same");
}

#[test]
fn a_timeout_begins_the_search_for_the_full_pipe_again_only_if_it_has_not_ended() {
    let mut flow = Flow::new(1);
    for _ in 0..3 {
        flow.rate(1_000_000);
    }
    flow.report(|seen| Seen { timeout: true, round: false, ..seen });
    for _ in 0..3 {
        assert!(!flow.rate(1_000_000).full);
    }
    assert!(flow.rate(1_000_000).full);
    assert!(flow.report(|seen| Seen { timeout: true, round: false, ..seen }).full);
    assert_eq!(flow.bbr.mode(), Mode::Drain);
}

#[test]
fn a_timeout_ends_no_round_but_for_the_policer() {
    let mut flow = Flow::new(1);
    flow.rate(1_000_000);
    let rounds = flow.bbr.rounds();
    flow.report(|seen| Seen { timeout: true, lost: 10 * MSS, ..seen });
    assert_eq!(flow.bbr.rounds(), rounds, "the next ACK ends it");
    flow.rate(1_000_000);
    assert_eq!(flow.bbr.rounds(), rounds + 1);
}

#[test]
fn an_undo_begins_the_search_for_the_full_pipe_again_and_forgets_the_policer() {
    let mut flow = Flow::new(1);
    for _ in 0..3 {
        flow.rate(1_000_000);
    }
    for _ in 0..3 {
        assert!(!flow.report(|seen| Seen { rate: 1_000_000, undone: true, ..seen }).full);
    }

    let mut flow = Flow::new(1);
    flow.cruise(1_000_000);
    let lossy = |seen| Seen { rate: 1_000_000, lost: 4 * MSS, ..seen };
    while flow.report(lossy).policed == 0 {}
    assert_eq!(flow.report(|seen| Seen { undone: true, ..seen }).policed, 0);
}

#[test]
fn a_policers_bandwidth_is_used_until_it_has_been_followed_long_enough() {
    let mut flow = Flow::new(1);
    flow.cruise(5_000_000);
    let lossy = |seen| Seen { rate: 5_000_000, lost: 4 * MSS, ..seen };
    let mut orders = flow.report(lossy);
    while orders.policed == 0 {
        orders = flow.report(lossy);
    }
    assert_eq!(orders.policed, 10 * MSS * 50);
    assert_eq!(orders.bandwidth, 5_000_000);
    let rounds = (1..).find(|_| flow.report(lossy).policed == 0).unwrap();
    assert_eq!(rounds, 48);
    assert!(flow.bbr.orders().phase.is_some(), "a new cycle begins");
}

#[test]
fn the_window_has_room_for_three_bursts() {
    for (bandwidth, segments) in [(100_000, 1), (1_000_000, 2), (6_000_000, 4), (1_000_000_000, 45)]
    {
        let orders = Flow::new(1).cruise(bandwidth);
        assert_eq!(orders.bursts, 3 * segments * MSS, "{bandwidth}");
    }
    let mut small = Flow::new(1);
    small.bbr = Bbr::new(Config::default(), Start { mss: 100, cwnd: 1_000 });
    assert_eq!(small.cruise(1_000_000_000).bursts, 3 * 127 * 100);
}

#[test]
fn ack_aggregation_widens_the_window_once_the_pipe_is_full() {
    let mut flow = Flow::new(1);
    assert_eq!(flow.report(|seen| Seen { excess: 9_000, rate: 1_000_000, ..seen }).aggregation, 0);
    flow.cruise(2_000_000);
    assert_eq!(flow.report(|seen| Seen { excess: 9_000, rate: 1, ..seen }).aggregation, 9_000);
    assert_eq!(flow.report(|seen| Seen { excess: 900_000, rate: 1, ..seen }).aggregation, 200_000);
}

#[test]
fn nothing_that_a_report_may_say_overflows() {
    let extremes = [0, 1, MSS, u64::from(u32::MAX), u64::MAX];
    let mut bbr = bbr(1);
    let mut now_us = 0u64;
    for n in 0..20_000u64 {
        let pick = |k: u64| extremes[(n.wrapping_mul(2_654_435_761 + k) >> 7) as usize % 5];
        let flag = |k: u64| n.wrapping_mul(40_503 + k) & 64 == 0;
        now_us = now_us.saturating_add(pick(1) >> 24);
        bbr.on_report(&Seen {
            now_us,
            round: flag(1),
            rate: pick(2),
            limited_rate: pick(3),
            limited: flag(2),
            delivered: pick(4),
            lost: pick(5),
            min_rtt_us: flag(4).then(|| pick(6)),
            excess: pick(7),
            timeout: flag(5),
            undone: flag(6),
            idle: flag(7),
            done: flag(8),
            mode: bbr.mode(),
        });
        bbr.orders();
    }
}
