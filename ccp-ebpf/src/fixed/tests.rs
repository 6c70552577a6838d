//! The fixed part and what surrounds programs, in a user-space eBPF machine, against plain Rust.

mod world;

use ccp_lang::Primitive;
use ccp_lang::ebpf::Assembled;
use ccp_wire::{Message, Messages, ProgramUid};

use super::kit::{agent, flow, private};
use crate::page::{Governor, LAYOUT};
use world::{Dice, EPOCH, World, grown, handed_to, set_jiffies};

const MSS: u64 = 1448;

fn code(world: &World, callback: &str) -> Assembled {
    let programs = world.fixed().programs("reno").expect("good code");
    programs.into_iter().find(|program| program.callback == callback).expect("a callback").code
}

/// A socket whose ACKs the fallback answers: its agent is frozen.
fn frozen() -> World {
    let mut world = World::new();
    let sock = world.kernel.sock;
    world.set(sock.tcp_mstamp, EPOCH + 500_000);
    world.set(sock.mss_cache, MSS);
    world.set(sock.sk_max_pacing_rate, u64::MAX);
    world.set(sock.snd_ssthresh, 0x7FFF_FFFF);
    world.set(sock.snd_cwnd, 10);
    world
}

/// The kernel's `tcp_update_pacing_rate`.
fn paced(cwnd: u64, ssthresh: u64, packets_out: u64, srtt: u64) -> u64 {
    let percent = if cwnd < ssthresh / 2 { 200 } else { 120 };
    let product = MSS * 80_000 * percent * cwnd.max(packets_out);
    product.checked_div(srtt).unwrap_or(product)
}

#[test]
fn a_reduction_follows_the_kernels_prr() {
    let mut world = frozen();
    let control = code(&world, "cong_control");
    let (sock, sample) = (world.kernel.sock, world.kernel.sample);
    let mut dice = Dice(3);
    let (mut above, mut at, mut below) = (0, 0, 0);
    for _ in 0..3_000 {
        let [ssthresh, out, prior] = [40, 30, 60].map(|most| dice.below(most));
        let [packets, sacked, lost, retrans] = [60, 10, 10, 10].map(|most| dice.below(most));
        let packets = packets + sacked + lost;
        let in_flight = packets - sacked - lost + retrans;
        let [acked, delivered, losses, advanced] = [4, 60, 2, 2].map(|most| dice.below(most));
        let state = 2 + dice.below(2);
        let old = 100;
        for (field, value) in [
            (sock.icsk_ca_state, state),
            (sock.snd_ssthresh, ssthresh),
            (sock.prr_out, out),
            (sock.prior_cwnd, prior),
            (sock.packets_out, packets),
            (sock.sacked_out, sacked),
            (sock.lost_out, lost),
            (sock.retrans_out, retrans),
            (sock.lost, 70 + losses),
            (sock.bytes_acked, 9_000 + advanced * MSS),
            (sock.snd_cwnd, old),
            (sock.srtt_us, 8 * 20_000),
        ] {
            world.set(field, value);
        }
        world.set_sample(sample.acked_sacked, acked);
        world.set_private(private::PRR_DELIVERED, delivered);
        world.set_private(private::LOST, 70);
        world.set_private(private::BYTES_ACKED, 9_000);
        world.run(&control);

        let signed = |value: u64| value as i64;
        let delta = signed(ssthresh) - signed(in_flight);
        let total = delivered + if acked > 0 { acked } else { 0 };
        assert_eq!(world.private(private::PRR_DELIVERED), total);
        let cwnd = if acked == 0 || (delta < 0 && prior == 0) {
            old
        } else {
            let may_send = if delta < 0 {
                above += 1;
                signed((ssthresh * total).div_ceil(prior)) - signed(out)
            } else {
                if delta == 0 {
                    at += 1
                } else {
                    below += 1
                }
                let more = (signed(total) - signed(out)).max(signed(acked));
                (more + i64::from(advanced > 0 && losses == 0)).min(delta)
            };
            let may_send = may_send.max(i64::from(out == 0));
            (signed(in_flight) + may_send).max(1) as u64
        };
        assert_eq!(world.get(sock.snd_cwnd), cwnd, "in flight {in_flight} of {ssthresh}");
        assert_eq!(world.get(sock.sk_pacing_rate), paced(cwnd, ssthresh, packets, 160_000));
        assert_eq!(grown(), None);
    }
    assert!(above > 300 && at > 20 && below > 300, "{above}, {at}, {below}");
}

