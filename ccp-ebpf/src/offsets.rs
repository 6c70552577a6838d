//! Everything that differs between kernels, looked up by name in their BTF.
//!
//! Never by version: a member that a kernel lacks is either optional here, and changes what is
//! generated, or the kernel is refused by the member's name.

use ccp_lang::ebpf::Size;
use thiserror::Error;

use crate::btf::{Btf, Kind, Member, TypeId};

/// A member that generated code reads or writes: where it lies from the start of its outermost
/// struct, and how wide it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// In bytes.
    pub offset: i16,
    /// Of the access. For a bit field it covers the bits; for a larger member it is one byte.
    pub size: Size,
    /// Of the member, in bytes.
    pub bytes: u32,
    /// How far the bits of a bit field are shifted within the access, and how many there are.
    pub bits: Option<(u8, u8)>,
}

/// What the generated code needs to know of one kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The type of a congestion control algorithm.
    pub ops: Ops,
    /// The arguments of `cong_control`.
    pub cong_control: CongControl,
    /// Members of a TCP socket and of the structs it begins with.
    pub sock: Sock,
    /// Members of the sample that comes with an ACK.
    pub sample: Sample,
    /// Members of what a process holds of a socket.
    pub socket: Socket,
    /// Kernel functions that the fallback calls.
    pub functions: Functions,
    /// Whose a socket is.
    pub owner: Owner,
}

/// Ways from a socket to what tells whose it is. A kernel may lack any: then it reads as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `SO_MARK`.
    pub mark: Option<Way>,
    /// The user's number.
    pub uid: Option<Way>,
    /// The inode of the cgroup (version 2) in which the socket was made.
    pub cgroup: Option<Way>,
    /// The inode of the network namespace.
    pub netns: Option<Way>,
}

/// A way from a socket through pointers to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where each pointer is in what the one before points to.
    pub pointers: Vec<i16>,
    /// Where the number is in what the last one points to.
    pub offset: i16,
    /// Of the number.
    pub size: Size,
}

/// `struct tcp_congestion_ops`, and the map value it travels in.
#[derive(Clone, Debug)]
pub struct Ops {
    /// The struct's type.
    pub id: TypeId,
    /// The type of the map's value.
    pub value_id: TypeId,
    /// The size of that value in bytes.
    pub value_size: u32,
    /// The algorithm's name, in the map's value.
    pub name: Place,
    /// Its flags, in the map's value.
    pub flags: Place,
    /// The functions we implement.
    callbacks: Vec<(&'static str, Callback)>,
}

/// A function of the ops struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Its place among the members: what a program is loaded for.
    pub index: u32,
    /// Where the map's value holds its program, in bytes.
    pub value_offset: u32,
}

/// A piece of the map's value, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the value's start.
    pub offset: u32,
    /// How long.
    pub len: u32,
}

/// Which argument of `cong_control` is what: it was (sk, rate_sample) before Linux 6.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CongControl {
    /// The rate sample.
    pub sample: u8,
    /// What the ACK did, as flags of the kernel's own; not given by older kernels.
    pub flag: Option<u8>,
}

impl Ops {
    /// A function by name; all of [`CALLBACKS`] are there.
    #[must_use]
    pub fn callback(&self, name: &str) -> Option<Callback> {
        self.callbacks.iter().find(|(known, _)| *known == name).map(|&(_, callback)| callback)
    }
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $( $field:ident: $within:literal $size:literal, )+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "they are the kernel's members of the same name")]
        pub struct $name {
            $( pub $field: Field, )+
        }

        impl $name {
            /// Each member that is needed, with its struct and its size in bytes (0: any that one
            /// access can move).
            pub const NEEDED: &'static [(&'static str, &'static str, u32)] =
                &[$( ($within, stringify!($field), $size), )+];

            fn read<F>(mut find: F) -> Result<Self, OffsetError>
            where
                F: FnMut(&'static str, &'static str, u32) -> Result<Field, OffsetError>,
            {
                Ok(Self { $( $field: find($within, stringify!($field), $size)?, )+ })
            }
        }
    };
}

