//! Quantities as strings with units, in TOML.

use core::fmt;
use core::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{self, UnitError};
use crate::{QueueLimit, Rate};

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

/// An amount of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

/// Something written with a unit.
trait Quantity: Sized {
    const WANTED: &'static str;
    fn read(text: &str) -> Result<Self, UnitError>;
    fn write(&self) -> String;
}

impl Quantity for Time {
    const WANTED: &'static str = "a time in quotes, with its unit";

    fn read(text: &str) -> Result<Self, UnitError> {
        units::duration(text).map(Self)
    }

    fn write(&self) -> String {
        units::duration_text(self.0)
    }
}

impl Quantity for Bytes {
    const WANTED: &'static str = "an amount of data in quotes, with its unit";

    fn read(text: &str) -> Result<Self, UnitError> {
        units::bytes(text).map(Self)
    }

    fn write(&self) -> String {
        units::bytes_text(self.0)
    }
}

impl Quantity for Rate {
    const WANTED: &'static str = "a rate in quotes, with its unit";

    fn read(text: &str) -> Result<Self, UnitError> {
        text.parse()
    }

    fn write(&self) -> String {
        self.to_text()
    }
}

impl Quantity for QueueLimit {
    const WANTED: &'static str = "a size of a queue in quotes, with its unit";

    fn read(text: &str) -> Result<Self, UnitError> {
        text.parse()
    }

    fn write(&self) -> String {
        self.to_text()
    }
}

struct Reader<Q>(core::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Reader<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        Q::read(text).map_err(E::custom)
    }
}

macro_rules! by_text {
    ($($quantity:ty),+) => {
        $(
            impl<'de> Deserialize<'de> for $quantity {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(Reader::<Self>(core::marker::PhantomData))
                }
            }

            impl Serialize for $quantity {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(&self.write())
                }
            }
        )+
    };
}

by_text!(Time, Bytes, Rate, QueueLimit);
