//! From the loop to the file: a bounded buffer, and who empties it.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::format::{MAX_ABOUT, MAX_BODY, MAX_NAME, MAX_PEERS, Record, opening};

/// Takes what a loop sends and receives. Clones are the same recorder; when the last is gone, the recording ends.
pub struct Recorder(Arc<Shared>);

/// Puts what a [`Recorder`] takes into a file.
pub struct Writer(Arc<Shared>);

/// What a recorder does when the writer is so far behind that its buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The recording ends there. For loops that must not be held up.
    GiveUp,
    /// The loop waits. For loops whose time stands still meanwhile.
    Wait,
}

/// What has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Records, the last one included.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A recorder, and the writer that it needs. `about` is kept in the file.
///
/// # Errors
/// [`RecordError::AboutTooLong`].
pub fn recorder(about: &str, when_full: WhenFull) -> Result<(Recorder, Writer), RecordError> {
    if about.len() > MAX_ABOUT {
        return Err(RecordError::AboutTooLong { len: about.len(), max: MAX_ABOUT });
    }
    let (buf, crc) = opening(about);
    let state = State { buf, crc, records: 0, peers: 0, recorders: 1, over: None };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        when_full,
        for_writer: Condvar::new(),
        for_recorder: Condvar::new(),
    });
    Ok((Recorder(Arc::clone(&shared)), Writer(shared)))
}

struct Shared {
    state: Mutex<State>,
    when_full: WhenFull,
    /// There is something to write, or enough of it, or it is over.
    for_writer: Condvar,
    /// There is room again.
    for_recorder: Condvar,
}

struct State {
    /// What is to be written.
    buf: Vec<u8>,
    /// The checksum behind it.
    crc: u32,
    records: u64,
    peers: u32,
    recorders: usize,
    over: Option<Over>,
}

/// Why nothing more is recorded.
#[derive(Clone, Copy)]
enum Over {
    Closed,
    TooSlow,
    TooManyPeers,
    TooLong(usize),
    /// The writer knows why.
    Unwritable,
}