#[test]
fn the_window_grows_by_what_was_delivered_when_data_was_acknowledged() {
    let (data, others) = (4, 0x1FFB);
    for (state, flag, asked) in
        [(0, data, true), (1, data, true), (4, data, true), (0, others, false), (2, data, false)]
    {
        let mut world = frozen();
        let control = code(&world, "cong_control");
        let (sock, sample) = (world.kernel.sock, world.kernel.sample);
        world.set(sock.icsk_ca_state, state);
        world.set_sample(sample.acked_sacked, 3);
        world.argument(2, flag);
        world.run(&control);
        assert_eq!(grown(), asked.then_some(3), "state {state}, flag {flag}");
    }
}

#[test]
fn pacing_is_that_of_the_kernel_and_no_more_than_the_socket_may() {
    let mut dice = Dice(5);
    let mut world = frozen();
    let control = code(&world, "cong_control");
    let sock = world.kernel.sock;
    for _ in 0..500 {
        let [cwnd, ssthresh, packets] = [200, 500, 300].map(|most| dice.below(most) + 1);
        let srtt = dice.below(3) * 77_777;
        let most = if dice.below(2) == 0 { u64::MAX } else { 1_000_000 };
        world.set(sock.snd_cwnd, cwnd);
        world.set(sock.snd_ssthresh, ssthresh);
        world.set(sock.packets_out, packets);
        world.set(sock.srtt_us, srtt);
        world.set(sock.sk_max_pacing_rate, most);
        // No time to look at how the window is used.
        world.set(sock.icsk_ca_state, 1);
        // What a program set before the agent died.
        world.set_private(private::RATE_SET, 1);
        world.run(&control);
        let expected = paced(cwnd, ssthresh, packets, srtt).min(most);
        assert_eq!(world.get(sock.sk_pacing_rate), expected, "{cwnd} {ssthresh} {packets} {srtt}");
        assert_eq!(world.page(flow::PACING_RATE.at), expected);
    }
}

#[test]
fn a_window_that_the_application_leaves_unused_comes_half_way_down() {
    // cwnd, used, since the kernel's stamp, since our look, state, held, full -> cwnd
    for (cwnd, used, stamp, looked, state, held, full, then) in [
        (100, 20, 200, 200, 0, true, false, 60),
        (100, 5, 200, 200, 0, true, false, 55),
        (100, 100, 200, 200, 0, true, false, 100),
        (100, 20, 199, 200, 0, true, false, 100),
        (100, 20, 200, 199, 0, true, false, 100),
        (100, 20, 200, 200, 1, true, false, 100),
        (100, 20, 200, 200, 0, false, false, 100),
        (100, 20, 200, 200, 0, true, true, 100),
    ] {
        let mut world = frozen();
        let control = code(&world, "cong_control");
        let (sock, socket) = (world.kernel.sock, world.kernel.socket);
        set_jiffies(5_000);
        for (field, value) in [
            (sock.snd_cwnd, cwnd),
            (sock.snd_ssthresh, 10),
            (sock.snd_cwnd_used, used),
            (sock.snd_cwnd_stamp, 5_000 - stamp),
            (sock.icsk_rto, 200),
            (sock.icsk_ca_state, state),
        ] {
            world.set(field, value);
        }
        world.set_private(private::LOOKED, 5_000 - looked);
        world.set_socket(socket.flags, if full { 4 } else { !4 });
        if !held {
            world.set(sock.sk_socket, 0);
        }
        world.run(&control);
        assert_eq!(world.get(sock.snd_cwnd), then, "{cwnd} {used} {stamp} {looked} {state}");
        let ssthresh = if then < cwnd { cwnd * 3 / 4 } else { 10 };
        assert_eq!(world.get(sock.snd_ssthresh), ssthresh);
        let looked_now = stamp >= 200 && looked >= 200;
        let looked_at = if looked_now { 5_000 } else { 5_000 - looked };
        assert_eq!(world.private(private::LOOKED), looked_at);
    }
}