// The number is the size in bytes that the generated code counts on; 0: any that one access can
// move.
fields! {
    /// Members of a TCP socket and of the structs it begins with.
    Sock {
        skc_family: "sock_common" 2,
        skc_num: "sock_common" 2,
        skc_dport: "sock_common" 2,
        skc_v6_daddr: "sock_common" 16,
        skc_v6_rcv_saddr: "sock_common" 16,
        sk_pacing_rate: "sock" 0,
        sk_pacing_status: "sock" 4,
        sk_max_pacing_rate: "sock" 0,
        sk_socket: "sock" 8,
        icsk_ca_state: "inet_connection_sock" 0,
        icsk_ca_priv: "inet_connection_sock" 104,
        icsk_rto: "inet_connection_sock" 4,
        mss_cache: "tcp_sock" 4,
        snd_cwnd: "tcp_sock" 4,
        snd_cwnd_clamp: "tcp_sock" 4,
        snd_cwnd_stamp: "tcp_sock" 4,
        snd_cwnd_used: "tcp_sock" 4,
        lsndtime: "tcp_sock" 4,
        snd_ssthresh: "tcp_sock" 4,
        prior_cwnd: "tcp_sock" 4,
        prr_out: "tcp_sock" 4,
        undo_marker: "tcp_sock" 4,
        packets_out: "tcp_sock" 4,
        retrans_out: "tcp_sock" 4,
        lost_out: "tcp_sock" 4,
        sacked_out: "tcp_sock" 4,
        lost: "tcp_sock" 4,
        delivered: "tcp_sock" 4,
        delivered_ce: "tcp_sock" 4,
        bytes_acked: "tcp_sock" 8,
        write_seq: "tcp_sock" 4,
        snd_nxt: "tcp_sock" 4,
        snd_una: "tcp_sock" 4,
        srtt_us: "tcp_sock" 4,
        tcp_mstamp: "tcp_sock" 8,
    }
}

fields! {
    /// Members of `struct rate_sample`.
    Sample {
        delivered: "rate_sample" 4,
        interval_us: "rate_sample" 8,
        snd_interval_us: "rate_sample" 4,
        rcv_interval_us: "rate_sample" 4,
        rtt_us: "rate_sample" 8,
        acked_sacked: "rate_sample" 4,
        is_app_limited: "rate_sample" 1,
    }
}

fields! {
    /// Members of `struct socket`, which a socket of a process points to.
    Socket {
        flags: "socket" 8,
    }
}

/// Kernel functions by the ids that calls of them carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Functions {
    /// Half the window.
    pub tcp_reno_ssthresh: u32,
    /// Reno's growth.
    pub tcp_reno_cong_avoid: u32,
    /// The window from before a reduction.
    pub tcp_reno_undo_cwnd: u32,
}

impl Kernel {
    /// Looks everything up.
    ///
    /// # Errors
    /// The first name that this kernel lacks, or that is not as the generated code needs it.
    pub fn read(btf: &Btf) -> Result<Self, OffsetError> {
        let ops = ops(btf)?;
        let bases = Bases::read(btf)?;
        let cong_control = cong_control(btf, ops.id)?;
        let find = |within, name, size| bases.field(btf, within, name, size);
        let sock = Sock::read(find)?;
        let sample = Sample::read(find)?;
        let socket = Socket::read(find)?;
        let function = |name| {
            let id = btf.find(Kind::Function, name);
            id.map(|id| id.0).ok_or(OffsetError::Function { name })
        };
        let functions = Functions {
            tcp_reno_ssthresh: function("tcp_reno_ssthresh")?,
            tcp_reno_cong_avoid: function("tcp_reno_cong_avoid")?,
            tcp_reno_undo_cwnd: function("tcp_reno_undo_cwnd")?,
        };
        let way = |path: &[&str]| bases.way(btf, path);
        let owner = Owner {
            mark: way(&["sk_mark"]),
            uid: way(&["sk_uid"]),
            cgroup: way(&["sk_cgrp_data", "cgroup", "kn", "id"]),
            netns: way(&["__sk_common", "skc_net", "net", "ns", "inum"]),
        };
        Ok(Self { ops, cong_control, sock, sample, socket, functions, owner })
    }
}

