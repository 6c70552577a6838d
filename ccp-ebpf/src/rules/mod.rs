//! Rules that choose the algorithm of a socket which asked for plain `ccp`.
//!
//! A rule is a list of conditions, an arrow and an algorithm: `dport=443 uid=1000 -> bbr`. All
//! conditions of a rule must hold; of several rules the first that holds wins; where none does the
//! agent's default governs. A socket that asked for an algorithm by name (`ccp_bbr`) gets that one,
//! whatever the rules say.
//!
//! | condition | holds when |
//! | --- | --- |
//! | `port=443`, `port=8000-8999` | either end has that port, or one of the range |
//! | `sport=…`, `dport=…` | this end has it; the far end has it |
//! | `addr=10.0.0.0/8`, `addr=2001:db8::1` | either end lies in that network, or has that address |
//! | `src=…`, `dst=…` | this end does; the far end does |
//! | `uid=1000` | the socket belongs to that user |
//! | `cgroup=/system.slice/x.service` | the socket was made in that cgroup (itself, not one below) |
//! | `mark=0x10`, `mark=0x10/0xf0` | the socket's mark is that, under the mask |
//! | `netns=web`, `netns=4026531840` | the socket is in that network namespace, by its name under `/run/netns`, its path or its inode |
//!
//! A rule without conditions holds always: `-> cubic`. In a file each line is a rule, `#` begins a
//! comment.

mod parse;

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

pub(crate) use parse::mount_point;
pub use parse::{RuleError, RuleProblem};

/// What rules look at: who made a socket, and what it joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// This end.
    pub src: IpAddr,
    /// This end's port.
    pub sport: u16,
    /// The far end.
    pub dst: IpAddr,
    /// The far end's port.
    pub dport: u16,
    /// The user whom the socket belongs to.
    pub uid: u32,
    /// The inode of the cgroup in which the socket was made; 0 where the kernel has none.
    pub cgroup: u64,
    /// The socket's mark (`SO_MARK`).
    pub mark: u32,
    /// The inode of its network namespace.
    pub netns: u64,
}

/// Rules in the order in which they were given; the first that holds wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// One rule; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    conditions: Vec<Condition>,
    algorithm: String,
}

/// What must hold of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Port(End, RangeInclusive<u16>),
    Net(End, IpNet),
    Uid(u32),
    Cgroup(u64),
    Mark { value: u32, mask: u32 },
    Netns(u64),
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Near,
    Far,
    Either,
}

impl Rules {
    /// Adds one rule behind those that are there.
    ///
    /// # Errors
    /// The text is no rule, or names a cgroup or network namespace that does not exist.
    pub fn push(&mut self, text: &str) -> Result<(), RuleError> {
        self.0.push(Rule::parse(text)?);
        Ok(())
    }

