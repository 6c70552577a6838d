//! Algorithms written by hand for struct_ops that call the kernel's own: what such code costs.

use std::os::fd::{AsFd, OwnedFd};

use ccp_ebpf::btf::{Btf, BtfMaker, Kind};
use ccp_ebpf::offsets::{Field, Kernel};
use ccp_ebpf::sys;
use ccp_lang::ebpf::Gpr::{R0, R1, R2, R3, R4, R6, R7};
use ccp_lang::ebpf::{Alu, Asm, Cond, Gpr, Size};

use crate::Outcome;

/// A registered algorithm.
pub(crate) struct Hand {
    _link: OwnedFd,
    _map: OwnedFd,
    pub(crate) name: String,
    pub(crate) cong_control: OwnedFd,
    _others: Vec<OwnedFd>,
}

/// The kernel functions that one consists of.
pub(crate) struct Kin {
    init: Option<&'static str>,
    ssthresh: &'static str,
    undo: &'static str,
    set_state: Option<&'static str>,
    cwnd_event: Option<&'static str>,
    each_ack: &'static str,
    /// It takes window and pacing wholly on itself; else it only grows the window.
    whole: bool,
}

pub(crate) const RENO: Kin = Kin {
    init: None,
    ssthresh: "tcp_reno_ssthresh",
    undo: "tcp_reno_undo_cwnd",
    set_state: None,
    cwnd_event: None,
    each_ack: "tcp_reno_cong_avoid",
    whole: false,
};

pub(crate) const CUBIC: Kin = Kin {
    init: Some("cubictcp_init"),
    ssthresh: "cubictcp_recalc_ssthresh",
    undo: "tcp_reno_undo_cwnd",
    set_state: Some("cubictcp_state"),
    cwnd_event: Some("cubictcp_cwnd_event"),
    each_ack: "cubictcp_cong_avoid",
    whole: false,
};

pub(crate) const BBR: Kin = Kin {
    init: Some("bbr_init"),
    ssthresh: "bbr_ssthresh",
    undo: "bbr_undo_cwnd",
    set_state: Some("bbr_set_state"),
    cwnd_event: Some("bbr_cwnd_event"),
    each_ack: "bbr_main",
    whole: true,
};

