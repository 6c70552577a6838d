//! Kernels that were never built: right offsets, or a refusal that names what is missing.

use ccp_ebpf::btf::{Btf, BtfMaker, Kind, TypeId};
use ccp_ebpf::fixed::{Fixed, MapFds};
use ccp_ebpf::offsets::{CALLBACKS, Kernel, OffsetError, Sample, Sock, Socket};
use ccp_lang::ebpf::Size;
use proptest::prelude::*;

/// How a made-up kernel differs from the plain one.
#[derive(Clone, Copy, Default)]
struct Made {
    /// A member, function or struct that has another name.
    renamed: Option<&'static str>,
    /// A member that is wider than it should be.
    widened: Option<&'static str>,
    /// `cong_control(sk, rate_sample)`, as before Linux 6.10.
    older_prototype: bool,
    /// Bytes before the first member of each struct, beyond the struct it begins with.
    padding: u32,
    /// `snd_cwnd` and what follows are in an anonymous struct within an anonymous union.
    nested: bool,
}

struct Maker {
    btf: BtfMaker,
    made: Made,
    byte: TypeId,
    words: [(u32, TypeId); 6],
}

impl Made {
    fn bytes(self) -> Vec<u8> {
        let mut btf = BtfMaker::new();
        let byte = btf.int("unsigned char", 1);
        let short = btf.int("short unsigned int", 2);
        let int = btf.int("unsigned int", 4);
        let int = btf.alias(Kind::Typedef, "u32", int);
        let long = btf.int("long unsigned int", 8);
        let address = btf.array(byte, 16);
        let private = btf.array(long, 13);
        let words = [(1, byte), (2, short), (4, int), (8, long), (16, address), (104, private)];
        let mut maker = Maker { btf, made: self, byte, words };
        maker.fill();
        maker.btf.finish()
    }

    fn read(self) -> Result<Kernel, OffsetError> {
        Kernel::read(&Btf::parse(self.bytes()).unwrap())
    }
}

impl Maker {
    fn fill(&mut self) {
        let common = self.structure("sock_common", &[], Sock::NEEDED);
        let sock = self.structure("sock", &[("__sk_common", common)], Sock::NEEDED);
        let inet = self.structure("inet_sock", &[("sk", sock)], &[]);
        let connection =
            self.structure("inet_connection_sock", &[("icsk_inet", inet)], Sock::NEEDED);
        self.structure("tcp_sock", &[("inet_conn", connection)], Sock::NEEDED);
        let sample = self.structure("rate_sample", &[], Sample::NEEDED);
        self.structure("socket", &[], Socket::NEEDED);
        let (void, int) = (TypeId::VOID, self.words[2].1);
        let constant = self.btf.alias(Kind::Const, "", sample.0);
        let [sk, sample] = [sock.0, constant].map(|to| self.btf.alias(Kind::Pointer, "", to));
        let plain = self.btf.prototype(&[("", sk)]);
        let control = if self.made.older_prototype {
            self.btf.prototype(&[("", sk), ("", sample)])
        } else {
            self.btf.prototype(&[("", sk), ("", int), ("", int), ("", sample)])
        };
        let [plain, control] = [plain, control].map(|to| self.btf.alias(Kind::Pointer, "", to));
        let name = self.btf.array(self.byte, 16);
        let mut members = vec![("name", name, 16), ("flags", int, 4)];
        for &callback in CALLBACKS {
            members.push((callback, if callback == "cong_control" { control } else { plain }, 8));
        }
        let ops = self.composite("tcp_congestion_ops", &members);
        let members = [("common", self.words[3].1, 64), ("data", ops.0, ops.1)];
        self.composite("bpf_struct_ops_tcp_congestion_ops", &members);
        let proto = self.btf.prototype(&[("sk", void)]);
        for name in ["tcp_reno_ssthresh", "tcp_reno_cong_avoid", "tcp_reno_undo_cwnd"] {
            let name = self.name(name);
            self.btf.alias(Kind::Function, name, proto);
        }
    }

