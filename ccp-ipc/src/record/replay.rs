//! The same datagrams again: a transport that plays what a recording holds, and compares what it is given to send.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::format::{Outcome, Record};
use super::reader::{ReadError, Reader};
use crate::error::{CloseError, RecvError, SendError};
use crate::ipc::{Ipc, Liveness, Received};
use crate::wake::Waker;

/// A recording that is played to a loop.
///
/// [`advance`](Self::advance) tells what the loop is to do next: to be made anew on an [`end`](Self::end), or to be
/// stepped; after that [`difference`](Self::difference) tells whether it did as the one before did.
pub struct Replay<R> {
    reader: Reader<R>,
    names: Vec<Arc<str>>,
    last: Duration,
    counts: Counts,
    step: Arc<Mutex<Step>>,
}

/// What a loop is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To start anew, on a new end.
    Start,
    /// To handle all that its end has, and what is due.
    Step {
        /// The time of the loop.
        now: Duration,
    },
}

/// What has been played so far, in whole steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Steps.
    pub steps: u64,
    /// Datagrams that the loop has received.
    pub received: u64,
    /// Datagrams that it had sent, those included for which there was no room.
    pub sent: u64,
}

/// Where a loop does something else than the recorded one did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of the record: of the datagram then sent, or of the step in which nothing more was.
    pub record: u64,
    /// The time of the step.
    pub now: Duration,
    /// To whom the datagram went or goes.
    pub peer: Peer,
    /// What was sent; `None`: nothing.
    pub recorded: Option<Vec<u8>>,
    /// What is sent now; `None`: nothing.
    pub came: Option<Vec<u8>>,
}

/// A peer in a recording. The default names nobody.
#[derive(Clone)]
pub struct Peer {
    number: u32,
    name: Arc<str>,
}

/// One step: what is to come, and what was sent then.
#[derive(Default)]
struct Step {
    now: Duration,
    /// The number of the record that closes it.
    record: u64,
    received: VecDeque<(Peer, Vec<u8>)>,
    /// By peer, since nothing tells in which order a loop turns to its peers.
    sent: BTreeMap<u32, VecDeque<Sent>>,
    probed: VecDeque<(u32, Liveness)>,
    bytes: usize,
    difference: Option<Difference>,
}

struct Sent {
    record: u64,
    peer: Peer,
    outcome: Outcome,
    datagram: Vec<u8>,
}

impl<R: Read> Replay<R> {
    /// Plays what this reader has not read yet.
    pub fn new(reader: Reader<R>) -> Self {
        Self {
            reader,
            names: Vec::new(),
            last: Duration::ZERO,
            counts: Counts::default(),
            step: Arc::default(),
        }
    }

    /// The end for a loop that starts.
    pub fn end(&self) -> Replayed {
        Replayed { step: Some(Arc::clone(&self.step)) }
    }

    /// Goes on to the next step. `None` behind the last whole one: what comes after it is left out.
    ///
    /// # Errors
    /// The file cannot be read further. All steps before were whole.
    pub fn advance(&mut self) -> Result<Option<Next>, ReadError> {
        let mut step = lock(&self.step);
        *step = Step::default();
        let mut counts = self.counts;
        loop {
            // The number of the record that is read now.
            let record = self.reader.records() + 1;
            let Some(read) = self.reader.read()? else {
                *step = Step::default();
                return Ok(None);
            };
            let peer = |number: u32| Peer {
                number,
                name: self.names.get(number as usize).cloned().unwrap_or_default(),
            };
            match read {
                Record::Start => {
                    *step = Step::default();
                    self.last = Duration::ZERO;
                    return Ok(Some(Next::Start));
                }
                Record::Peer { name, .. } => self.names.push(name.into()),
                Record::Received { peer: from, datagram } => {
                    step.bytes += datagram.len() + KEPT_BESIDE;
                    step.received.push_back((peer(from), datagram.to_vec()));
                    counts.received += 1;
                }
                Record::Sent { peer: to, outcome, datagram } => {
                    step.bytes += datagram.len() + KEPT_BESIDE;
                    let sent =
                        Sent { record, peer: peer(to), outcome, datagram: datagram.to_vec() };
                    step.sent.entry(to).or_default().push_back(sent);
                    counts.sent += 1;
                }
                Record::Probed { peer, found } => {
                    step.bytes += KEPT_BESIDE;
                    step.probed.push_back((peer, found));
                }
                Record::Step { now } => {
                    if now < self.last {
                        return Err(ReadError::TimeGoesBack { record });
                    }
                    self.last = now;
                    (step.now, step.record) = (now, record);
                    counts.steps += 1;
                    self.counts = counts;
                    return Ok(Some(Next::Step { now }));
                }
                Record::End { .. } => {}
            }
            if step.bytes > MOST_OF_A_STEP {
                return Err(ReadError::StepTooLong { record, limit: MOST_OF_A_STEP });
            }
        }
    }

