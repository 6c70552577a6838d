//! The agent with this algorithm, in the place of `ccp run`: governs every flow of every datapath that finds its socket.

use std::error::Error;

use ccp_ipc::unix::Socket;
use ccp_runtime::{BackendBuilder, Blocking, RunBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Socket::<Blocking>::options();
    // The folder of the sockets: $CCP_IPC_DIR or /tmp/ccp unless one is given.
    if let Some(folder) = std::env::args_os().nth(1) {
        options = options.folder(folder);
    }
    // The name by which datapaths know an agent.
    let sock: Socket<Blocking> = options.bind("portus")?;
    eprintln!("NAME listens at {}", sock.local_addr());
    RunBuilder::new(BackendBuilder { sock }).default_alg(CRATE::Algorithm).run()?;
    Ok(())
}