impl Shared {
    /// A panic elsewhere leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add<'a>(&'a self, mut state: MutexGuard<'a, State>, record: &Record<'_>) {
        let len = record.len();
        while state.over.is_none() && state.buf.len() + len > MOST_WAITING {
            match self.when_full {
                WhenFull::GiveUp => self.end(&mut state, Over::TooSlow),
                WhenFull::Wait => {
                    state = self.for_recorder.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        let State { buf, crc, records, over, .. } = &mut *state;
        if over.is_some() {
            return;
        }
        let before = buf.len();
        record.put(crc, buf);
        *records += 1;
        // The writer sleeps until there is anything, and then a moment until it is worth writing.
        if before == 0 || (before < WORTH_WRITING && buf.len() >= WORTH_WRITING) {
            self.for_writer.notify_one();
        }
    }

    #[cold]
    fn end(&self, state: &mut State, over: Over) {
        if state.over.is_none() {
            state.over = Some(over);
            self.for_writer.notify_one();
            self.for_recorder.notify_all();
        }
    }
}

impl Recorder {
    /// Adds a record, unless the recording is over. Costs a copy, but no system call as long as the writer keeps up.
    pub(super) fn add(&self, record: &Record<'_>) {
        let mut state = self.0.lock();
        match record {
            Record::Received { datagram, .. } | Record::Sent { datagram, .. }
                if datagram.len() > MAX_BODY =>
            {
                self.0.end(&mut state, Over::TooLong(datagram.len()));
            }
            _ => self.0.add(state, record),
        }
    }

    /// Adds a peer. Gives its number.
    pub(super) fn add_peer(&self, name: &str) -> u32 {
        let mut state = self.0.lock();
        let peer = state.peers;
        if peer >= MAX_PEERS {
            self.0.end(&mut state, Over::TooManyPeers);
            return peer;
        }
        state.peers += 1;
        self.0.add(state, &Record::Peer { peer, name: shorten(name) });
        peer
    }
}

impl Clone for Recorder {
    fn clone(&self) -> Self {
        self.0.lock().recorders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.recorders -= 1;
        if state.recorders == 0 {
            self.0.end(&mut state, Over::Closed);
        }
    }
}

impl Writer {
    /// Writes until the recording ends; in small pieces while little comes, so `out` needs no buffer.
    ///
    /// # Errors
    /// The recording has ended, or could not be written, before the loop ended. What was written can be read.
    pub fn run(self, mut out: impl Write) -> Result<Summary, RecordError> {
        let Self(shared) = self;
        let (mut piece, mut bytes) = (Vec::new(), 0);
        loop {
            let mut state = shared.lock();
            while state.over.is_none() && state.buf.is_empty() {
                state = shared.for_writer.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let is_little =
                |state: &mut State| state.over.is_none() && state.buf.len() < WORTH_WRITING;
            (state, _) = shared
                .for_writer
                .wait_timeout_while(state, MOMENT, is_little)
                .unwrap_or_else(PoisonError::into_inner);
            let over = state.over;
            if let Some(over) = over {
                let State { buf, crc, records, .. } = &mut *state;
                Record::End { whole: matches!(over, Over::Closed) }.put(crc, buf);
                *records += 1;
            }
            std::mem::swap(&mut state.buf, &mut piece);
            let records = state.records;
            drop(state);
            shared.for_recorder.notify_all();
            let written = out.write_all(&piece).and_then(|()| out.flush());
            if let Err(source) = written {
                let mut state = shared.lock();
                shared.end(&mut state, Over::Unwritable);
                state.buf = Vec::new();
                return Err(RecordError::Write { bytes, source });
            }
            bytes += piece.len() as u64;
            piece.clear();
            match over {
                None => {}
                Some(Over::Closed) => return Ok(Summary { records, bytes }),
                Some(Over::TooManyPeers) => {
                    return Err(RecordError::TooManyPeers { max: MAX_PEERS });
                }
                Some(Over::TooLong(len)) => {
                    return Err(RecordError::TooLong { len, max: MAX_BODY });
                }
                Some(Over::TooSlow | Over::Unwritable) => {
                    return Err(RecordError::TooSlow { bytes, most: MOST_WAITING });
                }
            }
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("records", &self.0.lock().records).finish_non_exhaustive()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("records", &self.0.lock().records).finish_non_exhaustive()
    }
}

/// As much of a name as is kept.
fn shorten(name: &str) -> &str {
    let len = (0..=MAX_NAME.min(name.len())).rev().find(|len| name.is_char_boundary(*len));
    len.and_then(|len| name.get(..len)).unwrap_or_default()
}

/// Why a recording ended before its loop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file took no more.
    #[error("cannot write behind byte {bytes} of it")]
    Write {
        /// What it has taken; perhaps a part of more.
        bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Records came faster than the file took them.
    #[error("the file is too slow: more than {most} bytes wait to be written behind {bytes}")]
    TooSlow {
        /// What it has taken.
        bytes: u64,
        /// How much may wait.
        most: usize,
    },
    /// More peers came than a recording can tell apart.
    #[error("more than {max} datapaths have come")]
    TooManyPeers {
        /// How many it can.
        max: u32,
    },
    /// A datagram was longer than a recording keeps.
    #[error("a datagram has {len} bytes; a recording keeps {max}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest that is kept.
        max: usize,
    },
    /// The text about the recording is too long.
    #[error("the text about the recording has {len} bytes; there is room for {max}")]
    AboutTooLong {
        /// Its length in bytes.
        len: usize,
        /// The room for it.
        max: usize,
    },
}

/// Bytes that may wait to be written: a second of 150,000 reports.
const MOST_WAITING: usize = 16 << 20;

/// Bytes that are worth a system call.
const WORTH_WRITING: usize = 64 << 10;

/// How long less than that may wait: what is lost when the process is killed.
const MOMENT: Duration = Duration::from_millis(100);