#[test]
fn an_idle_senders_window_is_halved_for_each_timeout_once_nothing_is_outstanding() {
    // cwnd, idle jiffies, outstanding, rate set, event -> cwnd
    for (cwnd, idle, outstanding, rate_set, event, then) in [
        (100, 200, 0, 0, 0, 100),
        (100, 201, 0, 0, 0, 50),
        (100, 400, 0, 0, 0, 50),
        (100, 401, 0, 0, 0, 25),
        (100, 90_000, 0, 0, 0, 10),
        (6, 90_000, 0, 0, 0, 6),
        (100, 401, 1, 0, 0, 100),
        (100, 401, 0, 1, 0, 100),
        (100, 401, 0, 0, 1, 100),
    ] {
        let mut world = frozen();
        let event_code = code(&world, "cwnd_event");
        let sock = world.kernel.sock;
        set_jiffies(100_000);
        for (field, value) in [
            (sock.snd_cwnd, cwnd),
            (sock.snd_ssthresh, 20),
            (sock.packets_out, outstanding),
            (sock.lsndtime, 100_000 - idle),
            (sock.icsk_rto, 200),
        ] {
            world.set(field, value);
        }
        world.set_private(private::RATE_SET, rate_set);
        world.set_private(private::LAST_ACK, EPOCH + 100_000);
        world.argument(1, event);
        world.run(&event_code);
        assert_eq!(world.get(sock.snd_cwnd), then, "{cwnd} {idle} {outstanding} {event}");
        let told = if outstanding == 0 && event == 0 { 400_000 } else { 0 };
        assert_eq!(world.private(private::IDLE_US), told);
        if then < cwnd {
            assert_eq!(world.get(sock.snd_ssthresh), cwnd * 3 / 4);
            assert_eq!(world.private(private::LOOKED), 100_000);
        }
    }
}

#[test]
fn a_reduction_ends_at_the_threshold_unless_it_was_undone_or_a_program_governs() {
    const NONE: u64 = 0x7FFF_FFFF;
    // from, to, undo marker, governed, threshold -> window
    for (from, to, marker, governed, ssthresh, then) in [
        (2, 0, 0, 0, 30, 30),
        (3, 0, 1, 0, 30, 30),
        (3, 1, 1, 0, 30, 30),
        (3, 0, 0, 0, 30, 80),
        (4, 0, 1, 0, 30, 80),
        (1, 0, 1, 0, 30, 80),
        (2, 0, 0, 1, 30, 80),
        (2, 0, 0, 0, NONE, 80),
        (0, 2, 1, 0, 30, 80),
        (0, 4, 1, 0, 30, 80),
    ] {
        let mut world = frozen();
        let set_state = code(&world, "set_state");
        let sock = world.kernel.sock;
        world.set(sock.icsk_ca_state, from);
        world.set(sock.undo_marker, marker);
        world.set(sock.snd_ssthresh, ssthresh);
        world.set(sock.snd_cwnd, 80);
        world.set_private(private::GOVERNED, governed);
        world.set_private(private::PRR_DELIVERED, 5);
        world.argument(1, to);
        world.run(&set_state);
        assert_eq!(world.get(sock.snd_cwnd), then, "{from} to {to}, marker {marker}");
        assert_eq!(world.private(private::ENDED), u64::from(from >= 2 && to < 2));
        assert_eq!(world.private(private::TIMEOUT), u64::from(to == 4));
        assert_eq!(world.page(flow::TIMEOUTS.at), u64::from(to == 4));
        assert_eq!(world.private(private::PRR_DELIVERED), if to == 2 { 0 } else { 5 });
    }
}

