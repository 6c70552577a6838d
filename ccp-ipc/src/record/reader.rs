//! Reading a recording back, record by record.
//!
//! A file may be anything: it is believed only as far as its checksums go, and makes nothing allocate beyond the limits
//! of the format.

use std::fmt;
use std::io::{self, Read};

use super::format::{
    CRC_LEN, HEAD_LEN, MAGIC, MAX_ABOUT, MAX_BODY, MAX_PEERS, OPENING_LEN, Record, VERSION,
    checksum,
};

/// Reads the records of a recording.
pub struct Reader<R> {
    from: R,
    about: String,
    body: Vec<u8>,
    crc: u32,
    /// Records read so far: the number of the last.
    records: u64,
    /// Bytes that they and the opening take.
    at: u64,
    peers: u32,
    ending: Option<Ending>,
}

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the loop that was recorded.
    Whole,
    /// The recorder gave up while the loop went on.
    GaveUp,
    /// The file ends without saying so: its writer was killed, or the file was cut off.
    Cut {
        /// Bytes behind the last whole record.
        left: u64,
    },
}

impl<R: Read> Reader<R> {
    /// Reads the opening of a recording. `from` is read in small pieces, so it should have a buffer.
    ///
    /// # Errors
    /// It is no recording, one of another version, or its opening is not whole.
    pub fn new(mut from: R) -> Result<Self, ReadError> {
        let mut head = [0; OPENING_LEN];
        let len = fill(&mut from, &mut head)?;
        if !head.starts_with(&MAGIC) {
            return Err(ReadError::NotARecording);
        }
        let [.., v0, v1, _, _, l0, l1, l2, l3] = head;
        let version = u16::from_le_bytes([v0, v1]);
        if len < head.len() {
            return Err(ReadError::NoOpening);
        }
        if version != VERSION {
            return Err(ReadError::Version { found: version, known: VERSION });
        }
        let about_len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if about_len > MAX_ABOUT {
            return Err(ReadError::Damaged { record: 0, at: 0 });
        }
        let mut body = Vec::new();
        let crc = checksum(0, &head);
        let crc = match read_sealed(&mut from, about_len, crc, &mut body)? {
            Sealed::Right(crc) => crc,
            Sealed::Wrong => return Err(ReadError::Damaged { record: 0, at: 0 }),
            Sealed::Short(_) => return Err(ReadError::NoOpening),
        };
        let about = std::str::from_utf8(&body)
            .map_err(|_| ReadError::Damaged { record: 0, at: 0 })?
            .to_owned();
        let at = (OPENING_LEN + about_len + CRC_LEN) as u64;
        Ok(Self { from, about, body, crc, records: 0, at, peers: 0, ending: None })
    }

    /// What whoever made it wrote about it.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The next record; `None` behind the last whole one, and [`ending`](Self::ending) then says how it ends.
    ///
    /// # Errors
    /// The file cannot be read, or a record is not as it was written. What came before is right.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.ending.is_some() {
            return Ok(None);
        }
        let (record, at) = (self.records + 1, self.at);
        let damaged = || ReadError::Damaged { record, at };
        let mut head = [0; HEAD_LEN];
        let len = fill(&mut self.from, &mut head)?;
        if len < head.len() {
            self.ending = Some(Ending::Cut { left: len as u64 });
            return Ok(None);
        }
        let [known @ .., c0, c1, c2, c3] = &head;
        let known: &[u8; HEAD_LEN - CRC_LEN] = known;
        let mut crc = checksum(self.crc, known);
        if crc.to_le_bytes() != [*c0, *c1, *c2, *c3] {
            return Err(damaged());
        }
        let [.., l0, l1, l2, l3] = *known;
        let body_len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if body_len > MAX_BODY {
            return Err(ReadError::Unknown { record, at });
        }
        self.body.clear();
        self.at += HEAD_LEN as u64;
        if body_len > 0 {
            crc = match read_sealed(&mut self.from, body_len, crc, &mut self.body)? {
                Sealed::Right(crc) => crc,
                Sealed::Wrong => return Err(damaged()),
                Sealed::Short(left) => {
                    self.ending = Some(Ending::Cut { left: (HEAD_LEN + left) as u64 });
                    return Ok(None);
                }
            };
            self.at += (body_len + CRC_LEN) as u64;
        }
        self.crc = crc;
        self.records = record;
        let unknown = ReadError::Unknown { record, at };
        let read = Record::of(head, &self.body).ok_or(unknown)?;
        match read {
            Record::Peer { peer, .. } if peer == self.peers && peer < MAX_PEERS => self.peers += 1,
            Record::Peer { .. } => return Err(ReadError::Unknown { record, at }),
            Record::Received { peer, .. }
            | Record::Sent { peer, .. }
            | Record::Probed { peer, .. }
                if peer >= self.peers =>
            {
                return Err(ReadError::Unknown { record, at });
            }
            Record::End { whole } => {
                if fill(&mut self.from, &mut [0])? > 0 {
                    return Err(ReadError::Damaged { record: record + 1, at: self.at });
                }
                self.ending = Some(if whole { Ending::Whole } else { Ending::GaveUp });
            }
            _ => {}
        }
        Ok(Some(read))
    }

    /// The number of the record read last: they count from 1.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How it ends; `None` before its last record has been read.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("about", &self.about)
            .field("records", &self.records)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

/// Bytes and the checksum behind them.
enum Sealed {
    Right(u32),
    Wrong,
    /// There were only so many bytes.
    Short(usize),
}

/// Reads `len` bytes and the checksum behind them into `body`, which keeps the bytes.
fn read_sealed(
    from: &mut impl Read,
    len: usize,
    before: u32,
    body: &mut Vec<u8>,
) -> io::Result<Sealed> {
    // Grows only as bytes are there: a length alone allocates nothing.
    let read = from.take((len + CRC_LEN) as u64).read_to_end(body)?;
    if read < len + CRC_LEN {
        return Ok(Sealed::Short(read));
    }
    let stored = body.split_off(len);
    let crc = checksum(before, body);
    Ok(if crc.to_le_bytes() == *stored { Sealed::Right(crc) } else { Sealed::Wrong })
}

/// Fills `buf` as far as there is something. Gives how many bytes that are.
fn fill(from: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Why a file is not read, or not further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read")]
    Io(#[from] io::Error),
    /// It does not begin as recordings do.
    #[error("is no recording: it does not begin with \\x89CCPREC")]
    NotARecording,
    /// It ends before its first record.
    #[error("ends before its first record")]
    NoOpening,
    /// It has a version that is not known here.
    #[error("has version {found} of the format; known is {known}")]
    Version {
        /// Its version.
        found: u16,
        /// What is known.
        known: u16,
    },
    /// A checksum is wrong. Record 0 is the opening.
    #[error("record {record}, at byte {at}, is not as it was written: its checksum is wrong")]
    Damaged {
        /// The record's number, from 1.
        record: u64,
        /// Where it begins.
        at: u64,
    },
    /// A record's checksums are right, but there is no such record.
    #[error("record {record}, at byte {at}, is not known: the file was made by another program")]
    Unknown {
        /// The record's number, from 1.
        record: u64,
        /// Where it begins.
        at: u64,
    },
    /// Time goes back from one step to the next.
    #[error("time goes back at record {record}")]
    TimeGoesBack {
        /// The number of the second step.
        record: u64,
    },
    /// More was sent and received in one step than can be kept.
    #[error("the step before record {record} has more than {limit} bytes")]
    StepTooLong {
        /// The number of the record that is too much.
        record: u64,
        /// How much is kept.
        limit: usize,
    },
}