impl Hand {
    pub(crate) fn register(label: &str, kin: &Kin) -> Outcome<Self> {
        let btf = Btf::parse(sys::kernel_btf()?)?;
        let kernel = Kernel::read(&btf)?;
        let function = |name: &str| {
            let found = btf.find(Kind::Function, name).map(|id| id.0);
            found.ok_or_else(|| format!("this kernel has no {name}"))
        };
        let ops = &kernel.ops;
        let mut value = vec![0_u8; ops.value_size as usize];
        let mut put = |at: u32, bytes: &[u8]| {
            if let Some(place) = value.get_mut(at as usize..at as usize + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let simple = [
            ("init", kin.init, 1),
            ("ssthresh", Some(kin.ssthresh), 1),
            ("undo_cwnd", Some(kin.undo), 1),
            ("set_state", kin.set_state, 2),
            ("cwnd_event", kin.cwnd_event, 2),
        ];
        let mut programs = Vec::new();
        for (callback, name, arguments) in simple {
            let Some(name) = name else { continue };
            programs.push((
                callback,
                passing_on(function(name)?, arguments, GIVE.contains(&callback))?,
            ));
        }
        let each = function(kin.each_ack)?;
        let code = if kin.whole { passing_on(each, 4, false)? } else { growing(&kernel, each)? };
        programs.push(("cong_control", code));
        let mut loaded = Vec::new();
        for (callback, code) in programs {
            let member = ops.callback(callback).ok_or("no such callback")?;
            let fd = sys::struct_ops_prog_load(
                &format!("by_hand_{callback}"),
                &code,
                ops.id,
                member.index,
            )?;
            put(member.value_offset, &u64::from(sys::number(&fd) as u32).to_le_bytes());
            loaded.push(fd);
        }
        let cong_control = loaded.pop().ok_or("no cong_control")?;
        let name = format!("kb{}_{label}", std::process::id());
        put(ops.name.offset, name.as_bytes());
        let mut some = BtfMaker::new();
        some.int("int", 4);
        let some = sys::btf_load(&some.finish())?;
        let map = sys::struct_ops_map_create(&name, ops.value_size, ops.value_id, some.as_fd())?;
        sys::map_update(map.as_fd(), &0_u32.to_le_bytes(), &value)?;
        let link = sys::struct_ops_link(map.as_fd())?;
        Ok(Self { _link: link, _map: map, name, cong_control, _others: loaded })
    }
}

/// Calls a kernel function with the first arguments that came.
fn passing_on(function: u32, arguments: u8, gives: bool) -> Outcome<ccp_lang::ebpf::Assembled> {
    let mut asm = Asm::new();
    asm.mov(R7, R1);
    for (at, to) in [R1, R2, R3, R4].into_iter().enumerate().take(arguments.into()) {
        asm.load(Size::Dw, to, R7, at as i16 * 8);
    }
    asm.call_kfunc(function);
    if !gives {
        asm.mov(R0, 0);
    }
    asm.exit();
    Ok(asm.finish()?)
}

/// `cong_control` of an algorithm that only grows the window: growth when data was acknowledged and
/// no reduction goes on, and the kernel's own pacing by the window.
fn growing(kernel: &Kernel, function: u32) -> Outcome<ccp_lang::ebpf::Assembled> {
    let (sock, sample) = (kernel.sock, kernel.sample);
    let flag = kernel.cong_control.flag.ok_or("this kernel does not tell what an ACK did")?;
    let mut asm = Asm::new();
    let get = |asm: &mut Asm, to: Gpr, field: Field| {
        asm.load(field.size, to, R6, field.offset);
        if let Some((shift, len)) = field.bits {
            asm.alu(Alu::Rsh, to, i32::from(shift));
            asm.alu(Alu::And, to, (1 << len) - 1);
        }
    };
    let (paced, slow, short, out) = (asm.label(), asm.label(), asm.label(), asm.label());
    asm.mov(R7, R1);
    asm.load(Size::Dw, R6, R7, 0);
    get(&mut asm, R1, sock.icsk_ca_state);
    asm.jump_if(Cond::Eq, R1, 2, paced);
    asm.jump_if(Cond::Eq, R1, 3, paced);
    asm.load(Size::Dw, R1, R7, i16::from(flag) * 8);
    asm.alu(Alu::And, R1, 4);
    asm.jump_if(Cond::Eq, R1, 0, paced);
    asm.load(Size::Dw, R1, R7, i16::from(kernel.cong_control.sample) * 8);
    asm.load(sample.acked_sacked.size, R3, R1, sample.acked_sacked.offset);
    asm.load(Size::Dw, R2, R7, 8);
    asm.mov(R1, R6);
    asm.call_kfunc(function);
    asm.bind(paced);
    get(&mut asm, R1, sock.snd_cwnd);
    get(&mut asm, R2, sock.snd_ssthresh);
    asm.alu(Alu::Rsh, R2, 1);
    asm.mov(R3, 200);
    asm.jump_if(Cond::Lt, R1, R2, slow);
    asm.mov(R3, 120);
    asm.bind(slow);
    get(&mut asm, R2, sock.packets_out);
    asm.jump_if(Cond::Ge, R1, R2, short);
    asm.mov(R1, R2);
    asm.bind(short);
    get(&mut asm, R2, sock.mss_cache);
    asm.alu(Alu::Mul, R1, R2);
    asm.alu(Alu::Mul, R1, R3);
    asm.alu(Alu::Mul, R1, 80_000);
    get(&mut asm, R2, sock.srtt_us);
    asm.jump_if(Cond::Eq, R2, 0, out);
    asm.alu(Alu::Div, R1, R2);
    asm.store(sock.sk_pacing_rate.size, R6, sock.sk_pacing_rate.offset, R1);
    asm.bind(out);
    asm.mov(R0, 0);
    asm.exit();
    Ok(asm.finish()?)
}

/// Callbacks with a result.
const GIVE: [&str; 2] = ["ssthresh", "undo_cwnd"];