#[test]
fn what_was_delivered_counts_on_when_a_reduction_becomes_a_recovery() {
    for (from, then) in [(0, 0), (1, 0), (2, 5), (4, 0)] {
        let mut world = frozen();
        let set_state = code(&world, "set_state");
        let sock = world.kernel.sock;
        world.set(sock.icsk_ca_state, from);
        world.set_private(private::PRR_DELIVERED, 5);
        world.argument(1, 3);
        world.run(&set_state);
        assert_eq!(world.private(private::PRR_DELIVERED), then, "from {from}");
    }
}

#[test]
fn thresholds_and_windows_to_go_back_to_are_the_kernels_renos() {
    let mut world = frozen();
    let (ssthresh, undo) = (code(&world, "ssthresh"), code(&world, "undo_cwnd"));
    assert_eq!(world.run(&ssthresh), 7777);
    assert_eq!(world.run(&undo), 8888);
    assert_eq!((world.private(private::UNDONE), world.page(flow::UNDONE.at)), (1, 1));
    // After its release the socket has no page.
    world.set_private(private::SLOT_PLUS_1, 0);
    assert_eq!(world.run(&undo), 8888);
    assert_eq!(world.page(flow::UNDONE.at), 1);
}

#[test]
fn each_ack_goes_to_the_program_that_runs_or_begins_while_the_agent_lives() {
    const LIMIT: u64 = 200_000;
    struct Case {
        age: u64,
        staged_for: u64,
        sequence: u64,
        taken: u64,
        program: u64,
        running: u64,
    }
    let plain = Case { age: 0, staged_for: 3, sequence: 4, taken: 4, program: 0, running: 5 };
    for (case, to, governor) in [
        (Case { ..plain }, Some(5), Governor::Fallback),
        (Case { age: LIMIT, ..plain }, Some(5), Governor::Fallback),
        // The first ones are gone to directly, but for all it is the same.
        (Case { running: 1, ..plain }, Some(1), Governor::Fallback),
        (Case { running: 16, ..plain }, Some(16), Governor::Fallback),
        (Case { running: 17, ..plain }, Some(17), Governor::Fallback),
        (Case { age: LIMIT + 1, ..plain }, None, Governor::Fallback),
        // Younger than the ACK.
        (Case { age: 1_u64.wrapping_neg(), ..plain }, Some(5), Governor::Fallback),
        // For the flow before.
        (Case { staged_for: 2, sequence: 6, program: 7, ..plain }, None, Governor::Transport),
        (Case { sequence: 6, program: 7, ..plain }, Some(7), Governor::Fallback),
        (Case { sequence: 6, ..plain }, Some(5), Governor::Fallback),
        (Case { sequence: 5, program: 7, ..plain }, Some(5), Governor::Fallback),
        // What is not staged any more.
        (Case { program: 7, ..plain }, Some(5), Governor::Fallback),
        (Case { running: 0, ..plain }, None, Governor::Transport),
        // Values alone.
        (Case { running: 0, sequence: 6, ..plain }, Some(0), Governor::Fallback),
    ] {
        let mut world = frozen();
        let control = code(&world, "cong_control");
        let sock = world.kernel.sock;
        world.set_agent(agent::PATIENCE, LIMIT);
        world.set_agent(agent::HEARTBEAT, (EPOCH + 500_000).wrapping_sub(case.age));
        world.set_page(flow::GENERATION.at, 3);
        world.set_page(flow::STAGED_FOR.at, case.staged_for);
        world.set_page(flow::ANNOUNCED.at, 1);
        world.set_page(LAYOUT.sequence(), case.sequence);
        world.set_page(LAYOUT.taken(), case.taken);
        world.set_page(LAYOUT.program(), case.program);
        world.set_page(LAYOUT.running(), case.running);
        world.set_private(private::GOVERNED, 1);
        world.set_private(private::TIMEOUT, 1);
        world.run(&control);
        assert_eq!(handed_to(), to);
        // No program is there, so that the kernel's side governs in any case.
        assert_eq!(world.page(flow::GOVERNOR.at), governor as u64);
        let falls_back = u64::from(governor == Governor::Fallback);
        assert_eq!(world.page(flow::FALLBACK_ACKS.at), falls_back);
        assert_eq!((world.private(private::GOVERNED), world.private(private::TIMEOUT)), (0, 0));
        assert_eq!(world.page(flow::CWND.at), world.get(sock.snd_cwnd));
    }
}

