//! A link in TOML.

use serde::{Deserialize, Serialize};

use super::text::Time;
use super::{FormError, rate_or_trace};
use crate::link::{Aqm, Change, Link, Loss, QueueLimit, Reordering};
use crate::rate::Rate;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LinkForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    rtt: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<QueueLimit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jitter: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aqm: Option<AqmForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<LossForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reordering: Option<ReorderingForm>,
    #[serde(default, rename = "change", skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeForm>,
}

impl LinkForm {
    pub(super) fn of(link: &Link) -> Self {
        let Link { rate, trace, rtt, queue, aqm, loss, jitter, reordering, changes } = link;
        Self {
            rate: trace.is_none().then_some(*rate),
            trace: trace.as_ref().map(|trace| trace.name().to_owned()),
            rtt: Time(*rtt),
            queue: Some(*queue),
            jitter: (!jitter.is_zero()).then_some(Time(*jitter)),
            aqm: AqmForm::of(*aqm),
            loss: LossForm::of(*loss),
            reordering: reordering.map(|late| ReorderingForm {
                probability: late.probability,
                delay: Time(late.delay),
            }),
            changes: changes.iter().map(ChangeForm::of).collect(),
        }
    }

    pub(super) fn link<E>(
        self,
        load: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Link, FormError>
    where
        E: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let Time(rtt) = self.rtt;
        let plain = rate_or_trace(self.rate, self.trace, rtt, load)?;
        Ok(Link {
            queue: self.queue.unwrap_or(plain.queue),
            aqm: self.aqm.map_or(plain.aqm, AqmForm::aqm),
            loss: self.loss.map_or(plain.loss, LossForm::loss),
            jitter: self.jitter.map_or(plain.jitter, |Time(time)| time),
            reordering: self.reordering.map(|late| {
                let Time(delay) = late.delay;
                Reordering { probability: late.probability, delay }
            }),
            changes: self.changes.into_iter().map(ChangeForm::change).collect(),
            ..plain
        })
    }
}

/// What happens before the queue is full: `aqm = "codel"`, or a table with one key.
#[derive(Deserialize, Serialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "\"codel\", { target, interval } or { threshold }"
)]
enum AqmForm {
    Named(AqmName),
    Codel { target: Time, interval: Time },
    Threshold { threshold: QueueLimit },
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AqmName {
    DropTail,
    Codel,
}

impl AqmForm {
    fn of(aqm: Aqm) -> Option<Self> {
        match aqm {
            Aqm::DropTail => None,
            Aqm::Threshold(threshold) => Some(Self::Threshold { threshold }),
            Aqm::Codel { target, interval } => {
                Some(Self::Codel { target: Time(target), interval: Time(interval) })
            }
        }
    }

    fn aqm(self) -> Aqm {
        match self {
            Self::Named(AqmName::DropTail) => Aqm::DropTail,
            Self::Named(AqmName::Codel) => Aqm::codel(),
            Self::Threshold { threshold } => Aqm::Threshold(threshold),
            Self::Codel { target: Time(target), interval: Time(interval) } => {
                Aqm::Codel { target, interval }
            }
        }
    }
}

/// Which packets are lost: `loss = 0.01`, or a table.
#[derive(Deserialize, Serialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a probability, { enter, leave }, { part, mean-length } or { every }"
)]
enum LossForm {
    Random(f64),
    Burst {
        enter: f64,
        leave: f64,
    },
    BurstOf {
        part: f64,
        #[serde(rename = "mean-length")]
        mean_length: f64,
    },
    Every {
        every: u64,
    },
}

impl LossForm {
    fn of(loss: Loss) -> Option<Self> {
        match loss {
            Loss::None => None,
            Loss::Random(probability) => Some(Self::Random(probability)),
            Loss::Burst { enter, leave } => Some(Self::Burst { enter, leave }),
            Loss::Every(every) => Some(Self::Every { every }),
        }
    }

    fn loss(self) -> Loss {
        match self {
            Self::Random(probability) => Loss::Random(probability),
            Self::Burst { enter, leave } => Loss::Burst { enter, leave },
            Self::BurstOf { part, mean_length } => Loss::burst(part, mean_length),
            Self::Every { every } => Loss::Every(every),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReorderingForm {
    probability: f64,
    delay: Time,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rtt: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<LossForm>,
}

impl ChangeForm {
    fn of(change: &Change) -> Self {
        let Change { at, rate, rtt, loss } = change;
        Self {
            at: Time(*at),
            rate: *rate,
            rtt: rtt.map(Time),
            // Here nothing would mean that it stays.
            loss: loss.map(|loss| LossForm::of(loss).unwrap_or(LossForm::Random(0.0))),
        }
    }

    fn change(self) -> Change {
        let Time(at) = self.at;
        Change {
            at,
            rate: self.rate,
            rtt: self.rtt.map(|Time(rtt)| rtt),
            loss: self.loss.map(LossForm::loss),
        }
    }
}