fn ops(btf: &Btf) -> Result<Ops, OffsetError> {
    let id = structure(btf, "tcp_congestion_ops")?;
    let value = "bpf_struct_ops_tcp_congestion_ops";
    let value_id = structure(btf, value)?;
    let data = member(btf, value_id, value, "data")?.bit_offset / 8;
    let value_size =
        btf.size_of(value_id).ok_or(OffsetError::Odd { within: value, member: "itself" })?;
    let place = |name| {
        let found = member(btf, id, "tcp_congestion_ops", name)?;
        let odd = OffsetError::Odd { within: "tcp_congestion_ops", member: name };
        let len = btf.size_of(found.ty).ok_or(odd)?;
        let offset = data.checked_add(found.bit_offset / 8).ok_or(odd)?;
        let ends_within = offset.checked_add(len).is_some_and(|end| end <= value_size);
        if ends_within { Ok(Place { offset, len }) } else { Err(odd) }
    };
    let callbacks = CALLBACKS.iter().map(|&name| {
        let missing = OffsetError::Member { within: "tcp_congestion_ops", member: name };
        let index = btf.members(id).position(|m| m.name == name).ok_or(missing)?;
        let callback = Callback { index: index as u32, value_offset: place(name)?.offset };
        Ok((name, callback))
    });
    let callbacks = callbacks.collect::<Result<_, OffsetError>>()?;
    Ok(Ops { id, value_id, value_size, name: place("name")?, flags: place("flags")?, callbacks })
}

fn cong_control(btf: &Btf, ops: TypeId) -> Result<CongControl, OffsetError> {
    let (within, name) = ("tcp_congestion_ops", "cong_control");
    let odd = OffsetError::Odd { within, member: name };
    let params = btf.params(member(btf, ops, within, name)?.ty).ok_or(odd)?;
    let is_sample = |ty| btf.target(ty).is_some_and(|to| btf.name(to) == "rate_sample");
    let sample = params.iter().position(|param| is_sample(param.ty)).ok_or(odd)?;
    // Prototypes in structs need not name their parameters: the flag is the integer right before
    // the sample, if the socket is not.
    let flag = sample.checked_sub(1).filter(|&at| at > 0 && btf.target(params[at].ty).is_none());
    let position = |at: usize| u8::try_from(at).ok().filter(|&at| at < MOST_ARGUMENTS);
    let flag = flag.map(|at| position(at).ok_or(odd)).transpose()?;
    Ok(CongControl { sample: position(sample).ok_or(odd)?, flag })
}

/// Where the structs that a TCP socket begins with lie in it.
struct Bases {
    structs: [(&'static str, TypeId, u32); 6],
}

impl Bases {
    fn read(btf: &Btf) -> Result<Self, OffsetError> {
        let tcp_sock = structure(btf, "tcp_sock")?;
        let sample = structure(btf, "rate_sample")?;
        let socket = structure(btf, "socket")?;
        let mut structs = [("tcp_sock", tcp_sock, 0); 6];
        let (mut id, mut within, mut base) = (tcp_sock, "tcp_sock", 0_u32);
        for (path, to, at) in [
            (&["inet_conn"][..], "inet_connection_sock", 1),
            (&["icsk_inet", "sk"], "sock", 2),
            (&["__sk_common"], "sock_common", 3),
        ] {
            for &name in path {
                let found = member(btf, id, within, name)?;
                let odd = OffsetError::Odd { within, member: name };
                base = base.checked_add(found.bit_offset / 8).ok_or(odd)?;
                id = btf.resolve(found.ty);
                within = to;
            }
            structs[at] = (to, id, base);
        }
        structs[4] = ("rate_sample", sample, 0);
        structs[5] = ("socket", socket, 0);
        Ok(Self { structs })
    }

    fn field(
        &self,
        btf: &Btf,
        within: &'static str,
        name: &'static str,
        size: u32,
    ) -> Result<Field, OffsetError> {
        let missing = OffsetError::Member { within, member: name };
        let found = self.structs.iter().find(|(known, ..)| *known == within);
        let &(_, id, base) = found.ok_or(missing)?;
        let member = btf.member(id, name).ok_or(missing)?;
        field(btf, base, member, size).ok_or(OffsetError::Odd { within, member: name })
    }
}

impl Bases {
    /// The way along members of `struct sock` and of what they point to.
    fn way(&self, btf: &Btf, path: &[&str]) -> Option<Way> {
        let &(_, mut id, mut at) = self.structs.iter().find(|(known, ..)| *known == "sock")?;
        let mut pointers = Vec::new();
        let mut size = 0;
        for (index, name) in path.iter().enumerate() {
            let member = btf.member(id, name).filter(|member| member.bits == 0)?;
            at = at.checked_add(member.bit_offset / 8)?;
            size = btf.size_of(member.ty)?;
            id = btf.resolve(member.ty);
            if index + 1 < path.len()
                && let Some(target) = btf.target(member.ty)
            {
                pointers.push(i16::try_from(at).ok()?);
                (id, at) = (target, 0);
            }
        }
        let (offset, size) = (i16::try_from(at).ok()?, Size::of(size as usize)?);
        Some(Way { pointers, offset, size })
    }
}

fn field(btf: &Btf, base: u32, member: Member<'_>, size: u32) -> Option<Field> {
    let first = member.bit_offset / 8;
    let bytes = btf.size_of(member.ty)?;
    let (size, bits) = if member.bits == 0 {
        if !member.bit_offset.is_multiple_of(8) || (size != 0 && bytes != size) {
            return None;
        }
        match Size::of(bytes as usize) {
            Some(access) => (access, None),
            None if size != 0 => (Size::B, None),
            None => return None,
        }
    } else {
        // One byte holds it: true for all bit fields in use here.
        let shift = member.bit_offset % 8;
        if shift + member.bits > 8 {
            return None;
        }
        (Size::B, Some((shift as u8, member.bits as u8)))
    };
    let offset = i16::try_from(base.checked_add(first)?).ok()?;
    // The end must be in reach as well.
    i16::try_from(i64::from(offset) + i64::from(bytes)).ok()?;
    Some(Field { offset, size, bytes, bits })
}

fn structure(btf: &Btf, name: &'static str) -> Result<TypeId, OffsetError> {
    btf.find(Kind::Struct, name).ok_or(OffsetError::Struct { name })
}

fn member<'a>(
    btf: &'a Btf,
    id: TypeId,
    within: &'static str,
    name: &'static str,
) -> Result<Member<'a>, OffsetError> {
    btf.member(id, name).ok_or(OffsetError::Member { within, member: name })
}

