//! One TCP flow over loopback under an algorithm by name, and who governs it from moment to moment.
//!
//! Start an agent first (`sudo ccp run reno --ipc ebpf`), then this: kill the agent, start it again,
//! and see the flow go on.
//!
//! ```text
//! sudo cargo run -p ccp-ebpf --example governed_flow -- ccp_reno 10
//! ```

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this needs Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use ccp_ebpf::page::Governor;
    use ccp_ebpf::watch::{FlowState, View};
    use socket2::SockRef;

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let mut args = std::env::args().skip(1);
        let name = args.next().unwrap_or_else(|| "ccp".to_owned());
        let seconds = args.next().map_or(Ok(5), |text| text.parse::<u64>())?;

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let near = TcpStream::connect(listener.local_addr()?)?;
        SockRef::from(&near).set_tcp_congestion(name.as_bytes()).map_err(|error| {
            format!("no algorithm '{name}' ({error}); `ccp run --ipc ebpf` registers it")
        })?;
        let (far, _) = listener.accept()?;
        let ends = (near.local_addr()?, near.peer_addr()?);

        let (over, received) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| send(near, &over));
            scope.spawn(|| receive(far, &received));
            let result = tell(ends, &received, Duration::from_secs(seconds));
            over.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Sends at less than a processor can, so that a busy machine stays usable.
    fn send(mut near: TcpStream, over: &AtomicBool) {
        let data = [0; 1 << 16];
        while !over.load(Ordering::Relaxed) && near.write_all(&data).is_ok() {
            thread::sleep(Duration::from_micros(500));
        }
    }

    fn receive(mut far: TcpStream, received: &AtomicU64) {
        let mut buf = [0; 1 << 16];
        while let Ok(len) = far.read(&mut buf)
            && len > 0
        {
            received.fetch_add(len as u64, Ordering::Relaxed);
        }
    }

    /// Prints a line every half second.
    fn tell(
        ends: (SocketAddr, SocketAddr),
        received: &AtomicU64,
        time: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let begin = Instant::now();
        let mut before = 0;
        while begin.elapsed() < time {
            thread::sleep(STEP);
            let now = received.load(Ordering::Relaxed);
            let mbit = (now - before) as f64 * 8.0 / STEP.as_secs_f64() / 1e6;
            before = now;
            let at = begin.elapsed().as_secs_f64();
            match find(ends)? {
                Some(flow) => println!(
                    "{at:4.1} s  {mbit:7.0} Mbit/s  cwnd {:5} packets  {:5} reports  governed by {}",
                    flow.cwnd,
                    flow.reports,
                    governor(&flow)
                ),
                // Only for the moment in which a new agent takes the flow over.
                None => println!("{at:4.1} s  {mbit:7.0} Mbit/s  no agent; the kernel's fallback"),
            }
        }
        Ok(())
    }

    /// This flow, where an agent that lives knows it.
    fn find(ends: (SocketAddr, SocketAddr)) -> Result<Option<FlowState>, Box<dyn Error>> {
        let views = View::all()?;
        let mut flows = views.iter().flat_map(|(view, _)| view.flows());
        Ok(flows.rfind(|flow| (flow.local, flow.peer) == ends))
    }

    fn governor(flow: &FlowState) -> &'static str {
        match flow.governor {
            Some(Governor::Agent) => "the agent",
            Some(Governor::Fallback) => "the kernel's fallback",
            _ => "the kernel until the agent answers",
        }
    }

    const STEP: Duration = Duration::from_millis(500);
}
