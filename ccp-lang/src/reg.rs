//! Registers as programs and messages name them: a class and an index.

use core::fmt;

use crate::primitive::Primitive;

/// "Infinity" of the language: what a missing RTT sample reads as, and what `+infinity` means.
///
/// Deliberately not `u64::MAX`: published programs multiply it.
pub const INFINITY: u64 = 4_294_967_295;

/// An initial value of this number means [`INFINITY`] too, as in libccp. Elsewhere it is itself.
pub const DEF_INFINITY: u32 = 0x3FFF_FFFF;

macro_rules! classes {
    ($( $code:literal $name:ident $prefix:literal $doc:literal )+) => {
        /// A kind of register; the discriminant is its code on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Class {
            $( #[doc = $doc] $name = $code, )+
        }

        impl Class {
            /// Every class, in the order of their codes.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The class of a wire code.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $( $code => Some(Self::$name), )+
                    _ => None,
                }
            }

            /// What stands before the index in the printed form.
            #[must_use]
            pub const fn prefix(self) -> &'static str {
                match self {
                    $( Self::$name => $prefix, )+
                }
            }
        }
    };
}

classes! {
    0 Control         "control"   "Set by the agent, keeps its value. Shares its indices with `VolatileControl`."
    1 Immediate       "#"         "A constant: the index is the value, 0xFFFF_FFFF is [`INFINITY`]."
    2 Implicit        "implicit"  "The machine's own: eventFlag, shouldContinue, shouldReport, Micros, Cwnd, Rate."
    3 Local           "local"     "A variable of the program that is never reported or set."
    4 Primitive       "primitive" "What the transport measured ([`Primitive`]); read-only."
    5 VolatileReport  "vreport"   "Reported, then back to its initial value. Shares its indices with `Report`."
    6 Report          "report"    "Reported, keeps its value."
    7 Temp            "tmp"       "Intermediate results of one expression."
    8 VolatileControl "vcontrol"  "Set by the agent, back to its initial value after each report."
}

impl Class {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A register: any class with any index, not yet checked against what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg {
    /// The kind of register.
    pub class: Class,
    /// Which one of its kind; the value itself for [`Class::Immediate`].
    pub index: u32,
}

impl Reg {
    /// Non-zero when the event's condition holds.
    pub const EVENT_FLAG: Self = Self::new(Class::Implicit, 0);
    /// Non-zero when the events after this one are evaluated too.
    pub const SHOULD_CONTINUE: Self = Self::new(Class::Implicit, 1);
    /// Non-zero when the invocation ends with a report.
    pub const SHOULD_REPORT: Self = Self::new(Class::Implicit, 2);
    /// Microseconds since the program began or last wrote it.
    pub const MICROS: Self = Self::new(Class::Implicit, 3);
    /// The congestion window in bytes.
    pub const CWND: Self = Self::new(Class::Implicit, 4);
    /// The pacing rate in bytes per second; 0 leaves pacing to the transport.
    pub const RATE: Self = Self::new(Class::Implicit, 5);

    /// A register of `class`.
    #[must_use]
    pub const fn new(class: Class, index: u32) -> Self {
        Self { class, index }
    }

    /// A constant.
    #[must_use]
    pub const fn immediate(value: u32) -> Self {
        Self::new(Class::Immediate, value)
    }

    /// A control register.
    #[must_use]
    pub const fn control(index: u32) -> Self {
        Self::new(Class::Control, index)
    }

    /// A control register that goes back to its initial value after each report.
    #[must_use]
    pub const fn volatile_control(index: u32) -> Self {
        Self::new(Class::VolatileControl, index)
    }

    /// A report register that keeps its value.
    #[must_use]
    pub const fn report(index: u32) -> Self {
        Self::new(Class::Report, index)
    }

    /// A report register that goes back to its initial value after each report.
    #[must_use]
    pub const fn volatile_report(index: u32) -> Self {
        Self::new(Class::VolatileReport, index)
    }

    /// A local.
    #[must_use]
    pub const fn local(index: u32) -> Self {
        Self::new(Class::Local, index)
    }

    /// A temporary.
    #[must_use]
    pub const fn temp(index: u32) -> Self {
        Self::new(Class::Temp, index)
    }

    /// What the transport measured.
    #[must_use]
    pub const fn primitive(primitive: Primitive) -> Self {
        Self::new(Class::Primitive, primitive.index())
    }

    /// Whether instructions may write this class of register.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        !matches!(self.class, Class::Immediate | Class::Primitive)
    }

    /// Whether this is a control register of either kind.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self.class, Class::Control | Class::VolatileControl)
    }

    /// Whether this is a report register of either kind.
    #[must_use]
    pub const fn is_report(self) -> bool {
        matches!(self.class, Class::Report | Class::VolatileReport)
    }

    /// Whether a report sets this register back to its initial value.
    #[must_use]
    pub const fn is_volatile(self) -> bool {
        matches!(self.class, Class::VolatileReport | Class::VolatileControl)
    }
}

/// The form that the printed program uses: `tmp.0`, `#5`, `#inf`, `Cwnd`, `Ack.bytes_acked`.
impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.class, self.index) {
            (Class::Immediate, u32::MAX) => f.write_str("#inf"),
            (Class::Immediate, value) => write!(f, "#{value}"),
            (class, index) => {
                let name = match class {
                    Class::Implicit => IMPLICIT_NAMES.get(index as usize).copied(),
                    Class::Primitive => Primitive::from_index(index).map(Primitive::name),
                    _ => None,
                };
                match name {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}.{index}", class.prefix()),
                }
            }
        }
    }
}

/// The implicit registers by index, as the language and the printed form call them.
pub(crate) const IMPLICIT_NAMES: [&str; 6] =
    ["eventFlag", "shouldContinue", "shouldReport", "Micros", "Cwnd", "Rate"];

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn codes_are_those_of_the_wire_and_map_back() {
        for (code, &class) in Class::ALL.iter().enumerate() {
            assert_eq!(usize::from(class.code()), code);
            assert_eq!(Class::from_code(class.code()), Some(class));
        }
        assert_eq!(Class::from_code(9), None);
    }

    #[test]
    fn registers_print_by_their_names() {
        assert_eq!(Reg::CWND.to_string(), "Cwnd");
        assert_eq!(Reg::temp(3).to_string(), "tmp.3");
        assert_eq!(Reg::volatile_report(0).to_string(), "vreport.0");
        assert_eq!(Reg::immediate(7).to_string(), "#7");
        assert_eq!(Reg::immediate(u32::MAX).to_string(), "#inf");
        assert_eq!(Reg::primitive(Primitive::FlowRttSampleUs).to_string(), "Flow.rtt_sample_us");
        assert_eq!(Reg::new(Class::Primitive, 63).to_string(), "primitive.63");
        assert_eq!(Reg::new(Class::Implicit, 9).to_string(), "implicit.9");
    }
}
