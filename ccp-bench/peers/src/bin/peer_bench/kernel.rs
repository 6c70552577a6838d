//! Report out of the kernel, decision, update that the next ACK sees; beside portus and libccp on unix
//! sockets, in turns.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ccp_ebpf::{EbpfSocket, Name, Options};
use ccp_ipc::BackendBuilder;

use crate::algs::native;
use crate::harness::{Row, median, quantile};
use crate::loopback;

/// As root; without, nothing.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    // SAFETY: takes no arguments, touches no memory.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("peer_bench: the kernel's flows need root, and are left out");
        return Ok(Vec::new());
    }
    let mut peer = loopback::Beside::start()?;
    let mut theirs: Vec<f64> = Vec::new();
    let mut rows = Vec::new();
    for (what, spin) in [("asleep", Duration::ZERO), ("spinning", Duration::from_secs(3600))] {
        let mut ours = Vec::new();
        theirs.clear();
        let mut flow = Governed::start(what, spin)?;
        for _ in 0..ROUNDS {
            for _ in 0..PER_ROUND {
                theirs.push(peer.round()?);
            }
            for _ in 0..PER_ROUND {
                ours.extend(flow.round()?);
            }
        }
        let p99 = (quantile(&mut theirs, 0.99), quantile(&mut ours, 0.99));
        rows.push(Row {
            what: format!("report out of the kernel, decision, update in force at the next ACK: {what}"),
            unit: "µs",
            peer: median(&mut theirs),
            ours: median(&mut ours),
            by_hand: None,
            more_is_better: false,
            note: format!(
                "p99 {:.0} and {:.0}; from the ACK's time stamp, TCP's part included, clock of 1 µs; peer: \
                 portus's agent, libccp, unix sockets, asleep",
                p99.0, p99.1
            ),
        });
    }
    peer.stop();
    Ok(rows)
}

/// A connection over the loopback whose agent tells when it has answered.
struct Governed {
    sender: TcpStream,
    receiver: TcpStream,
    answered: Receiver<(u64, u64)>,
    handle: Option<ccp_runtime::CCPHandle>,
}

impl Governed {
    fn start(what: &str, spin: Duration) -> anyhow::Result<Self> {
        let mut options = Options::default();
        let name = format!("pb{}{}", std::process::id(), &what[..1]);
        options.names = vec![Name { name: name.clone(), wish: String::new() }];
        options.max_flows = 16;
        options.spin = spin;
        let (tell, answered): (Sender<_>, _) = channel();
        let sock = EbpfSocket::start(options)?;
        // What Ack.now counts from.
        let epoch = sock.with_engine(|engine| engine.fixed().epoch_us).unwrap_or(0);
        let agent = ccp_runtime::RunBuilder::new(BackendBuilder { sock });
        let handle = agent.default_alg(native::Stamped { tell, epoch }).spawn_thread().run()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sender = TcpStream::connect(listener.local_addr()?)?;
        // SAFETY: `name` is valid for reads of its length and outlives the call.
        let set = unsafe {
            libc::setsockopt(
                sender.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_CONGESTION,
                name.as_ptr().cast(),
                name.len() as libc::socklen_t,
            )
        };
        anyhow::ensure!(set == 0, std::io::Error::last_os_error());
        let (receiver, _) = listener.accept()?;
        sender.set_nodelay(true)?;
        receiver.set_nodelay(true)?;
        Ok(Self { sender, receiver, answered, handle: Some(handle) })
    }

    /// One ACK with a report; the microseconds until its answer was in force, if there was one.
    fn round(&mut self) -> anyhow::Result<Option<f64>> {
        let mut byte = [1];
        self.sender.write_all(&byte)?;
        self.receiver.read_exact(&mut byte)?;
        // The answer carries the ACK, and itself is acknowledged with the next byte.
        self.receiver.write_all(&byte)?;
        self.sender.read_exact(&mut byte)?;
        // Long enough for a blocking agent to go to sleep again, and that no wake is put off: by
        // default there is one in a millisecond.
        std::thread::sleep(Duration::from_micros(1200));
        let last = self.answered.try_iter().last();
        Ok(last.map(|(acked, staged)| staged.saturating_sub(acked) as f64))
    }
}

impl Drop for Governed {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.kill();
            let _ = handle.wait();
        }
    }
}

const ROUNDS: usize = 10;
const PER_ROUND: usize = 100;
