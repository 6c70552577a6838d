//! Channels between threads of one process.

use std::fmt;
use std::marker::PhantomData;

use crossbeam_channel::{Receiver, Sender};

use super::bridge::{Native, Socket as Inner};
use super::{Ipc, Mode, patience};
use crate::Result;

/// An end over two crossbeam channels of byte vectors, one each way.
pub struct Socket<T> {
    socket: ccp_ipc::chan::Socket,
    mode: PhantomData<T>,
}

impl<T> Socket<T> {
    /// An end that sends into the first channel and receives from the second.
    pub fn new(to_ccp: Sender<Vec<u8>>, from_ccp: Receiver<Vec<u8>>) -> Self {
        Self { socket: ccp_ipc::chan::Socket::new(to_ccp, from_ccp), mode: PhantomData }
    }
}

impl<T: Mode> Ipc for Socket<T> {
    type Addr = ();

    fn name() -> String {
        "channel".into()
    }

    fn send(&self, msg: &[u8], to: &()) -> Result<()> {
        patience::send(&self.socket, msg, to, T::BLOCKING)
    }

    fn recv(&self, msg: &mut [u8]) -> Result<(usize, ())> {
        patience::recv(&self.socket, msg, T::BLOCKING)
    }

    fn close(&mut self) -> Result<()> {
        Ok(ccp_ipc::Ipc::close(&mut self.socket)?)
    }

    fn __native(&self) -> Option<Native<'_>> {
        Some(Native(Inner::Chan { socket: &self.socket, waits: T::BLOCKING }))
    }
}

impl<T> fmt::Debug for Socket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