#[test]
fn a_flow_that_was_not_announced_is_announced_a_tenth_of_a_second_later() {
    for (since, room, announced) in [(99_999, true, 0), (100_000, true, 1), (100_000, false, 0)] {
        let mut world = frozen();
        let control = code(&world, "cong_control");
        world.set_agent(agent::PATIENCE, u64::MAX / 2);
        world.set_page(flow::GENERATION.at, 3);
        world.set_page(flow::ANNOUNCED_AT.at, EPOCH + 500_000 - since);
        world.set_page(flow::INIT_CWND.at, 14_480);
        if room {
            world.open_ring();
        }
        world.run(&control);
        assert_eq!(world.page(flow::ANNOUNCED.at), announced, "{since}");
        let created = world.sent().map(|bytes| match Messages::new(bytes).next() {
            Some(Ok(Message::Create(create))) => {
                (create.flow.0, create.init_cwnd, create.cong_alg.to_owned())
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(created, (announced == 1).then(|| (3 << 4, 14_480, "reno".to_owned())));
    }
}

/// What a program that reports all primitives and the window says after one ACK.
fn report(world: &mut World, source: &str) -> Vec<u64> {
    let program = ccp_lang::compile(source).expect("a program").program;
    let leaf = world.fixed().leaf(&program, 1, ProgramUid(9)).expect("good code");
    world.set_page(LAYOUT.running(), 1);
    world.open_ring();
    world.run(&leaf);
    assert_eq!(world.private(private::GOVERNED), 1, "no state of the socket's sets the window");
    match world.sent().and_then(|bytes| Messages::new(bytes).next()) {
        Some(Ok(Message::Measure(measure))) => {
            assert_eq!((measure.flow.0, measure.program_uid), (3 << 4, ProgramUid(9)));
            measure.fields.iter().collect()
        }
        other => panic!("{other:?}"),
    }
}

fn all_primitives() -> String {
    let fields: Vec<_> = Primitive::ALL.iter().enumerate().collect();
    let defs: String = fields.iter().map(|(i, _)| format!("(volatile x{i} 0)")).collect();
    let sets: String = fields
        .iter()
        .map(|(i, p)| match p {
            Primitive::FlowWasTimeout | Primitive::FlowAppLimited | Primitive::FlowUndone => {
                format!("(:= Report.x{i} (if {} 1))", p.name())
            }
            _ => format!("(:= Report.x{i} {})", p.name()),
        })
        .collect();
    format!("(def (Report {defs} (window 0))) (when true {sets} (:= Report.window Cwnd) (report))")
}

#[test]
fn primitives_are_what_the_kernels_numbers_say() {
    let mut world = frozen();
    let (sock, sample) = (world.kernel.sock, world.kernel.sample);
    world.set_page(flow::GENERATION.at, 3);
    let before = [
        (private::BYTES_ACKED, 10_000),
        (private::SACKED_OUT, 2),
        (private::LOST, u64::from(u32::MAX)),
        (private::DELIVERED, 50),
        (private::DELIVERED_CE, 7),
        (private::TIMEOUT, 1),
        (private::IDLE_US, 123),
    ];
    before.into_iter().for_each(|(word, value)| world.set_private(word, value));
    for (field, value) in [
        (sock.bytes_acked, 10_000 + 3 * MSS),
        (sock.sacked_out, 4),
        (sock.lost, 1),
        (sock.delivered, 55),
        (sock.delivered_ce, 8),
        (sock.packets_out, 20),
        (sock.lost_out, 3),
        (sock.retrans_out, 1),
        (sock.write_seq, 500),
        (sock.snd_nxt, u64::from(u32::MAX)),
        (sock.icsk_ca_state, 3),
    ] {
        world.set(field, value);
    }
    for (field, value) in [
        (sample.delivered, 10),
        (sample.interval_us, 10_000),
        (sample.snd_interval_us, 5_000),
        (sample.rcv_interval_us, 10_000),
        (sample.rtt_us, 20_000),
        (sample.is_app_limited, 1),
    ] {
        world.set_sample(field, value);
    }
    let in_flight = 20 - 4 - 3 + 1;
    let plain = [
        3 * MSS,
        2 * MSS,
        MSS,
        1,
        2,
        500_000,
        3,
        2,
        in_flight * MSS,
        in_flight * MSS + 501,
        in_flight,
        10 * MSS * 100,
        10 * MSS * 200,
        20_000,
        1,
        1,
        2,
        0,
        123,
        10 * MSS,
    ];
    let told = report(&mut world, &all_primitives());
    assert_eq!(told, plain);
    for (word, value) in [(private::TIMEOUT, 0), (private::IDLE_US, 0), (private::DELIVERED, 55)] {
        assert_eq!(world.private(word), value);
    }

    // The next ACK: one SACK fewer, nothing new, and no valid sample.
    world.set(sock.sacked_out, 3);
    world.set(sock.icsk_ca_state, 1);
    world.set_sample(sample.interval_us, (-1_i64) as u64);
    world.set_sample(sample.rtt_us, (-1_i64) as u64);
    world.set_sample(sample.is_app_limited, 0);
    world.set_private(private::UNDONE, 1);
    let told = report(&mut world, &all_primitives());
    let quiet = [0, 0, 0, 0, 0, 500_000, 0, 0];
    assert_eq!(told[..8], quiet);
    assert_eq!(told[11..19], [10 * MSS * 100, 10 * MSS * 200, 0xFFFF_FFFF, 0, 0, 0, 1, 0]);

    // The sample is invalid for any of three reasons, and the last rates stay.
    for (field, value) in [
        (sample.delivered, u64::from(u32::MAX)),
        (sample.delivered, 0),
        (sample.rcv_interval_us, 0),
    ] {
        world.set_sample(sample.interval_us, 1);
        world.set_sample(sample.delivered, 20);
        world.set_sample(sample.rcv_interval_us, 10_000);
        world.set_sample(field, value);
        assert_eq!(report(&mut world, &all_primitives())[11], 10 * MSS * 100);
    }

    // What ended at this ACK is told before what began.
    world.set(sock.icsk_ca_state, 3);
    world.set_private(private::ENDED, 1);
    assert_eq!(report(&mut world, &all_primitives())[16], 0);
    assert_eq!(report(&mut world, &all_primitives())[16], 2);
}

#[test]
fn windows_and_rates_are_clamped_to_what_the_socket_takes() {
    // asked in bytes, the socket's limit -> packets, and the window that the program sees next
    for (asked, clamp, packets, exact) in [
        (20 * MSS, 1000, 20, 20 * MSS),
        (20 * MSS + 7, 1000, 20, 20 * MSS + 7),
        (1, 1000, 2, 2 * MSS),
        (2 * MSS - 1, 1000, 2, 2 * MSS),
        (1000 * MSS + 5, 1000, 1000, 1000 * MSS + 5),
        (1001 * MSS, 1000, 1000, 1000 * MSS),
        (5 * MSS, 1, 2, 2 * MSS),
    ] {
        let mut world = frozen();
        let sock = world.kernel.sock;
        world.set_page(flow::GENERATION.at, 3);
        world.set(sock.snd_cwnd_clamp, clamp);
        world.set(sock.sk_max_pacing_rate, 5_000);
        let source = format!(
            "(def (Report (window 0) (rate 0)))
             (when true (:= Report.window Cwnd) (:= Report.rate Rate)
                (:= Cwnd {asked}) (:= Rate 6000) (report))"
        );
        assert_eq!(report(&mut world, &source), [10 * MSS, 0]);
        assert_eq!(world.get(sock.snd_cwnd), packets, "{asked}");
        assert_eq!(world.get(sock.sk_pacing_rate), 5_000);
        assert_eq!(world.get(sock.sk_pacing_status), 1);
        assert_eq!(report(&mut world, &source), [exact, 6_000]);
        // Somebody else sets the window: it counts. The pacing of the qdisc fq stays.
        world.set(sock.snd_cwnd, packets + 1);
        world.set(sock.sk_pacing_status, 2);
        assert_eq!(report(&mut world, &source)[0], (packets + 1) * MSS);
        assert_eq!(world.get(sock.sk_pacing_status), 2);
    }
}

#[test]
fn an_ack_that_no_program_ran_on_is_the_next_ones() {
    let mut world = frozen();
    let sock = world.kernel.sock;
    world.set_page(flow::GENERATION.at, 3);
    let program = ccp_lang::compile("(def (Report (x 0))) (when true (report))").expect("good");
    let leaf = world.fixed().leaf(&program.program, 1, ProgramUid(9)).expect("good code");
    // Another program was staged after this one had been chosen.
    world.set_page(LAYOUT.sequence(), 2);
    world.set_page(LAYOUT.program(), 2);
    let changed = [
        (sock.bytes_acked, private::BYTES_ACKED),
        (sock.sacked_out, private::SACKED_OUT),
        (sock.lost, private::LOST),
        (sock.delivered, private::DELIVERED),
        (sock.delivered_ce, private::DELIVERED_CE),
    ];
    for (at, (field, word)) in (1..).zip(changed) {
        world.set(field, 100 + at);
        world.set_private(word, 100);
    }
    world.set_private(private::TIMEOUT, 1);
    world.run(&leaf);
    for (_, word) in changed {
        assert_eq!(world.private(word), 100);
    }
    assert_eq!((world.private(private::TIMEOUT), world.page(flow::RUNS.at)), (1, 0));
    world.set_page(LAYOUT.program(), 1);
    world.run(&leaf);
    for (at, (_, word)) in (1..).zip(changed) {
        assert_eq!(world.private(word), 100 + at);
    }
    assert_eq!((world.private(private::TIMEOUT), world.page(flow::RUNS.at)), (0, 1));
    assert_eq!(world.page(flow::REPORTS_LOST.at), 1, "the ring had no room");
}

#[test]
fn a_flow_begins_with_nothing_of_the_one_before() {
    let mut world = frozen();
    let init = code(&world, "init");
    let sock = world.kernel.sock;
    for at in (0..4096).step_by(8) {
        world.set_page(at, 77);
    }
    let counted = [
        (sock.bytes_acked, private::BYTES_ACKED),
        (sock.sacked_out, private::SACKED_OUT),
        (sock.lost, private::LOST),
        (sock.delivered, private::DELIVERED),
        (sock.delivered_ce, private::DELIVERED_CE),
    ];
    for (at, (field, _)) in (1..).zip(counted) {
        world.set(field, at);
    }
    // It has heard nothing since before the agent started.
    world.set(sock.tcp_mstamp, EPOCH - 5);
    world.run(&init);
    for word in [
        flow::GOVERNOR,
        flow::ANNOUNCED,
        flow::RATE,
        flow::RUNS,
        flow::FALLBACK_ACKS,
        flow::REPORTS,
        flow::REPORTS_LOST,
        flow::TIMEOUTS,
        flow::UNDONE,
        flow::EXACT_CWND,
    ] {
        assert_eq!(world.page(word.at), 0, "{word:?}");
    }
    assert_eq!((world.page(LAYOUT.now()), world.page(LAYOUT.zero())), (0, 0));
    assert_eq!((world.page(LAYOUT.running()), world.page(LAYOUT.trap_counts())), (0, 0));
    assert_eq!((world.page(flow::GENERATION.at), world.page(flow::OPEN.at)), (78, 1));
    assert_eq!(world.page(flow::INIT_CWND.at), 10 * MSS);
    for (at, (_, word)) in (1..).zip(counted) {
        assert_eq!(world.private(word), at, "{word:?}");
    }
    assert_eq!(world.private(private::SLOT_PLUS_1), 1);
}
