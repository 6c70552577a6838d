//! A scenario as a file: TOML with units.
//!
//! The form is apart from [`Scenario`], so that the value may change without breaking files. A key that is not known is
//! an error, with its line.

mod link;
mod text;

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Cross, Flow, Link, Outage, Pacing, Rate, Scenario, Source, Trace, TraceError};

use link::LinkForm;
use text::{Bytes, Time};

/// Why a text is no scenario, or a scenario cannot be written as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// It is not TOML, or not in this form; the message says where.
    #[error("the scenario is not in its form")]
    Form(#[source] toml::de::Error),
    /// A trace could not be loaded.
    #[error("the trace {name} cannot be loaded")]
    Load {
        /// What the scenario calls it.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// What was loaded is no trace.
    #[error("{name} is no trace")]
    Trace {
        /// What the scenario calls it.
        name: String,
        /// Why.
        #[source]
        source: TraceError,
    },
    /// A link needs one of the two.
    #[error("a link has either a rate or a trace")]
    RateOrTrace,
    /// It cannot be written: a number is too large for TOML.
    #[error("the scenario cannot be written")]
    Write(#[source] toml::ser::Error),
}

impl Scenario {
    /// Reads a scenario in TOML. `load` gives the text of a trace by the name that the scenario has for it: mostly a
    /// file beside the scenario's own.
    ///
    /// ```
    /// use ccp_sim::Scenario;
    ///
    /// let text = r#"
    ///     time = "30s"
    ///
    ///     [link]
    ///     rate = "96mbit"
    ///     rtt = "20ms"
    ///     queue = "160p"
    ///
    ///     [[flow]]
    ///     alg = "reno"
    ///     count = 2
    /// "#;
    /// let scenario = Scenario::from_toml(text, |name| std::fs::read_to_string(name))?;
    /// assert_eq!(scenario.flows.len(), 2);
    /// # Ok::<(), ccp_sim::FormError>(())
    /// ```
    ///
    /// # Errors
    /// It is not in the form, or a trace cannot be loaded.
    pub fn from_toml<E>(
        text: &str,
        load: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Self, FormError>
    where
        E: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let form: Form = toml::from_str(text).map_err(FormError::Form)?;
        form.scenario(load)
    }

    /// Writes it in TOML, a trace by its name.
    ///
    /// # Errors
    /// A number is too large for TOML.
    pub fn to_toml(&self) -> Result<String, FormError> {
        toml::to_string(&Form::of(self)).map_err(FormError::Write)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measure_from: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_every: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    watch: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipc_delay: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipc_loss: Option<f64>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    libccp: bool,
    link: LinkForm,
    #[serde(default, rename = "flow", skip_serializing_if = "Vec::is_empty")]
    flows: Vec<FlowForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cross: Vec<CrossForm>,
    #[serde(default, rename = "outage", skip_serializing_if = "Vec::is_empty")]
    outages: Vec<OutageForm>,
}

impl Form {
    fn of(scenario: &Scenario) -> Self {
        // All by name: a new field cannot be forgotten here.
        let Scenario {
            link,
            flows,
            time,
            measure_from,
            seed,
            ipc_delay,
            cross,
            ipc_loss,
            libccp,
            outages,
            sample_every,
            watch,
        } = scenario;
        Self {
            time: Some(Time(*time)),
            measure_from: Some(Time(*measure_from)),
            seed: Some(*seed),
            sample_every: Some(Time(*sample_every)),
            watch: watch.clone(),
            ipc_delay: Some(Time(*ipc_delay)),
            ipc_loss: Some(*ipc_loss),
            libccp: *libccp,
            link: LinkForm::of(link),
            flows: flows.iter().map(FlowForm::of).collect(),
            cross: cross.iter().map(CrossForm::of).collect(),
            outages: outages.iter().map(OutageForm::of).collect(),
        }
    }

    fn scenario<E>(self, load: impl FnMut(&str) -> Result<String, E>) -> Result<Scenario, FormError>
    where
        E: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let mut scenario = Scenario::new(self.link.link(load)?);
        let times = [
            (&mut scenario.time, self.time),
            (&mut scenario.measure_from, self.measure_from),
            (&mut scenario.sample_every, self.sample_every),
            (&mut scenario.ipc_delay, self.ipc_delay),
        ];
        for (time, given) in times {
            if let Some(Time(given)) = given {
                *time = given;
            }
        }
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        scenario.ipc_loss = self.ipc_loss.unwrap_or(scenario.ipc_loss);
        scenario.watch = self.watch;
        scenario.libccp = self.libccp;
        if !self.flows.is_empty() {
            scenario.flows = self.flows.into_iter().flat_map(FlowForm::flows).collect();
        }
        scenario.cross = self.cross.into_iter().map(CrossForm::cross).collect();
        scenario.outages = self.outages.into_iter().map(OutageForm::outage).collect();
        Ok(scenario)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FlowForm {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    alg: String,
    /// So many alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mss: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overhead: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    init_cwnd: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receive_window: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra_rtt: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pacing: Option<PacingForm>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    ecn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceForm>,
}

impl FlowForm {
    fn of(flow: &Flow) -> Self {
        let Flow {
            alg,
            source,
            start,
            stop,
            mss,
            overhead,
            init_cwnd,
            receive_window,
            extra_rtt,
            pacing,
            ecn,
        } = flow;
        Self {
            alg: alg.clone(),
            count: None,
            start: Some(Time(*start)),
            stop: stop.map(Time),
            mss: Some(*mss),
            overhead: Some(*overhead),
            init_cwnd: Some(*init_cwnd),
            receive_window: (*receive_window < u64::MAX).then_some(Bytes(*receive_window)),
            extra_rtt: Some(Time(*extra_rtt)),
            pacing: Some(match pacing {
                Pacing::Window => PacingForm::Window,
                Pacing::Off => PacingForm::Off,
            }),
            ecn: *ecn,
            source: SourceForm::of(*source),
        }
    }

    fn flows(self) -> impl Iterator<Item = Flow> {
        let plain = Flow::default();
        let flow = Flow {
            alg: self.alg,
            source: self.source.map_or(plain.source, SourceForm::source),
            start: self.start.map_or(plain.start, |Time(time)| time),
            stop: self.stop.map(|Time(time)| time),
            mss: self.mss.unwrap_or(plain.mss),
            overhead: self.overhead.unwrap_or(plain.overhead),
            init_cwnd: self.init_cwnd.unwrap_or(plain.init_cwnd),
            receive_window: self.receive_window.map_or(plain.receive_window, |Bytes(bytes)| bytes),
            extra_rtt: self.extra_rtt.map_or(plain.extra_rtt, |Time(time)| time),
            pacing: match self.pacing {
                Some(PacingForm::Window) => Pacing::Window,
                None | Some(PacingForm::Off) => Pacing::Off,
            },
            ecn: self.ecn,
        };
        core::iter::repeat_n(flow, usize::from(self.count.unwrap_or(1)))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum PacingForm {
    Window,
    Off,
}

/// What there is to send, if it is not unlimited.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum SourceForm {
    Bytes(Bytes),
    Steady(Rate),
    Chunks { bytes: Bytes, every: Time },
    OnOff { on: Time, off: Time },
}

impl SourceForm {
    fn of(source: Source) -> Option<Self> {
        Some(match source {
            Source::Unlimited => return None,
            Source::Bytes(bytes) => Self::Bytes(Bytes(bytes)),
            Source::Steady(rate) => Self::Steady(rate),
            Source::Chunks { bytes, every } => {
                Self::Chunks { bytes: Bytes(bytes), every: Time(every) }
            }
            Source::OnOff { on, off } => Self::OnOff { on: Time(on), off: Time(off) },
        })
    }

    fn source(self) -> Source {
        match self {
            Self::Bytes(Bytes(bytes)) => Source::Bytes(bytes),
            Self::Steady(rate) => Source::Steady(rate),
            Self::Chunks { bytes: Bytes(bytes), every: Time(every) } => {
                Source::Chunks { bytes, every }
            }
            Self::OnOff { on: Time(on), off: Time(off) } => Source::OnOff { on, off },
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CrossForm {
    rate: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packet: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_off: Option<(Time, Time)>,
}

impl CrossForm {
    fn of(cross: &Cross) -> Self {
        let Cross { rate, packet, start, stop, on_off } = cross;
        Self {
            rate: *rate,
            packet: Some(*packet),
            start: Some(Time(*start)),
            stop: stop.map(Time),
            on_off: on_off.map(|(on, off)| (Time(on), Time(off))),
        }
    }

    fn cross(self) -> Cross {
        let plain = Cross::new(self.rate);
        Cross {
            packet: self.packet.unwrap_or(plain.packet),
            start: self.start.map_or(plain.start, |Time(time)| time),
            stop: self.stop.map(|Time(time)| time),
            on_off: self.on_off.map(|(Time(on), Time(off))| (on, off)),
            ..plain
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OutageForm {
    from: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

impl OutageForm {
    fn of(outage: &Outage) -> Self {
        Self { from: Time(outage.from), until: outage.until.map(Time) }
    }

    fn outage(self) -> Outage {
        let Time(from) = self.from;
        let until: Option<Duration> = self.until.map(|Time(time)| time);
        Outage { from, until }
    }
}

fn load_trace<E>(
    name: &str,
    mut load: impl FnMut(&str) -> Result<String, E>,
) -> Result<Trace, FormError>
where
    E: Into<Box<dyn core::error::Error + Send + Sync>>,
{
    let text = load(name)
        .map_err(|source| FormError::Load { name: name.to_owned(), source: source.into() })?;
    Trace::parse(name, &text).map_err(|source| FormError::Trace { name: name.to_owned(), source })
}

/// A link given neither a rate nor a trace, or both, is refused.
fn rate_or_trace<E>(
    rate: Option<Rate>,
    trace: Option<String>,
    rtt: Duration,
    load: impl FnMut(&str) -> Result<String, E>,
) -> Result<Link, FormError>
where
    E: Into<Box<dyn core::error::Error + Send + Sync>>,
{
    match (rate, trace) {
        (Some(rate), None) => Ok(Link::new(rate, rtt)),
        (None, Some(name)) => Ok(Link::with_trace(load_trace(&name, load)?, rtt)),
        _ => Err(FormError::RateOrTrace),
    }
}
