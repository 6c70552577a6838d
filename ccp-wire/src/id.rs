//! The two numbers by which agent and datapath name things to each other.

use core::fmt;

/// A flow of one datapath.
///
/// The datapath chooses it and may use it again as soon as the flow has closed. Two datapaths may
/// use the same number, so an agent keeps flows by datapath and id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// A program in a datapath's table, numbered by the agent from 1 in each of its runs.
///
/// 0 names no program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramUid(pub u32);

macro_rules! plain_number {
    ($id:ident) => {
        impl From<u32> for $id {
            #[inline]
            fn from(id: u32) -> Self {
                Self(id)
            }
        }

        impl From<$id> for u32 {
            #[inline]
            fn from(id: $id) -> Self {
                id.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

plain_number!(FlowId);
plain_number!(ProgramUid);

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn ids_are_their_numbers() {
        assert_eq!(u32::from(FlowId::from(7)), 7);
        assert_eq!(FlowId(7).to_string(), "7");
        assert_eq!(std::format!("{:03}", ProgramUid(7)), "007");
        assert!(ProgramUid(1) < ProgramUid(2));
    }
}
