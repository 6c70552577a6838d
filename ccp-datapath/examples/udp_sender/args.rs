//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::link::LinkConfig;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) link: LinkConfig,
    /// How long to send; without end if not given.
    pub(crate) time: Option<Duration>,
    /// Bytes per second that the application writes; as much as fits if not given.
    pub(crate) app_rate: Option<u64>,
    /// Our socket's name.
    pub(crate) name: String,
    /// The agent's.
    pub(crate) agent: String,
    pub(crate) ipc_dir: Option<PathBuf>,
    /// The algorithm to ask the agent for.
    pub(crate) alg: String,
    pub(crate) json: bool,
}

impl Args {
    /// Reads the arguments after the program's name. `Ok(None)`: show the help.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut parsed = Self::default();
        while let Some(flag) = args.next() {
            let (flag, attached) = match flag.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
                None => (flag, None),
            };
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--json" => {
                    parsed.json = true;
                    continue;
                }
                known if WITH_VALUE.contains(&known) => {}
                _ => return Err(format!("unknown argument {flag}")),
            }
            let Some(value) = attached.or_else(|| args.next()) else {
                return Err(format!("{flag} needs a value"));
            };
            if let Err(what) = parsed.set(&flag, &value) {
                return Err(format!("{flag} {value}: not {what}"));
            }
        }
        Ok(Some(parsed))
    }

    /// Sets what `flag` stands for, or says what its value should be.
    fn set(&mut self, flag: &str, value: &str) -> Result<(), &'static str> {
        const RATE: &str = "a rate like 24mbit";
        const TIME: &str = "a time like 20ms";
        const QUEUE: &str = "a queue like 40p";
        match flag {
            "--rate" => self.link.rate = bits(value).ok_or(RATE)?,
            "--rtt" => self.link.rtt = duration(value).ok_or(TIME)?,
            "--queue" => self.link.queue = packets(value).ok_or(QUEUE)?,
            "--ecn" => self.link.ecn = Some(packets(value).ok_or(QUEUE)?),
            "--loss" => {
                let share = value.parse().ok().filter(|p| (0.0..=1.0).contains(p));
                self.link.loss = share.ok_or("a share from 0 to 1")?;
            }
            "--time" => self.time = Some(duration(value).ok_or(TIME)?),
            "--app-rate" => self.app_rate = Some(bits(value).ok_or(RATE)? / 8),
            "--alg" if value.len() >= ccp_wire::CONG_ALG_LEN || value.contains('\0') => {
                return Err("a name of at most 63 bytes");
            }
            "--alg" => self.alg = value.into(),
            "--name" => self.name = value.into(),
            "--agent" => self.agent = value.into(),
            _ => self.ipc_dir = Some(value.into()),
        }
        Ok(())
    }
}

const WITH_VALUE: [&str; 11] = [
    "--rate",
    "--rtt",
    "--queue",
    "--ecn",
    "--loss",
    "--time",
    "--app-rate",
    "--alg",
    "--name",
    "--agent",
    "--ipc-dir",
];

impl Default for Args {
    fn default() -> Self {
        Self {
            link: LinkConfig {
                rate: 24_000_000,
                rtt: Duration::from_millis(20),
                queue: 40,
                loss: 0.0,
                ecn: None,
            },
            time: None,
            app_rate: None,
            name: format!("udp-sender-{}", std::process::id()),
            agent: "portus".into(),
            ipc_dir: None,
            alg: String::new(),
            json: false,
        }
    }
}

/// The help text.
pub(crate) const HELP: &str = "\
Sends data over an emulated link on the loopback interface, governed by a CCP agent if there is one.

usage: udp_sender [FLAG VALUE]...

  --rate BITS      the link's rate in bits/s, like 24mbit (the default)
  --rtt TIME       its base round trip time, like 20ms (the default)
  --queue PACKETS  how many packets may wait, like 40p (the default)
  --loss P         share of packets lost at random, 0 to 1
  --ecn PACKETS    mark packets that find more than this many waiting
  --time TIME      stop after this time; without it, at SIGINT or SIGTERM
  --app-rate BITS  what the application writes; without it, all it can
  --alg NAME       the algorithm to ask the agent for
  --agent NAME     the agent's socket (default: portus)
  --name NAME      our own socket (default: udp-sender-PID)
  --ipc-dir DIR    the folder of both (default: $CCP_IPC_DIR, or /tmp/ccp)
  --json           print the result as one line of JSON on stdout
  -h, --help       this text

exit status: 0 done, also after a signal; 1 failed; 2 wrong usage";

/// `24mbit`, `500kbit`, `1gbit`, `9600` or `9600bit`; more than nothing.
fn bits(text: &str) -> Option<u64> {
    let text = text.strip_suffix("bit").unwrap_or(text);
    let (number, unit) = number_and_unit(text)?;
    let scale = match unit {
        "" => 1e0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        _ => return None,
    };
    // Beyond this, a packet takes no time any more.
    Some((number * scale) as u64).filter(|bits| (1_000..=100_000_000_000).contains(bits))
}

/// `20ms`, `250us`, `1.5s`; at most a year.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1e0,
        "min" => 60e0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * scale).ok().filter(|time| *time <= A_YEAR)
}

/// `40p` or `40`.
fn packets(text: &str) -> Option<usize> {
    text.strip_suffix('p').unwrap_or(text).parse().ok()
}

fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

const A_YEAR: Duration = Duration::from_secs(366 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_units() {
        assert_eq!(bits("24mbit"), Some(24_000_000));
        assert_eq!(bits("1.5gbit"), Some(1_500_000_000));
        assert_eq!(bits("0"), None);
        assert_eq!(bits("9 lives"), None);
        assert_eq!(duration("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(duration("-1s"), None);
        assert_eq!(packets("40p"), Some(40));
        assert_eq!(packets("p"), None);
    }

    #[test]
    fn wrong_arguments_are_named() {
        let parse = |args: &[&str]| Args::parse(args.iter().map(|a| (*a).to_owned()));
        let error = parse(&["--rate", "fast"]).expect_err("no rate");
        assert_eq!(error, "--rate fast: not a rate like 24mbit");
        assert_eq!(parse(&["--speed"]).expect_err("no flag"), "unknown argument --speed");
        assert!(parse(&["--help"]).is_ok_and(|args| args.is_none()));
        assert!(parse(&["--time=2s", "--json"]).is_ok());
    }
}
