//! Reads rules, and says what is wrong with a text that is none.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use thiserror::Error;

use super::{Condition, End, Rule};

/// Why a text is no rule: what, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct RuleError {
    /// The line of a file, from 1; nothing for a rule given by itself.
    pub line: Option<usize>,
    /// The rule.
    pub rule: String,
    /// What is wrong with it.
    #[source]
    pub problem: RuleProblem,
}

impl RuleError {
    pub(super) fn on_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "rule '{}': {}", self.rule, self.problem)
    }
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// No arrow, or more than one.
    #[error("one arrow is wanted, as in 'port=443 -> bbr'")]
    Arrow,
    /// Nothing that could be an algorithm stands behind the arrow.
    #[error("'{0}' is no algorithm's name; behind the arrow stands one, as in 'port=443 -> bbr'")]
    Algorithm(String),
    /// A condition without `=`.
    #[error("'{0}' is no condition; one is written like port=443")]
    Condition(String),
    /// A condition on something that is not known.
    #[error(
        "'{0}' is not known; there are port, sport, dport, addr, src, dst, uid, cgroup, mark and netns"
    )]
    Key(String),
    /// A value that is not of the wanted kind.
    #[error("'{value}' is no {kind}, as in {example}")]
    Value {
        /// What was written.
        value: String,
        /// What was wanted.
        kind: &'static str,
        /// One of that kind.
        example: &'static str,
    },
    /// A range that holds nothing.
    #[error("'{0}' ends before it begins")]
    EmptyRange(String),
    /// A mark with bits outside its mask, which could never hold.
    #[error("mark={value:#x}/{mask:#x} can never hold: the mark has bits that the mask clears")]
    Masked {
        /// The mark.
        value: u32,
        /// The mask.
        mask: u32,
    },
    /// There is no such cgroup or network namespace.
    #[error("cannot look at {} ({error}); {remedy}", path.display())]
    Missing {
        /// What was looked at.
        path: PathBuf,
        /// What the system said.
        error: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl Rule {
    /// Reads one rule. Cgroups and network namespaces are looked up now: a rule follows the one
    /// that has the name at this time.
    ///
    /// # Errors
    /// The text is no rule, or names a cgroup or network namespace that does not exist.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let error = |problem| RuleError { line: None, rule: text.to_owned(), problem };
        parse(text).map_err(error)
    }
}

fn parse(text: &str) -> Result<Rule, RuleProblem> {
    let mut halves = text.split("->");
    let (Some(conditions), Some(algorithm), None) = (halves.next(), halves.next(), halves.next())
    else {
        return Err(RuleProblem::Arrow);
    };
    let algorithm = algorithm.trim();
    // A wish goes to the agent in the 64 bytes of a Create, one of them NUL.
    let is_name = !algorithm.is_empty()
        && algorithm.len() < ccp_wire::CONG_ALG_LEN
        && algorithm.bytes().all(|b| b.is_ascii_graphic());
    if !is_name {
        return Err(RuleProblem::Algorithm(algorithm.to_owned()));
    }
    let words = conditions.split(|c: char| c.is_whitespace() || c == ',');
    let conditions = words.filter(|word| !word.is_empty()).map(condition);
    Ok(Rule { conditions: conditions.collect::<Result<_, _>>()?, algorithm: algorithm.to_owned() })
}

fn condition(word: &str) -> Result<Condition, RuleProblem> {
    let (key, value) =
        word.split_once('=').ok_or_else(|| RuleProblem::Condition(word.to_owned()))?;
    Ok(match key {
        "port" => Condition::Port(End::Either, ports(value)?),
        "sport" => Condition::Port(End::Near, ports(value)?),
        "dport" => Condition::Port(End::Far, ports(value)?),
        "addr" => Condition::Net(End::Either, net(value)?),
        "src" => Condition::Net(End::Near, net(value)?),
        "dst" => Condition::Net(End::Far, net(value)?),
        "uid" => {
            Condition::Uid(number(value).ok_or_else(|| wrong(value, "user number", "uid=1000"))?)
        }
        "cgroup" => Condition::Cgroup(cgroup(value)?),
        "mark" => mark(value)?,
        "netns" => Condition::Netns(netns(value)?),
        _ => return Err(RuleProblem::Key(key.to_owned())),
    })
}

fn wrong(value: &str, kind: &'static str, example: &'static str) -> RuleProblem {
    RuleProblem::Value { value: value.to_owned(), kind, example }
}

fn ports(value: &str) -> Result<RangeInclusive<u16>, RuleProblem> {
    let port = |text: &str| {
        text.parse::<u16>().map_err(|_| wrong(value, "port or range of ports", "port=8000-8999"))
    };
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(RuleProblem::EmptyRange(value.to_owned()));
    }
    Ok(first..=last)
}

fn net(value: &str) -> Result<IpNet, RuleProblem> {
    let addr = value.parse::<IpAddr>().map(IpNet::from);
    addr.or_else(|_| value.parse())
        .map_err(|_| wrong(value, "address or network", "addr=10.0.0.0/8"))
}

fn mark(text: &str) -> Result<Condition, RuleProblem> {
    let error = || wrong(text, "mark", "mark=0x10/0xf0");
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (number(value), number(mask)),
        None => (number(text), Some(u32::MAX)),
    };
    let (value, mask) = (value.ok_or_else(error)?, mask.ok_or_else(error)?);
    if value & !mask != 0 {
        return Err(RuleProblem::Masked { value, mask });
    }
    Ok(Condition::Mark { value, mask })
}

/// A number, hexadecimal behind `0x`.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        // `from_str_radix` takes a sign.
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        None => None,
    }
}