    /// Adds the rules of a file's text, one a line.
    ///
    /// # Errors
    /// The first line that is no rule. Nothing has been added then.
    pub fn push_lines(&mut self, text: &str) -> Result<(), RuleError> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            // No value of a condition has this character in it.
            let line = line.split('#').next().unwrap_or_default();
            if !line.trim().is_empty() {
                let rule = Rule::parse(line).map_err(|error| error.on_line(index + 1))?;
                rules.push(rule);
            }
        }
        self.0.append(&mut rules);
        Ok(())
    }

    /// The algorithm of the first rule that holds.
    #[must_use]
    pub fn choose(&self, origin: &Origin) -> Option<&str> {
        self.0.iter().find(|rule| rule.holds(origin)).map(Rule::algorithm)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

impl Rule {
    /// The algorithm that it chooses.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Whether all of its conditions hold.
    #[must_use]
    pub fn holds(&self, origin: &Origin) -> bool {
        self.conditions.iter().all(|condition| condition.holds(origin))
    }
}

impl Condition {
    fn holds(&self, origin: &Origin) -> bool {
        match self {
            Self::Port(end, range) => end.any(origin.sport, origin.dport, |p| range.contains(&p)),
            Self::Net(end, net) => end.any(origin.src, origin.dst, |addr| net.contains(&addr)),
            Self::Uid(uid) => *uid == origin.uid,
            // An absent cgroup is no cgroup's child.
            Self::Cgroup(inode) => *inode == origin.cgroup,
            Self::Mark { value, mask } => origin.mark & mask == value & mask,
            Self::Netns(inode) => *inode == origin.netns,
        }
    }
}

impl End {
    /// Whether something holds of the ends that are meant.
    fn any<T>(self, near: T, far: T, holds: impl Fn(T) -> bool) -> bool {
        match self {
            Self::Near => holds(near),
            Self::Far => holds(far),
            Self::Either => holds(near) || holds(far),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            src: "10.0.0.1".parse().expect("an address"),
            sport: 40_000,
            dst: "192.0.2.7".parse().expect("an address"),
            dport: 443,
            uid: 1000,
            cgroup: 77,
            mark: 0x1234,
            netns: 4_026_531_840,
        }
    }

    fn holds(text: &str) -> bool {
        Rule::parse(&format!("{text} -> reno")).expect("a rule").holds(&origin())
    }

    #[test]
    fn a_port_is_looked_for_at_the_end_that_is_meant() {
        assert!(holds("port=443") && holds("port=40000") && !holds("port=80"));
        assert!(holds("dport=443") && !holds("sport=443"));
        assert!(holds("sport=40000") && !holds("dport=40000"));
        assert!(holds("dport=443-443") && holds("dport=400-500") && !holds("dport=444-500"));
    }

    #[test]
    fn an_address_may_be_a_network() {
        assert!(holds("addr=10.0.0.0/8") && holds("addr=192.0.2.7") && !holds("addr=10.1.0.0/16"));
        assert!(holds("src=10.0.0.0/8") && !holds("dst=10.0.0.0/8"));
        assert!(holds("dst=192.0.2.0/24") && !holds("src=192.0.2.0/24"));
        assert!(!holds("addr=::/0"), "no address of the other family");
        assert!(holds("addr=0.0.0.0/0"));
    }

    #[test]
    fn marks_are_compared_under_their_mask() {
        assert!(holds("mark=0x1234") && holds("mark=4660") && !holds("mark=0x1235"));
        assert!(holds("mark=0x30/0xf0") && !holds("mark=0x40/0xf0"));
    }

    #[test]
    fn users_and_namespaces_are_compared_by_number() {
        assert!(holds("uid=1000") && !holds("uid=0"));
        assert!(holds("netns=4026531840") && !holds("netns=1"));
    }

    #[test]
    fn all_conditions_of_a_rule_must_hold() {
        assert!(holds("dport=443 uid=1000") && holds("dport=443,uid=1000"));
        assert!(!holds("dport=443 uid=0"));
    }

    #[test]
    fn the_first_rule_that_holds_wins() {
        let mut rules = Rules::default();
        let text = "# who goes where\n\ndport=80 -> reno # no\nuid=1000 -> bbr\n-> cubic\n";
        rules.push_lines(text).expect("rules");
        assert_eq!(rules.choose(&origin()), Some("bbr"));
        assert_eq!(rules.choose(&Origin { uid: 1, ..origin() }), Some("cubic"));
        assert_eq!(rules.choose(&Origin { dport: 80, ..origin() }), Some("reno"));
        assert_eq!(Rules::default().choose(&origin()), None);
    }

    #[test]
    fn a_file_with_a_mistake_adds_nothing_and_names_the_line() {
        let mut rules = Rules::default();
        let error = rules.push_lines("-> reno\n\nport=x -> bbr\n").expect_err("a mistake");
        assert_eq!(error.line, Some(3));
        assert_eq!(rules.iter().count(), 0);
    }
}