    fn name(&self, name: &'static str) -> &'static str {
        if self.made.renamed == Some(name) { "something_else" } else { name }
    }

    fn structure(
        &mut self,
        name: &'static str,
        begins_with: &[(&'static str, (TypeId, u32))],
        all: &[(&'static str, &'static str, u32)],
    ) -> (TypeId, u32) {
        let mut members: Vec<_> =
            begins_with.iter().map(|&(name, (ty, size))| (name, ty, size)).collect();
        if self.made.padding > 0 {
            let padding = self.btf.array(self.byte, self.made.padding);
            members.push(("padding", padding, self.made.padding));
        }
        for &(within, member, size) in all.iter().filter(|(within, ..)| *within == name) {
            let mut size = if size == 0 { 8 } else { size };
            if member == "icsk_ca_state" {
                size = 1;
            }
            if self.made.widened == Some(member) {
                size *= 2;
            }
            let ty = self.words.iter().find(|(bytes, _)| *bytes == size).unwrap().1;
            let _ = within;
            members.push((member, ty, size));
        }
        self.composite(name, &members)
    }

    /// Members one after the other, each at a multiple of its size up to 8.
    fn composite(
        &mut self,
        name: &'static str,
        members: &[(&'static str, TypeId, u32)],
    ) -> (TypeId, u32) {
        let mut at = 0_u32;
        let mut placed = Vec::new();
        for &(member, ty, size) in members {
            at = at.next_multiple_of(size.clamp(1, 8).next_power_of_two());
            let bits = if member == "icsk_ca_state" { 5 } else { 0 };
            placed.push((self.name(member), ty, at * 8, bits));
            at += size;
        }
        let size = at.next_multiple_of(8);
        if self.made.nested && name == "tcp_sock" {
            let (begin, rest) = placed.split_at(1);
            let base = rest[0].2;
            let rest: Vec<_> = rest.iter().map(|m| (m.0, m.1, m.2 - base, m.3)).collect();
            let inner = self.btf.composite(Kind::Struct, "", size - base / 8, &rest);
            let union = self.btf.composite(Kind::Union, "", size - base / 8, &[("", inner, 0, 0)]);
            placed = vec![begin[0], ("", union, base, 0)];
        }
        (self.btf.composite(Kind::Struct, self.name(name), size, &placed), size)
    }
}

#[test]
fn offsets_follow_the_kernel_they_are_read_from() {
    let plain = Made::default().read().unwrap();
    assert_eq!((plain.sock.skc_family.offset, plain.sock.skc_num.offset), (0, 2));
    let moved = Made { padding: 24, ..Made::default() }.read().unwrap();
    assert_eq!(moved.sock.skc_num.offset, plain.sock.skc_num.offset + 24);
    assert_eq!(moved.sock.sk_pacing_rate.offset, plain.sock.sk_pacing_rate.offset + 48);
    assert_eq!(moved.sock.snd_cwnd.offset, plain.sock.snd_cwnd.offset + 5 * 24);
    assert_eq!(moved.sock.snd_cwnd.size, Size::W);
    assert_eq!(moved.sock.icsk_ca_state.bits, Some((0, 5)));
    let nested = Made { nested: true, ..Made::default() }.read().unwrap();
    assert_eq!(nested.sock, plain.sock);
}

#[test]
fn the_arguments_of_cong_control_come_from_its_prototype() {
    let newer = Made::default().read().unwrap().cong_control;
    assert_eq!((newer.sample, newer.flag), (3, Some(2)));
    let older = Made { older_prototype: true, ..Made::default() }.read().unwrap().cong_control;
    assert_eq!((older.sample, older.flag), (1, None));
}

#[test]
fn the_code_for_a_kernel_reads_that_kernels_arguments_and_members() {
    let code = |made: Made| {
        let kernel = made.read().unwrap();
        let maps = MapFds::default();
        let fixed = Fixed { kernel: &kernel, maps, slot_bits: 12, epoch_us: 0 };
        let programs = fixed.programs("").unwrap();
        let found = programs.into_iter().find(|program| program.callback == "cong_control");
        (found.unwrap().code.to_string(), kernel)
    };
    let (newer, kernel) = code(Made::default());
    assert!(newer.contains("r8 = *(u64 *)(r7 +24)"), "the sample is argument 3");
    assert!(newer.contains("r1 = *(u64 *)(r7 +16)"), "the flag is argument 2");
    let cwnd = |kernel: &Kernel| format!("*(u32 *)(r6 +{}) = r1", kernel.sock.snd_cwnd.offset);
    assert!(newer.contains(&cwnd(&kernel)));
    let (older, kernel) = code(Made { older_prototype: true, padding: 40, ..Made::default() });
    assert!(older.contains("r8 = *(u64 *)(r7 +8)"), "the sample is argument 1");
    assert!(!older.contains("(r7 +16)"), "there is no flag");
    assert!(older.contains(&cwnd(&kernel)) && !newer.contains(&cwnd(&kernel)));
}

#[test]
fn each_member_that_is_missing_is_named() {
    let members = Sock::NEEDED
        .iter()
        .chain(Sample::NEEDED)
        .chain(Socket::NEEDED)
        .map(|&(_, member, _)| member);
    let members: Vec<_> = members.chain(["inet_conn", "icsk_inet", "sk", "__sk_common"]).collect();
    for member in members {
        let renamed = Made { renamed: Some(member), ..Made::default() };
        match renamed.read() {
            Err(OffsetError::Member { member: named, .. }) => assert_eq!(named, member),
            // Its name is also that of a member of the other struct.
            other => assert!(matches!(other, Err(OffsetError::Odd { .. })), "{member}: {other:?}"),
        }
    }
    for name in CALLBACKS {
        let read = Made { renamed: Some(name), ..Made::default() }.read();
        assert!(read.unwrap_err().to_string().contains(name));
    }
    for name in ["tcp_sock", "rate_sample", "tcp_congestion_ops", "tcp_reno_ssthresh"] {
        let read = Made { renamed: Some(name), ..Made::default() }.read();
        assert!(read.unwrap_err().to_string().contains(name));
    }
}

#[test]
fn a_member_of_another_width_is_refused() {
    let read = Made { widened: Some("snd_ssthresh"), ..Made::default() }.read();
    assert_eq!(read.unwrap_err(), OffsetError::Odd { within: "tcp_sock", member: "snd_ssthresh" });
    let far = Made { padding: 9_000, ..Made::default() }.read();
    assert!(matches!(far, Err(OffsetError::Odd { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_corrupt_kernel_gives_offsets_or_an_error(
        changes in prop::collection::vec((0_usize..4_000, any::<u8>()), 1..6),
    ) {
        let mut bytes = Made::default().bytes();
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        if let Ok(btf) = Btf::parse(bytes) {
            let _ = Kernel::read(&btf);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_that_runs_here_is_read_or_refused_by_name() {
    match ccp_ebpf::sys::kernel_btf() {
        Ok(bytes) => {
            let kernel = Kernel::read(&Btf::parse(bytes).unwrap());
            assert!(kernel.is_ok(), "{kernel:?}");
        }
        Err(error) => assert!(error.to_string().contains("/sys/kernel/btf"), "{error}"),
    }
}
