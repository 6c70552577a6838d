//! Unix datagram sockets in one folder: that of `$CCP_IPC_DIR`, or else `/tmp/ccp`.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use ccp_ipc::unix::{Addr, Options};

use super::bridge::{Native, Socket as Inner};
use super::{Ipc, Mode, patience};
use crate::{Error, Result};

/// A socket bound to a name in the folder. Peers are known by their paths.
pub struct Socket<T> {
    socket: ccp_ipc::unix::Socket,
    waits: bool,
    mode: PhantomData<T>,
}

impl<T: Mode> Socket<T> {
    /// A socket bound to `bind_to` in the folder, which is made if it does not exist.
    ///
    /// # Errors
    /// When the folder is open to strangers (the message says how to mend that), a living process
    /// has the name already, or the system refuses.
    pub fn new(bind_to: &str) -> Result<Self> {
        Self::new_with_skbuf(bind_to, None, None)
    }

    /// As [`new`](Self::new), with other sizes of the kernel's buffers, in bytes.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_with_skbuf(
        bind_to: &str,
        sndbuf_bytes: Option<usize>,
        rcvbuf_bytes: Option<usize>,
    ) -> Result<Self> {
        let mut options = Options::new();
        if let Some(bytes) = sndbuf_bytes {
            options = options.send_buffer(bytes);
        }
        if let Some(bytes) = rcvbuf_bytes {
            options = options.receive_buffer(bytes);
        }
        Ok(Self { socket: options.bind(bind_to)?, waits: T::BLOCKING, mode: PhantomData })
    }
}

impl<T: 'static + Sync + Send> Ipc for Socket<T> {
    type Addr = PathBuf;

    fn name() -> String {
        "unix".into()
    }

    fn send(&self, msg: &[u8], to: &PathBuf) -> Result<()> {
        patience::send(&self.socket, msg, &Addr::from_path(to)?, self.waits)
    }

    fn recv(&self, msg: &mut [u8]) -> Result<(usize, PathBuf)> {
        let (len, from) = patience::recv(&self.socket, msg, self.waits)?;
        match from.path() {
            Some(path) => Ok((len, path.to_owned())),
            None => Err(Error(format!("{from} is not bound to a path"))),
        }
    }

    fn close(&mut self) -> Result<()> {
        Ok(ccp_ipc::Ipc::close(&mut self.socket)?)
    }

    fn __native(&self) -> Option<Native<'_>> {
        Some(Native(Inner::Unix { socket: &self.socket, waits: self.waits }))
    }
}

impl<T> fmt::Debug for Socket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