/// What a kernel lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OffsetError {
    /// A struct.
    #[error("this kernel has no struct {name}")]
    Struct {
        /// Which one.
        name: &'static str,
    },
    /// A member of a struct.
    #[error("this kernel has no member {member} in struct {within}")]
    Member {
        /// Of which struct.
        within: &'static str,
        /// Which one.
        member: &'static str,
    },
    /// A function that programs may call.
    #[error("this kernel has no function {name} for programs to call")]
    Function {
        /// Which one.
        name: &'static str,
    },
    /// A member that is not as wide, or not where, the generated code can use it.
    #[error("member {member} of struct {within} is not as it is known on any kernel")]
    Odd {
        /// Of which struct.
        within: &'static str,
        /// Which one.
        member: &'static str,
    },
}

/// The functions of an algorithm that we implement.
pub const CALLBACKS: &[&str] =
    &["init", "release", "ssthresh", "undo_cwnd", "set_state", "cwnd_event", "cong_control"];

/// The context of a program is an array of its arguments; no callback has more.
const MOST_ARGUMENTS: u8 = 8;

#[cfg(test)]
impl Kernel {
    /// One that was never built: all members of a socket one behind the other.
    pub(crate) fn made_up() -> Self {
        fn lay(at: &mut i16, name: &str, size: u32) -> Field {
            let bytes = if size == 0 { 8 } else { size };
            let offset = *at;
            *at += bytes.next_multiple_of(8) as i16;
            match name {
                "icsk_ca_state" => Field { offset, size: Size::B, bytes: 1, bits: Some((0, 5)) },
                _ => {
                    let size = Size::of(bytes as usize).unwrap_or(Size::B);
                    Field { offset, size, bytes, bits: None }
                }
            }
        }
        let (mut sock, mut sample, mut socket) = (8, 8, 8);
        let place = Place { offset: 0, len: 4 };
        Self {
            ops: Ops {
                id: TypeId(1),
                value_id: TypeId(2),
                value_size: 64,
                name: place,
                flags: place,
                callbacks: Vec::new(),
            },
            cong_control: CongControl { sample: 3, flag: Some(2) },
            sock: Sock::read(|_, name, size| Ok(lay(&mut sock, name, size))).expect("laid"),
            sample: Sample::read(|_, name, size| Ok(lay(&mut sample, name, size))).expect("laid"),
            socket: Socket::read(|_, name, size| Ok(lay(&mut socket, name, size))).expect("laid"),
            functions: Functions {
                tcp_reno_ssthresh: 1001,
                tcp_reno_cong_avoid: 1002,
                tcp_reno_undo_cwnd: 1003,
            },
            owner: Owner::default(),
        }
    }
}
