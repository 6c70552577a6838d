//! The agent's end of the ring of messages out of the kernel.
//!
//! The kernel's side reserves room, writes, and submits; the agent reads in order and gives the room
//! back. What the kernel tells of lengths is checked: nothing is read outside the ring.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use crate::sys::{self, Mapping, SysError};

/// The reading end.
#[derive(Debug)]
pub struct Ring {
    /// Our position, in a page of its own.
    consumer: Mapping,
    /// The kernel's position in the first page, and behind it the data twice, so that no message is
    /// in two pieces.
    producer: Mapping,
    /// Bytes of data, a power of two.
    len: u64,
    /// Our position.
    at: u64,
    /// Bytes of the kernel's pages, which the two positions have one each of.
    page: usize,
}

/// What [`Ring::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message of so many bytes is at the start of the buffer.
    Message(usize),
    /// A message of so many bytes was longer than the buffer, and is dropped.
    TooLong(usize),
    /// Nothing is there, or what is there is still being written.
    Nothing,
}

impl Ring {
    /// Maps a ring of so many bytes.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn new(fd: BorrowedFd<'_>, len: u32) -> Result<Self, SysError> {
        let page = sys::page_size();
        let consumer = Mapping::new(fd, 0, page)?;
        let producer = Mapping::read_only(fd, page, page + 2 * len as usize)?;
        let at = consumer.u64_at(0).map_or(0, |word| word.load(Ordering::Relaxed));
        Ok(Self { consumer, producer, len: len.into(), at, page })
    }

    /// Whether something is there that has not been read, finished or not.
    #[must_use]
    #[inline]
    pub fn has_more(&self) -> bool {
        self.producer.u64_at(0).is_some_and(|word| word.load(Ordering::Acquire) != self.at)
    }

    /// Takes the next message.
    pub fn next(&mut self, buf: &mut [u8]) -> Next {
        while self.has_more() {
            let start = self.page + (self.at & (self.len - 1)) as usize;
            let Some(header) = self.producer.u32_at(start) else { return Next::Nothing };
            let header = header.load(Ordering::Acquire);
            if header & BUSY != 0 {
                return Next::Nothing;
            }
            let len = (header & !DISCARDED) as usize;
            let taken = if header & DISCARDED != 0 {
                None
            } else if len > buf.len() {
                Some(Next::TooLong(len))
            } else {
                self.copy(start + HEADER, buf.get_mut(..len).unwrap_or_default());
                Some(Next::Message(len))
            };
            // No message ends behind what was produced: beyond it lies nothing that is true.
            let there = self.producer.u64_at(0).map_or(0, |word| word.load(Ordering::Acquire));
            let size = (HEADER + len).next_multiple_of(8) as u64;
            self.at = self.at.wrapping_add(size.min(there.wrapping_sub(self.at)));
            if let Some(word) = self.consumer.u64_at(0) {
                word.store(self.at, Ordering::Release);
            }
            if let Some(taken) = taken {
                return taken;
            }
        }
        Next::Nothing
    }

    fn copy(&self, from: usize, to: &mut [u8]) {
        for (at, piece) in (from..).step_by(8).zip(to.chunks_mut(8)) {
            let word = self.producer.u64_at(at).map_or(0, |word| word.load(Ordering::Relaxed));
            for (byte, value) in piece.iter_mut().zip(word.to_le_bytes()) {
                *byte = value;
            }
        }
    }
}

/// Bits of a message's length.
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;

/// Bytes before each message: its length, and a word of the kernel's own.
const HEADER: usize = 8;
