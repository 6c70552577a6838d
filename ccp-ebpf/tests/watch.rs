//! Live flows can be looked at from the memory they share, by any process that may.
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use ccp_ebpf::EbpfSocket;
use ccp_ebpf::page::Governor;
use ccp_ebpf::watch::{FlowState, View};
use ccp_ipc::Ipc;
use support::*;

/// The flows of all agents on this machine between two ports.
fn find(local: u16, peer: u16) -> Vec<FlowState> {
    let views = View::all().unwrap();
    let flows = views.iter().flat_map(|(view, _)| view.flows());
    flows.filter(|flow| flow.local.port() == local && flow.peer.port() == peer).collect()
}

/// Bytes sent over each flow.
const SENT: u64 = 1_000_000;

#[test]
fn a_flow_is_seen_from_its_first_ack_to_its_close() {
    if !possible("a_flow_is_seen_from_its_first_ack_to_its_close") {
        return;
    }
    in_namespace(|| {
        let mut options = options("bbr");
        options.fallback_after = Duration::from_millis(50);
        let name = options.names[0].name.clone();
        let agent = EbpfSocket::start(options).unwrap();
        for address in ["127.0.0.1", "::1"] {
            let (mut sender, mut receiver) = connect(address, &name);
            let (local, peer) = (sender.local_addr().unwrap(), sender.peer_addr().unwrap());
            // The agent hears of it: what it asked for is written down then.
            let mut buf = vec![0; 1 << 16];
            while matches!(
                agent.recv(&mut buf, Some(Duration::ZERO)).unwrap(),
                ccp_ipc::Received::Datagram { .. }
            ) {}
            let writer = thread::spawn(move || {
                sender.write_all(&vec![0; SENT as usize]).unwrap();
                sender
            });
            receiver.read_exact(&mut vec![0; SENT as usize]).unwrap();
            let sender = writer.join().unwrap();
            // The last ACK is on its way, or has come.
            wait_until("all is acknowledged", || {
                let flows = find(local.port(), peer.port());
                eprintln!("{flows:?}");
                flows.iter().any(|flow| flow.delivered * flow.mss >= SENT)
            });
            let flows = find(local.port(), peer.port());
            let [flow] = &flows[..] else { panic!("{flows:?}") };
            assert_eq!((flow.local, flow.peer), (local, peer));
            assert_eq!(flow.asked, "bbr");
            assert_ne!(flow.governor, Some(Governor::Agent), "there is no program");
            assert!(flow.cwnd >= 2 && flow.mss > 500, "{flow:?}");
            assert!(flow.pacing_rate > 0 && flow.srtt_us > 0 && flow.age_us > 0, "{flow:?}");
            assert_eq!((flow.traps, flow.reports, flow.uid), (0, 0, 0));
            drop(sender);
            wait_until("the flow has closed", || find(local.port(), peer.port()).is_empty());
        }
    });
}
