//! A UDP transfer over an emulated link, governed by a CCP agent in another process.
//!
//! ```text
//! cargo run -p ccp-cli -- run reno                                    # the agent
//! cargo run -p ccp-datapath --example udp_sender -- --time 5s         # this, in another terminal
//! ```
//!
//! Either may start first, and the agent may be stopped and started again meanwhile: the sender then follows a Reno of
//! its own until it is taken over.
//!
//! Packets and acknowledgements are real: they go through the loopback interface. Between sender and receiver stands an
//! emulated bottleneck, in this process:
//!
//! ```text
//! sender ──> link (rate, queue, delay, loss) ──> receiver
//!    └──────────── acknowledgements <────────────┘
//! ```
//!
//! For an engineer who wants CCP in a transport of his own, in this order: `primitives.rs` (what to tell the engine),
//! `sender.rs` (when to call it), `control.rs` (what to do with its answers). `flight.rs` and `rtt.rs` are what every
//! transport has in some form; the rest is scenery.

mod agent;
mod args;
mod control;
mod flight;
mod link;
mod packet;
mod primitives;
mod progress;
mod receiver;
mod rtt;
mod sender;

use std::io;
use std::net::UdpSocket;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use agent::Agent;
use args::Args;
use packet::Ack;
use sender::{Ends, Sender};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("udp_sender: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("udp_sender: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    // A signal only sets this; every thread looks at it at least each 50 ms, so that the socket's file is removed.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }

    let (sending, receiving) = (bind()?, bind()?);
    let ends = Ends { local: sending.local_addr()?, remote: receiving.local_addr()? };
    let agent = Agent::connect(args.ipc_dir.clone(), &args.name, &args.agent)
        .map_err(|error| format!("no way to an agent: {error}"))?;
    let (link, json) = (args.link, args.json);
    let mut sender = Sender::new(args, agent, ends)?;

    let (to_link, from_sender) = mpsc::channel();
    let (to_sender, acks) = mpsc::channel();
    let stop = &*stop;
    let done = &AtomicBool::new(false);
    thread::scope(|threads| {
        let sending = &sending;
        let link = threads.spawn(move || link::run(link, &from_sender, sending, ends.remote));
        let receiver = threads.spawn(|| receiver::run(&receiving, done));
        let acks_in = threads.spawn(move || read_acks(sending, &to_sender, done));
        sender.run(&to_link, &acks, stop);
        // Hanging up ends the link, the flag the other two.
        drop(to_link);
        done.store(true, Ordering::Relaxed);
        let ended = [acks_in.join(), receiver.join()]
            .into_iter()
            .all(|result| matches!(result, Ok(Ok(()))));
        if link.join().is_ok() && ended { Ok(()) } else { Err("the loopback interface failed") }
    })?;
    sender.progress.show_result(json);
    Ok(())
}

/// Reads acknowledgements, and notes when each came in: the loop may be late, the round trip time must not be.
fn read_acks(
    socket: &UdpSocket,
    sender: &mpsc::Sender<(Instant, Ack)>,
    done: &AtomicBool,
) -> io::Result<()> {
    let mut buf = [0; 2048];
    while !done.load(Ordering::Relaxed) {
        let len = match socket.recv(&mut buf) {
            Ok(len) => len,
            Err(e) if receiver::is_timeout(&e) => continue,
            Err(e) => return Err(e),
        };
        let now = Instant::now();
        if let Some(ack) = buf.get(..len).and_then(Ack::read)
            && sender.send((now, ack)).is_err()
        {
            break;
        }
    }
    Ok(())
}

fn bind() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    Ok(socket)
}
