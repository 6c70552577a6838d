//! A datapath made of bytes, and a simple algorithm that tells what happens to it.
#![allow(dead_code, reason = "each test binary uses its part")]

extern crate ccp_portus as portus;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crossbeam_channel::unbounded;
use portus::ipc::{BackendBuilder, Blocking, Ipc, chan};
use portus::lang::Scope;
use portus::{CongAlg, Datapath, DatapathInfo, DatapathTrait, Flow, Report};

/// How long a test waits for what should come at once.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How long a stop may take.
pub(crate) const LIMIT: Duration = Duration::from_millis(50);

/// Sets the window to what was acknowledged, and tells of everything.
#[derive(Clone)]
pub(crate) struct Echo(Sender<Event>);

pub(crate) struct EchoFlow<I: Ipc> {
    control: Datapath<I>,
    scope: Scope,
    tell: Sender<Event>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    New { sock_id: u32, mss: u32 },
    Report { acked: u64, from: String },
    Closed,
}

pub(crate) fn echo() -> (Echo, Receiver<Event>) {
    let (tell, told) = channel();
    (Echo(tell), told)
}

impl<I: Ipc> CongAlg<I> for Echo {
    type Flow = EchoFlow<I>;

    fn name() -> &'static str {
        "echo"
    }

    fn datapath_programs(&self) -> HashMap<&'static str, String> {
        HashMap::from([(
            "main",
            "(def (Report (volatile acked 0)) (every 0))
             (when true
                 (:= Report.acked (+ Report.acked Ack.bytes_acked))
                 (fallthrough))
             (when (> Micros every)
                 (report)
                 (:= Micros 0))"
                .to_owned(),
        )])
    }

    fn new_flow(&self, mut control: Datapath<I>, info: DatapathInfo) -> EchoFlow<I> {
        assert_eq!(control.get_sock_id(), info.sock_id);
        let scope = control.set_program("main", Some(&[("every", 250)])).unwrap();
        let event = Event::New { sock_id: info.sock_id, mss: info.mss };
        self.0.send(event).unwrap();
        EchoFlow { control, scope, tell: self.0.clone() }
    }
}

impl<I: Ipc> Flow for EchoFlow<I> {
    fn on_report(&mut self, _: u32, m: Report) {
        let acked = m.get_field("Report.acked", &self.scope).unwrap();
        self.control.update_field(&self.scope, &[("Cwnd", acked as u32)]).unwrap();
        let event = Event::Report { acked, from: m.from };
        self.tell.send(event).unwrap();
    }

    fn close(&mut self) {
        // Nobody need listen any more.
        let _ = self.tell.send(Event::Closed);
    }
}

/// The datapath's side of a channel.
pub(crate) struct Peer {
    to_agent: crossbeam_channel::Sender<Vec<u8>>,
    from_agent: crossbeam_channel::Receiver<Vec<u8>>,
}

/// A channel socket for the agent, and the other side.
pub(crate) fn channel_socket() -> (BackendBuilder<chan::Socket<Blocking>>, Peer) {
    let (to_agent, from_datapath) = unbounded();
    let (to_datapath, from_agent) = unbounded();
    let sock = chan::Socket::new(to_datapath, from_datapath);
    let peer = Peer { to_agent, from_agent };
    (BackendBuilder { sock }, peer)
}

impl Peer {
    pub(crate) fn send(&self, message: Vec<u8>) {
        self.to_agent.send(message).unwrap();
    }

    /// The next message, which has to be of this type.
    pub(crate) fn expect(&self, kind: u16) -> Vec<u8> {
        let message = self.from_agent.recv_timeout(SOON).unwrap();
        assert_eq!(message[..2], kind.to_le_bytes(), "{message:?}");
        message
    }
}

pub(crate) const INSTALL: u16 = 2;
pub(crate) const UPDATE_FIELDS: u16 = 3;
pub(crate) const CHANGE_PROG: u16 = 4;

pub(crate) fn ready() -> Vec<u8> {
    message(5, 0, &[&1_u32.to_le_bytes()])
}

/// A new flow with a window of 14,480 bytes and segments of 1,448.
pub(crate) fn create(flow: u32, alg: &str) -> Vec<u8> {
    let mut name = [0; 64];
    name[..alg.len()].copy_from_slice(alg.as_bytes());
    let numbers = [14_480_u32, 1_448, 0x0100_007F, 5_000, 0x0100_007F, 80];
    let numbers: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    message(0, flow, &[&numbers, &name])
}

/// A report; without fields, the end of the flow.
pub(crate) fn measure(flow: u32, program: u32, fields: &[u64]) -> Vec<u8> {
    let count = fields.len() as u32;
    let fields: Vec<u8> = fields.iter().flat_map(|n| n.to_le_bytes()).collect();
    message(1, flow, &[&program.to_le_bytes(), &count.to_le_bytes(), &fields])
}

/// The bytes after the header as 32-bit numbers, as far as they are such.
pub(crate) fn u32_at(message: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(message[at..at + 4].try_into().unwrap())
}

/// What an UpdateFields or ChangeProg sets: class, register, value.
pub(crate) fn fields(message: &[u8], start: usize) -> Vec<(u8, u32, u64)> {
    message[start..]
        .chunks(13)
        .map(|field| {
            let value = u64::from_le_bytes(field[5..].try_into().unwrap());
            (field[0], u32_at(field, 1), value)
        })
        .collect()
}

fn message(kind: u16, flow: u32, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let len = (8 + body.len()) as u16;
    let header = [&kind.to_le_bytes()[..], &len.to_le_bytes(), &flow.to_le_bytes()].concat();
    [header, body].concat()
}
