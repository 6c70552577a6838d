#![doc = include_str!("../README.md")]
//!
//! # What may be trusted
//!
//! Everything this crate decodes was written by another process, so nothing in it is taken on
//! trust. The rule, stated once for the whole crate:
//!
//! * **Input never panics.** [`Messages`] takes any bytes whatever. It never reads past them, never
//!   allocates, and its work is bounded by their number.
//! * **A decoded value is a checked value.** Lengths, counts, names, families and versions are
//!   checked when a message is taken from the iterator; from then on every getter is infallible and
//!   every borrowed part lies inside the datagram.
//! * **Meaning is not checked.** Whether a flow exists, an address makes sense, a register may be
//!   set or a record holds a legal instruction is for the layers above.
//! * **Output never panics and never truncates.** `encode` writes the whole message or nothing that
//!   counts: on an error the buffer's contents are unspecified, and nothing must be sent.
//!
//! # Longer than expected
//!
//! [`Create`], [`Ready`] and the extensions have a body of fixed size. A longer one can only mean
//! that a newer peer appended fields, so the rest is ignored, as other agents do.
//! [`Measure`], [`Install`], [`UpdateFields`] and [`ChangeProg`] say their size twice, in the
//! header and in a count. If the two disagree one of them is wrong, and other implementations
//! disagree about which to believe; such a message is an error. No known peer sends one.
//!
//! # Bytes
//!
//! All integers are little-endian and no field is aligned; the layouts hold on hosts of either byte
//! order, since every field is a byte array of `zerocopy`. A message may start at any byte.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub use address::{Address, Family};
pub use alive::Alive;
pub use change_prog::{ChangeProg, ChangeProgRepr, MAX_CHANGE_PROG_FIELDS};
pub use create::{CONG_ALG_LEN, Create};
pub use error::{DecodeError, EncodeError};
pub use field_update::{FieldUpdate, Updates, UpdatesIter};
pub use header::{HEADER_LEN, Kind, MAX_MESSAGE_LEN, Sender};
pub use hello::{Hello, HelloFlags};
pub use id::{FlowId, ProgramUid};
pub use install::{Install, RECORD_LEN};
pub use measure::{MAX_MEASURE_FIELDS, Measure, MeasureRepr, U64s, U64sIter};
pub use message::{Message, Messages};
pub use ready::Ready;
pub use unknown::Unknown;
pub use update_fields::{
    MAX_UPDATE_FIELDS, MAX_UPDATE_FIELDS_LEN, UpdateFields, UpdateFieldsRepr, join_updates,
};

mod address;
mod alive;
mod change_prog;
mod create;
mod error;
mod field_update;
mod header;
mod hello;
mod id;
mod install;
mod measure;
mod message;
mod ready;
#[cfg(test)]
mod testing;
mod unknown;
mod update_fields;
