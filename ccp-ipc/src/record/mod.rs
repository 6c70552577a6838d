//! Recordings: every datagram of both directions with its time, and what an agent of another day does with them.
//!
//! [`Recorded`] stands between a loop and its transport and tells a [`Recorder`] what passes; a [`Writer`], in a thread
//! of the owner's, puts that into a file. The loop is never held up by that file. A [`Replay`] reads it back, hands the
//! datagrams to another loop through a [`Replayed`] end, step by step, and compares what that loop sends with what was
//! sent then.
//!
//! ```
//! use std::time::Duration;
//! use ccp_ipc::record::{Next, Reader, Recorded, Replay, WhenFull, recorder};
//! use ccp_ipc::{Ipc, Received, chan};
//!
//! /// A loop that answers what it gets with a greeting.
//! fn step(end: &impl Ipc, greeting: &[u8], now: Duration) {
//!     let mut buf = [0; 100];
//!     while let Ok(Received::Datagram { from, .. }) = end.recv(&mut buf, Some(Duration::ZERO)) {
//!         end.try_send(greeting, &from).unwrap();
//!     }
//!     end.stepped(now);
//! }
//!
//! let (agent, datapath) = chan::pair(4);
//! let (recorder, writer) = recorder("greets with: hello", WhenFull::GiveUp)?;
//! let agent = Recorded::new(agent, &recorder, |()| "datapath".to_owned());
//! datapath.try_send(b"who is there?", &())?;
//! step(&agent, b"hello", Duration::from_millis(20));
//! drop((agent, recorder));
//! let mut file = Vec::new();
//! writer.run(&mut file)?;
//!
//! let mut replay = Replay::new(Reader::new(&*file)?);
//! let mut end = None;
//! while let Some(next) = replay.advance()? {
//!     match (next, &end) {
//!         (Next::Start, _) => end = Some(replay.end()),
//!         (Next::Step { now }, Some(end)) => step(end, b"good day", now),
//!         (Next::Step { .. }, None) => break,
//!     }
//!     if let Some(difference) = replay.difference() {
//!         assert_eq!(difference.recorded.as_deref(), Some(&b"hello"[..]));
//!         assert_eq!(difference.came.as_deref(), Some(&b"good day"[..]));
//!         break;
//!     }
//! }
//! assert!(replay.difference().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod format;
mod reader;
mod recorder;
mod replay;
mod tap;

pub use format::{Outcome, Record};
pub use reader::{Ending, ReadError, Reader};
pub use recorder::{RecordError, Recorder, Summary, WhenFull, Writer, recorder};
pub use replay::{Counts, Difference, Next, Peer, Replay, Replayed};
pub use tap::Recorded;