/// The kernel's number for a cgroup is the inode of its folder (version 2 only).
fn cgroup(value: &str) -> Result<u64, RuleProblem> {
    if !value.starts_with('/') || value.split('/').any(|part| part == "..") {
        return Err(wrong(value, "path of a cgroup", "cgroup=/system.slice/web.service"));
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let top = mount_point(&mounts, "cgroup2").unwrap_or(CGROUPS);
    let path = Path::new(top).join(value.trim_start_matches('/'));
    inode(path, "`systemd-cgls` or `ls /sys/fs/cgroup` lists the cgroups")
}

fn netns(value: &str) -> Result<u64, RuleProblem> {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse().map_err(|_| wrong(value, "inode", "netns=4026531840"));
    }
    let path = match value {
        "" | "." | ".." => return Err(wrong(value, "network namespace", "netns=web")),
        name if name.contains('/') => PathBuf::from(name),
        name => Path::new(NAMESPACES).join(name),
    };
    inode(path, "`ip netns list` lists the named ones")
}

fn inode(path: PathBuf, remedy: &'static str) -> Result<u64, RuleProblem> {
    match fs::metadata(&path) {
        Ok(found) => Ok(found.ino()),
        Err(error) => Err(RuleProblem::Missing { path, error: error.to_string(), remedy }),
    }
}

/// Where the first file system of a type is mounted, from the text of `/proc/self/mounts`.
pub(crate) fn mount_point<'a>(mounts: &'a str, kind: &str) -> Option<&'a str> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let at = words.next()?;
        (words.next()? == kind).then_some(at)
    })
}

/// Where the unified hierarchy of cgroups is mounted, usually.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Where `ip netns add` keeps names.
const NAMESPACES: &str = "/run/netns";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> RuleProblem {
        Rule::parse(text).expect_err("no rule").problem
    }

    #[test]
    fn each_mistake_is_told_with_what_to_write_instead() {
        let told = [
            ("port=443", "rule 'port=443': one arrow is wanted, as in 'port=443 -> bbr'"),
            ("a -> b -> c", "rule 'a -> b -> c': one arrow is wanted, as in 'port=443 -> bbr'"),
            (
                "port=443 ->",
                "rule 'port=443 ->': '' is no algorithm's name; behind the arrow stands one, as in 'port=443 -> bbr'",
            ),
            (
                "443 -> bbr",
                "rule '443 -> bbr': '443' is no condition; one is written like port=443",
            ),
            (
                "prot=443 -> bbr",
                "rule 'prot=443 -> bbr': 'prot' is not known; there are port, sport, dport, addr, src, dst, uid, cgroup, mark and netns",
            ),
            (
                "port=65536 -> bbr",
                "rule 'port=65536 -> bbr': '65536' is no port or range of ports, as in port=8000-8999",
            ),
            ("port=9-8 -> bbr", "rule 'port=9-8 -> bbr': '9-8' ends before it begins"),
            (
                "addr=10/8 -> bbr",
                "rule 'addr=10/8 -> bbr': '10/8' is no address or network, as in addr=10.0.0.0/8",
            ),
            ("uid=-1 -> bbr", "rule 'uid=-1 -> bbr': '-1' is no user number, as in uid=1000"),
            (
                "mark=0x+1 -> bbr",
                "rule 'mark=0x+1 -> bbr': '0x+1' is no mark, as in mark=0x10/0xf0",
            ),
            (
                "mark=0x1f/0xf0 -> bbr",
                "rule 'mark=0x1f/0xf0 -> bbr': mark=0x1f/0xf0 can never hold: the mark has bits that the mask clears",
            ),
            (
                "cgroup=web -> bbr",
                "rule 'cgroup=web -> bbr': 'web' is no path of a cgroup, as in cgroup=/system.slice/web.service",
            ),
            ("netns= -> bbr", "rule 'netns= -> bbr': '' is no network namespace, as in netns=web"),
        ];
        for (text, message) in told {
            assert_eq!(Rule::parse(text).expect_err("no rule").to_string(), message);
        }
    }

    #[test]
    fn what_does_not_exist_is_named_with_where_to_look() {
        let RuleProblem::Missing { path, remedy, .. } = problem("netns=no-such-name -> bbr") else {
            panic!("another problem");
        };
        assert_eq!(path, Path::new("/run/netns/no-such-name"));
        assert!(remedy.contains("ip netns list"));
        assert!(matches!(problem("cgroup=/no/such/group -> bbr"), RuleProblem::Missing { .. }));
    }

    #[test]
    fn a_namespace_may_be_given_by_its_path() {
        let own = fs::metadata("/proc/self/ns/net").expect("a namespace").ino();
        let rule = Rule::parse("netns=/proc/self/ns/net -> bbr").expect("a rule");
        assert_eq!(rule.conditions, [Condition::Netns(own)]);
    }

    #[test]
    fn a_name_that_no_create_can_carry_is_refused() {
        let longest = "x".repeat(63);
        assert!(Rule::parse(&format!("-> {longest}")).is_ok());
        assert!(matches!(problem(&format!("-> {longest}x")), RuleProblem::Algorithm(_)));
        assert!(matches!(problem("-> a b"), RuleProblem::Algorithm(_)));
    }

    proptest! {
        #[test]
        fn any_text_is_a_rule_or_a_typed_error(text in ".{0,80}") {
            let _ = Rule::parse(&text);
        }

        #[test]
        fn any_conditions_are_rules_or_typed_errors(
            text in "((port|mark|addr|uid|netns|cgroup)=[0-9a-fx./:-]{0,12}[, ]){0,4}-> [a-z]{0,4}"
        ) {
            let _ = Rule::parse(&text);
        }
    }
}
