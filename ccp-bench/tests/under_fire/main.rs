//! An agent and a datapath under fire: whatever arrives, no panic, no growth, and a good flow is
//! served meanwhile.
//!
//! Each test lasts as many seconds as `CCP_FIRE_SECONDS` says, two unless set. What was sent,
//! refused and held in memory is printed with `--nocapture`.
#![cfg(unix)]

mod agent;
mod answering;
mod datapath;
mod garbage;
mod good;
mod memory;
mod random;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use answering::Answering;
use ccp_ipc::unix::{Options, Socket};
use ccp_runtime::{BackendBuilder, Blocking, CCPHandle, OutboxLimits, RunBuilder, Settings};

/// How long one test fires.
fn duration() -> Duration {
    let seconds = std::env::var("CCP_FIRE_SECONDS").ok();
    let seconds = seconds.map_or(2.0, |text| text.parse().expect("CCP_FIRE_SECONDS is a number"));
    Duration::from_secs_f64(seconds)
}

/// One test at a time, since all share the count of live bytes and the machine.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a real agent as `portus` in the folder. Its limits are low, so that a short
/// test reaches them.
fn spawn_agent(folder: &std::path::Path) -> CCPHandle {
    let sock: Socket<Blocking> = Options::new().folder(folder).bind("portus").unwrap();
    let mut settings = Settings::default();
    settings.max_datapaths = MAX_DATAPATHS;
    settings.max_flows = MAX_FLOWS;
    // Those who have left make room for those who come.
    settings.probe_after = Duration::from_millis(500);
    // On a loaded machine the agent may be late; the good flow is not to take it for dead.
    settings.keep_alive = Duration::from_secs(2);
    settings.outbox = OutboxLimits::new(MAX_WAITING, MAX_WAITING_BYTES);
    RunBuilder::new(BackendBuilder { sock })
        .default_alg(Answering)
        .with_settings(settings)
        .spawn_thread()
        .run()
        .unwrap()
}

const MAX_DATAPATHS: usize = 64;
const MAX_FLOWS: usize = 100;
const MAX_WAITING: usize = 64;
const MAX_WAITING_BYTES: usize = 16 << 10;
