//! `cong_control`: each ACK goes to the flow's program, or to the fallback.

use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R4, R7, R8, R9};
use ccp_lang::ebpf::{Cond, Label, Size, choose};

use super::kit::{Kit, agent, flow, helper, private};
use super::{announce, fallback};
use crate::page::{Governor, LAYOUT};

/// `cong_control(sk, .., rate_sample)`.
pub(super) fn cong_control(kit: &mut Kit<'_>, wish: &str) {
    let (no_page, frozen, transport, govern, no_status) =
        (kit.label(), kit.label(), kit.label(), kit.label(), kit.label());
    kit.enter();
    kit.comment("cong_control: the flow's page");
    kit.find_page(no_page);

    kit.comment("cong_control: does the agent live?");
    let maps = kit.fixed.maps;
    kit.map_value(R1, maps.agent, 0);
    kit.load(Size::Dw, R2, R1, agent::HEARTBEAT.at);
    kit.load(Size::Dw, R3, R1, agent::PATIENCE.at);
    kit.clock(R4);
    kit.sub(R4, R2);
    // Signed: the heartbeat may be younger than the ACK.
    kit.jump_if(Cond::SGt, R4, R3, frozen);

    kit.comment("cong_control: which program?");
    kit.word(R1, flow::GENERATION);
    kit.word(R2, flow::STAGED_FOR);
    kit.jump_if(Cond::Ne, R1, R2, transport);
    let chosen = kit.label();
    choose(kit, &LAYOUT);
    kit.mov(R3, R0);
    kit.jump_if(Cond::Ne, R3, 0, chosen);
    // Values alone, for a flow without a program: number 0 takes them.
    kit.load(Size::Dw, R1, R9, LAYOUT.sequence());
    kit.load(Size::Dw, R2, R9, LAYOUT.taken());
    kit.jump_if(Cond::Eq, R1, R2, transport);
    kit.bind(chosen);
    hand_over(kit, frozen);
    kit.comment("cong_control: the program is gone, with its agent perhaps");

    kit.bind(frozen);
    kit.set_word(flow::GOVERNOR, Governor::Fallback as i32);
    // A rate that nobody keeps up to date is worse than none. The program sets its own again.
    kit.set_private(private::RATE_SET, 0);
    kit.count(flow::FALLBACK_ACKS);
    kit.jump(govern);

    kit.bind(transport);
    kit.comment("cong_control: no program yet");
    kit.set_word(flow::GOVERNOR, Governor::Transport as i32);
    kit.word(R1, flow::ANNOUNCED);
    kit.jump_if(Cond::Ne, R1, 0, govern);
    kit.clock(R1);
    kit.word(R2, flow::ANNOUNCED_AT);
    kit.sub(R1, R2);
    kit.jump_if(Cond::Lt, R1, ANNOUNCE_EVERY_US, govern);
    announce::create(kit, wish);
    kit.jump(govern);

    kit.bind(no_page);
    kit.mov(R9, 0);
    kit.bind(govern);
    let position = kit.fixed.kernel.cong_control.sample;
    kit.argument(R8, position);
    kit.set_private(private::GOVERNED, 0);
    for pending in [private::TIMEOUT, private::UNDONE, private::ENDED, private::IDLE_US] {
        kit.set_private(pending, 0);
    }
    fallback::changes(kit);
    fallback::unused_window(kit);
    fallback::govern(kit);
    kit.jump_if(Cond::Eq, R9, 0, no_status);
    fallback::status(kit);
    kit.bind(no_status);
    kit.leave();
}

/// Goes to the program whose number is in R3; to `gone`, or on behind this, if there is none.
///
/// To a number that is known beforehand the kernel jumps directly, and it rewrites the jump when that
/// program changes. Any other jump is an indirect one, which no processor predicts where the kernel
/// defends itself against Spectre.
fn hand_over(kit: &mut Kit<'_>, gone: Label) {
    let programs = kit.fixed.maps.programs;
    let direct = [(); DIRECT].map(|()| kit.label());
    for (number, &label) in (1..).zip(&direct) {
        kit.jump_if(Cond::Eq, R3, number, label);
    }
    let indirect = kit.label();
    kit.jump(indirect);
    for (number, label) in (1..).zip(direct) {
        kit.bind(label);
        kit.mov(R1, R7);
        kit.map(R2, programs);
        kit.mov(R3, number);
        kit.call(helper::TAIL_CALL);
        kit.jump(gone);
    }
    kit.bind(indirect);
    kit.mov(R1, R7);
    kit.map(R2, programs);
    kit.call(helper::TAIL_CALL);
}

/// To how many programs the jump is direct: to those that an agent installs first.
const DIRECT: usize = 16;

/// How often Create is tried again while the ring has no room.
const ANNOUNCE_EVERY_US: i32 = 100_000;