    /// What the loop did otherwise in the step before: the first of it. From there on it has lived another life.
    pub fn difference(&self) -> Option<Difference> {
        let step = lock(&self.step);
        let (now, sent) = (step.now, &step.sent);
        let first_left = sent.values().flatten().min_by_key(|sent| sent.record);
        step.difference.clone().or_else(|| {
            first_left.map(|Sent { record, peer, datagram, .. }| Difference {
                record: *record,
                now,
                peer: peer.clone(),
                recorded: Some(datagram.clone()),
                came: None,
            })
        })
    }

    /// What has been played so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The recording, to be asked where it is and how it ends.
    pub fn reader(&self) -> &Reader<R> {
        &self.reader
    }
}

impl<R> fmt::Debug for Replay<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("reader", &self.reader)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// The end of a loop to which a recording is played. Never waits.
pub struct Replayed {
    /// `None` once closed.
    step: Option<Arc<Mutex<Step>>>,
}

impl Ipc for Replayed {
    type Addr = Peer;

    fn name() -> &'static str {
        "replay"
    }

    /// What came of it then comes of it now.
    fn try_send(&self, msg: &[u8], to: &Peer) -> Result<(), SendError> {
        let mut step = lock(self.step.as_ref().ok_or(SendError::Closed)?);
        let Step { now, record, sent, difference, .. } = &mut *step;
        let then = sent.get_mut(&to.number).and_then(VecDeque::pop_front);
        if then.as_ref().is_none_or(|then| then.datagram != msg) && difference.is_none() {
            *difference = Some(Difference {
                record: then.as_ref().map_or(*record, |then| then.record),
                now: *now,
                peer: to.clone(),
                recorded: then.as_ref().map(|then| then.datagram.clone()),
                came: Some(msg.to_vec()),
            });
        }
        match then.map_or(Outcome::Sent, |then| then.outcome) {
            Outcome::Sent => Ok(()),
            Outcome::Full => Err(SendError::Full),
            Outcome::Gone => Err(SendError::Gone),
            Outcome::TooLong => Err(SendError::TooLong { len: msg.len() }),
            Outcome::Closed => Err(SendError::Closed),
            Outcome::Refused => {
                let source = io::Error::other("refused in the recording");
                Err(SendError::Os { call: "sendto", source })
            }
        }
    }

    fn recv(&self, buf: &mut [u8], _: Option<Duration>) -> Result<Received<Peer>, RecvError> {
        let mut step = lock(self.step.as_ref().ok_or(RecvError::Closed)?);
        let Some((from, datagram)) = step.received.pop_front() else {
            return Ok(Received::TimedOut);
        };
        let (len, room) = (datagram.len(), buf.len());
        let place = buf.get_mut(..len).ok_or(RecvError::Truncated { len, room })?;
        place.copy_from_slice(&datagram);
        Ok(Received::Datagram { len, from })
    }

    fn waker(&self) -> Waker {
        Waker::noop()
    }

    /// What was found then; nobody knows if nobody looked.
    fn probe(&self, peer: &Peer) -> Liveness {
        let Some(step) = &self.step else { return Liveness::Unknown };
        let mut step = lock(step);
        let at = step.probed.iter().position(|(number, _)| *number == peer.number);
        let found = at.and_then(|at| step.probed.remove(at));
        found.map_or(Liveness::Unknown, |(_, found)| found)
    }

    fn close(&mut self) -> Result<(), CloseError> {
        self.step = None;
        Ok(())
    }
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed").field("open", &self.step.is_some()).finish()
    }
}

impl Peer {
    /// Its number in the recording.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What people called it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self { number: u32::MAX, name: "".into() }
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// Its name, with what is no plain character escaped.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name.escape_debug())
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({self})")
    }
}

fn lock(step: &Mutex<Step>) -> MutexGuard<'_, Step> {
    step.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that one step may hold: many times what may wait for one datapath.
const MOST_OF_A_STEP: usize = 64 << 20;

/// What a datagram takes beside its bytes, roughly.
const KEPT_BESIDE: usize = 128;
